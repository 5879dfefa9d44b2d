"""The only module that imports OpenVINO, which comes with the extra `openvino`."""

import sys
import warnings
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.jit._trace import TracerWarning

from roadseg.cores import usable_cores

INSTALL = "pip install 'roadseg[openvino]'"
"""Command that installs it."""
OpenVinoPrecision = Literal["f32", "bf16"]


def openvino() -> ModuleType | None:
    """Return the package, or None where it is not installed or cannot be loaded.

    By default it reports every import to its maker; blocking the import of its reporter prevents that.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    try:
        import openvino as package
    except (ImportError, OSError, RuntimeError):
        return None
    module: ModuleType = package
    return module


def openvino_version() -> str:
    """Return the version and build of OpenVINO, which is installed."""
    package = openvino()
    assert package is not None
    return str(package.__version__)


def openvino_has_bfloat16() -> bool:
    """Return whether OpenVINO is installed, on a processor that calculates in bfloat16."""
    return openvino() is not None and "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def streams() -> int:
    """Return the number of images that OpenVINO works on at once: torch's threads, which OMP_NUM_THREADS limits."""
    return min(usable_cores(), torch.get_num_threads())


def converted(graph: nn.Module, example: Tensor) -> Any:
    """Convert a module of one tensor to an `openvino.Model`, for inputs of the example's rank and type.

    Decisions that the module makes in Python are fixed to those for the example.
    """
    package = openvino()
    assert package is not None
    with warnings.catch_warnings(), torch.no_grad():
        # Tracing is what OpenVINO itself does; `torch.export`, which is to replace it, takes five times as long.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", TracerWarning)
        # Of a function: a module would first be copied layer by layer, which takes longer than the tracing.
        graph.eval()
        traced = torch.jit.trace(lambda images: graph(images), example, check_trace=False)  # type: ignore[no-untyped-call]
        return package.convert_model(traced)


def read(file: Path) -> Any:
    """Read an ONNX file as an `openvino.Model`.

    Raises:
        RuntimeError: OpenVINO lacks one of its operators.
    """
    return _core().read_model(file)


def compiled(model: Any, shape: tuple[int, ...], precision: OpenVinoPrecision) -> Any:
    """Compile a model for inputs of one shape on the CPU; it answers `streams()` requests at once.

    Args:
        model: from `converted` or `read`; its shape is changed.
        shape: shape of the input.
        precision: precision of the computation.
    """
    model.reshape(list(shape))
    properties = {
        "INFERENCE_PRECISION_HINT": precision,
        "PERFORMANCE_HINT": "THROUGHPUT",
        "NUM_STREAMS": streams(),
        "INFERENCE_NUM_THREADS": streams(),
        "ENABLE_CPU_PINNING": False,  # other jobs may run on the same processors
    }
    return _core().compile_model(model, "CPU", properties)


@cache
def _core() -> Any:
    """Return the one `openvino.Core` of this process.

    The first core gives its thread a stack for signal handlers, and the end of the last core frees that stack. If
    another thread ends it, the next signal of the first thread, such as Ctrl-C, ends the process (OpenVINO 2026.4).
    """
    package = openvino()
    assert package is not None
    # Its bindings look up NumPy at the first use of a dtype. If two requests come to that at once, one has the lock of
    # the lookup and the other Python's, and they wait for each other for ever (seen with OpenVINO 2026.4).
    package.Type.u8.to_dtype()
    return package.Core()
