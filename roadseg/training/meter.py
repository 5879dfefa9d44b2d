"""Measurements of training: mean losses and time."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor

from roadseg.adaptation.loss_verdicts import Judgement
from roadseg.errors import TrainingError
from roadseg.runtime import Runtime


@dataclass(frozen=True)
class Report:
    """Losses and speed of the steps since the last report."""

    step: int
    """Steps made in all."""
    losses: dict[str, float]
    """Mean unweighted losses of the joint batches, and ratios of gradients, by name."""
    seconds_a_step: float
    waiting: float
    """Share of the time in which training waited for its next batch, 0..1."""
    skipped: int
    """Steps skipped because gradients overflowed in float16; their losses are not counted."""
    health: Mapping[str, Judgement] = field(default_factory=dict)
    """Verdicts on losses, by name, from more steps than these."""
    warming_up: bool = False
    """True if only the auxiliary networks learned in the last step."""


class Meter:
    """Sums of losses that stay on the device until they are read, since each reading waits for the device."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.begin()

    def begin(self) -> None:
        """Reset all measurements."""
        self.steps = 0
        self._skipped = 0
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}
        self._waited = 0.0
        self._began = time.perf_counter()

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the time inside as waiting."""
        began = time.perf_counter()
        yield
        self._waited += time.perf_counter() - began

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Exclude the time inside from all measurements."""
        began = time.perf_counter()
        yield
        self._began += time.perf_counter() - began

    def add(self, values: dict[str, Tensor] | None) -> None:
        """Count a step with this process's contribution to the losses, by name; None for a skipped step."""
        self.steps += 1
        if values is None:
            self._skipped += 1
            return
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0) + value
            self._counts[name] = self._counts.get(name, 0) + 1

    def report(self, step: int) -> Report:
        """Report on all processes since the last report, and reset; `step` counts all steps made.

        Raises:
            TrainingError: a loss is not finite.
        """
        losses = self._means()
        broken = [name for name, value in losses.items() if value - value != 0]
        if broken:
            raise TrainingError(
                f"the loss {', '.join(broken)} is no longer finite at step {step}",
                "Lower the learning rate; the last checkpoint is kept.",
            )
        seconds = time.perf_counter() - self._began
        report = Report(step, losses, seconds / self.steps, self._waited / seconds, self._skipped)
        self.begin()
        return report

    def _means(self) -> dict[str, float]:
        if not self._sums:
            return {}
        sums = torch.stack(list(self._sums.values()))
        self._runtime.all_sum([sums])
        counts = torch.tensor(list(self._counts.values())).to(sums)  # not every step has every loss
        return dict(zip(self._sums, (sums / counts).tolist(), strict=True))
