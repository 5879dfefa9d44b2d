"""ONNX files, run by ONNX Runtime: the labels of torch, and metadata that describes them."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.foreign_networks import quicken_trials
from helpers.shallow import make_resnet_shallow

from roadseg.datasets.source_images import source_images
from roadseg.errors import InputError, OutputError
from roadseg.inference import onnx_model
from roadseg.inference.engines import load_segmenter
from roadseg.inference.onnx_model import export_onnx
from roadseg.jobs.import_network import import_network
from roadseg.labels.catalogue import label_space
from roadseg.models.build import build_model
from roadseg.models.weights import MODEL_FILE, ModelCard, save_model

pytestmark = [pytest.mark.extra("onnx", "onnxruntime", "onnxscript"), pytest.mark.slow]
DEFAULT = Path("default")
SIZE = (162, 118)


def session_of(path):
    import onnxruntime

    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return export_onnx(DEFAULT, tmp_path_factory.mktemp("onnx") / "model.onnx", input_size=SIZE)


@pytest.mark.parametrize("count", [1, 3])
def test_labels_are_those_of_torch_for_any_number_of_images(written, count):
    pictures = source_images("streets", SIZE, count)
    (labels,) = session_of(written.path).run(["labels"], {"images": pictures})
    segmenter = load_segmenter(DEFAULT, device="cpu", engine="torch", precision="float32", input_size=SIZE)
    assert (labels.shape, labels.dtype) == ((count, 59, 81), np.uint8)
    assert (labels == segmenter.segment(pictures)).mean() >= 0.999


def test_the_file_is_valid_and_says_what_its_labels_mean(written):
    import onnx

    model = onnx.load(written.path)
    onnx.checker.check_model(model, full_check=True)
    assert [(each.domain, each.version) for each in model.opset_import] == [("", written.opset)]
    facts = {each.key: json.loads(each.value) for each in model.metadata_props}
    space = label_space("cityscapes-19")
    assert facts["classes"] == list(space.classes)
    assert facts["colours"] == [list(colour) for colour in space.colours]
    assert (facts["input_size"], facts["label_size"]) == ([162, 118], [81, 59])
    assert facts["normalisation"] == {"mean": [127.0] * 3, "std": [128.0] * 3, "channels": "rgb"}
    assert written.agreement >= 0.999


def test_an_imported_file_has_the_labels_of_the_network(written, tmp_path, monkeypatch):
    """Classes, scaling and size stand in the file."""
    quicken_trials(monkeypatch)
    found = import_network(written.path, tmp_path / "run")
    assert (found.answer, found.label_stride, found.input_size) == ("labels", 2, SIZE)
    segmenter = load_segmenter(tmp_path / "run", device="cpu")
    assert segmenter.label_space == label_space("cityscapes-19")
    image = source_images("streets", SIZE, 1)
    other = load_segmenter(DEFAULT, device="cpu", engine="torch", precision="float32", input_size=SIZE)
    assert (segmenter.segment(image) == other.segment(image)).mean() > 0.99


def test_a_network_with_residual_blocks_is_written_too(tmp_path, monkeypatch):
    """The tests of `roadseg export` write VGG-16."""
    make_resnet_shallow(monkeypatch)
    torch.manual_seed(0)
    network = build_model("resnet101", 19, levels=1, pretrained=False)
    card = {"labels": "cityscapes-19", "method": "source-only", "source": "nothing", "target": "", "steps": 0}
    save_model(
        tmp_path / MODEL_FILE, network, ModelCard(model="resnet101", levels=1, input_size=(65, 33), seed=0, **card)
    )
    assert export_onnx(tmp_path, tmp_path / "model.onnx").agreement >= 0.999


def test_a_file_with_other_labels_than_torch_is_not_written(tmp_path, monkeypatch, written):
    import onnx

    monkeypatch.setattr(onnx_model, "to_onnx", lambda *args: onnx.load(written.path))
    monkeypatch.setattr(onnx_model, "_labels", lambda graph, images: np.full((len(images), 59, 81), 255, np.uint8))
    with pytest.raises(OutputError, match=r"agrees with torch in only 0\.0 %"):
        export_onnx(DEFAULT, tmp_path / "model.onnx", input_size=SIZE)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_package_is_told_with_what_to_type(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(InputError, match="onnxscript, which is missing") as caught:
        export_onnx(DEFAULT, tmp_path / "model.onnx")
    assert caught.value.remedy == "pip install 'roadseg[onnx]'"
