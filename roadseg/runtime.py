"""Device, precision, processes and seeds: the only module that names `torch.cuda` or `torch.distributed`."""

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from roadseg.errors import InputError, TrainingError

M = TypeVar("M", bound=torch.nn.Module)
DeviceName = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["float32", "bfloat16", "float16"]

LONGEST_WAIT = timedelta(days=1)
"""For another process, which may be rendering or scoring meanwhile; one that has died is noticed at once."""
BUCKET_ELEMENTS = 2**23
"""Tensors travel between processes in messages of about this many numbers: few large ones are faster than many."""


@dataclass(frozen=True)
class Runtime:
    """Where and in what precision networks run, and beside which other processes."""

    device: torch.device
    precision: Precision
    rank: int = 0
    """Of this process, 0 to processes - 1."""
    processes: int = 1
    """That work on the same thing, each on its share."""

    def place(self, module: M) -> M:
        """Move a network to the device, channels last in memory: the faster layout for convolutions everywhere."""
        return module.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def autocast(self) -> AbstractContextManager[object]:
        """Context in which matrix products run in `precision`; does nothing for float32."""
        if self.precision == "float32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=getattr(torch, self.precision))

    def stream(self) -> AbstractContextManager[object]:
        """Context in which what is asked of a CUDA device runs beside what other threads ask; else does nothing.

        Results must have reached the CPU's memory when it ends.
        """
        if self.device.type != "cuda":
            return nullcontext()
        stream = torch.cuda.Stream(self.device)  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream(self.device))  # weights may still be on their way
        return torch.cuda.stream(stream)

    def all_sum(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over all processes, the same to the bit in each.

        Every process gives tensors of the same shapes in the same order, all of one dtype and on one device.

        Raises:
            TrainingError: another process has ended.
        """
        if self.processes == 1:
            return
        for bucket in _buckets(tensors):
            flat = torch.cat([tensor.reshape(-1) for tensor in bucket])
            _all_reduce(flat)
            for tensor, total in zip(bucket, torch.split(flat, [tensor.numel() for tensor in bucket]), strict=True):
                tensor.copy_(total.view_as(tensor))

    def any(self, flag: bool) -> bool:
        """Whether `flag` holds in any process; waits for all of them."""
        count = torch.tensor(int(flag))
        self.all_sum([count])
        return bool(count)

    def barrier(self) -> None:
        """Wait until every process is here."""
        self.any(False)


@contextmanager
def process_group() -> Iterator[None]:
    """Work together with the processes that `torchrun` started beside this one; without it, does nothing.

    `start` inside of it gives a runtime that knows them. Tensors on CUDA travel by NCCL, others by Gloo.
    """
    if _alone():
        yield
        return
    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo", timeout=LONGEST_WAIT)
    try:
        yield
    finally:
        dist.destroy_process_group()


def is_main_process() -> bool:
    """Whether this is the process that writes files and speaks, as one that is alone does."""
    return _alone() or os.environ["RANK"] == "0"


@contextmanager
def main_process_first() -> Iterator[None]:
    """Let the main process go through the body before the others of the group: what it prepares on disk, they find."""
    if not is_main_process():
        _all_reduce(torch.zeros(1))
    yield
    if is_main_process() and not _alone():
        _all_reduce(torch.zeros(1))


def _alone() -> bool:
    return int(os.environ.get("WORLD_SIZE", "1")) == 1


def _all_reduce(tensor: Tensor) -> None:
    try:
        dist.all_reduce(tensor)
    except RuntimeError as error:
        raise TrainingError(
            "another process of this run has ended, so this one cannot go on", "Its own message says why."
        ) from error


def start(device: DeviceName = "auto", precision: Precision = "float32") -> Runtime:
    """Choose a device: CUDA, then Apple's MPS, then the CPU for `auto`; each process of a group has a CUDA device.

    Raises:
        InputError: the device that was named is not there, or not for every process.
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
    if not dist.is_initialized():
        return Runtime(torch.device(chosen), precision)
    return Runtime(_device_of_process(chosen), precision, dist.get_rank(), dist.get_world_size())


def _device_of_process(name: str) -> torch.device:
    if name == "mps":
        raise InputError("several processes cannot share an MPS device", 'Use one process, or device = "cpu".')
    if name == "cpu":
        return torch.device(name)
    index = int(os.environ["LOCAL_RANK"])
    if index >= torch.cuda.device_count():
        raise InputError(
            f"there are {torch.cuda.device_count()} CUDA devices, not one for each process",
            f"Start torchrun with --nproc-per-node={torch.cuda.device_count()}.",
        )
    torch.cuda.set_device(index)
    return torch.device(name, index)


def _buckets(tensors: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    """Runs of tensors that hold `BUCKET_ELEMENTS` numbers or a little more, the last one fewer."""
    bucket: list[Tensor] = []
    for tensor in tensors:
        bucket.append(tensor)
        if sum(held.numel() for held in bucket) >= BUCKET_ELEMENTS:
            yield bucket
            bucket = []
    if bucket:
        yield bucket


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
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'' if threads == 1 else 's'}"


def seed_everything(seed: int) -> None:
    """Seed torch on every device and numpy's legacy global generator."""
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)


def seed_torch(*key: int) -> None:
    """Make what torch draws next a pure function of `key`, for example (seed, step), whatever ran before."""
    torch.manual_seed(int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0]))


def generator(*key: int) -> np.random.Generator:
    """A generator that is a pure function of `key`, for example (seed, step), whatever ran before."""
    return np.random.default_rng(key)
