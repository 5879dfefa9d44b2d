"""ONNX files made by hand: networks that give each pixel the class of the nearest colour."""

from functools import cache
from pathlib import Path

import numpy as np

from helpers.tiny import street
from roadseg.inference.engines import load_segmenter
from roadseg.jobs import import_network as job

CLASSES = ("road", "building", "vegetation", "sky")
COLOURS = np.array([(100, 100, 105), (150, 110, 85), (80, 130, 50), (150, 185, 235)], np.float64)
IMAGENET = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
UNIT = (0, 0, 0), (255, 255, 255)


def quicken_trials(monkeypatch):
    """Let the trial of an import have a small street, quickly drawn, and default weights that are loaded once."""

    def drawn(seed, index, size):
        image, labels = street(index)
        rows, columns = (
            np.arange(side) * length // side for side, length in zip(size[::-1], labels.shape, strict=True)
        )
        return image[rows][:, columns], labels[rows][:, columns]

    monkeypatch.setattr("roadseg.inference.imported.trial.render_street", drawn)
    monkeypatch.setattr(job, "render_street", drawn)
    monkeypatch.setattr(job, "STREETS", 1)
    monkeypatch.setattr(job, "CELL", 40)
    monkeypatch.setattr(job, "load_segmenter", usual)


@cache
def usual(run, device):
    """The default weights, loaded once, for smaller images than usual."""
    return load_segmenter(run, device=device, engine="torch", input_size=(160, 120))


def images(count=2, size=(64, 48), seed=0):
    """Images (count, height, width, 3) uint8 of random pixels."""
    return np.random.default_rng(seed).integers(0, 256, (count, size[1], size[0], 3), np.uint8)


def nearest(pixels, scaling=IMAGENET):
    """The class of each pixel, (..., H, W): that of the nearest colour once both are scaled by (mean, std)."""
    distance = (((pixels[..., None, :] - COLOURS) / np.array(scaling[1], np.float64)) ** 2).sum(-1)
    return distance.argmin(-1)


def nearest_colour(
    path: Path,
    *,
    layout="NCHW",
    dtype="FLOAT",
    answer="scores",
    stride=4,
    batch="n",
    size=("w", "h"),
    scaling=IMAGENET,
    blue_first=False,
    opset=17,
    extra=(),
    metadata=None,
    classes=4,
):
    """Write a network; `scaling` is the (mean, std) of the pixels that it wants.

    Args:
        path: the file.
        layout: axes of the input, and of the scores.
        dtype: type of the input.
        answer: scores, probabilities, labels with an axis of 1 (`labels`) or without (`flat labels`).
        stride: pixels a side for each cell of the result; the first pixel of a cell counts.
        batch: number of images, or a name for any.
        size: (width, height), or names for any.
        scaling: see above; for uint8 the network scales by itself.
        blue_first: True for input in the order of blue, green, red.
        opset: version of ONNX.
        extra: further nodes.
        metadata: properties of the file.
        classes: number of classes; those beyond the colours never win.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    mean, std = (np.array(each, np.float64) for each in scaling)
    centres = (COLOURS - mean) / std
    weights = np.zeros((classes, 3, 1, 1), np.float64)
    weights[: len(CLASSES), :, 0, 0] = 2 * centres
    bias = np.full(classes, -1000.0)
    bias[: len(CLASSES)] = -(centres**2).sum(1)
    if blue_first:
        weights = weights[:, ::-1]
    inner = dtype if dtype in ("FLOAT", "FLOAT16") else "FLOAT"
    number = {"FLOAT": np.float32, "FLOAT16": np.float16}[inner]
    tensors = [numpy_helper.from_array(each.astype(number), name) for each, name in ((weights, "w"), (bias, "b"))]
    nodes, current = [], "input"

    def add(operator, *more, **attributes):
        nonlocal current
        nodes.append(helper.make_node(operator, [current, *more], [f"v{len(nodes)}"], **attributes))
        current = f"v{len(nodes) - 1}"

    if layout == "NHWC":
        add("Transpose", perm=[0, 3, 1, 2])
    if dtype == "UINT8":
        add("Cast", to=TensorProto.FLOAT)
        tensors += [
            numpy_helper.from_array(each.reshape(1, 3, 1, 1).astype(np.float32), name)
            for each, name in ((mean, "mean"), (std, "std"))
        ]
        add("Sub", "mean")
        add("Div", "std")
    add("Conv", "w", "b", strides=[stride, stride])
    result = TensorProto.DataType.Value(inner)
    if answer == "probabilities":
        add("Softmax", axis=1)
    if "labels" in answer:
        add("ArgMax", axis=1, keepdims=int(answer == "labels"))
        result = TensorProto.INT64
    elif layout == "NHWC":
        add("Transpose", perm=[0, 2, 3, 1])
    nodes.append(helper.make_node("Identity", [current], ["result of the network"]))
    width, height = size
    shape = [batch, 3, height, width] if layout == "NCHW" else [batch, height, width, 3]
    axes = ["n", "r", "c"] if answer == "flat labels" else ["n", "k", "r", "c"]
    graph = helper.make_graph(
        [*nodes, *extra],
        "nearest-colour",
        [helper.make_tensor_value_info("input", TensorProto.DataType.Value(dtype), shape)],
        [helper.make_tensor_value_info("result of the network", result, axes)],
        tensors,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 8
    helper.set_model_props(model, metadata or {})
    onnx.save(model, path)
    return path
