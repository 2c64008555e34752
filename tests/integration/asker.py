"""A session in miniature for tests: drives the real webhook agent by tests/tools/webhook_ask."""
import json
import os
import pathlib
import queue
import subprocess
import threading

from fake_backend import SECRET

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get('RIPOSTE_BUILD_DIR', TOP / 'build'))
WAIT_S = 30  # only bounds a failing test


class Asker:
    """One webhook_ask process: commands in, lines out."""

    def __init__(self, url, **config):
        config = {'url': url, 'secret': SECRET, **config}
        self.process = subprocess.Popen([BUILD / 'tests/tools/webhook_ask', json.dumps(config)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        self.lines = []
        self._queue = queue.Queue()
        self.errors = b''
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._read_errors, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self._queue.put(json.loads(line))
        self._queue.put(None)

    def _read_errors(self):
        self.errors = self.process.stderr.read()

    def say(self, **command):
        self.process.stdin.write(json.dumps(command).encode() + b'\n')
        self.process.stdin.flush()

    def request(self, ident='a', **more):
        self.say(do='request', id=ident, **{'type': 'message', 'text': 'hi', **more})

    def until(self, kind, ident='a'):
        """Lines up to the first of this kind and id, which is returned."""
        for line in self.lines:
            if line['kind'] == kind and line.get('id') == ident:
                return line
        while True:
            line = self._queue.get(timeout=WAIT_S)
            assert line is not None, f'no {kind} of {ident}: {self.lines} {self.errors}'
            self.lines.append(line)
            if line['kind'] == kind and line.get('id') == ident:
                return line

    def record(self, ident='a'):
        return self.until('record', ident)

    def trace(self, ident='a'):
        """The session's events so far as short words."""
        return [line['kind'] if 'text' not in line else (line['kind'], line['text'])
                for line in self.lines if line.get('id') == ident and line['kind'] != 'record']

    def close(self):
        """Ends it; every request must be in the log once, and no memory may be left."""
        self.process.stdin.close()
        while (line := self._queue.get(timeout=WAIT_S)) is not None:
            self.lines.append(line)
        assert self.process.wait(WAIT_S) == 0, self.errors
        assert self.lines[-1] == {'kind': 'left', 'blocks': 0}
        assert b'Sanitizer' not in self.errors and b'runtime error' not in self.errors, self.errors
        ids = {line['id'] for line in self.lines if 'id' in line and line['kind'] != 'refused'}
        for ident in ids:
            ends = [x for x in self.lines if x['kind'] in ('end', 'error') and x['id'] == ident]
            assert len(ends) <= 1
