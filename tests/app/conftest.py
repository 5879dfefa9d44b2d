"""A server of the page on loopback, with two small drives and a network of random weights."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from helpers.drive_clips import make_drive
from helpers.tiny import toy_recipe, write_tiny_run

from roadseg.app.server import AppServer
from roadseg.app.session import Session


@contextmanager
def running(server: AppServer) -> Iterator[AppServer]:
    """The server answers inside the block; afterwards its threads and its job have ended."""
    before = set(threading.enumerate())
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join()
    left = {each for each in set(threading.enumerate()) - before if not each.name.startswith("openvino")}
    for thread in left:  # OpenVINO's pool serves later calls
        thread.join(10)
    assert not any(thread.is_alive() for thread in left)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Iterator[AppServer]:
    """A server that runs until the tests of a file end; its adaptations learn from the toy data set."""
    folder = tmp_path_factory.mktemp("app")
    make_drive(folder / "drives" / "first.mp4", durations=(1,) * 40)
    make_drive(folder / "drives" / "town" / "second.mp4")
    tiny = write_tiny_run(folder / "weights" / "tiny")
    recipe = toy_recipe(data, method="minent", size=(64, 48), crop=(32, 32), batch_size=1)
    session = Session(folder / "drives", folder / "out", runs=folder / "no", run=tiny, recipe=recipe)
    session.library.search()
    with running(AppServer(session)) as server:
        yield server
