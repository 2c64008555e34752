"""Everything a client, a backend or a config can send wrong: a clear error or a counted ignore, and
the call goes on. What only parsers see is in the unit tests and the fuzz targets."""
import asyncio
import json

import aiohttp
import pytest

from caller import Caller, recording
from fake_backend import say

GARBAGE = [
    '', 'x', '[]', '7', 'null', '"client.ready"', '{', '{}', '{"type":7}', '{"type":"nonsense"}',
    '{"type":"client.ready"', '{"type":"client.audio"}', '{"type":"client.audio","content":7}',
    '{"type":"client.audio","content":"!!!!"}', '{"type":"client.audio","content":""}',
    '{"type":"client.audio","content":"QQ=="}', '{"type":"client.audio","content":"AQACAA==AQ"}',
    '{"type":"vad_events"}', '{"type":"vad_events","event":"vad_middle"}',
    '{"type":"trigger.turn.start","role":"assistant"}', '{"type":"trigger.turn.end","role":"user"}',
    '{"type":"trigger.response.audio.replay_finished","turn_id":"asst-of-nobody"}',
    '{"type":"trigger.response.audio.interrupted","playback_offset":-5}',
    '{"type":"client.response.text"}', '{"type":"client.response.text","content":"  \\n "}',
    '{"type":"client.response.text","content":null}',
    '{"type":"client.response.data","data":[]}', '{"type":"client.response.data"}',
    '{"type":"client.response.data","data":' + '{"a":' * 100 + '1' + '}' * 100 + '}',
    '{"type":"client.ready","a":' + '[' * 5000 + ']' * 5000 + '}',
]


async def test_garbage_is_passed_over_and_the_call_goes_on(server, backend):
    agent, secret = server.agent(webhook=backend.url, events=['message'])
    backend.secret = secret
    backend.on('message', say('Still here.'))
    async with Caller(server, agent) as caller:
        await caller.ready()
        for message in GARBAGE:
            await caller.ws.send_str(message)
        for binary in (b'', b'\x00', b'\xff' * 1000, json.dumps({'type': 'client.ready'}).encode()):
            await caller.ws.send_bytes(binary)
        await caller.type('Hello')
        await caller.until('response.text', content='Still here.')
        await caller.until('response.end')
    assert len(backend.wait(type='message')) == 1
    assert server.process.poll() is None


async def test_a_message_beyond_4_mib_closes_with_1009(server):
    agent, _ = server.agent()
    async with Caller(server, agent) as caller:
        await caller.ready()
        await caller.send(type='client.response.text', content='x' * (5 << 20))
        assert await caller.until_closed() == 1009
    async with Caller(server, agent) as caller:  # nobody else was hurt
        await caller.ready()
        await caller.until('response.end')


async def test_audio_a_byte_at_a_time(server):
    agent, _ = server.agent()
    pcm = recording('beckett')[8000:8400].tobytes()
    async with Caller(server, agent) as caller:
        await caller.ready()
        for byte in pcm:
            await caller.send(type='client.audio', content=__import__('base64').b64encode(
                bytes([byte])).decode())
        await caller.type('Hello')
        await caller.until('user.transcript')


@pytest.mark.parametrize('after', ['nothing', 'ready', 'audio', 'answer', 'typed'])
async def test_leaving_in_every_state(server, after):
    agent, _ = server.agent()
    authorized = server.post('/v1/pipelines/authorize_session', {'pipeline_id': agent}).json
    async with aiohttp.ClientSession() as http:
        ws = await http.ws_connect(f'{server.ws_url}/v1/agents/web/websocket?client_session_key='
                                   + authorized['client_session_key'])
        if after != 'nothing':
            await ws.send_str('{"type":"client.ready"}')
        if after == 'audio':
            await ws.send_str('{"type":"client.audio","content":"' + 'AAAA' * 2000 + '"}')
        if after == 'answer':
            while json.loads((await ws.receive()).data)['type'] != 'response.audio':
                pass
        if after == 'typed':
            await ws.send_str('{"type":"client.response.text","content":"hi"}')
        ws._response.connection.transport.abort()  # a reset, no closing handshake
    path = f'/v1/agents/{agent}/sessions/{authorized["session_id"]}'

    async def ended():
        while not (row := server.get(path).json)['ended_at']:
            await asyncio.sleep(0.05)
        return row
    assert (await asyncio.wait_for(ended(), 30))['duration_ms'] >= 0
    async with Caller(server, agent) as caller:
        await caller.ready()
        await caller.until('response.end')


async def test_no_secret_reaches_the_log(make_server, backend):
    server = make_server('--log-level=debug')
    agent, secret = server.agent(webhook=backend.url, events=['message'])
    backend.secret = secret
    backend.on('message', say('A private answer.'))
    async with Caller(server, agent) as caller:
        await caller.ready()
        await caller.type('My password is swordfish')
        await caller.until('response.end')
        key = caller.key
    server.stop()
    for hidden in (secret, key, 'swordfish', 'private answer', 'test-key-0123456789abcdef'):
        assert hidden not in server.log
