"""`roadseg app`: what it needs, what it says, and how it ends."""

import http.client
import os
import signal
import socket
import threading
import time
from contextlib import closing

import pytest

from roadseg.cli import app

pytestmark = [pytest.mark.timeout(60), pytest.mark.extra("starlette", "uvicorn")]


@pytest.fixture
def free_port():
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def test_without_the_extra_it_names_the_command_of_pip(roadseg, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(app, "find_spec", lambda name: None)
    assert roadseg("app", tmp_path) == 1
    assert capsys.readouterr().err.splitlines() == [
        "error: roadseg app needs starlette and uvicorn, not installed here",
        "       pip install 'roadseg[app]'",
    ]


def test_what_is_missing_or_taken_is_told(roadseg, capsys, tmp_path):
    assert roadseg("app", tmp_path / "none") == 1
    assert "none: no such folder" in capsys.readouterr().err
    assert roadseg("app", tmp_path, "--run", "runs/none", "--no-browser") == 1
    assert capsys.readouterr().err.splitlines()[1].startswith("error: runs/none: ")
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        assert roadseg("app", tmp_path, "--port", port, "--no-browser") == 1
    assert f"port {port}: cannot be used (Address already in use)" in capsys.readouterr().err


@pytest.mark.slow
def test_ctrl_c_ends_it_and_leaves_no_thread(roadseg, capsys, monkeypatch, tmp_path, free_port, run):
    monkeypatch.chdir(tmp_path)
    before = set(threading.enumerate())

    def interrupt_once_it_answers():
        while True:
            with closing(http.client.HTTPConnection("127.0.0.1", free_port, timeout=20)) as connection:
                try:
                    connection.request("GET", "/")
                    assert connection.getresponse().status == 403
                except OSError:
                    time.sleep(0.05)
                    continue
            os.kill(os.getpid(), signal.SIGINT)
            return

    other = threading.Thread(target=interrupt_once_it_answers)
    other.start()
    assert roadseg("app", tmp_path, "--port", free_port, "--no-browser", "--run", run) == 0
    other.join()
    said = capsys.readouterr()
    assert said.out.startswith(f"http://127.0.0.1:{free_port}/") and said.out.count("\n") == 1
    assert said.err.splitlines()[-1] == "Ended. Finished work is kept."
    left = {each for each in set(threading.enumerate()) - before if not each.name.startswith("openvino")}
    for thread in left:
        thread.join(10)
    assert not any(thread.is_alive() for thread in left)
    assert list(tmp_path.iterdir()) == []
