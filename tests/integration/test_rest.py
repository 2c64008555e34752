"""The REST API of the real server: forms of the contract, keys, rotation, restart, the docs."""
import asyncio
import json
import pathlib
import re
import subprocess

import aiohttp

from caller import Caller
from server import BINARY, KEY, TOP

AUTHORIZE = '/v1/agents/web/authorize_session'


async def socket_status(server, key, path='/v1/agents/web/websocket'):
    """101, or the status with which the upgrade is refused."""
    async with aiohttp.ClientSession() as http:
        try:
            url = f'{server.ws_url}{path}?client_session_key={key}'
            async with http.ws_connect(url, max_msg_size=0):
                return 101
        except aiohttp.WSServerHandshakeError as error:
            return error.status


def riposte(server, *args):
    return subprocess.run([BINARY, *args, f'--data={server.data}'], env=server.env, text=True,
                          capture_output=True, timeout=60)


def test_first_start_makes_an_agent_to_talk_to(server):
    agents = server.get('/v1/agents').json['agents']
    assert [a['name'] for a in agents] == ['Demo']
    assert set(agents[0]) == {'id', 'name', 'type', 'agent_template_id', 'created_at', 'updated_at',
                              'assigned_phone_numbers'}


async def test_a_key_opens_one_socket(server):
    agent, _ = server.agent()
    answer = server.authorize(agent)
    assert set(answer) == {'client_session_key', 'conversation_id', 'config'}
    assert answer['config']['transcription']['trigger'] == 'automatic'
    assert set(answer['config']['vad']) == {
        'enabled', 'gate_audio', 'buffer_frames', 'model', 'positive_speech_threshold',
        'negative_speech_threshold', 'redemption_frames', 'min_speech_frames',
        'pre_speech_pad_frames', 'frame_samples'}
    assert await socket_status(server, answer['client_session_key']) == 101
    assert await socket_status(server, answer['client_session_key']) == 401
    assert await socket_status(server, 'lc_sesskey_unknown') == 401


async def test_of_many_sockets_with_one_key_one_opens(make_server):
    server = make_server('--shards=2')
    agent, _ = server.agent()
    key = server.authorize(agent)['client_session_key']
    statuses = await asyncio.gather(*(socket_status(server, key) for _ in range(12)))
    assert sorted(statuses) == [101] + 11 * [401]


async def test_authorizing_again_rotates_the_key(server):
    agent, _ = server.agent()
    first = server.authorize(agent)
    second = server.authorize(agent, conversation_id=first['conversation_id'])
    assert second['conversation_id'] == first['conversation_id']
    assert second['client_session_key'] != first['client_session_key']
    assert await socket_status(server, first['client_session_key']) == 401
    assert await socket_status(server, second['client_session_key']) == 101
    listed = server.get(f'/v1/agents/{agent}/sessions').json['sessions']
    ended = [s for s in listed if s['end_reason'] == 'key_rotated']
    assert len(listed) == 2 and len(ended) == 1
    assert ended[0]['duration_ms'] == 0


async def test_the_older_form(server):
    agent, _ = server.agent()
    first = server.post('/v1/pipelines/authorize_session',
                        {'pipeline_id': agent, 'session_id': None}).json
    assert set(first) == {'client_session_key', 'session_id', 'conversation_id'}
    second = server.post('/v1/pipelines/authorize_session',
                         {'pipeline_id': agent, 'session_id': first['session_id']}).json
    assert second['conversation_id'] == first['conversation_id']
    key = second['client_session_key']
    assert await socket_status(server, key, '/v1/pipelines/websocket') == 101


def test_keys_from_the_command_line(server):
    made = riposte(server, 'keys', 'create', '--name', 'laptop')
    assert made.returncode == 0, made.stderr
    key = made.stdout.strip()
    assert server.get('/v1/agents', key=key).status == 200
    listed = riposte(server, 'keys', 'list')
    assert 'laptop' in listed.stdout and key not in listed.stdout
    key_id = next(k['id'] for k in server.get('/v1/keys').json['keys'] if k['name'] == 'laptop')
    assert server.call('DELETE', f'/v1/keys/{key_id}').status == 204
    refused = server.get('/v1/agents', key=key)
    assert refused.status == 401
    assert refused.error.startswith('The API key is not valid.')


def test_what_is_stored_survives_kill_9(make_server, tmp_path):
    server = make_server()
    agent, secret = server.agent(webhook='https://backend.example/agent')
    conversation = server.authorize(agent, custom_metadata={'tenant': 7})['conversation_id']
    server.kill()
    server.start()
    again = server.get(f'/v1/agents/{agent}').json
    assert again['webhook_url'] == 'https://backend.example/agent'
    shown = server.get(f'/v1/agents/{agent}/webhook_secret').json
    assert shown['webhook_secret'] == secret
    listed = server.get(f'/v1/agents/{agent}/conversations').json['conversations']
    assert listed[0]['conversation_id'] == conversation
    assert listed[0]['custom_metadata'] == {'tenant': 7}


def test_secrets_are_nowhere_in_the_clear(server):
    made = server.post('/v1/agents', {'config': {
        'clients': {}, 'plugins': [{'use': 'tts.rime', 'options': {'api_key': 'sk-provider-1'}}]}})
    assert made.json['config']['plugins'][0]['options']['api_key'] == '********'
    key = server.authorize(made.json['id'],
                           custom_headers={'authorization': 'Bearer of-the-backend'})
    server.stop()
    secrets = [made.json['webhook_secret'], 'sk-provider-1', 'of-the-backend', KEY,
               key['client_session_key']]
    for path in pathlib.Path(server.data).rglob('*'):
        if path.is_file():
            content = path.read_bytes()
            assert not [s for s in secrets if s.encode() in content], path
            assert path.stat().st_mode & 0o077 == 0, path
    assert not [s for s in secrets if s in server.log]


async def test_a_session_can_be_read_afterwards(server):
    agent, _ = server.agent()
    async with Caller(server, agent, metadata={'user': 'u1'}) as caller:
        await caller.ready()
        await caller.until('response.end')
        live = server.get(f'/v1/agents/{agent}/sessions?status=live').json['sessions']
        await caller.type('What time is it?')
        await caller.until('response.end', 2)
    assert len(live) == 1
    session = live[0]['session_id']
    for _ in range(200):
        read = server.get(f'/v1/agents/{agent}/sessions/{session}').json
        if read['status'] == 'ended':
            break
        await asyncio.sleep(0.05)
    assert read['status'] == 'ended'
    assert read['metadata'] == {'user': 'u1'}
    assert read['duration_ms'] > 0 and read['ended_at'] > read['started_at']
    greeting, answer = read['transcript'][:2]
    assert greeting['user_message'] is None and greeting['assistant_message']
    assert answer['user_message'] == 'What time is it?' and answer['assistant_message']


def test_no_more_sessions_than_the_limit(make_server):
    server = make_server('--max-sessions=1')
    agent, _ = server.agent()

    async def one_call():
        async with Caller(server, agent) as caller:
            await caller.ready()
            await caller.until('response.end')
            return server.post(AUTHORIZE, {'agent_id': agent})

    refused = asyncio.run(one_call())
    assert refused.status == 429
    assert refused.headers['Retry-After'] == '5'


def test_bodies_that_are_none(server):
    for body in (b'', b'{', b'[]', b'"x"', b'\xff\xfe', b'{"agent_id":', b'null',
                 b'{"a":' * 100 + b'1' + b'}' * 100, b'x' * (600 << 10)):
        answer = server.call('POST', AUTHORIZE, body)
        assert answer.status == (413 if len(body) > 512 << 10 else 400)
        assert answer.error.startswith('The body ')
    assert server.get('/healthz', key=None).status == 200


def test_providers_without_engine(make_server):
    config = {'clients': {}, 'plugins': [{'use': 'stt.deepgram', 'options': {'model_id': 'flux'}},
                                         {'use': 'tts.rime', 'options': {'voice_id': 'courtney'}}]}
    agent = make_server().post('/v1/agents', {'config': config})
    assert agent.status == 201
    assert [w.split(':')[0] for w in agent.json['warnings']] == ['plugins[0].use', 'plugins[1].use']
    refused = make_server(RIPOSTE_STRICT_ENGINES='1').post('/v1/agents', {'config': config})
    assert refused.status == 400
    assert [e['field'] for e in refused.json['errors']] == ['plugins[0].use', 'plugins[1].use']


def test_every_command_of_the_docs_works(server):
    agent, _ = server.agent()
    server.authorize(agent)
    variables = {
        'RIPOSTE': server.url, 'KEY': KEY, 'AGENT': agent,
        'OTHER_AGENT': server.agent()[0],
        'SESSION': server.get('/v1/sessions').json['sessions'][0]['session_id'],
        'OTHER_KEY': server.post('/v1/keys').json['id'],
    }
    text = (TOP / 'docs/rest.md').read_text()
    blocks = [b for b in re.findall(r'```sh\n(.*?)```', text, re.S) if 'curl' in b]
    assert len(blocks) > 10
    for block in blocks:
        run = subprocess.run(['bash', '-euc', block.replace('curl ', 'curl --fail-with-body ')],
                             env=server.env | variables, capture_output=True, text=True, timeout=60)
        assert run.returncode == 0, f'{block}\n{run.stdout}{run.stderr}'
        if run.stdout and '\n' not in run.stdout and 'DELETE' not in block and \
                block.count('curl') == 1:
            json.loads(run.stdout)
