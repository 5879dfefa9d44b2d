"""ONNX networks quantized to int8 after training, by ONNX Runtime.

Weights are int8 with a scale for each channel, activations uint8 in the range that calibration images show. The file
holds them between QuantizeLinear and DequantizeLinear, which ONNX Runtime and OpenVINO both compute in integers.

Processors with VNNI or AMX (dot products, on ARM) add integer products in 32 bits. Others (AVX2 alone) may add pairs of
them in 16 bits, where large ones overflow: their labels differ more.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadseg.errors import EngineError, RoadsegError, WeightsError, first_line
from roadseg.inference.imported.canonical import IMAGES
from roadseg.inference.onnx_program import quiet

FIRST_FLOAT = 3
"""Convolutions at the beginning that stay in float32. In EfficientNet-Lite0 they are the stem and stage 1, which make
the largest part of the error: see docs/experiments.md."""
LEAST_OPSET = 13
"""Since then, scales may differ by channel."""


def quantized(
    model: Any, images: Iterable[NDArray[np.uint8]], on_image: Callable[[int], None] = lambda done: None
) -> Any:
    """Return a copy of a network in int8, but for its first convolutions and what follows from the last one on.

    Args:
        model: an `onnx.ModelProto` that takes `images` and is in float32.
        images: batches (N, H, W, 3) uint8 RGB for calibration, as the network takes them.
        on_image: called with the number of batches done.

    Raises:
        WeightsError: the network has too few convolutions.
        EngineError: ONNX Runtime cannot quantize it.
    """
    import onnx
    import onnxruntime
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    with TemporaryDirectory(prefix="roadseg-int8-") as folder, quiet():
        ready, written = Path(folder, "ready.onnx"), Path(folder, "int8.onnx")
        try:
            if next(each.version for each in model.opset_import if each.domain in ("", "ai.onnx")) < LEAST_OPSET:
                model = onnx.version_converter.convert_version(model, LEAST_OPSET)
            options = onnxruntime.SessionOptions()
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC  # folds batch norm
            options.optimized_model_filepath = str(ready)
            onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
            prepared = onnx.load(ready)
            exact = _exact_nodes(prepared.graph)
            quantize_static(
                prepared,
                written,
                _Reader(images, on_image),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                nodes_to_exclude=exact,
            )
            result = onnx.load(written)
        except RoadsegError:  # of an image, or of the network
            raise
        except Exception as error:  # ONNX Runtime has no base class of its errors
            raise EngineError(
                f"the network cannot be quantized: {first_line(error)}", "Use it as it is, in float32."
            ) from error
    del result.metadata_props[:]  # among them are ONNX Runtime's own
    result.metadata_props.extend(model.metadata_props)
    return result


def _exact_nodes(graph: Any) -> list[str]:
    """Return the names of the nodes that stay in float32; nodes without a name get one."""
    for number, node in enumerate(graph.node):
        node.name = node.name or f"node-{number}"
    places = [number for number, node in enumerate(graph.node) if node.op_type == "Conv"]
    if len(places) < FIRST_FLOAT + 2:
        raise WeightsError(
            f"a network of {len(places)} convolutions: the first {FIRST_FLOAT} and the last one stay in float32",
            "Use it as it is.",
        )
    names = [node.name for node in graph.node]
    return names[: places[FIRST_FLOAT]] + names[places[-1] :]


class _Reader:
    """Images as ONNX Runtime asks for them while it calibrates."""

    def __init__(self, images: Iterable[NDArray[np.uint8]], on_image: Callable[[int], None]) -> None:
        self._images: Iterator[NDArray[np.uint8]] = iter(images)
        self._on_image, self._done = on_image, 0

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        """Return the input of the next call; None at the end."""
        batch = next(self._images, None)
        self._on_image(self._done)
        self._done += 1
        return None if batch is None else {IMAGES: batch}
