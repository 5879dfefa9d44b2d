"""`roadseg quantize` as people use it."""

import json

import pytest
import torch
from helpers.shallow import make_resnet_shallow
from helpers.tiny import SIZE, write_streets

from roadseg.labels.catalogue import label_space
from roadseg.models.build import build_model
from roadseg.models.names import NETWORK_FILE
from roadseg.models.weights import MODEL_FILE, ModelCard, save_model


@pytest.mark.slow
@pytest.mark.extra("onnx", "onnxruntime", "onnxscript")
def test_a_run_in_int8(roadseg, tmp_path, capsys, monkeypatch):
    """Random weights of a network whose outermost scores lie on the outermost pixels."""
    make_resnet_shallow(monkeypatch)
    torch.manual_seed(0)
    card = ModelCard(
        model="resnet101", levels=1, labels="cityscapes-19", input_size=SIZE, method="source-only", source="nothing",
        target="", steps=0, seed=0,
    )  # fmt: skip
    save_model(tmp_path / "run" / MODEL_FILE, build_model("resnet101", 19, levels=1, pretrained=False), card)
    streets = write_streets(tmp_path / "streets", 20)
    command = ("quantize", "--run", tmp_path / "run", "--frames", streets / "images", "--out")
    assert roadseg(*command, tmp_path / "int8") == 0
    shown = capsys.readouterr().out
    assert "calibrated on 18 images" in shown and "core-ms an image of 96x64 here" in shown
    assert json.loads((tmp_path / "int8" / "network.json").read_text())["align_corners"]

    import onnx

    model = onnx.load(tmp_path / "int8" / NETWORK_FILE)
    onnx.checker.check_model(model, full_check=True)
    facts = {each.key: json.loads(each.value) for each in model.metadata_props}
    assert (facts["classes"], facts["input_size"]) == (list(label_space("cityscapes-19").classes), list(SIZE))
    convolutions = sum(node.op_type == "Conv" for node in model.graph.node)
    assert sum(value.data_type == onnx.TensorProto.INT8 for value in model.graph.initializer) >= convolutions - 4

    assert roadseg("evaluate", tmp_path / "int8", f"streets:{streets}", "--engine", "auto", "--json") == 0
    assert "int8" in json.loads(capsys.readouterr().out)["engine"]


def test_too_few_images_take_two_lines(roadseg, tmp_path, capsys):
    assert roadseg("quantize", "--images", "3", "--out", tmp_path / "int8") == 1
    message = capsys.readouterr().err
    assert "3 images are too few" in message and len(message.splitlines()) == 2
    assert not (tmp_path / "int8").exists()
