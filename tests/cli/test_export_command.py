"""`roadseg export` as people use it."""

import json

import pytest


@pytest.mark.slow
@pytest.mark.extra("onnx", "onnxruntime", "onnxscript")
def test_the_network_as_onnx(roadseg, tmp_path, capsys):
    out = tmp_path / "model.onnx"
    assert roadseg("export", "--format", "onnx", "--out", out, "--input-size", "96x64", "--json") == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert printed.err == ""
    assert (found["path"], found["bytes"]) == (str(out), out.stat().st_size)
    assert (found["input_size"], found["label_size"]) == ([96, 64], [48, 32])
    assert found["agreement"] >= 0.999


def test_a_format_has_to_be_named(roadseg, tmp_path, capsys):
    assert roadseg("export", "--out", tmp_path / "model.onnx") == 2
    assert "--format" in capsys.readouterr().err
