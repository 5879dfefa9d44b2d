"""Fixtures for the tests of commands."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.tiny import write_tiny_run

from roadseg.cli.main import main


@pytest.fixture
def roadseg(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Function that runs a command inside this process and returns its exit code; `capsys` has its output."""

    def run(*arguments: object) -> int:
        monkeypatch.setattr(sys, "argv", ["roadseg", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        return int(end.value.code or 0)

    return run


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder as `roadseg adapt` leaves it, with a network of random weights."""
    return write_tiny_run(tmp_path_factory.mktemp("run"))
