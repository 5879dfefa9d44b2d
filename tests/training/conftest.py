"""What all tests of training train on."""

from pathlib import Path

import pytest
from helpers.tiny import write_streets


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A labelled source in `source`, and in `target` a target, which is another domain."""
    root = tmp_path_factory.mktemp("toy")
    write_streets(root / "source", 8)
    write_streets(root / "target", 8, night=True)
    return root
