"""A customer's backend for tests: as good or as bad as a test wants, and with a memory.

    backend = FakeBackend()
    backend.start()                         # a free port on loopback; the thread is a daemon
    backend.on('message', say('Hello ', 'there.'))       # from now on, for this type
    backend.next(status(500, b'oh no'), cut(tts('Hel')))  # the next two requests, whatever type
    request = backend.wait(type='message')[0]
    assert request.json['text'] == 'hi' and request.signed

An answer is an async function `answer(request, reply)`. Those that tests need most are made below
(say, status, plain, empty, cut, never, endless, …); anything else is written in the test, with
the methods of Reply: down to single bytes, pauses, and how the connection ends.

Answers wait for tests by gates, not by time: `await reply.gate('go')` until `backend.open('go')`.

Everything runs in a thread of its own, so tests may be ordinary or asyncio functions. Only the
standard library is used: also runnable as `python fake_backend.py PORT` to play with.
"""
import asyncio
import contextlib
import dataclasses
import hashlib
import hmac
import json
import socket
import ssl
import struct
import sys
import threading
import time

SECRET = 'whsec_test'
TOLERANCE_S = 300


# ---- what was asked ----

@dataclasses.dataclass
class Request:
    """One request as it came in. Times are time.monotonic(); None: it has not happened."""
    number: int                       # 0, 1, … over the life of the backend
    connection: int                   # which TCP connection: shows reuse
    method: str
    target: str
    headers: list                     # (name as sent, value), in order
    body: bytes
    began: float                      # first byte read
    arrived: float                    # last byte read
    answered: float | None = None     # first byte of the answer written
    finished: float | None = None     # the answer was given whole
    disconnected: float | None = None  # the client hung up before that
    error: str | None = None          # an exception of the answer function
    signed: bool = False
    signature_error: str | None = None
    sent: int = 0                     # bytes of the answer, head included

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def type(self):
        try:
            return self.json.get('type')
        except (ValueError, AttributeError):
            return None

    @property
    def turn_id(self):
        return self.json.get('turn_id')

    def header(self, name):
        """The value, None if absent; a repeated header is an error."""
        values = [v for n, v in self.headers if n.lower() == name.lower()]
        assert len(values) <= 1, f'{name} came {len(values)} times'
        return values[0] if values else None


def check_signature(header, body, secret, now=None):
    """None if good, else what is wrong. As strict as Riposte's contract, i.e. stricter than any
    published verifier: exactly `t=…,v1=…`."""
    if header is None:
        return 'no signature'
    parts = [part.split('=', 1) for part in header.split(',')]
    if [p[0] for p in parts] != ['t', 'v1'] or ' ' in header:
        return f'malformed: {header!r}'
    if not parts[0][1].isdigit() or abs((now or time.time()) - int(parts[0][1])) > TOLERANCE_S:
        return f'time out of range: {parts[0][1]}'
    want = hmac.new(secret.encode(), f'{parts[0][1]}.'.encode() + body, hashlib.sha256).hexdigest()
    return None if hmac.compare_digest(want, parts[1][1]) else 'wrong HMAC'


# ---- how it is answered ----

class Disconnected(Exception):
    """The client went away."""


class Reply:
    """The answer under way. `head` first (or `raw`, to break the rules), then any of the others."""

    def __init__(self, backend, request, reader, writer):
        self.backend = backend
        self.request = request
        self._reader = reader
        self._writer = writer
        self._chunked = False
        self._piece = None
        self.keep_alive = True        # whether the connection may serve another request
        self.complete = False         # whether the answer was ended properly

    async def raw(self, data):
        """Bytes onto the wire, in pieces if `split` was called."""
        data = bytes(data)
        if self.request.answered is None:
            self.request.answered = time.monotonic()
        step = self._piece or len(data) or 1
        for at in range(0, len(data), step):
            if self._writer.is_closing():
                raise Disconnected
            self._writer.write(data[at:at + step])
            await self._writer.drain()
            self.request.sent += len(data[at:at + step])
            if self._piece:
                await asyncio.sleep(0)  # a write of its own

    def split(self, size):
        """From here on every write goes out in pieces of `size` bytes (None: whole)."""
        self._piece = size

    async def head(self, code=200, content_type='text/event-stream', length=None, close=False,
                   headers=()):
        """Status line and headers. The body is chunked, or of a known `length`, or ends with the
        connection (`close`)."""
        lines = [f'HTTP/1.1 {code} X']
        if content_type is not None:
            lines.append(f'Content-Type: {content_type}')
        if length is not None:
            lines.append(f'Content-Length: {length}')
        elif close:
            lines.append('Connection: close')
            self.keep_alive = False
        elif code != 204:
            lines.append('Transfer-Encoding: chunked')
            self._chunked = True
        lines += [f'{name}: {value}' for name, value in headers]
        await self.raw('\r\n'.join([*lines, '', '']).encode('latin-1'))

    async def body(self, data):
        """Bytes of the body, framed as `head` said."""
        data = data.encode() if isinstance(data, str) else bytes(data)
        if data:
            await self.raw(b'%x\r\n%s\r\n' % (len(data), data) if self._chunked else data)

    async def event(self, obj):
        """One SSE event. The turn is the request's unless the object names one (None: none)."""
        obj = dict(obj)
        obj.setdefault('turn_id', self.request.turn_id)
        if obj['turn_id'] is None:
            del obj['turn_id']
        await self.body('data: ' + json.dumps(obj) + '\n\n')

    async def tts(self, content, **more):
        await self.event({'type': 'response.tts', 'content': content, **more})

    async def data(self, content, **more):
        await self.event({'type': 'response.data', 'content': content, **more})

    async def end(self, **more):
        """The event response.end; the stream stays open until `finish`."""
        await self.event({'type': 'response.end', **more})

    async def finish(self):
        """Ends the HTTP message in good order. Comes by itself when the answer function returns."""
        if not self.complete and self._chunked:
            await self.raw(b'0\r\n\r\n')
        self.complete = True

    async def sleep(self, seconds):
        await asyncio.sleep(seconds)

    async def gate(self, name):
        """Until the test says backend.open(name)."""
        await self.backend._gate(name).wait()

    async def drip(self, data, seconds):
        """One byte of the body at a time."""
        for at in range(len(data)):
            await self.body(data[at:at + 1])
            await asyncio.sleep(seconds)

    async def gone(self):
        """Until the client hangs up."""
        await asyncio.Event().wait()

    def cut(self, reset=False):
        """Drops the connection in the middle: FIN, or RST."""
        self.keep_alive = False
        self.complete = True
        if reset:
            sock = self._writer.get_extra_info('socket')
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            self._writer.transport.abort()
        else:
            self._writer.close()


def _steps(steps):
    """Texts are spoken; functions taking a reply do something else (see tts, data, … below)."""
    async def run(reply):
        for step in steps:
            if isinstance(step, str):
                await reply.tts(step)
            elif isinstance(step, bytes):
                await reply.body(step)
            else:
                await step(reply)
    return run


def tts(content, **more):
    return lambda reply: reply.tts(content, **more)


def data(content, **more):
    return lambda reply: reply.data(content, **more)


def event(obj):
    return lambda reply: reply.event(obj)


def hangup():
    return event({'type': 'response.hangup'})


def gate(name):
    return lambda reply: reply.gate(name)


def pause(seconds):
    return lambda reply: reply.sleep(seconds)


def say(*steps, end=True, pieces=None, **head):
    """An ordinary streamed answer: texts, bytes of the body, or steps from above."""
    async def answer(request, reply):
        reply.split(pieces)
        await reply.head(**head)
        await _steps(steps)(reply)
        if end:
            await reply.end()
    return answer


def status(code, body=b'', content_type='text/plain', headers=()):
    async def answer(request, reply):
        await reply.head(code, content_type, length=len(body), headers=headers)
        await reply.body(body)
    return answer


def plain(obj, content_type='application/json'):
    """Plain JSON, as a backend may answer `data`."""
    return status(200, json.dumps(obj).encode(), content_type)


def empty(code=204):
    async def answer(request, reply):
        await reply.head(code, None, length=None if code == 204 else 0)
    return answer


def never():
    """Takes the request and never answers."""
    async def answer(request, reply):
        await reply.gone()
    return answer


def refuse():
    """Takes the request and hangs up without a word."""
    async def answer(request, reply):
        reply.cut()
    return answer


def cut(*steps, reset=False, **head):
    """Breaks off in the middle, after these steps."""
    async def answer(request, reply):
        await reply.head(**head)
        await _steps(steps)(reply)
        reply.cut(reset)
    return answer


def hold(*steps, **head):
    """Says everything, response.end included, but never closes the stream."""
    async def answer(request, reply):
        await reply.head(**head)
        await _steps(steps)(reply)
        await reply.end()
        await reply.gone()
    return answer


def stall(*steps, **head):
    """Begins, then says nothing more and keeps the stream open."""
    async def answer(request, reply):
        await reply.head(**head)
        await _steps(steps)(reply)
        await reply.gone()
    return answer


def endless(line=b'a' * 65536, limit=64 << 20, **head):
    """A line without end, up to `limit` bytes."""
    async def answer(request, reply):
        await reply.head(**head)
        await reply.body(b'data: ')
        for _ in range(limit // len(line)):
            await reply.body(line)
    return answer


def raw(data_bytes):
    """These bytes in place of an HTTP answer, then the end of the connection."""
    async def answer(request, reply):
        await reply.raw(data_bytes)
        reply.cut()
    return answer


def echo():
    """What a plain honest backend does; the default for everything that no test scripted."""
    async def answer(request, reply):
        kind = request.type
        if kind in ('welcome', 'session.start') and 'turn_id' in request.json:
            await say('Hello from the backend.')(request, reply)
        elif kind == 'message':
            await say('You said: ', request.json['text'])(request, reply)
        else:
            await empty()(request, reply)
    return answer


# ---- the server ----

class FakeBackend:
    """See the head of this file. Thread-safe where tests call it."""

    def __init__(self, secret=SECRET, certificate=None):
        self.secret = secret
        self.certificate = certificate  # (cert file, key file): https
        self.requests = []              # grows; taken under `_changed`
        self.connections = 0            # accepted so far
        self.port = None
        self._answers = {}              # by type
        self._queue = []                # of next()
        self._gates = {}
        self._changed = threading.Condition()
        self._loop = None
        self._thread = None
        self._stop = None

    @property
    def url(self):
        return f'{"https" if self.certificate else "http"}://127.0.0.1:{self.port}/agent'

    # -- for tests --

    def start(self, port=0):
        ready = threading.Event()
        failure = []
        self._thread = threading.Thread(target=self._main, args=(port, ready, failure), daemon=True)
        self._thread.start()
        ready.wait()
        if failure:
            raise failure[0]
        return self

    def stop(self):
        if self._loop and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(10)
            assert not self._thread.is_alive(), 'the fake backend does not stop'

    def on(self, kind, answer):
        """Every request of this type from now on; kind None: those of all types without one."""
        self._answers[kind] = answer

    def next(self, *answers):
        """The next requests, in order, before whatever `on` says."""
        with self._changed:
            self._queue.extend(answers)

    def open(self, name):
        """Lets answers pass a gate, now and later."""
        self._loop.call_soon_threadsafe(lambda: self._gate(name).set())

    def of(self, kind):
        with self._changed:
            return [r for r in self.requests if kind is None or r.type == kind]

    def wait(self, count=1, type=None, timeout=20):  # pylint: disable=redefined-builtin
        """Until that many requests (of that type) have arrived; returns them all."""
        return self.until(lambda: len(self.of(type)) >= count, timeout,
                          lambda: f'{count} × {type}: have {[r.type for r in self.requests]}'
                          ) and self.of(type)

    def wait_disconnected(self, request, timeout=20):
        """Until the client has hung up on this request; returns when that was."""
        self.until(lambda: request.disconnected, timeout, lambda: f'{request} is still open')
        return request.disconnected

    def wait_finished(self, request, timeout=20):
        self.until(lambda: request.finished, timeout, lambda: f'{request} is not finished')
        return request.finished

    def until(self, condition, timeout, describe):
        """Waits for something that requests do. The timeout only bounds a failing test."""
        with self._changed:
            if not self._changed.wait_for(condition, timeout):
                raise TimeoutError(f'fake backend: waited {timeout} s for {describe()}')
        return True

    def check(self):
        """Every request so far was signed well, and no answer function failed."""
        for r in self.requests:
            assert r.error is None, f'request {r.number} ({r.type}): {r.error}'
            assert r.signed, f'request {r.number} ({r.type}): {r.signature_error}'

    # -- inside the thread --

    def _main(self, port, ready, failure):
        async def main():
            self._loop = asyncio.get_running_loop()
            self._stop = asyncio.Event()
            context = None
            try:
                if self.certificate:
                    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
                    context.load_cert_chain(*self.certificate)
                server = await asyncio.start_server(self._serve, '127.0.0.1', port, ssl=context,
                                                    limit=16 << 20)
                self.port = server.sockets[0].getsockname()[1]
            except OSError as e:
                failure.append(e)
                return
            finally:
                ready.set()
            await self._stop.wait()
            server.close()

        asyncio.run(main())  # cancels the connections that are left

    def _gate(self, name):
        return self._gates.setdefault(name, asyncio.Event())

    def _notify(self):
        with self._changed:
            self._changed.notify_all()

    async def _serve(self, reader, writer):
        number = self.connections
        self.connections += 1
        sock = writer.get_extra_info('socket')
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            first = await reader.read(1)
            while first:
                request = await self._read(first, reader, number)
                first = await self._answer(request, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError,
                ssl.SSLError):
            pass
        finally:
            with contextlib.suppress(Exception):
                writer.close()

    async def _read(self, first, reader, connection):
        began = time.monotonic()
        head = (first + await reader.readuntil(b'\r\n\r\n')).decode('latin-1')
        lines = head[:-4].split('\r\n')
        method, target, _ = lines[0].split(' ')
        headers = [tuple(s.strip() for s in line.split(':', 1)) for line in lines[1:]]
        length = next((int(v) for n, v in headers if n.lower() == 'content-length'), 0)
        body = await reader.readexactly(length)
        request = Request(len(self.requests), connection, method, target, headers, body, began,
                          time.monotonic())
        signature = [v for n, v in headers if n.lower() == 'layercode-signature']
        request.signature_error = ('several signatures' if len(signature) > 1 else
                                   check_signature(next(iter(signature), None), body, self.secret))
        request.signed = request.signature_error is None
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()
        return request

    def _choose(self, request):
        with self._changed:
            if self._queue:
                return self._queue.pop(0)
        return self._answers.get(request.type) or self._answers.get(None) or echo()

    async def _answer(self, request, reader, writer):
        """Runs the answer beside a look-out for the client hanging up. Returns the first byte of
        the next request, or b'' if there will be none."""
        reply = Reply(self, request, reader, writer)

        async def answer():
            await self._choose(request)(request, reply)
            await reply.finish()

        work = asyncio.ensure_future(answer())
        watch = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait([work, watch], return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                if watch.exception() is None and watch.result():
                    request.error = 'the client sent bytes during the answer'
                request.disconnected = time.monotonic()
                return b''
            failure = work.exception()
            if isinstance(failure, (ConnectionError, Disconnected)):
                request.disconnected = time.monotonic()
            elif failure:
                request.error = repr(failure)
            else:
                request.finished = time.monotonic()
            if failure or not reply.keep_alive:
                return b''
            self._notify()
            return await watch
        finally:
            work.cancel()
            watch.cancel()
            await asyncio.gather(work, watch, return_exceptions=True)
            self._notify()


def main():
    backend = FakeBackend(secret=sys.argv[2] if len(sys.argv) > 2 else SECRET)
    backend.start(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    print(f'listening on {backend.url}, secret {backend.secret}', flush=True)
    seen = 0
    while True:
        with backend._changed:  # pylint: disable=protected-access
            backend._changed.wait()
        for request in backend.requests[seen:]:
            print(request.method, request.target, request.signature_error or 'signed',
                  request.body.decode(errors='replace'), flush=True)
        seen = len(backend.requests)


if __name__ == '__main__':
    with contextlib.suppress(KeyboardInterrupt):
        main()
