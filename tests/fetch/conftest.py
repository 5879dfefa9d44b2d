"""Fixtures of the tests of downloads."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.servers import Site, serving, write_clip


@pytest.fixture
def site() -> Iterator[Site]:
    """A server on 127.0.0.1."""
    with serving() as running:
        yield running


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder for videos, two levels below a folder that is there."""
    return tmp_path / "deep" / "er" / "videos"


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A small video."""
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4").read_bytes()
