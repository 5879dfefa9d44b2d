"""Cost of a training step by part, beside the same step in plain code."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import nn
from training.measures import Clock, Laps, counting_saved_bytes
from training.plain import PlainStep
from training.setting import SIZES, USUAL_SIZE, build, draw_batches

from roadseg.adaptation.loss_verdicts import LossKind
from roadseg.adaptation.method import Method
from roadseg.adaptation.term import Term
from roadseg.datasets.sampling import Batch, load_batches
from roadseg.runtime import DeviceName, Precision, describe, start
from roadseg.training.trainer import Trainer

STEP_PARTS = ("source", "target", "discriminator", "optimizer")
"""Forward and backward passes of the supervised part, of fooling the discriminators, and of theirs; the updates."""
_PART_OF = {"segmentation": "source", "adversarial": "target", "discriminator": "discriminator"}


@dataclass(frozen=True)
class StepCost:
    """Cost of one implementation of a step."""

    milliseconds: dict[str, float]
    """Time by part of the fastest step: other work on the machine only adds."""
    step_milliseconds: float
    """Time of that step, without its data."""
    saved_bytes: int
    """Peak of the bytes kept for backward passes, besides parameters and buffers."""
    device_bytes: int | None
    """Peak of the bytes allocated on the device, everything included; None on the CPU."""


@dataclass(frozen=True)
class TrainingCost:
    """Our step beside the plain one, which has the same parameters, images and losses."""

    model: str
    size: tuple[int, int]
    precision: Precision
    """Precision of our step; the plain one has float32."""
    device: str
    steps: int
    ours: StepCost
    plain: StepCost

    @property
    def time_ratio(self) -> float:
        """Time of our step / of the plain one, without data."""
        return self.ours.step_milliseconds / self.plain.step_milliseconds

    @property
    def saved_ratio(self) -> float:
        """The same for the bytes kept for backward passes."""
        return self.ours.saved_bytes / self.plain.saved_bytes

    def as_dict(self) -> dict[str, Any]:
        """Return the costs for JSON."""
        ratios = {"time": round(self.time_ratio, 3), "saved_bytes": round(self.saved_ratio, 3)}
        return vars(self) | {"ours": vars(self.ours), "plain": vars(self.plain), "ratios": ratios}


def measure_training(
    model: str,
    *,
    device: DeviceName = "auto",
    precision: Precision = "float32",
    steps: int = 5,
    size: tuple[int, int] | None = None,
    clock: Clock = time.perf_counter,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> TrainingCost:
    """Make steps of either kind in turn, so that other work on the machine slows both, and measure them.

    Args:
        model: a name that `build_model` knows; a backbone of transformers starts from random weights.
        device: device of both; see `roadseg.runtime.start`.
        precision: precision of our step.
        steps: number of measured steps of each kind, after one that is not measured.
        size: (width, height) of the images, by default that of `SIZES`, or the usual one.
        clock: measures time; `time.process_time` counts that of all threads, on which other work has less effect.
        on_progress: called with (steps made, steps in all).

    Raises:
        InputError: the device is not there.
    """
    runtime = start(device, precision)
    size = size or SIZES.get(model, USUAL_SIZE)
    ours, plain = _Ours(build(model, runtime), clock), _Plain(build(model, runtime), clock)
    our_parts, plain_parts = [], []
    with TemporaryDirectory() as folder:
        batches = load_batches(draw_batches(Path(folder), size), 0, steps + 2, workers=0)
        ours.laps.restart()
        for number, batch in enumerate(batches):
            batch = batch.to(runtime.device)
            ours.laps.lap("data")
            if number == 0:
                our_memory, plain_memory = (_memory(step, batch, runtime.device) for step in (ours, plain))
            else:
                ours.make_step(batch)
                plain.make_step(batch)
            our_parts.append(ours.laps.take())
            plain_parts.append(plain.laps.take())
            on_progress(number + 1, steps + 2)
            ours.laps.restart()
    return TrainingCost(
        model,
        size,
        precision,
        describe(runtime.device),
        steps,
        _cost(our_parts[2:], our_memory),
        _cost(plain_parts[2:], plain_memory),
    )


class _Ours:
    """Our step, timed."""

    def __init__(self, trainer: Trainer, clock: Clock) -> None:
        self.laps = Laps(trainer.method.runtime.device, clock)
        trainer.method = _TimedMethod(trainer.method, self.laps)
        self._trainer = trainer
        self.networks: list[nn.Module] = [trainer.method.segmenter, *trainer.method.auxiliary_networks.values()]

    def make_step(self, batch: Batch) -> None:
        self.laps.restart()
        self._trainer.make_step(batch)
        self.laps.lap("optimizer")


class _Plain:
    """The plain step, timed."""

    def __init__(self, trainer: Trainer, clock: Clock) -> None:
        self.laps = Laps(trainer.method.runtime.device, clock)
        self._step = PlainStep(trainer, self.laps)
        self.networks = self._step.networks

    def make_step(self, batch: Batch) -> None:
        self.laps.restart()
        self._step.make_step(batch)


class _TimedMethod(Method):
    """A method that ends a lap whenever the engine is done with a term."""

    def __init__(self, method: Method, laps: Laps) -> None:
        super().__init__(method.segmenter, method.runtime, method.supervision)
        self._method = method
        self._laps = laps

    @property
    def auxiliary_networks(self) -> dict[str, nn.Module]:
        return self._method.auxiliary_networks

    @property
    def loss_kinds(self) -> dict[str, LossKind]:
        return self._method.loss_kinds

    def terms(self, batch: Batch) -> Iterator[Term]:
        for term in self._method.terms(batch):
            yield term
            self._laps.lap(_PART_OF[next(iter(term.values)).split("/")[0]])


def _memory(step: _Ours | _Plain, batch: Batch, device: torch.device) -> tuple[int, int | None]:
    """Make a step and give its peak of saved bytes, and on a GPU of allocated ones."""
    on_cpu = device.type == "cpu"
    if not on_cpu:
        torch.accelerator.reset_peak_memory_stats()
    own = [tensor for network in step.networks for tensor in (*network.parameters(), *network.buffers())]
    with counting_saved_bytes(own) as saved:
        step.make_step(batch)
    return saved.peak, None if on_cpu else torch.accelerator.max_memory_allocated()


def _cost(laps: list[dict[str, float]], memory: tuple[int, int | None]) -> StepCost:
    def seconds(step: dict[str, float]) -> float:
        return sum(step[part] for part in STEP_PARTS)

    fastest = min(laps, key=seconds)
    parts = {part: round(1000 * value, 2) for part, value in fastest.items()}
    return StepCost(parts, round(1000 * seconds(fastest), 2), *memory)
