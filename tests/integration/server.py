"""The real server, started and stopped by tests."""
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import urllib.error
import urllib.request

TOP = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get('RIPOSTE_BIN', str(TOP / 'build/riposte'))
SPEECH = os.environ.get('RIPOSTE_SPEECH_DIR', str(TOP / 'build/speech'))
KEY = 'test-key-0123456789abcdef'
SECRET = 'whsec_test'
LIMIT_S = 60


class Answer:
    """Status, headers and JSON of a REST call."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        return self.json['error']


class Server:
    """`riposte serve` on a free port. `log` is what it wrote so far."""

    def __init__(self, data, *args, **env):
        self.data = data
        self.args = args
        self.env = {k: v for k, v in os.environ.items() if not k.startswith('RIPOSTE_')}
        self.env |= {'RIPOSTE_API_KEY': KEY, 'RIPOSTE_SPEECH_DIR': SPEECH, **env}
        self.process = None
        self.url = None
        self.log = ''

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def start(self):
        self.process = subprocess.Popen(
            [BINARY, 'serve', '--listen=127.0.0.1:0', f'--data={self.data}', *self.args],
            env=self.env, cwd=self.data.parent, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        for line in self.process.stdout:
            if match := re.match(r'listening on (\S+)', line):
                self.url = match[1]
                self._drain = threading.Thread(target=self.process.stdout.read, daemon=True)
                self._drain.start()
                return self
        self.process.wait()
        self._reader.join()
        raise AssertionError(f'the server did not start:\n{self.log}')

    def _read(self):
        for line in self.process.stderr:
            self.log += line

    def stop(self, sig=signal.SIGTERM):
        """Asks it to end, and sees that it does so well."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(sig)
        try:
            code = self.process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f'the server did not end:\n{self.log}') from None
        self._reader.join()
        assert code == 0, f'exit code {code}:\n{self.log}'

    def kill(self):
        self.process.kill()
        self.process.wait()
        self._reader.join()

    @property
    def ws_url(self):
        return self.url.replace('http', 'ws', 1)

    def call(self, method, path, body=None, key=KEY, headers=()):
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)
        if key is not None:
            request.add_header('Authorization', f'Bearer {key}')
        for name, value in dict(headers).items():
            request.add_header(name, value)
        try:
            with urllib.request.urlopen(request, timeout=LIMIT_S) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read())

    def get(self, path, **more):
        return self.call('GET', path, **more)

    def post(self, path, body=None, **more):
        return self.call('POST', path, {} if body is None else body, **more)

    def agent(self, webhook=None, events=None, turn=None, **config):
        """Makes an agent, with a webhook or in demo mode; gives its id and its secret."""
        made = self.post('/v1/agents', {'name': 'Test'})
        assert made.status == 201, made.body
        plugins = [{'use': 'turn_manager', 'options': turn or {}}]
        if webhook:
            options = {'url': webhook} | ({'events': events} if events is not None else {})
            plugins.append({'use': 'agent.webhook', 'options': options})
        config = {'type': 'voice', 'clients': {'browser': {'enabled': True}},
                  'plugins': plugins, **config}
        changed = self.post(f'/v1/agents/{made.json["id"]}', {'config': config})
        assert changed.status == 200, changed.body
        return made.json['id'], made.json['webhook_secret']

    def authorize(self, agent, **body):
        answer = self.post('/v1/agents/web/authorize_session', {'agent_id': agent, **body})
        assert answer.status == 200, answer.body
        return answer.json
