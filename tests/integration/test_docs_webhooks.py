"""The signature checks that docs/webhooks.md shows, run as they stand there."""
import hashlib
import hmac
import pathlib
import re
import shutil
import subprocess
import time

import pytest

DOC = (pathlib.Path(__file__).resolve().parents[2] / 'docs/webhooks.md').read_text('utf-8')
BODY = '{"text":"é"}'
SECRET = 'whsec_docs'

# Language: its command, file, and a main that prints whether BODY fits the header given as first
# argument. JavaScript and Python are always there; the others only on some machines.
RUN = {
    'js': (['node'], 'check.mjs', '''{code}
console.log(isSigned(Buffer.from('{body}'), process.argv[2], '{secret}'))'''),
    'python': (['python3'], 'check.py', '''{code}
import sys
print(str(is_signed('{body}'.encode(), sys.argv[1], '{secret}')).lower())'''),
    'go': (['go', 'run'], 'check.go', '''{code}
func main() {{ fmt.Println(IsSigned([]byte(`{body}`), os.Args[1], "{secret}")) }}'''),
    'java': (['java', '-Dfile.encoding=UTF-8'], 'Webhook.java', '''{code}'''),
}
JAVA_MAIN = '''public static void main(String[] args) throws Exception {
    System.out.println(isSigned("{\\"text\\":\\"\\u00e9\\"}".getBytes(StandardCharsets.UTF_8), args[0],
        "%s")); }''' % SECRET


def program(language):
    code = re.search(rf'```{language}\n(.*?)```', DOC, re.DOTALL)[1]
    if language == 'go':
        code = code.replace('package webhook', 'package main').replace(
            'import (', 'import (\n\t"fmt"\n\t"os"')
    if language == 'java':
        code = code.replace('class Webhook {', 'class Webhook {' + JAVA_MAIN)
    return RUN[language][2].format(code=code, body=BODY, secret=SECRET)


def header(at, secret=SECRET, body=BODY):
    mac = hmac.new(secret.encode(), f'{int(at)}.{body}'.encode(), hashlib.sha256).hexdigest()
    return f't={int(at)},v1={mac}'


@pytest.mark.parametrize('language', RUN)
def test_snippet(language, tmp_path):
    command, name, _ = RUN[language]
    if not shutil.which(command[0]):
        pytest.skip(f'no {command[0]} here')
    path = tmp_path / name
    path.write_text(program(language), 'utf-8')
    now = time.time()
    for given, expected in ((header(now), 'true'), (header(now, 'whsec_other'), 'false'),
                            (header(now, body='{}'), 'false'), (header(now - 400), 'false'),
                            ('', 'false'), (header(now).replace('v1', 'v0'), 'false')):
        run = subprocess.run([*command, path, given], capture_output=True, text=True, timeout=120,
                             check=True)
        assert run.stdout.strip() == expected, given
