"""Device, precision, processes and seeds: the only module that names `torch.cuda` or `torch.distributed`."""

import itertools
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from roadseg.cores import peak_resident_bytes
from roadseg.errors import InputError, TrainingError

M = TypeVar("M", bound=torch.nn.Module)
DeviceName = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["float32", "tf32", "bfloat16", "float16"]
"""Arithmetic of networks. `float32` is single precision on every device. `tf32`, for CUDA devices alone, multiplies
mantissas of 10 bits and adds in single precision. `bfloat16` and `float16` are torch's automatic mixed precision."""

LONGEST_WAIT = timedelta(days=1)
"""Longest wait for another process over Gloo, which may render or score meanwhile; a dead one is noticed at once."""
LONGEST_SUM = timedelta(minutes=10)
"""Longest wait over NCCL, which does not notice that a process has died. Processes meet over Gloo right before."""
BUCKET_ELEMENTS = 2**23
"""Tensors travel between processes in messages of about this many numbers: few large ones are faster than many."""


@dataclass(frozen=True)
class Runtime:
    """Device and precision of networks, and this process's place among those that share the work."""

    device: torch.device
    precision: Precision
    rank: int = 0
    """Number of this process, 0 to processes - 1."""
    processes: int = 1
    """Number of processes that share the work."""

    def place(self, module: M) -> M:
        """Move a network to the device, in the memory format in which its convolutions are fastest there.

        That is channels last, but on CUDA devices contiguous for networks with depthwise convolutions, which cuDNN
        computes several times slower in channels last. Such networks make their input contiguous.
        """
        layers = (layer for layer in module.modules() if isinstance(layer, torch.nn.Conv2d))
        contiguous = self.device.type == "cuda" and any(layer.groups > 1 for layer in layers)
        memory_format = torch.contiguous_format if contiguous else torch.channels_last
        return module.to(self.device).to(memory_format=memory_format)  # type: ignore[call-overload, no-any-return]

    def autocast(self) -> AbstractContextManager[object]:
        """Context for a forward pass in `precision`; the backward pass that follows it has the same arithmetic."""
        if self.device.type == "cuda":
            torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = self.precision == "tf32"
        if self.precision in ("float32", "tf32"):
            return nullcontext()
        return torch.autocast(self.device.type, dtype=getattr(torch, self.precision))

    @contextmanager
    def stream(self) -> Iterator[None]:
        """Run the body's CUDA work beside that of other threads; does nothing on other devices.

        Results must have reached the CPU's memory when the body ends. A stream that no thread uses any more is used
        again, since each has its own pool of memory.
        """
        if self.device.type != "cuda":
            yield
            return
        idle = _idle_streams[self.device]
        try:
            stream = idle.pop()
        except IndexError:
            stream = torch.cuda.Stream(self.device)  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream(self.device))  # weights may still be on their way
        try:
            with torch.cuda.stream(stream):
                yield
        finally:
            idle.append(stream)

    def all_sum(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over all processes, the same to the bit in each.

        Args:
            tensors: of one dtype and on one device; in every process the same shapes in the same order.

        Raises:
            TrainingError: another process has ended.
        """
        if self.processes == 1:
            return
        for bucket in _buckets(tensors):
            flat = torch.cat([tensor.reshape(-1) for tensor in bucket])
            _all_reduce(flat)
            totals = torch.split(flat, [tensor.numel() for tensor in bucket])
            torch._foreach_copy_(bucket, [total.view_as(tensor) for tensor, total in zip(bucket, totals, strict=True)])

    def any(self, flag: bool) -> bool:
        """Return true if `flag` holds in any process; waits for all of them."""
        count = torch.tensor(int(flag))
        self.all_sum([count])
        return bool(count)

    def barrier(self) -> None:
        """Wait until every process has called this."""
        self.any(False)


_idle_streams: defaultdict[torch.device, list[torch.cuda.Stream]] = defaultdict(list)
_nccl: dist.ProcessGroup | None = None
"""Group of the same processes for tensors on CUDA devices, inside `process_group`."""
_groups = itertools.count()
"""Counter of the groups that this process joined; the processes that share the work have the same count."""


@contextmanager
def process_group() -> Iterator[None]:
    """Work together with the processes that `torchrun` started beside this one; without `torchrun`, do nothing.

    `start` inside of it gives a runtime that knows them. Tensors on CUDA devices travel by NCCL, others by Gloo.
    """
    global _nccl
    if _alone():
        yield
        return
    meeting, rank, processes = next(dist.rendezvous("env://", timeout=LONGEST_WAIT))  # type: ignore[attr-defined]
    # Groups that follow one another meet in the same store of torchrun, which still holds addresses of earlier ones.
    store = dist.PrefixStore(f"group-{next(_groups)}", meeting)  # type: ignore[attr-defined]
    dist.init_process_group("gloo", store=store, rank=rank, world_size=processes, timeout=LONGEST_WAIT)
    try:
        if torch.cuda.is_available():
            _nccl = dist.new_group(backend="nccl", timeout=LONGEST_SUM)
        yield
        # A process that leaves while another still works closes its connections, which aborts Gloo's threads there.
        _all_reduce(torch.zeros(1))
    finally:
        _nccl = None
        dist.destroy_process_group()


def is_main_process() -> bool:
    """Return True on rank 0, or without `torchrun`: in the process that writes files and prints."""
    return _alone() or os.environ["RANK"] == "0"


@contextmanager
def main_process_first() -> Iterator[None]:
    """Run the body in the main process before the others of the group, which find what it prepared on disk."""
    if not is_main_process():
        _all_reduce(torch.zeros(1))
    yield
    if is_main_process() and not _alone():
        _all_reduce(torch.zeros(1))


def _alone() -> bool:
    """Return True unless `torchrun` started this process; one that it started alone counts as a group."""
    return not {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"} <= os.environ.keys()


def _all_reduce(tensor: Tensor) -> None:
    try:
        dist.all_reduce(tensor, group=_nccl if tensor.is_cuda else None)
    except RuntimeError as error:
        raise TrainingError(
            "another process of this run has ended, so this one cannot go on", "Its own message says why."
        ) from error


def start(device: DeviceName = "auto", precision: Precision = "float32") -> Runtime:
    """Choose the device.

    Args:
        device: `auto` takes the first of CUDA, Apple's MPS and the CPU that is available. Each process of a group has
            its own CUDA device.
        precision: arithmetic of networks.

    Raises:
        InputError: the device is not available, not for every process, or does not have the precision.
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
    if precision == "tf32" and chosen != "cuda":
        raise InputError(f"precision 'tf32' needs a CUDA device, not {chosen!r}", "Use float32 or bfloat16.")
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
    """Yield runs of tensors that hold `BUCKET_ELEMENTS` numbers or a little more, the last one fewer."""
    bucket: list[Tensor] = []
    for tensor in tensors:
        bucket.append(tensor)
        if sum(held.numel() for held in bucket) >= BUCKET_ELEMENTS:
            yield bucket
            bucket = []
    if bucket:
        yield bucket


def devices() -> list[torch.device]:
    """List the devices that networks can run on; `auto` takes the first."""
    cuda = [torch.device("cuda", index) for index in range(torch.cuda.device_count())]
    mps = [torch.device("mps")] if torch.backends.mps.is_available() else []
    return [*cuda, *mps, torch.device("cpu")]


def host_memory(shape: tuple[int, ...], device: torch.device) -> Tensor:
    """Return uint8 CPU memory that `device` copies to and from without a detour; pinned for CUDA devices."""
    return torch.empty(shape, dtype=torch.uint8, pin_memory=device.type == "cuda")


def to_host(tensor: Tensor) -> Tensor:
    """Return the tensor in CPU memory, once it is computed.

    On CUDA devices the thread sleeps until then: by default it would spin, which takes a processor from the encoder.
    """
    if not tensor.is_cuda:
        return tensor.cpu()
    copied = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True).copy_(tensor, non_blocking=True)
    done = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
    done.record(torch.cuda.current_stream(tensor.device))
    done.synchronize()
    return copied


def cpu_has_bfloat16() -> bool:
    """Return True if torch calculates in bfloat16 on this processor; elsewhere it emulates it, nine times as slow."""
    available = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return bool(available and torch.ops.mkldnn._is_mkldnn_bf16_supported())


def describe(device: torch.device) -> str:
    """Return the device's name for people, for example `NVIDIA H100` or `CPU, 2 threads`."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return "Apple GPU (MPS)"
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'' if threads == 1 else 's'}"


def peak_memory(device: torch.device) -> int:
    """Return the peak so far, in bytes, of the memory of a CUDA device that torch took, else of this process."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else peak_resident_bytes()


def seed_everything(seed: int) -> None:
    """Seed torch on every device and numpy's legacy global generator."""
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)


def seed_torch(*key: int) -> None:
    """Seed torch by `key`, for example (seed, step): what it draws next is a pure function of that."""
    torch.manual_seed(int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0]))


def generator(*key: int) -> np.random.Generator:
    """Return a random generator that is a pure function of `key`, for example (seed, step)."""
    return np.random.default_rng(key)
