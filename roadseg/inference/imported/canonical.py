"""ONNX graphs brought into one form: `images`, (N, H, W, 3) uint8 RGB in, `result` out."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from roadseg.errors import WeightsError
from roadseg.inference.imported.packages import needed
from roadseg.models.network import Normalisation

IMAGES, RESULT = "images", "result"
PREFIX = "roadseg/"
"""Beginning of the names of added nodes and values."""

Layout = Literal["NCHW", "NHWC"]
FLOATS = {"FLOAT": np.float32, "FLOAT16": np.float16, "DOUBLE": np.float64}


@dataclass(frozen=True)
class ImageInput:
    """Input of a network that takes images."""

    name: str
    layout: Layout
    dtype: str
    """Element type by its name in ONNX: `FLOAT`, `FLOAT16`, `DOUBLE` or `UINT8`."""
    batch: int | None
    """Number of images; None for any."""
    size: tuple[int, int] | None
    """(width, height); None for any."""


def image_input(path: Path, model: Any) -> ImageInput:
    """Return the input of a network.

    Raises:
        WeightsError: the network does not take one image tensor of three channels.
    """
    onnx = needed("onnx")
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    if len(inputs) != 1:
        names = ", ".join(value.name for value in inputs) or "none"
        raise WeightsError(f"{path}: takes {len(inputs)} inputs ({names}), wanted one of images", EXPORT)
    tensor = inputs[0].type.tensor_type
    shape = [side.dim_value if side.HasField("dim_value") and side.dim_value > 0 else None for side in tensor.shape.dim]
    dtype = onnx.TensorProto.DataType.Name(tensor.elem_type)
    if len(shape) != 4 or 3 not in (shape[1] or 3, shape[3] or 3):
        raise WeightsError(f"{path}: takes {_shape(shape)}, wanted (N, 3, H, W) or (N, H, W, 3)", EXPORT)
    if dtype not in (*FLOATS, "UINT8"):
        raise WeightsError(f"{path}: takes {dtype.lower()}, wanted floating-point numbers or uint8", EXPORT)
    layout: Layout = "NHWC" if shape[3] == 3 and shape[1] != 3 else "NCHW"
    height, width = shape[1:3] if layout == "NHWC" else shape[2:4]
    size = (width, height) if width and height else None
    if size is None and (width or height):
        raise WeightsError(f"{path}: takes images with one fixed and one free side", EXPORT)
    return ImageInput(inputs[0].name, layout, dtype, shape[0], size)


EXPORT = "Export a network that takes one batch of RGB images."


def with_images(model: Any, taken: ImageInput, normalization: Normalisation) -> Any:
    """Return a copy of a network that takes `images`, (N, H, W, 3) uint8 RGB, and scales them itself.

    Args:
        model: an `onnx.ModelProto`.
        taken: its input.
        normalization: scaling of its input; pixels of a network that takes uint8 are never scaled.
    """
    onnx = needed("onnx")
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    graph = copy.graph
    weights = {tensor.name for tensor in graph.initializer}
    nodes: list[Any] = []
    current = IMAGES

    def add(operator: str, *constants: Any, **attributes: Any) -> None:
        nonlocal current
        name = f"{PREFIX}{operator}-{len(nodes)}"
        names = []
        for number, constant in enumerate(constants):
            names.append(f"{name}-{number}")
            graph.initializer.append(onnx.numpy_helper.from_array(constant, names[-1]))
        nodes.append(onnx.helper.make_node(operator, [current, *names], [name], name, **attributes))
        current = name

    if normalization.channels == "bgr":
        add("Gather", np.array([2, 1, 0], np.int64), axis=3)
    if taken.dtype != "UINT8":
        add("Cast", to=onnx.TensorProto.FLOAT)
        add("Sub", np.array(normalization.mean, np.float32))
        add("Div", np.array(normalization.std, np.float32))
        if taken.dtype != "FLOAT":
            add("Cast", to=onnx.TensorProto.DataType.Value(taken.dtype))
    if taken.layout == "NCHW":
        add("Transpose", perm=[0, 3, 1, 2])
    for node in _using(graph, taken.name):
        node.input[:] = [current if name == taken.name else name for name in node.input]
    rest = list(graph.node)
    del graph.node[:]
    graph.node.extend([*nodes, *rest])
    width, height = taken.size or ("width", "height")
    images = onnx.helper.make_tensor_value_info(
        IMAGES, onnx.TensorProto.UINT8, [taken.batch or "batch", height, width, 3]
    )
    kept = [value for value in graph.input if value.name in weights]
    del graph.input[:]
    graph.input.extend([images, *kept])
    return copy


def _using(graph: Any, name: str) -> list[Any]:
    """Return all nodes that read a value, those inside of loops and branches included."""
    found = []
    for node in graph.node:
        if name in node.input:
            found.append(node)
        for attribute in node.attribute:
            for inner in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
                found += _using(inner, name)
    return found


@dataclass(frozen=True)
class Output:
    """Output of a network that is a map of classes."""

    name: str
    form: Literal["NCHW", "NHWC", "NHW", "N1HW", "NHW1"]
    """Axes: classes are C, and a map of labels has none."""


def with_result(model: Any, output: Output) -> Any:
    """Return a copy of a network whose one output is `result`: (N, C, h, w) float32 or (N, h, w) int64."""
    onnx = needed("onnx")
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    graph = copy.graph
    opset = next(each.version for each in copy.opset_import if each.domain in ("", "ai.onnx"))
    labels = "C" not in output.form
    for node in _using(graph, RESULT):
        node.input[:] = [PREFIX + RESULT if name == RESULT else name for name in node.input]
    for node in graph.node:  # the name is free from here on
        node.output[:] = [PREFIX + RESULT if name == RESULT else name for name in node.output]
    kept = [value for value in graph.value_info if value.name != RESULT]
    del graph.value_info[:]
    graph.value_info.extend(kept)
    current = PREFIX + RESULT if output.name == RESULT else output.name
    if output.form == "NHWC":
        graph.node.append(onnx.helper.make_node("Transpose", [current], [PREFIX + "nchw"], perm=[0, 3, 1, 2]))
        current = PREFIX + "nchw"
    if "1" in output.form:
        axis = output.form.index("1")
        if opset < 13:  # since then an input, no attribute
            squeeze = onnx.helper.make_node("Squeeze", [current], [PREFIX + "map"], axes=[axis])
        else:
            graph.initializer.append(onnx.numpy_helper.from_array(np.array([axis], np.int64), PREFIX + "axis"))
            squeeze = onnx.helper.make_node("Squeeze", [current, PREFIX + "axis"], [PREFIX + "map"])
        graph.node.append(squeeze)
        current = PREFIX + "map"
    dtype = onnx.TensorProto.INT64 if labels else onnx.TensorProto.FLOAT
    graph.node.append(onnx.helper.make_node("Cast", [current], [RESULT], to=dtype))
    axes = ["batch", "rows", "columns"] if labels else ["batch", "classes", "rows", "columns"]
    del graph.output[:]
    graph.output.append(onnx.helper.make_tensor_value_info(RESULT, dtype, axes))
    return copy


def class_maps(outputs: dict[str, Any], classes: int) -> dict[str, Output]:
    """Return the outputs that are maps of so many classes, or of labels.

    Args:
        outputs: arrays by name, for one batch of images.
        classes: number of classes.
    """
    forms = {name: _form(values, classes) for name, values in outputs.items()}
    return {name: Output(name, form) for name, form in forms.items() if form}


def _form(values: Any, classes: int) -> Any:
    shape, whole = values.shape, np.issubdtype(values.dtype, np.integer)
    if len(shape) == 3 and min(shape[1:]) > 1:
        return "NHW" if whole or _whole(values) else ""
    if len(shape) != 4:
        return ""
    if shape[1] == classes and classes > 1 and not whole:
        return "NCHW"
    if shape[3] == classes and classes > 1 and not whole:
        return "NHWC"
    labels = whole or (1 in (shape[1], shape[3]) and _whole(values))
    return ("N1HW" if shape[1] == 1 else "NHW1" if shape[3] == 1 else "") if labels else ""


def _whole(values: Any) -> bool:
    return bool(np.all(values == np.floor(values)) and values.min() >= 0 and values.max() <= 255)


def _shape(shape: list[int | None]) -> str:
    return f"({', '.join(str(side or '?') for side in shape)})"
