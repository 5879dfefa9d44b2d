"""Device, precision, threads and seeds: the only module that names `torch.cuda`."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
import torch

from roadseg.errors import InputError

M = TypeVar("M", bound=torch.nn.Module)
DeviceName = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["float32", "bfloat16", "float16"]


@dataclass(frozen=True)
class Runtime:
    """Where and in what precision networks run."""

    device: torch.device
    precision: Precision

    def place(self, module: M) -> M:
        """Move a network to the device, channels last in memory: the faster layout for convolutions everywhere."""
        return module.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def autocast(self) -> AbstractContextManager[object]:
        """Context in which matrix products run in `precision`; does nothing for float32."""
        if self.precision == "float32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=getattr(torch, self.precision))


def start(device: DeviceName = "auto", precision: Precision = "float32") -> Runtime:
    """Choose a device: CUDA, then Apple's MPS, then the CPU for `auto`.

    Raises:
        InputError: the device that was named is not there.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if device == "auto":
        chosen = next(name for name, there in available.items() if there)
    elif available[device]:
        chosen = device
    else:
        raise InputError(
            f"device {device!r} is not available here",
            f"Available: {', '.join(name for name, there in available.items() if there)}.",
        )
    return Runtime(torch.device(chosen), precision)


def devices() -> list[torch.device]:
    """Every device that networks can run on here; the first is the one that `auto` takes."""
    cuda = [torch.device("cuda", index) for index in range(torch.cuda.device_count())]
    mps = [torch.device("mps")] if torch.backends.mps.is_available() else []
    return [*cuda, *mps, torch.device("cpu")]


def describe(device: torch.device) -> str:
    """The device's name as a person would say it, for example `NVIDIA H100` or `CPU, 2 threads`."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return "Apple GPU (MPS)"
    return f"CPU, {torch.get_num_threads()} threads"


def seed_everything(seed: int) -> None:
    """Seed torch on every device and numpy's legacy global generator."""
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)


def generator(*key: int) -> np.random.Generator:
    """A generator that is a pure function of `key`, for example (seed, step), whatever ran before."""
    return np.random.default_rng(key)


def rng_state() -> dict[str, torch.Tensor]:
    """State of torch's generators, for a checkpoint."""
    state = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        state |= {f"cuda:{i}": value for i, value in enumerate(torch.cuda.get_rng_state_all())}
    return state


def set_rng_state(state: dict[str, torch.Tensor]) -> None:
    """Restore what `rng_state` gave; generators of devices that are not here are left out."""
    torch.set_rng_state(state["cpu"])
    for name, value in state.items():
        if name.startswith("cuda") and torch.cuda.is_available():
            torch.cuda.set_rng_state(value, name)
