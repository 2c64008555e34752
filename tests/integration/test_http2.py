"""The HTTP client over HTTP/2: one connection for many requests, pieces as they come, and a cancelled
request that is reset while the others go on. tests/tools/webhook_ask asks; the backend is played
here, frame by frame."""
import json
import queue
import socket
import ssl
import subprocess
import threading
import time

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import pytest

from asker import WAIT_S, Asker


class Http2Backend:
    """Accepts connections and queues what happens on them; the test sends the answers."""

    def __init__(self, certificate, key):
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(certificate, key)
        self._context.set_alpn_protocols(['h2'])
        self._listener = socket.create_server(('127.0.0.1', 0))
        self.url = f'https://localhost:{self._listener.getsockname()[1]}/agent'
        self.happened = queue.Queue()  # (connection, h2 event)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock = self._context.wrap_socket(self._listener.accept()[0], server_side=True)
            except OSError:
                return
            threading.Thread(target=Connection, args=(self, sock), daemon=True).start()

    def wait(self, kind):
        """The next event of this kind, with its connection; others are passed over."""
        while True:
            connection, event = self.happened.get(timeout=WAIT_S)
            if isinstance(event, kind):
                return connection, event

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


class Closed:
    """The client has closed the connection."""


class Connection:
    """One of the backend's connections, read by a thread of its own."""

    def __init__(self, backend, sock):
        self._sock = sock
        self._lock = threading.Lock()
        self._h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding='utf-8'))
        self._h2.initiate_connection()
        self._flush()
        while data := self._recv():
            with self._lock:
                try:
                    events = self._h2.receive_data(data)
                except h2.exceptions.ProtocolError:  # what crosses our own end of it
                    break
                for event in events:
                    if isinstance(event, h2.events.DataReceived):
                        self._h2.acknowledge_received_data(event.flow_controlled_length,
                                                           event.stream_id)
                self._flush()
            for event in events:
                backend.happened.put((self, event))
        self._sock.close()
        backend.happened.put((self, Closed()))

    def _recv(self):
        try:
            return self._sock.recv(65536)
        except OSError:
            return b''

    def _flush(self):
        if out := self._h2.data_to_send():
            self._sock.sendall(out)

    def head(self, stream, status=200):
        with self._lock:
            self._h2.send_headers(stream, [(':status', str(status)),
                                           ('content-type', 'text/event-stream')])
            self._flush()

    def event(self, stream, end=False, **event):
        """False if the client has reset the stream."""
        with self._lock:
            try:
                self._h2.send_data(stream, f'data: {json.dumps(event)}\n\n'.encode(),
                                   end_stream=end)
            except h2.exceptions.StreamClosedError:
                return False
            self._flush()
            return True

    def say(self, stream, text):
        return self.event(stream, type='response.tts', content=text)

    def end(self, stream):
        self.event(stream, end=True, type='response.end')

    def reset(self, stream):
        with self._lock:
            self._h2.reset_stream(stream, h2.errors.ErrorCodes.INTERNAL_ERROR)
            self._flush()

    def go_away(self):
        with self._lock:
            self._h2.close_connection()
            self._flush()


@pytest.fixture(scope='module')
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp('tls')
    cert, key = folder / 'cert.pem', folder / 'key.pem'
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
                    'ec_paramgen_curve:P-256', '-nodes', '-days', '1', '-subj', '/CN=test',
                    '-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', cert],
                   check=True, capture_output=True)
    return str(cert), str(key)


@pytest.fixture
def backend(certificate):
    backend = Http2Backend(*certificate)
    yield backend
    backend.close()


@pytest.fixture
def asker(backend, certificate):
    asker = Asker(backend.url, ca_file=certificate[0])
    yield asker
    asker.close()


def take(backend):
    """The next request, whole: its connection and stream, its head and its body."""
    connection, head = backend.wait(h2.events.RequestReceived)
    body = b''
    while True:
        _, event = backend.wait((h2.events.DataReceived, h2.events.StreamEnded))
        assert event.stream_id == head.stream_id
        if isinstance(event, h2.events.StreamEnded):
            return connection, head.stream_id, dict(head.headers), body
        body += event.data


def test_pieces_arrive_as_they_are_sent(backend, asker):
    asker.request()
    connection, stream, head, body = take(backend)
    assert (head[':method'], head[':path'], head[':scheme']) == ('POST', '/agent', 'https')
    assert json.loads(body)['type'] == 'message'
    connection.head(stream)
    for piece in ('one', 'two', 'three'):
        connection.say(stream, piece)
        asker.until('text')
        assert asker.lines[-1]['text'] == piece
        asker.lines.clear()
    connection.end(stream)
    asker.until('end')
    assert asker.record()['status'] == 200


def test_many_requests_share_a_connection(backend, asker):
    asker.request('a')
    first, stream_a, _, _ = take(backend)
    first.head(stream_a)
    first.say(stream_a, 'a')
    asker.until('text', 'a')
    for ident in 'bcd':  # while the first is still being answered
        asker.request(ident)
        connection, stream, _, _ = take(backend)
        assert connection is first and stream > stream_a
        connection.head(stream)
        connection.end(stream)
        asker.until('end', ident)
    first.end(stream_a)
    asker.until('end', 'a')


def test_cancelling_resets_the_request_alone(backend, asker):
    asker.request('a')
    connection, stream_a, _, _ = take(backend)
    connection.head(stream_a)
    connection.say(stream_a, 'a')
    asker.until('text', 'a')
    asker.request('b')
    _, stream_b, _, _ = take(backend)
    asker.say(do='cancel', id='a')
    pieces = 0
    while connection.say(stream_a, 'to nobody'):  # goes on until it is told to stop
        pieces += 1
        assert pieces < 1000
        time.sleep(0.01)
    connection.head(stream_b)
    connection.say(stream_b, 'b')
    connection.end(stream_b)
    asker.until('end', 'b')
    asker.request('c')
    again, stream_c, _, _ = take(backend)
    assert again is connection
    again.head(stream_c)
    again.end(stream_c)
    asker.until('end', 'c')


def test_cancelling_the_only_request_closes_the_connection(backend, asker):
    asker.request('a')
    connection, stream, _, _ = take(backend)
    connection.head(stream)
    connection.say(stream, 'a')
    asker.until('text', 'a')
    asker.say(do='cancel', id='a')
    assert backend.wait(Closed)[0] is connection
    asker.request('b')
    another, stream, _, _ = take(backend)
    assert another is not connection
    another.head(stream)
    another.end(stream)
    asker.until('end', 'b')


def test_a_reset_by_the_backend_is_an_error(backend, asker):
    asker.request('a')
    connection, stream, _, _ = take(backend)
    connection.head(stream)
    connection.say(stream, 'half a sen')
    asker.until('text', 'a')
    connection.reset(stream)
    asker.until('error', 'a')


def test_a_connection_that_goes_away_is_replaced(backend, asker):
    asker.request('a')
    connection, stream, _, _ = take(backend)
    connection.head(stream)
    connection.end(stream)
    asker.until('end', 'a')
    connection.go_away()
    asker.request('b')
    another, stream, _, _ = take(backend)
    assert another is not connection
    another.head(stream)
    another.end(stream)
    asker.until('end', 'b')
