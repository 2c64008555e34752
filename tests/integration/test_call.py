"""Whole calls against the real server: greeting, typed and spoken turns, barge-in, push-to-talk,
data, hang-up, reconnect. The backend is a fake, speech is real."""
import asyncio
import re

import aiohttp
import pytest

from caller import Caller, recording
from fake_backend import say, status

BECKETT = 'ever tried ever failed no matter try again fail again fail better'


def words(text):
    return re.sub(r'[^a-z ]', '', text.lower()).split()


@pytest.fixture
def hooked(server, backend):
    """An agent whose webhook is the fake backend."""
    def make(**more):
        agent, secret = server.agent(webhook=backend.url, **more)
        backend.secret = secret
        return agent
    return make


async def test_demo_agent_greets_and_answers(server):
    agent, _ = server.agent()
    async with Caller(server, agent) as caller:
        await caller.ready()
        greeting = await caller.until('response.text')
        assert greeting['turn_id'].startswith('asst-')
        await caller.until('response.end')
        assert len(caller.audio[greeting['turn_id']]) > 32000
        await caller.type('What time is it?')
        transcript = await caller.until('user.transcript')
        assert transcript['content'] == 'What time is it?'
        assert transcript['turn_id'].startswith('user-')
        await caller.until('response.end', 2)
    starts = [m['role'] for m in caller.all('turn.start')]
    assert starts == ['assistant', 'user', 'assistant']


async def test_welcome_and_message_reach_the_backend(server, backend, hooked):
    backend.on('welcome', say('Hello.'))
    backend.on('message', say('You are ', 'welcome.'))
    agent = hooked(events=['message', 'welcome'], metadata={'tenant': 42.0})
    async with Caller(server, agent, metadata={'user': 'é'}) as caller:
        await caller.ready()
        await caller.until('response.end')
        await caller.type('Thanks')
        text = await caller.until('response.text', 2)
        await caller.until('response.end', 2)
    assert text['content'] == 'You are welcome.'
    welcome, message = backend.wait(type='welcome')[0], backend.wait(type='message')[0]
    assert welcome.json['turn_id'] == caller.all('turn.start', role='assistant')[0]['turn_id']
    assert message.json['text'] == 'Thanks'
    assert message.json['metadata'] == {'tenant': 42, 'user': 'é'}
    assert message.json['conversation_id'] == caller.conversation
    assert b'"tenant":42,' in message.body


async def test_legacy_greeting_is_the_default(server, backend, hooked):
    backend.on('session.start', say('Hi.'))
    async with Caller(server, hooked()) as caller:
        await caller.ready()
        await caller.until('response.end')
    request = backend.wait(type='session.start')[0]
    assert request.json['turn_id'].startswith('asst-') and request.json['text'] == ''


@pytest.mark.parametrize('fast', [True, False])
async def test_a_recording_is_heard_word_for_word(server, backend, hooked, fast):
    backend.on('message', say('Good.'))
    async with Caller(server, hooked(events=['message'])) as caller:
        await caller.ready()
        await caller.say(recording('beckett'), fast)
        await caller.silence(2, fast)
        await caller.until('response.end')
    heard = [w for m in caller.all('user.transcript') for w in words(m['content'])]
    wanted = BECKETT.split()
    missed = abs(len(wanted) - len(heard)) + len(set(wanted) - set(heard))
    # In one piece every word is right; said in real time, each pause ends a turn, and two words
    # alone ("Fail better.") leave the network less to go by.
    assert missed <= (0 if fast else 5), heard
    assert [r.json['text'] for r in backend.wait(type='message')] == \
        [m['content'] for m in caller.all('user.transcript')]


async def test_audio_that_just_stops_still_ends_the_turn(server, backend, hooked):
    backend.on('message', say('Good.'))
    async with Caller(server, hooked(events=['message'])) as caller:
        await caller.ready()
        await caller.say(recording('beckett')[:8000 * 3])  # cut in the middle, then nothing
        await caller.until('user.transcript')
        await caller.until('response.end')


async def test_speaking_interrupts_the_agent(server, backend, hooked):
    long = 'This answer is quite long and goes on for a while. ' * 8
    backend.on('message', say(long))
    async with Caller(server, hooked(events=['message'])) as caller:
        await caller.ready()
        await caller.type('Tell me.')
        started = await caller.until('turn.start', role='assistant')
        await caller.wait(lambda: caller.audio, 'audio')
        await caller.silence(1, fast=False)
        await caller.say(recording('beckett')[:8000 * 3], fast=False)
        user = await caller.until('turn.start', 2, role='user')
        sent = len(caller.audio[started['turn_id']])
        await caller.silence(2, fast=False)
        await caller.until('user.transcript', 2)
        await caller.until('turn.start', 2, role='assistant')
        assert len(caller.audio[started['turn_id']]) == sent, 'audio after the interruption'
    second = backend.wait(type='message', count=2)[1]
    context = second.json['interruption_context']
    assert context['previous_turn_interrupted'] is True
    assert context['assistant_turn_id'] == started['turn_id']
    assert long.startswith(context['text_heard'].rstrip())
    assert 0 < context['words_heard'] < 60
    assert user['turn_id'] != started['turn_id']


async def test_typing_interrupts_and_cancels_the_request(server, backend, hooked):
    async def endless(request, reply):
        await reply.head()
        await reply.tts('A sentence that is spoken. And one that ')
        await reply.gone()
    backend.next(endless)
    backend.on('message', say('Second.'))
    async with Caller(server, hooked(events=['message'])) as caller:
        await caller.ready()
        await caller.type('One')
        await caller.wait(lambda: caller.audio, 'audio')
        await caller.type('Two')
        text = await caller.until('response.text', content='Second.')
        await caller.until('response.end', turn_id=text['turn_id'])
    first = backend.wait(type='message', count=2)[0]
    assert first.disconnected is not None


async def test_push_to_talk(server, backend, hooked):
    backend.on('message', say('Good.'))
    agent = hooked(events=['message'], turn={'mode': 'push_to_talk'})
    async with Caller(server, agent) as caller:
        await caller.ready()
        await caller.send(type='trigger.turn.start', role='user')
        await caller.until('turn.start', role='user')
        await caller.say(recording('beckett'))
        await caller.send(type='trigger.turn.end', role='user')
        transcript = await caller.until('user.transcript')
        await caller.until('response.end')
        # Without a word there is no message.
        await caller.send(type='trigger.turn.start', role='user')
        await caller.silence(0.5)
        await caller.send(type='trigger.turn.end', role='user')
        await caller.until('turn.end', 2, role='user')
    assert words(transcript['content']) == BECKETT.split()
    assert len(backend.wait(type='message')) == 1


async def test_data_goes_both_ways_without_interrupting(server, backend, hooked):
    backend.on('message', say('A sentence. ', 'Another one.'))

    async def data(request, reply):
        await reply.head(content_type='application/json', length=11)
        await reply.body('{"ok":true}')
    backend.on('data', data)
    async with Caller(server, hooked(events=['message', 'data'])) as caller:
        await caller.ready()
        await caller.type('Go')
        await caller.until('turn.start', role='assistant')
        await caller.send(type='client.response.data', data={'b': 1, 'a': [None, 1e21]})
        answer = await caller.until('response.data')
        await caller.until('response.end')
    assert answer['content'] == {'ok': True}
    request = backend.wait(type='data')[0]
    assert b'"data":{"b":1,"a":[null,1e+21]}' in request.body
    assert caller.all('response.text', content='A sentence. Another one.')


async def test_text_and_data_keep_their_order(server, backend, hooked):
    async def mixed(request, reply):
        await reply.head()
        await reply.tts('One. ')
        await reply.data({'n': 1})
        await reply.tts('Two.')
        await reply.end()
    backend.on('message', mixed)
    async with Caller(server, hooked(events=['message'])) as caller:
        await caller.ready()
        await caller.type('Go')
        await caller.until('response.end')
    kinds = [(m['type'], m.get('content')) for m in caller.messages
             if m['type'] in ('response.text.delta', 'response.data')]
    assert kinds == [('response.text.delta', 'One. '), ('response.data', {'n': 1}),
                     ('response.text.delta', 'Two.')]


async def test_hangup_ends_the_call_after_the_last_word(server, backend, hooked):
    async def bye(request, reply):
        await reply.head()
        await reply.tts('Goodbye then.')
        await reply.event({'type': 'response.hangup'})
        await reply.end()
    backend.on('message', bye)
    async with Caller(server, hooked(events=['message'])) as caller:
        await caller.ready()
        await caller.type('Bye')
        assert await caller.until_closed() == 1000
    assert caller.all('response.end')
    assert sum(map(len, caller.audio.values())) > 16000


async def test_a_failing_backend_ends_only_the_turn(server, backend, hooked):
    backend.next(status(500, b'oh no'))
    backend.on('message', say('Fine again.'))
    agent = hooked(events=['message'],
                   turn={'fallback': 'Something went wrong.', 'report_errors': True})
    async with Caller(server, agent) as caller:
        await caller.ready()
        await caller.type('One')
        error = await caller.until('response.data')
        await caller.until('response.end')
        await caller.type('Two')
        await caller.until('response.text', content='Fine again.')
    assert error['content']['type'] == 'riposte.error'
    assert '500' in error['content']['message']
    assert sum(map(len, caller.audio.values())) > 16000


async def test_keys_open_one_socket(server):
    agent, _ = server.agent()
    first = server.authorize(agent)
    async with Caller(server, key=first['client_session_key']) as caller:
        await caller.ready()
        await caller.until('turn.start')
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with Caller(server, key=first['client_session_key']):
                pass
        assert refused.value.status == 401
    # The conversation goes on with a new key; an older unused one no longer works.
    second = server.authorize(agent, conversation_id=first['conversation_id'])
    third = server.authorize(agent, conversation_id=first['conversation_id'])
    assert third['conversation_id'] == first['conversation_id']
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with Caller(server, key=second['client_session_key']):
            pass
    assert refused.value.status == 401
    async with Caller(server, key=third['client_session_key'],
                      path='/v1/pipelines/websocket') as caller:
        await caller.ready()
        await caller.until('response.end')
    assert len(caller.all('turn.start', role='assistant')) == 1
    for key in ('', 'lc_sesskey_unknown', '%00', 'x' * 5000):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with Caller(server, key=key or ' '):
                pass
        assert refused.value.status in (400, 401, 414, 431)


async def test_the_session_is_stored_with_what_was_said(server):
    agent, _ = server.agent()
    authorized = server.post('/v1/pipelines/authorize_session', {'pipeline_id': agent}).json
    async with Caller(server, key=authorized['client_session_key']) as caller:
        await caller.ready()
        await caller.until('response.end')
        await caller.type('Remember me')
        await caller.until('response.end', 2)
        await caller.until('turn.end', 2, role='assistant')
    path = f'/v1/agents/{agent}/sessions/{authorized["session_id"]}'

    async def ended():
        while not (row := server.get(path).json)['ended_at']:
            await asyncio.sleep(0.05)
        return row
    row = await asyncio.wait_for(ended(), 30)
    said = [t.get('user_message') for t in row['transcript'] if t.get('user_message')]
    assert said == ['Remember me']
    assert row['duration_ms'] > 0


@pytest.mark.threads
async def test_several_callers_on_several_shards(make_server):
    server = make_server('--shards=2', '--speech-workers=2')
    agent, _ = server.agent()

    async def call(text):
        async with Caller(server, agent) as caller:
            await caller.ready()
            await caller.until('response.end')
            await caller.type(text)
            answer = await caller.until('response.text', 2)
            await caller.until('response.end', 2)
            assert text in answer['content']
    await asyncio.gather(*(call(f'number {i}') for i in range(6)))


async def test_sigterm_lets_live_calls_finish(make_server):
    server = make_server('--drain=20')
    agent, _ = server.agent()
    async with Caller(server, agent) as caller:
        await caller.ready()
        await caller.until('response.end')
        server.process.terminate()

        async def draining():
            while server.get('/readyz').status == 200:
                await asyncio.sleep(0.02)
        await asyncio.wait_for(draining(), 20)
        assert server.get('/healthz').status == 200
        assert server.post('/v1/agents/web/authorize_session', {'agent_id': agent}).status in (
            429, 503)
        await caller.type('Still there?')
        await caller.until('response.end', 2)
    server.stop()


async def test_the_cap_on_sessions(make_server):
    server = make_server('--max-sessions=1')
    agent, _ = server.agent()
    async with Caller(server, agent) as caller:
        await caller.ready()
        await caller.until('turn.start')
        assert server.post('/v1/agents/web/authorize_session', {'agent_id': agent}).status == 429
