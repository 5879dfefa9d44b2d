"""`roadseg export` as people use it."""

import json

import numpy as np
import pytest
import torch
from helpers.tiny import street

from roadseg.models.build import build_model
from roadseg.models.weights import MODEL_FILE, ModelCard, save_model


@pytest.mark.slow
@pytest.mark.extra("onnx", "onnxruntime", "onnxscript")
def test_the_network_as_onnx(roadseg, tmp_path, capsys, monkeypatch):
    """Export random weights of the network with the fewest layers; the check uses streets that are quickly drawn."""
    streets = np.stack([street(index)[0] for index in range(2)])
    monkeypatch.setattr("roadseg.inference.onnx_model.source_images", lambda source, size, count: streets)
    torch.manual_seed(0)
    card = ModelCard(
        model="vgg16", levels=1, labels="cityscapes-19", input_size=(64, 48), method="source-only", source="nothing",
        target="", steps=0, seed=0,
    )  # fmt: skip
    save_model(tmp_path / MODEL_FILE, build_model("vgg16", 19, levels=1, pretrained=False), card)
    out = tmp_path / "model.onnx"
    command = ("export", "--run", tmp_path, "--format", "onnx", "--out", out, "--input-size", "96x64")
    assert roadseg(*command, "--json") == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert printed.err == ""
    assert (found["path"], found["bytes"]) == (str(out), out.stat().st_size)
    assert (found["input_size"], found["label_size"]) == ([96, 64], [48, 32])
    assert found["agreement"] >= 0.999


def test_a_format_has_to_be_named(roadseg, tmp_path, capsys):
    assert roadseg("export", "--out", tmp_path / "model.onnx") == 2
    assert "--format" in capsys.readouterr().err
