"""Fixtures of the tests of downloads."""

import gc
from collections.abc import Iterator

import pytest
from helpers.servers import Site, serving, write_clip


@pytest.fixture(autouse=True)
def collect_sockets() -> Iterator[None]:
    """Close the sockets that yt-dlp leaves to the garbage collector here, where their warning is ignored."""
    yield
    gc.collect()


@pytest.fixture
def site() -> Iterator[Site]:
    """A server on 127.0.0.1."""
    with serving() as running:
        yield running


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A small video."""
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4").read_bytes()
