"""Fixtures of the integration tests: the real server, backends, callers."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from backend_fixture import backend  # noqa: E402, F401
from server import Server  # noqa: E402


@pytest.fixture
def server(tmp_path):
    """A running server of its own for each test, that has to end in good order."""
    with Server(tmp_path / 'data') as running:
        yield running


@pytest.fixture
def make_server(tmp_path):
    """Starts servers with options: make_server('--shards=2', RIPOSTE_DRAIN='0')."""
    started = []

    def make(*args, **env):
        started.append(Server(tmp_path / f'data{len(started)}', *args, **env).start())
        return started[-1]

    yield make
    for one in started:
        one.stop()
