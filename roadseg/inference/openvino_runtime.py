"""OpenVINO behind one door: the only module that names it. It comes with the extra `openvino`."""

import sys
import warnings
from types import ModuleType
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.jit._trace import TracerWarning

from roadseg.cores import usable_cores

INSTALL = "pip install 'roadseg[openvino]'"
"""What to type where it is missing."""
OpenVinoPrecision = Literal["f32", "bf16"]


def openvino() -> ModuleType | None:
    """The package, or None where it is not installed or cannot be loaded.

    By itself it reports every import to its maker; it does without where its reporter cannot be imported.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    try:
        import openvino as package
    except (ImportError, OSError, RuntimeError):
        return None
    module: ModuleType = package
    return module


def openvino_has_bfloat16() -> bool:
    """Whether OpenVINO is here, on a processor that calculates in bfloat16."""
    package = openvino()
    return package is not None and "BF16" in package.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def streams() -> int:
    """How many inputs OpenVINO works on at once: as many as torch has threads, which heeds OMP_NUM_THREADS."""
    return min(usable_cores(), torch.get_num_threads())


def converted(graph: nn.Module, example: Tensor) -> Any:
    """An `openvino.Model` of what a module does to one tensor, for inputs of the example's rank and type.

    What the module decides in Python, it decides as for the example.
    """
    package = openvino()
    assert package is not None
    with warnings.catch_warnings(), torch.no_grad():
        # Tracing is what OpenVINO itself does; `torch.export`, which is to replace it, takes five times as long.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", TracerWarning)
        traced = torch.jit.trace(graph.eval(), example, check_trace=False)  # type: ignore[no-untyped-call]
        return package.convert_model(traced)


def compiled(model: Any, shape: tuple[int, ...], precision: OpenVinoPrecision) -> Any:
    """An `openvino.CompiledModel` on the CPU for inputs of one shape, which answers `streams()` requests at once.

    Args:
        model: from `converted`; takes on the shape.
        shape: of its input.
        precision: to compute in.
    """
    package = openvino()
    assert package is not None
    model.reshape(list(shape))
    properties = {
        "INFERENCE_PRECISION_HINT": precision,
        "PERFORMANCE_HINT": "THROUGHPUT",
        "NUM_STREAMS": streams(),
        "INFERENCE_NUM_THREADS": streams(),
        "ENABLE_CPU_PINNING": False,  # other jobs may run on the same processors
    }
    return package.Core().compile_model(model, "CPU", properties)
