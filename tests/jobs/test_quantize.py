"""Runs in int8: the labels of float32, what is refused, and the ONNX file for other programs."""

import sys

import cv2
import numpy as np
import pytest
from helpers.foreign_networks import CLASSES, COLOURS, images, nearest, nearest_colour, quicken_trials

from roadseg.errors import DatasetError, InputError, OutputError, WeightsError
from roadseg.inference.engines import load_segmenter
from roadseg.inference.imported.card import NETWORK_FILE, read_card
from roadseg.jobs.import_network import import_network
from roadseg.jobs.quantize import quantize
from roadseg.labels.space import LabelSpace

pytestmark = pytest.mark.extra("onnx", "onnxruntime")
SPACE = LabelSpace("four", CLASSES, ((128, 64, 128), (70, 70, 70), (107, 142, 35), (70, 130, 180)))
UNIT = (0, 0, 0), (1, 1, 1)


@pytest.fixture(autouse=True)
def quick_streets(monkeypatch):
    quicken_trials(monkeypatch)


def chain(path, constant=1.0):
    """Write a network of six convolutions: five pass colours and a constant on, the last takes the nearest."""
    from onnx import TensorProto, checker, helper, numpy_helper, save

    nodes = [
        helper.make_node("Cast", ["pixels"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["float"], ["x0"], perm=[0, 3, 1, 2]),
    ]
    weights = []
    for number in range(6):
        passed = np.eye(4, 3 if number == 0 else 4, dtype=np.float32)
        if number == 5:
            passed = np.concatenate([2 * COLOURS, np.zeros((4, 1))], 1).astype(np.float32)
        bias = np.array([0, 0, 0, constant if number == 0 else 0]) if number < 5 else -(COLOURS**2).sum(1)
        weights.append(numpy_helper.from_array(passed[:, :, None, None], f"w{number}"))
        weights.append(numpy_helper.from_array(bias.astype(np.float32), f"b{number}"))
        nodes.append(helper.make_node("Conv", [f"x{number}", f"w{number}", f"b{number}"], [f"x{number + 1}"]))
    pixels = helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", "h", "w", 3])
    scores = helper.make_tensor_value_info("x6", TensorProto.FLOAT, ["n", 4, "h", "w"])
    graph = helper.make_graph(nodes, "chain", [pixels], [scores], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model)
    save(model, path)
    return path


@pytest.fixture
def frames(tmp_path):
    """Twenty images of 64x48 random pixels."""
    (tmp_path / "frames").mkdir()
    for number, image in enumerate(images(20, (64, 48), seed=1)):
        cv2.imwrite(str(tmp_path / "frames" / f"{number:02}.png"), image[..., ::-1])
    return tmp_path / "frames"


def imported(tmp_path, **options):
    import_network(chain(tmp_path / "chain.onnx", **options), tmp_path / "run", labels=SPACE, input_size=(64, 48))
    return tmp_path / "run"


def test_an_imported_network_in_int8(tmp_path, frames):
    made = quantize(imported(tmp_path), tmp_path / "int8", frames=frames)
    assert (made.calibrated_on, made.compared_on) == (18, 2)
    pixels = np.repeat(np.repeat(images(3, (8, 6)), 8, 1), 8, 2)  # 8 equal pixels a side
    expected = nearest(pixels, UNIT)[:, ::2, ::2]
    distances = np.sort(((pixels[:, ::2, ::2, None, :] - COLOURS) ** 2).sum(-1), -1)
    levels = distances[..., 1] - distances[..., 0]
    clear = levels > 1500  # int8 moves a colour by a level or two: by less than this between two classes
    for engine in ("onnxruntime", "auto"):
        segmenter = load_segmenter(tmp_path / "int8", device="cpu", engine=engine)
        assert segmenter.name.endswith("int8") and not segmenter.notices
        labels = segmenter.segment(pixels)
        assert 0.5 < clear.mean() < 1 and (labels == expected)[clear].all()
    assert made.agreement > 0.95 and made.agreement_here > 0.95
    assert made.as_dict()["folder"] == str(tmp_path / "int8")

    with pytest.raises(InputError, match="is in int8 already"):
        quantize(tmp_path / "int8", tmp_path / "again", frames=frames)
    import_network(tmp_path / "int8" / NETWORK_FILE, tmp_path / "from file", labels=SPACE, input_size=(64, 48))
    assert read_card(tmp_path / "from file").precision == "int8"


def test_labels_that_int8_spoils_are_refused(tmp_path, frames):
    """Beside a million, a step of 8 bits is 4,000: the colours are lost."""
    with pytest.raises(OutputError, match="another label than float32"):
        quantize(imported(tmp_path, constant=1e6), tmp_path / "int8", frames=frames)
    assert not (tmp_path / "int8").exists()


def test_too_little_to_quantize(tmp_path, frames):
    file = nearest_colour(tmp_path / "one.onnx")
    import_network(file, tmp_path / "one", labels=SPACE, normalization="imagenet", input_size=(64, 48))
    with pytest.raises(WeightsError, match="first 3 and the last one stay in float32"):
        quantize(tmp_path / "one", tmp_path / "int8", frames=frames)
    for left in sorted(frames.iterdir())[9:]:
        left.unlink()
    with pytest.raises(InputError, match="9 images are too few"):
        quantize(tmp_path / "one", tmp_path / "int8", frames=frames)
    with pytest.raises(InputError, match="3 images are too few"):
        quantize(tmp_path / "one", tmp_path / "int8", count=3)
    with pytest.raises(DatasetError):
        quantize(tmp_path / "one", tmp_path / "int8", frames=tmp_path / "nothing")
    assert not (tmp_path / "int8").exists()


def test_a_missing_package_is_told_with_what_to_type(tmp_path, frames, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(InputError, match="onnxscript, which is missing") as caught:
        quantize("default", tmp_path / "int8", frames=frames)
    assert caught.value.remedy == "pip install 'roadseg[onnx]'"
