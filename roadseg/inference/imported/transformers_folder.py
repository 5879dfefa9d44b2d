"""Folders of the library transformers as ONNX networks."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from roadseg.errors import EngineError, WeightsError, first_line
from roadseg.inference.imported.packages import needed
from roadseg.inference.imported.programs import CPU_PROVIDER
from roadseg.inference.imported.untrusted import MAX_BYTES
from roadseg.inference.onnx_program import to_onnx
from roadseg.inference.self_check import EXACT, compared
from roadseg.models.transformers_library import WHOLE, explained, library, read_config, read_model

LEAST_SUM = 1e-12
"""Least sum of the scores of a pixel that they are divided by."""


class SemanticMap(nn.Module):
    """Network of transformers with one output: class scores, or probabilities if it has queries, (N, C, h, w)."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        """Map images (N, 3, H, W), scaled as the model wants them.

        With queries, the score of a class is the sum over queries of its probability times that of the query's mask.
        """
        answer = self.model(pixel_values=images)
        if "masks_queries_logits" not in answer:
            scores: Tensor = answer.logits
            return scores
        classes = answer.class_queries_logits.softmax(-1)[..., :-1]  # the last one stands for no object
        scores = torch.einsum("nqc,nqhw->nchw", classes, answer.masks_queries_logits.sigmoid())
        return scores / scores.sum(1, keepdim=True).clamp(min=LEAST_SUM)


def read_folder(folder: Path, *, wanted: tuple[int, int] | None, usual: tuple[int, int]) -> Any:
    """Read a model for semantic or universal segmentation, and export it.

    No code of the folder is run, and nothing is downloaded. Labels of the result agree with those of transformers, at
    several sizes if it takes any.

    Args:
        folder: `config.json`, and weights in safetensors or as a `state_dict` in `pytorch_model.bin`.
        wanted: (width, height) of images that the user asks for.
        usual: (width, height) to try otherwise, before the `image_size` of the configuration.

    Returns:
        An `onnx.ModelProto` for any number of images, of any size where the export is exact for others.

    Raises:
        InputError: a package is missing, or the model does not take images of this size.
        WeightsError: the folder has no such model, or lacks weights.
        EngineError: the model cannot be exported.
    """
    needed("onnx")
    config = read_config(folder)
    graph = SemanticMap(_model(folder, config)).eval()
    return _exported(folder, graph, _size(folder, graph, config, wanted, usual))


def _model(folder: Path, config: Any) -> nn.Module:
    known = library()
    mappings = (known.MODEL_FOR_SEMANTIC_SEGMENTATION_MAPPING, known.MODEL_FOR_UNIVERSAL_SEGMENTATION_MAPPING)
    kind = next((mapping[type(config)] for mapping in mappings if type(config) in mapping), None)
    if kind is None:
        raise WeightsError(f"{folder}: {config.model_type!r} is not a model for semantic segmentation", WHOLE)
    config.return_dict = True
    model = read_model(folder, kind, config, attention="eager")  # which every model has, and ONNX too
    if hasattr(model, "attn_mask_probs"):  # EoMT branches on these numbers, which an export follows in Python alone
        numbers: Any = model.attn_mask_probs
        del model.attn_mask_probs
        model.attn_mask_probs = numbers.tolist()
    return model


def _size(
    folder: Path, graph: nn.Module, config: Any, wanted: tuple[int, int] | None, usual: tuple[int, int]
) -> tuple[int, int]:
    """Return the first (width, height) that the model takes."""
    own = getattr(config, "image_size", None)
    height, width = own if isinstance(own, list | tuple) and len(own) == 2 else (own, own)
    sizes = [wanted or usual]
    if wanted is None and isinstance(width, int) and isinstance(height, int):
        sizes.append((width, height))
    remedy = "Give the size that it was made for: --input-size WxH."
    for size in sizes:
        try:
            with explained(folder, f"fails for an image of {size[0]}x{size[1]}", remedy), torch.no_grad():
                result = graph(torch.zeros(1, 3, size[1], size[0]))
        except WeightsError:
            if size == sizes[-1]:
                raise
        else:
            if result.ndim == 4:
                return size
    raise WeightsError(f"{folder}: gives no map of classes", WHOLE)


def _exported(folder: Path, graph: nn.Module, size: tuple[int, int]) -> Any:
    """Export a network for any size, for any number of images of one size, or for single images: the first that works.

    Networks are written for one size at a time, so an export for any may be wrong without an error.
    """
    width, height = size
    others = [(width * 3 // 64 * 16 or 16, height * 3 // 64 * 16 or 16), (width // 2, height)]
    unequal = width if width != height else width + 64  # equal sides would always be equal
    attempts = [(2, unequal, (0, 2, 3)), (2, width, (0,)), (1, width, ())]
    problem = ""
    for images, columns, axes in attempts:
        try:
            free_axes = dict.fromkeys(axes, torch.export.Dim.AUTO)  # where it cannot be free, the length is fixed
            model = to_onnx(graph, torch.randn(images, 3, height, columns), "result", free_axes)
        except Exception as error:  # the exporter has no base class of its errors
            problem = first_line(error)
            continue
        if model.ByteSize() > MAX_BYTES:
            raise WeightsError(f"{folder}: more than 2 GB as ONNX", "Use a smaller model.")
        problem = _difference(model, graph, images, size)
        if not problem:
            free = 2 in axes and not any(_difference(model, graph, 1, other) for other in others)
            return model if free else _for_one_size(model, size)
    raise EngineError(
        f"{folder}: cannot be exported to ONNX: {problem}",
        "Try another --input-size, or export it yourself and give the ONNX file.",
    )


def _difference(model: Any, graph: nn.Module, images: int, size: tuple[int, int]) -> str:
    """Return how ONNX Runtime and torch differ for random images; empty if they agree."""
    pixels = torch.randn(images, 3, size[1], size[0], generator=torch.Generator().manual_seed(1))
    runtime = needed("onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level = 4  # errors are raised as well
    try:
        session = runtime.InferenceSession(model.SerializeToString(), options, providers=[CPU_PROVIDER])
        (found,) = session.run(None, {"images": pixels.numpy()})
        with torch.no_grad():
            expected = graph(pixels)
    except Exception as error:  # ONNX Runtime has none either
        return str(error)
    if found.shape != tuple(expected.shape):
        return f"the result is {found.shape} instead of {tuple(expected.shape)}"
    return compared(torch.from_numpy(found), expected, EXACT).problem


def _for_one_size(model: Any, size: tuple[int, int]) -> Any:
    shape = model.graph.input[0].type.tensor_type.shape
    for axis, side in ((2, size[1]), (3, size[0])):
        shape.dim[axis].dim_value = side
    return model
