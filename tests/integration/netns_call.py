"""Runs in a network namespace that has nothing but loopback: a server, and a call to it."""
import fcntl
import pathlib
import socket
import struct
import subprocess
import sys

from server import BINARY, KEY, SPEECH, Server

SIOCSIFFLAGS, IFF_UP = 0x8914, 1

with socket.socket() as s:
    fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack('16sh14x', b'lo', IFF_UP))
try:
    socket.create_connection(('192.0.2.1', 80), 1)
    sys.exit('there is a network here')
except OSError:
    pass
with Server(pathlib.Path(sys.argv[1]) / 'data') as server:
    talk = subprocess.run(
        [BINARY, 'talk', '--url', server.url, '--key', KEY, '--fast', '--out', sys.argv[1] + '/a.wav',
         '--text', 'What time is it?', f'{SPEECH}/recordings/beckett.wav'],
        capture_output=True, text=True, check=False)
print(talk.stdout, talk.stderr)
sys.exit(talk.returncode)
