"""Packages of the extra `onnx`."""

from importlib import import_module
from typing import Any, Literal

from roadseg.errors import InputError

INSTALL = "pip install 'roadseg[onnx]'"


def needed(name: Literal["onnx", "onnxruntime"]) -> Any:
    """Return a package of the extra.

    Raises:
        InputError: it is not installed.
    """
    try:
        return import_module(name)
    except ImportError:
        raise InputError(f"networks of other programs need the package {name}, which is missing", INSTALL) from None


def has_onnx_runtime() -> bool:
    """Return whether ONNX Runtime is installed."""
    try:
        needed("onnxruntime")
    except InputError:
        return False
    return True
