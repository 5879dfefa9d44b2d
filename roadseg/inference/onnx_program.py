"""Networks of torch as ONNX programs."""

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

OPSET = 20


def to_onnx(graph: nn.Module, example: Tensor, output: str, free_axes: Mapping[int, Any]) -> Any:
    """Return a network as an `onnx.ModelProto` with one input, `images`.

    Args:
        graph: takes and gives one tensor.
        example: input.
        output: name of its output.
        free_axes: axes of the input that may have another length, each with its `torch.export.Dim`.
    """
    with quiet(), torch.no_grad():
        program = torch.onnx.export(
            graph,
            (example,),
            input_names=["images"],
            output_names=[output],
            dynamic_shapes=(dict(free_axes),),
            opset_version=OPSET,
            dynamo=True,
            optimize=True,
            verbose=False,
        )
    assert program is not None
    return program.model_proto


@contextmanager
def quiet() -> Iterator[None]:
    """Hide what torch and ONNX Runtime say about themselves and about networks; their errors are raised as well."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
