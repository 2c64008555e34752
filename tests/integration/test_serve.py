"""The server as a process: options, help, TLS and its reload, second start on the same data."""
import ssl
import subprocess
import time
import urllib.request

from server import BINARY, KEY, Server


def run(*args):
    return subprocess.run([BINARY, *args], capture_output=True, text=True, check=False, timeout=60)


def test_help_and_version():
    assert run('--version').stdout.startswith('riposte ')
    for verb in ('serve', 'talk', 'keys', 'owner-link', 'bench', 'config'):
        done = run(verb, '--help')
        assert done.returncode == 0 and 'usage: riposte ' + verb in done.stdout
    assert run('nonsense').returncode == 2


def test_bad_options_are_told_together(tmp_path):
    done = run('serve', '--shards=many', '--listen=nowhere', '--colour=red')
    assert done.returncode == 2
    assert '--shards: "many" is not a number' in done.stderr
    assert '--colour: there is no such option' in done.stderr


def test_a_port_in_use_is_explained(server, tmp_path):
    port = server.url.rsplit(':', 1)[1]
    done = run('serve', f'--listen=127.0.0.1:{port}', f'--data={tmp_path}/other')
    assert done.returncode == 1 and 'in use' in done.stderr, done.stderr


def certificate(folder, name):
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2',
                    '-subj', f'/CN={name}', '-addext', 'subjectAltName=IP:127.0.0.1',
                    '-keyout', f'{folder}/key.pem', '-out', f'{folder}/cert.pem'],
                   check=True, capture_output=True)


def test_tls_and_its_reload(make_server, tmp_path):
    certificate(tmp_path, 'one')
    server = make_server(f'--tls-cert={tmp_path}/cert.pem', f'--tls-key={tmp_path}/key.pem')
    assert server.url.startswith('https://')
    port = int(server.url.rsplit(':', 1)[1])

    def served():
        return ssl.get_server_certificate(('127.0.0.1', port), timeout=10)
    first = served()
    context = ssl.create_default_context(cafile=f'{tmp_path}/cert.pem')
    assert urllib.request.urlopen(server.url + '/healthz', context=context).status == 200
    certificate(tmp_path, 'two')
    server.process.send_signal(1)  # SIGHUP
    for _ in range(200):
        if served() != first:
            break
    assert served() != first


def test_data_survive_a_restart(tmp_path):
    with Server(tmp_path / 'data') as server:
        agent, _ = server.agent()
    with Server(tmp_path / 'data') as server:
        assert server.get(f'/v1/agents/{agent}').status == 200


def test_keys_are_made_listed_and_revoked_beside_the_server(server):
    key = run('keys', 'create', '--name', 'ci', f'--data={server.data}').stdout.strip()
    assert server.get('/v1/agents', key=key).status == 200
    listed = run('keys', 'list', f'--data={server.data}').stdout
    assert key not in listed and 'ci' in listed
    run('keys', 'revoke', listed.split()[0], f'--data={server.data}')
    assert server.get('/v1/agents', key=KEY).status == 200
    for _ in range(200):  # a running server believes a key for two seconds
        if server.get('/v1/agents', key=key).status == 401:
            break
        time.sleep(0.1)
    assert server.get('/v1/agents', key=key).status == 401
