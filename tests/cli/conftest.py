"""Fixtures of the tests of commands."""

import sys
from collections.abc import Callable

import pytest

from roadseg.cli.main import main


@pytest.fixture
def roadseg(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run the program inside this process, which is quicker than `program.roadseg`; gives the exit code."""

    def run(*arguments: object) -> int:
        monkeypatch.setattr(sys, "argv", ["roadseg", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        return int(end.value.code or 0)

    return run
