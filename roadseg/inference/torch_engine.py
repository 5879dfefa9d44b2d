"""PyTorch engine: CUDA, MPS or CPU by one path."""

import copy
from dataclasses import replace
from typing import Self

import torch
from torch import Tensor, nn

from roadseg.models.engine import EnginePrecision
from roadseg.models.frozen_norm import folded
from roadseg.models.network import Prediction, SegmentationNetwork
from roadseg.models.predict import class_scores, labels_of, outputs
from roadseg.runtime import Precision, Runtime, cpu_has_bfloat16


class TorchEngine:
    """Network as an `Engine`: batch norm folded into convolutions once, channels last in memory."""

    def __init__(
        self, network: SegmentationNetwork, runtime: Runtime, precision: EnginePrecision | None = None
    ) -> None:
        """Take the device from `runtime`, and a copy of the network; see `load_segmenter` for the default precision."""
        on_cpu = runtime.device.type == "cpu"
        precision = precision or ("float16" if not on_cpu else "mixed" if cpu_has_bfloat16() else "float32")
        half: Precision = "bfloat16" if on_cpu else "float16"
        self.name = f"torch {precision}"
        self.device = runtime.device
        self.batch_size = 2 if on_cpu else None  # on CPUs as measured, see docs/performance.md
        self.concurrency = 1 if on_cpu else 2  # the next batch travels to a GPU, or results from it, while it computes
        self._exact_start = precision == "mixed"
        self._runtime = replace(runtime, precision=half if precision == "mixed" else precision)
        self._network = self._prepared(network)

    def scores(self, images: Tensor, size: tuple[int, int]) -> Tensor:
        """See `Engine.scores`."""
        return class_scores(self._network, images, size, self._runtime, exact_start=self._exact_start)

    @torch.inference_mode()
    def labels(self, images: Tensor, size: tuple[int, int]) -> Tensor:
        """See `Engine.labels`."""
        return labels_of(self.scores(images, size))

    def outputs(self, images: Tensor) -> Prediction:
        """Return features and class scores at the network's own stride; images as for `scores`."""
        return outputs(self._network, images, self._runtime, exact_start=self._exact_start)

    def running(self, network: SegmentationNetwork) -> Self:
        """See `Engine.running`."""
        other = copy.copy(self)
        other._network = self._prepared(network)
        return other

    def _prepared(self, network: SegmentationNetwork) -> SegmentationNetwork:
        """Fold batch norm, and place a copy on the device."""
        copied = self._runtime.place(folded(network))
        if self.device.type == "cuda" and not self._exact_start and self._runtime.precision in ("float16", "bfloat16"):
            # Otherwise automatic mixed precision copies them at every call, a kernel for each.
            for module in copied.modules():
                if isinstance(module, nn.Conv2d):
                    module.to(getattr(torch, self._runtime.precision))
        return copied
