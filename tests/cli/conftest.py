"""Fixtures for the tests of commands."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

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
    import torch

    from roadseg.models.build import build_model
    from roadseg.models.weights import MODEL_FILE, ModelCard, save_model

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("run")
    network = build_model("fast", 19, levels=1, pretrained=False)
    card = ModelCard(
        model="fast",
        levels=1,
        labels="cityscapes-19",
        input_size=(64, 48),
        method="source-only",
        source="nothing",
        target="",
        steps=0,
        seed=0,
    )
    save_model(folder / MODEL_FILE, network, card)
    return folder
