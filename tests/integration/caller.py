"""A caller for tests: the browser's protocol, spoken by hand, so that it can be spoken wrongly.

    async with Caller(server, agent) as caller:
        await caller.ready()
        await caller.until('response.end')
        await caller.speak('beckett')
        message = await caller.until('user.transcript')

Playback is simulated as the published SDK does it: when what came has been played, it says
replay_finished; a turn.start of the user drops what is left.
"""
import asyncio
import base64
import json
import pathlib
import wave

import aiohttp
import numpy

from server import SPEECH

RATE = 8000
CHUNK = RATE // 10
LIMIT_S = 60


def recording(name):
    """A human recording of the speech pack at 8 kHz."""
    with wave.open(str(pathlib.Path(SPEECH) / f'recordings/{name}.wav')) as f:
        rate, samples = f.getframerate(), f.readframes(f.getnframes())
    pcm = numpy.frombuffer(samples, '<i2').astype(float)
    taps = 64 * max(1, rate // RATE)
    t = numpy.arange(-taps, taps + 1)
    low = numpy.sinc(t * RATE / rate * 0.95) * numpy.hanning(len(t))
    pcm = numpy.convolve(pcm, low / low.sum(), 'same')
    at = numpy.arange(int(len(pcm) * RATE / rate)) * rate / RATE
    return numpy.interp(at, numpy.arange(len(pcm)), pcm).round().clip(-32768, 32767).astype('<i2')


class Closed(Exception):
    """The server closed the socket."""


class Caller:
    def __init__(self, server, agent=None, key=None, path='/v1/agents/web/websocket', plays=True,
                 **authorize):
        self.server = server
        self.agent = agent
        self.key = key
        self.path = path
        self.plays = plays
        self.authorize = authorize
        self.messages = []      # all but audio, in order
        self.audio = {}         # turn id: samples
        self.order = []         # types as they came, audio once a run
        self.close_code = None
        self._new = asyncio.Condition()
        self._plays_until = 0.0
        self._player = None

    async def __aenter__(self):
        if self.key is None:
            answer = self.server.authorize(self.agent, **self.authorize)
            self.key = answer['client_session_key']
            self.conversation = answer['conversation_id']
        self._http = aiohttp.ClientSession()
        self.ws = await self._http.ws_connect(
            f'{self.server.ws_url}{self.path}?client_session_key={self.key}', max_msg_size=0,
            compress=0)
        self._task = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_):
        if self._player:
            self._player.cancel()
        await self.ws.close()
        await self._task
        await self._http.close()

    # ---- in ----

    async def _read(self):
        async for frame in self.ws:
            assert frame.type == aiohttp.WSMsgType.TEXT, frame
            message = json.loads(frame.data)
            kind = message['type']
            if kind == 'response.audio':
                self._hear(message)
            else:
                self.messages.append(message)
            if kind != 'response.audio' or self.order[-1:] != [kind]:
                self.order.append(kind)
            if kind == 'turn.start' and message['role'] == 'user':
                self._plays_until = 0.0
            async with self._new:
                self._new.notify_all()
        self.close_code = self.ws.close_code
        async with self._new:
            self._new.notify_all()

    def _hear(self, message):
        pcm = base64.b64decode(message['content'], validate=True)
        assert len(pcm) % 256 == 0, 'not whole blocks of 128 samples'
        turn = message['turn_id']
        self.audio[turn] = self.audio.get(turn, b'') + pcm
        now = asyncio.get_running_loop().time()
        self._plays_until = max(self._plays_until, now) + len(pcm) / 32000
        if self.plays and self._player is None:
            self._player = asyncio.create_task(self._play())

    async def _play(self):
        loop = asyncio.get_running_loop()
        while self._plays_until > loop.time():
            await asyncio.sleep(self._plays_until - loop.time())
        self._player = None
        if not self.ws.closed:
            await self.send(type='trigger.response.audio.replay_finished', reason='completed')

    async def wait(self, condition, what='it'):
        """Until condition() is true; its value."""
        async def waiting():
            async with self._new:
                while not (value := condition()):
                    if self.close_code is not None:
                        raise Closed(f'closed with {self.close_code} while waiting for {what}: '
                                     f'{self.order}')
                    await self._new.wait()
                return value
        try:
            return await asyncio.wait_for(waiting(), LIMIT_S)
        except TimeoutError:
            raise AssertionError(f'{what} did not come: {self.messages}') from None

    def all(self, kind, **fields):
        return [m for m in self.messages if m['type'] == kind
                and all(m.get(k) == v for k, v in fields.items())]

    async def until(self, kind, count=1, **fields):
        """The count-th message of that type (and those fields)."""
        found = await self.wait(lambda: len(self.all(kind, **fields)) >= count
                                and self.all(kind, **fields), f'{kind} {fields} no. {count}')
        return found[count - 1]

    async def until_closed(self):
        await asyncio.wait_for(asyncio.shield(self._task), LIMIT_S)
        return self.close_code

    # ---- out ----

    async def send(self, **message):
        await self.ws.send_str(json.dumps(message))

    async def ready(self):
        await self.send(type='client.ready')

    async def type(self, text):
        await self.send(type='client.response.text', content=text)

    async def say(self, pcm, fast=True):
        """Audio messages of 100 ms, at once or in real time."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        for at in range(0, len(pcm), CHUNK):
            await self.send(type='client.audio',
                            content=base64.b64encode(pcm[at:at + CHUNK].tobytes()).decode())
            due += 0.1
            if not fast:
                await asyncio.sleep(max(0, due - loop.time()))

    async def silence(self, seconds, fast=True):
        await self.say(numpy.zeros(int(seconds * RATE), '<i2'), fast)
