"""The engine on OpenVINO, for CPUs."""

import copy
from typing import Any, Self

import torch
from torch import Tensor, nn

from roadseg.errors import InputError
from roadseg.inference.engine import EnginePrecision
from roadseg.inference.graphs import Answer, EarlyGraph, LateGraph
from roadseg.models.frozen_norm import folded
from roadseg.models.network import SegmentationNetwork
from roadseg.openvino_runtime import INSTALL, OpenVinoPrecision, compiled, converted, openvino, openvino_has_bfloat16

HALVES: dict[EnginePrecision, tuple[OpenVinoPrecision, OpenVinoPrecision]] = {
    "float32": ("f32", "f32"),
    "mixed": ("f32", "bf16"),
    "bfloat16": ("bf16", "bf16"),
}
"""Precision of the network's `early` layers and of the others."""


def openvino_precisions() -> tuple[EnginePrecision, ...]:
    """Those in which OpenVINO runs networks on this processor, float32 first; none where it is not installed."""
    if openvino() is None:
        return ()
    return tuple(HALVES) if openvino_has_bfloat16() else ("float32",)


class OpenVinoEngine:
    """A network as an `Engine` on the CPU; compiled for each shape of input when it is first seen."""

    device = torch.device("cpu")

    def __init__(self, network: SegmentationNetwork, precision: EnginePrecision | None = None) -> None:
        """Take a copy of the network; `mixed` precision where the processor has bfloat16 unless one is named.

        Raises:
            InputError: OpenVINO is not installed, or has no such precision on this processor.
        """
        known = openvino_precisions()
        if not known:
            raise InputError("engine 'openvino' is not installed", f"Install it: {INSTALL}")
        if precision is None:
            precision = "mixed" if "mixed" in known else "float32"
        if precision not in known:
            raise InputError(f"engine 'openvino' has no {precision} on this processor", f"It has: {', '.join(known)}.")
        self.name = f"openvino {precision}"
        self._halves = HALVES[precision]
        self._take(network)

    def _take(self, network: SegmentationNetwork) -> None:
        self._network = folded(network).to("cpu")
        self._models: dict[Any, Any] = {}
        self._compiled: dict[Any, Any] = {}

    def scores(self, images: Tensor, size: tuple[int, int]) -> Tensor:
        """As `Engine.scores` says."""
        return self._run(images, size, "scores")

    def labels(self, images: Tensor, size: tuple[int, int]) -> Tensor:
        """As `Engine.labels` says."""
        return self._run(images, size, "labels")

    def running(self, network: SegmentationNetwork) -> Self:
        """As `Engine.running` says."""
        other = copy.copy(self)
        other._take(network)
        return other

    def _run(self, images: Tensor, size: tuple[int, int], answer: Answer) -> Tensor:
        before, behind = self._halves
        early = self._half(EarlyGraph(self._network), ("early",), images.permute(0, 2, 3, 1).contiguous(), before)
        return self._half(LateGraph(self._network, size, answer), (size, answer), early, behind)

    def _half(self, graph: nn.Module, name: tuple[Any, ...], x: Tensor, precision: OpenVinoPrecision) -> Tensor:
        """What a graph gives for an input; `name` tells it from others."""
        kind = (*name, x.dtype, x.shape[1:])
        if kind not in self._models:
            self._models[kind] = converted(graph, x)
        key = (*kind, len(x))
        if key not in self._compiled:
            self._compiled[key] = compiled(self._models[kind], tuple(x.shape), precision)
        return torch.from_numpy(self._compiled[key](x.numpy())[0])
