"""The fixture `backend`: a FakeBackend of its own for each test, imported by conftest.py."""
import pytest

from fake_backend import FakeBackend


@pytest.fixture
def backend():
    """Started; at the end every request must have been signed well, unless the test empties
    `backend.requests`."""
    fake = FakeBackend().start()
    yield fake
    fake.stop()
    fake.check()
