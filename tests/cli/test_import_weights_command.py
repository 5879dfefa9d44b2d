"""`roadseg import --recipe`: published weights as a run that other commands take."""

import json

import pytest
import torch
from helpers.tiny import RECIPE, write_streets

from roadseg.models.build import build_model
from roadseg.training.recipe import resolve

pytestmark = pytest.mark.slow


@pytest.fixture
def published(tmp_path):
    torch.save(build_model("fast", 19, pretrained=False).state_dict(), tmp_path / "file.pth")
    (tmp_path / "recipe.toml").write_text(resolve({**RECIPE, "target": "none"}, origin="test").as_toml())
    return tmp_path / "file.pth", "--recipe", tmp_path / "recipe.toml"


def test_a_bare_file_becomes_a_run(roadseg, published, tmp_path, capsys):
    write_streets(tmp_path / "streets", 1)
    assert roadseg("evaluate", published[0], f"streets:{tmp_path / 'streets'}") == 1
    assert "roadseg import" in capsys.readouterr().err
    assert roadseg("import", *published, "--out", tmp_path / "run") == 0
    shown = capsys.readouterr().out
    assert "fast with 2 heads, cityscapes-19" in shown and "none missing" in shown
    assert roadseg("evaluate", tmp_path / "run", f"streets:{tmp_path / 'streets'}", "--device", "cpu", "--json") == 0
    assert json.loads(capsys.readouterr().out)["images"] == 1


def test_options_of_other_files_are_refused(roadseg, published, tmp_path, capsys):
    assert roadseg("import", *published, "--out", tmp_path / "run", "--labels", "cityscapes-19") == 2
    assert "names classes" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
