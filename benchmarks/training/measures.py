"""Time by part, and bytes saved for the backward pass."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

Clock = Callable[[], float]
"""Returns seconds since any moment."""


class Laps:
    """Seconds by part of a repeated task; waits for the device at the end of each part."""

    def __init__(self, device: torch.device, clock: Clock = time.perf_counter) -> None:
        self._on_cpu = device.type == "cpu"
        self._clock = clock
        self._parts: dict[str, float] = {}
        self.restart()

    def restart(self) -> None:
        """Start a part now."""
        self._began = self._now()

    def lap(self, part: str) -> None:
        """End a part and start the next; parts with the same name add up."""
        now = self._now()
        self._parts[part] = self._parts.get(part, 0.0) + now - self._began
        self._began = now

    def take(self) -> dict[str, float]:
        """Return seconds by part since the last call."""
        parts, self._parts = self._parts, {}
        return parts

    def _now(self) -> float:
        if not self._on_cpu:
            torch.accelerator.synchronize()
        return self._clock()


class SavedBytes:
    """Peak bytes of distinct storages that autograd holds for backward passes."""

    def __init__(self, own: Iterable[Tensor]) -> None:
        self._own = {tensor.untyped_storage().data_ptr() for tensor in own}
        self._holders: dict[int, int] = {}
        self._now = 0
        self.peak = 0

    def hold(self, storage: torch.UntypedStorage) -> None:
        """Count a storage, unless it is held already or belongs to the networks."""
        address = storage.data_ptr()
        if address in self._own:
            return
        self._holders[address] = self._holders.get(address, 0) + 1
        if self._holders[address] == 1:
            self._now += storage.nbytes()
            self.peak = max(self.peak, self._now)

    def release(self, storage: torch.UntypedStorage) -> None:
        """Undo one `hold`."""
        address = storage.data_ptr()
        if address in self._own:
            return
        self._holders[address] -= 1
        if not self._holders[address]:
            del self._holders[address]
            self._now -= storage.nbytes()


class _Saved:
    """A tensor saved by autograd; counted until autograd releases it."""

    def __init__(self, tensor: Tensor, count: SavedBytes) -> None:
        self.tensor = tensor
        self._count = count
        count.hold(tensor.untyped_storage())

    def __del__(self) -> None:
        self._count.release(self.tensor.untyped_storage())


@contextmanager
def counting_saved_bytes(own: Iterable[Tensor]) -> Iterator[SavedBytes]:
    """Count what autograd saves inside the block, except the tensors `own`: parameters and buffers."""
    count = SavedBytes(own)
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: _Saved(tensor, count), lambda saved: saved.tensor):
        yield count
