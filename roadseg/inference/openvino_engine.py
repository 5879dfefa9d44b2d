"""The engine on OpenVINO, for CPUs: the only module that names it, behind the extra `openvino`."""

import copy
import sys
import warnings
from types import ModuleType
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.jit._trace import TracerWarning

from roadseg.cores import usable_cores
from roadseg.errors import InputError
from roadseg.inference.engine import EnginePrecision
from roadseg.inference.graphs import Answer, EarlyGraph, LateGraph
from roadseg.models.frozen_norm import folded
from roadseg.models.network import SegmentationNetwork

INSTALL = "pip install 'roadseg[openvino]'"
HINTS = {"float32": ("f32", "f32"), "mixed": ("f32", "bf16"), "bfloat16": ("bf16", "bf16")}
"""Precision of the two halves of a network."""


def openvino() -> ModuleType | None:
    """The package, or None where it is not installed or cannot be loaded.

    On import it would report to its maker over the network; it does without where its reporter is missing.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None: cannot be imported
    try:
        import openvino as package
    except (ImportError, OSError, RuntimeError):
        return None
    module: ModuleType = package
    return module


class OpenVinoEngine:
    """A network as an `Engine` on the CPU; compiled for each shape of input when it is first seen."""

    device = torch.device("cpu")

    def __init__(self, network: SegmentationNetwork, precision: EnginePrecision | None = None) -> None:
        """Take a copy of the network; `mixed` precision where the processor has bfloat16 unless one is named.

        Raises:
            InputError: OpenVINO is not there, or does not know the precision.
        """
        package = openvino()
        if package is None:
            raise InputError("engine 'openvino' is not installed", f"Install it: {INSTALL}.")
        self._openvino = package
        self._core = package.Core()
        if precision is None:
            precision = "mixed" if "BF16" in self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "float32"
        if precision not in HINTS:
            raise InputError(f"engine 'openvino' has no precision {precision!r}", f"It has: {', '.join(HINTS)}.")
        self.name = f"openvino {precision}"
        self._hints = HINTS[precision]
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
        before, behind = self._hints
        early = self._half(EarlyGraph(self._network), ("early",), images.permute(0, 2, 3, 1).contiguous(), before)
        return self._half(LateGraph(self._network, size, answer), (size, answer), early, behind)

    def _half(self, graph: nn.Module, name: tuple[Any, ...], x: Tensor, hint: str) -> Tensor:
        """What a graph gives for an input; `name` tells it from others."""
        kind = (*name, x.dtype, x.shape[1:])
        if kind not in self._models:
            self._models[kind] = self._converted(graph, x)
        key = (*kind, len(x))
        if key not in self._compiled:
            model = self._models[kind].clone()
            model.reshape(list(x.shape))
            self._compiled[key] = self._core.compile_model(model, "CPU", self._properties(hint))
        return torch.from_numpy(self._compiled[key](x.numpy())[0])

    def _converted(self, graph: nn.Module, example: Tensor) -> Any:
        with warnings.catch_warnings(), torch.no_grad():
            # Tracing is what OpenVINO itself does; `torch.export`, which is to replace it, takes five times as long.
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", TracerWarning)
            traced = torch.jit.trace(graph.eval(), example, check_trace=False)  # type: ignore[no-untyped-call]
            return self._openvino.convert_model(traced)

    @staticmethod
    def _properties(hint: str) -> dict[str, Any]:
        return {
            "INFERENCE_PRECISION_HINT": hint,
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
            # As many as torch would take, which heeds OMP_NUM_THREADS; not tied to cores, where other jobs may run.
            "INFERENCE_NUM_THREADS": min(usable_cores(), torch.get_num_threads()),
            "ENABLE_CPU_PINNING": False,
        }
