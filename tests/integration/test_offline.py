"""After set-up nothing needs a network: server and caller hold a conversation where there is none."""
import os
import pathlib
import subprocess
import sys
import wave

HERE = pathlib.Path(__file__).parent


def test_a_conversation_in_an_empty_network_namespace(tmp_path):
    unshare = ['unshare', '-n'] if os.geteuid() == 0 else ['unshare', '-rn']
    done = subprocess.run([*unshare, sys.executable, str(HERE / 'netns_call.py'), str(tmp_path)],
                          capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'You said' in done.stdout and 'fail better' in done.stdout.lower()
    with wave.open(str(tmp_path / 'a.wav')) as heard:
        assert heard.getframerate() == 16000
        assert heard.getnframes() > 3 * 16000
