"""The example backends, each started by its own ./run, as Riposte and a browser use them."""
import contextlib
import hashlib
import hmac
import http.client
import http.server
import json
import os
import pathlib
import socket
import subprocess
import threading
import time

import pytest

from asker import Asker

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / 'examples'
SECRET = 'whsec_examples'
API_KEY = 'rp_key_examples'


class FakeRiposte(http.server.BaseHTTPRequestHandler):
    """Answers authorize_session; knows one key."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
        if self.path != '/v1/agents/web/authorize_session':
            status, answer = 404, {'error': 'no such path'}
        elif self.headers['Authorization'] != f'Bearer {API_KEY}':
            status, answer = 400, {'error': 'a bad key'}
        else:
            status, answer = 200, {'client_session_key': 'lc_sesskey_1', 'given': body}
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture(scope='module')
def riposte():
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), FakeRiposte)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{server.server_port}'
    server.shutdown()
    server.server_close()


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def wait_healthy(port, process, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, 'the example ended'
        with contextlib.suppress(OSError):
            connection = http.client.HTTPConnection('127.0.0.1', port, timeout=5)
            connection.request('GET', '/health')
            if connection.getresponse().status == 200:
                return
        time.sleep(0.05)
    raise TimeoutError('the example does not listen')


@pytest.fixture(scope='module', params=['node-backend', 'fastapi-backend'])
def example(request, riposte):  # pylint: disable=redefined-outer-name
    port = free_port()
    env = {**os.environ, 'PORT': str(port), 'RIPOSTE_URL': riposte,
           'LAYERCODE_API_KEY': API_KEY, 'LAYERCODE_WEBHOOK_SECRET': SECRET}
    with subprocess.Popen([EXAMPLES / request.param / 'run'], env=env,
                          stdin=subprocess.DEVNULL) as process:
        try:
            wait_healthy(port, process)
            yield port
        finally:
            process.terminate()


def signed(body, secret=SECRET, at=None):
    t = int(time.time() if at is None else at)
    mac = hmac.new(secret.encode(), f'{t}.'.encode() + body, hashlib.sha256).hexdigest()
    return {'Content-Type': 'application/json', 'layercode-signature': f't={t},v1={mac}'}


def start(port, event, headers=None):
    body = json.dumps(event, separators=(',', ':'), ensure_ascii=False).encode()
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=30)
    connection.request('POST', '/agent', body, signed(body) if headers is None else headers)
    return connection, connection.getresponse()


def ask(port, event):
    """The events of the answer."""
    _, response = start(port, {'session_id': 's1', 'conversation_id': 'c1', 'metadata': {},
                               'turn_id': 't1', **event})
    assert response.status == 200
    assert response.headers.get_content_type() == 'text/event-stream'
    blocks = response.read().decode().split('\n\n')
    assert blocks.pop() == ''
    assert all(block.startswith('data: ') for block in blocks)
    events = [json.loads(block[6:]) for block in blocks]
    assert all(e['turn_id'] == 't1' for e in events)
    return events


def spoken(events):
    return ''.join(e['content'] for e in events if e['type'] == 'response.tts')


@pytest.mark.parametrize('kind', ['welcome', 'session.start'])
def test_greets(example, kind):
    events = ask(example, {'type': kind})
    assert 'Hello' in spoken(events)
    assert events[-1]['type'] == 'response.end'


def test_answers_in_pieces(example):
    events = ask(example, {'type': 'message', 'text': 'Grüße, 你好!', 'conversation_id': 'pieces'})
    assert 'You said: Grüße, 你好!' in spoken(events)
    assert len(events) > 5
    assert events[-1]['type'] == 'response.end'


def test_sends_data_before_its_text(example):
    events = ask(example, {'type': 'data', 'data': {'button': [1, None]}})
    assert events[0] == {'type': 'response.data', 'turn_id': 't1',
                         'content': {'received': {'button': [1, None]}}}
    assert spoken(events)


def test_remembers_what_was_heard(example):
    talk = {'type': 'message', 'conversation_id': 'interrupted'}
    ask(example, {**talk, 'text': 'One.'})
    events = ask(example, {**talk, 'text': 'Two.', 'interruption_context': {
        'previous_turn_interrupted': True, 'words_heard': 2, 'text_heard': 'You said:',
        'assistant_turn_id': 't0'}})
    assert 'number 2' in spoken(events)


def test_refuses_bad_signatures(example):
    event = {'type': 'message', 'text': 'x', 'turn_id': 't1', 'conversation_id': 'c1'}
    body = json.dumps(event, separators=(',', ':')).encode()
    for headers in ({}, signed(body, 'whsec_other'), signed(body + b' '),
                    signed(body, at=time.time() - 400), {'layercode-signature': 'nonsense'}):
        _, response = start(example, event, headers)
        assert response.status == 401, headers


def test_takes_session_webhooks(example):
    for kind in ('session.start', 'session.end', 'session.update'):
        _, response = start(example, {'type': kind, 'session_id': 's1', 'conversation_id': 'c1'})
        assert response.status == 204


def test_survives_an_interruption(example):
    text = 'word ' * 500
    connection, response = start(example, {'type': 'message', 'text': text, 'turn_id': 't1',
                                           'session_id': 's1', 'conversation_id': 'cut'})
    assert response.read(20)
    response.close()
    connection.close()
    assert ask(example, {'type': 'welcome'})


def test_authorizes_with_its_own_key(example):
    connection = http.client.HTTPConnection('127.0.0.1', example, timeout=30)
    body = {'agent_id': 'ag-1', 'metadata': {'a': 1}}
    connection.request('POST', '/authorize', json.dumps(body),
                       {'Content-Type': 'application/json', 'Origin': 'http://localhost:5173'})
    response = connection.getresponse()
    assert response.headers['Access-Control-Allow-Origin'] == '*'
    assert (response.status, json.loads(response.read())) == (
        200, {'client_session_key': 'lc_sesskey_1', 'given': body})


def test_with_the_webhook_agent(example):
    """The requests that Riposte really sends are verified, and the answers understood."""
    asker = Asker(f'http://127.0.0.1:{example}/agent', secret=SECRET,
                  metadata={'nasty': ['\u2028', '<', 1e21, 0.1, '\\', '😀']})
    asker.request('asst-1', type='welcome')
    asker.request('asst-2', type='message', text='Hello "you" /\n\u0000 😀')
    asker.request('asst-3', type='data', data={'b': 1.5, '1': None})
    for ident in ('asst-1', 'asst-2', 'asst-3'):
        asker.until('end', ident)
        assert any(kind == 'text' for kind, *_ in asker.trace(ident))
    said = ''.join(t[1] for t in asker.trace('asst-2') if t[0] == 'text')
    assert 'Hello "you" /\n\u0000 😀' in said
    assert asker.trace('asst-3')[0] == ('json', {'received': {'b': 1.5, '1': None}})
    asker.close()
