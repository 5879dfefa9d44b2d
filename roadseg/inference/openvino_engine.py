"""OpenVINO engine, for CPUs."""

import copy
from threading import Lock
from typing import Any, Self

import torch
from torch import Tensor

from roadseg.errors import InputError
from roadseg.inference.graphs import Answer, EarlyGraph, LateGraph
from roadseg.inference.openvino_requests import OpenVinoRequests
from roadseg.inference.openvino_runtime import (
    INSTALL,
    OpenVinoPrecision,
    compiled,
    converted,
    openvino,
    openvino_has_bfloat16,
    streams,
)
from roadseg.models.engine import EnginePrecision
from roadseg.models.frozen_norm import folded
from roadseg.models.network import SegmentationNetwork

HALVES: dict[EnginePrecision, tuple[OpenVinoPrecision, OpenVinoPrecision]] = {
    "float32": ("f32", "f32"),
    "mixed": ("f32", "bf16"),
    "bfloat16": ("bf16", "bf16"),
}
"""Precision of the network's `early` layers and of the others."""


def openvino_precisions() -> tuple[EnginePrecision, ...]:
    """Return the precisions that OpenVINO has on this processor, float32 first; none where it is not installed."""
    if openvino() is None:
        return ()
    return tuple(HALVES) if openvino_has_bfloat16() else ("float32",)


class OpenVinoEngine:
    """Network as an `Engine` on the CPU; it is compiled for each image shape at first use."""

    device = torch.device("cpu")
    concurrency = 2
    """While one batch ends, images of the next one take the processors that fall idle."""

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
        self.batch_size = streams()
        self._halves = HALVES[precision]
        self._take(network)

    def _take(self, network: SegmentationNetwork) -> None:
        self._network = folded(network).to("cpu")
        self._requests: dict[Any, OpenVinoRequests] = {}
        """Requests to both halves by image shape and kind of result."""
        self._lock = Lock()

    def scores(self, images: Tensor, size: tuple[int, int]) -> Tensor:
        """See `Engine.scores`."""
        return self._run(images, size, "scores")

    def labels(self, images: Tensor, size: tuple[int, int]) -> Tensor:
        """See `Engine.labels`."""
        return self._run(images, size, "labels")

    def running(self, network: SegmentationNetwork) -> Self:
        """See `Engine.running`."""
        other = copy.copy(self)
        other._take(network)
        return other

    def _run(self, images: Tensor, size: tuple[int, int], answer: Answer) -> Tensor:
        batch = images.permute(0, 2, 3, 1).contiguous()
        return torch.from_numpy(self._requests_for(batch[:1], size, answer).run(batch.numpy()))

    def _requests_for(self, image: Tensor, size: tuple[int, int], answer: Answer) -> OpenVinoRequests:
        key = (image.dtype, image.shape, size, answer)
        with self._lock:
            if key not in self._requests:
                early, late = EarlyGraph(self._network), LateGraph(self._network, size, answer)
                with torch.inference_mode():
                    between = early(image)
                halves = [
                    compiled(converted(graph, example), example.shape, precision)
                    for graph, example, precision in zip((early, late), (image, between), self._halves, strict=True)
                ]
                self._requests[key] = OpenVinoRequests(halves)
            return self._requests[key]
