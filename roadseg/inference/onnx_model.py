"""Export of a segmenter as an ONNX file: images in, label maps out, for programs without roadseg."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from roadseg.datasets.source_images import source_images
from roadseg.errors import InputError, OutputError
from roadseg.files import writing
from roadseg.inference.engine_segmenter import LABEL_STRIDE
from roadseg.inference.engines import weights_digest
from roadseg.inference.graphs import EarlyGraph, LateGraph
from roadseg.inference.imported.packages import INSTALL
from roadseg.inference.onnx_program import OPSET, to_onnx
from roadseg.models.frozen_norm import folded
from roadseg.models.network import SegmentationNetwork
from roadseg.models.tta import coarse_size
from roadseg.models.weights import ModelCard, load_model

CHECKED_IMAGES = 2
LEAST_AGREEMENT = 0.999
"""Share of pixels in which labels must equal those of torch."""


@dataclass(frozen=True)
class OnnxExport:
    """Written ONNX file."""

    path: Path
    input_size: tuple[int, int]
    """(width, height) of images."""
    label_size: tuple[int, int]
    """(width, height) of label maps."""
    classes: tuple[str, ...]
    opset: int
    bytes: int
    agreement: float
    """Share, 0..1, of the pixels of rendered streets in which ONNX Runtime and torch give the same label."""

    def as_dict(self) -> dict[str, Any]:
        """Return the facts for JSON."""
        return asdict(self) | {"path": str(self.path)}


def export_onnx(
    run: str | os.PathLike[str], out: str | os.PathLike[str], *, input_size: tuple[int, int] | None = None
) -> OnnxExport:
    """Write the network of a run, from pixels to labels, in float32, after a check that its labels equal torch's.

    Input `images` is (N, H, W, 3) uint8 RGB for any N, output `labels` (N, h, w) uint8 train ids at half the size,
    rounded up. The metadata of the file holds, each as JSON, `classes` and `colours` (RGB) in the order of train ids,
    `label_space`, `input_size` and `label_size` as [width, height], `normalisation` (which is part of the graph), and
    `weights`.

    Args:
        run: a run folder, a `model.safetensors`, `default` or `indian`.
        out: the file to write.
        input_size: (width, height) of images; by default the size that the network was trained for.

    Returns:
        Path, sizes and classes of the file, and its agreement with torch.

    Raises:
        WeightsError: there is no readable model.
        InputError: a package of the extra `onnx` is missing.
        OutputError: the file cannot be written, or ONNX Runtime gives other labels than torch.
    """
    out = Path(out)
    refuse_missing_packages()
    import onnxruntime

    network, card = load_model(run)
    width, height = size = input_size or card.input_size
    label_size = coarse_size(size, LABEL_STRIDE)
    plain = folded(network)
    graph = nn.Sequential(EarlyGraph(plain), LateGraph(plain, label_size, "labels")).eval()
    example, batch = torch.zeros(2, height, width, 3, dtype=torch.uint8), torch.export.Dim("batch", min=1)
    model = to_onnx(graph, example, "labels", {0: batch})
    describe(model, network, card, {"input_size": size, "label_size": label_size})
    model.doc_string = (
        "images: RGB uint8 NHWC, any N; labels: uint8 train ids. Classes and colours are in the metadata."
    )
    data = model.SerializeToString()

    images = source_images("streets", size, CHECKED_IMAGES)
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    (labels,) = session.run(None, {"images": images})
    agreement = float((labels == _labels(graph, images)).mean())
    if agreement < LEAST_AGREEMENT:
        raise OutputError(
            f"{out}: not written, ONNX Runtime agrees with torch in only {100 * agreement:.1f} % of the pixels",
            "Try other versions of onnx, onnxscript, onnxruntime and torch.",
        )
    with writing(out) as part:
        part.write_bytes(data)
    return OnnxExport(out, size, label_size, card.label_space.classes, OPSET, len(data), agreement)


def refuse_missing_packages() -> None:
    """Check that a network of torch can be written as ONNX and run.

    Raises:
        InputError: a package of the extra `onnx` is missing.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401  # the exporter of torch is written in it
    except ImportError as error:
        raise InputError(f"ONNX files need the package {error.name}, which is missing", INSTALL) from None


def describe(model: Any, network: SegmentationNetwork, card: ModelCard, sizes: Mapping[str, tuple[int, int]]) -> None:
    """Write what a network is into the metadata of its ONNX file, see `export_onnx`.

    Args:
        model: an `onnx.ModelProto`.
        network: the network that it was made of.
        card: its card.
        sizes: further values, (width, height) each.
    """
    import onnx

    space = card.label_space
    facts = {
        "classes": space.classes,
        "colours": space.colours,
        "label_space": space.name,
        **sizes,
        "normalisation": asdict(network.normalisation),
        "weights": f"{card.model} {card.method} {weights_digest(network)}",
    }
    onnx.helper.set_model_props(model, {name: json.dumps(value) for name, value in facts.items()})


@torch.no_grad()
def _labels(graph: nn.Module, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    labels: NDArray[np.uint8] = graph(torch.from_numpy(images)).numpy()
    return labels
