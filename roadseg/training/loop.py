"""The engine: one loop for every method, with schedule, log, checkpoints, evaluation and a clean end."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from roadseg.adaptation.method import Method
from roadseg.datasets.sampling import AdaptationBatches, Batch, load_batches
from roadseg.errors import TrainingError, WeightsError
from roadseg.runtime import rng_state, set_rng_state
from roadseg.training.optimizers import set_poly_rate
from roadseg.training.run_folder import RunFolder

FINITE_CHECK_STEPS = 10
"""Losses are read off the device once in so many steps: each reading waits for the device."""


@dataclass(frozen=True)
class Plan:
    """How long to train, and what to do on the way."""

    steps: int
    """Steps to make in all."""
    schedule_steps: int
    """Steps over which the learning rate falls to zero."""
    power: float
    """Exponent of the poly schedule."""
    checkpoint_every: int
    evaluate_every: int
    """Steps between evaluations; 0 for none before the end."""
    workers: int
    """Processes that prepare batches."""
    accumulate: int = 1
    """Parts that a batch is divided into, one after the other; what a step comes to does not depend on it."""


@dataclass(frozen=True)
class Report:
    """What the loop tells whoever watches."""

    step: int
    """Steps made."""
    losses: dict[str, float]
    """Mean unweighted losses since the last report, by name."""
    seconds_a_step: float


class Trainer:
    """A method, its optimizers and its place in the plan: everything that a checkpoint holds."""

    def __init__(self, method: Method, optimizers: dict[str, Optimizer]) -> None:
        self.method = method
        self.optimizers = optimizers
        self.step = 0

    def state(self) -> dict[str, Any]:
        """Everything needed to go on exactly where this stands."""
        return {
            "step": self.step,
            "networks": {name: network.state_dict() for name, network in self._networks().items()},
            "optimizers": {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()},
            "rng": rng_state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` gave.

        Raises:
            WeightsError: it belongs to other networks.
        """
        try:
            for name, network in self._networks().items():
                network.load_state_dict(state["networks"][name])
            for name, optimizer in self.optimizers.items():
                optimizer.load_state_dict(state["optimizers"][name])
            set_rng_state(state["rng"])
            self.step = state["step"]
        except (KeyError, RuntimeError, ValueError) as error:
            raise WeightsError(f"the checkpoint belongs to another kind of run: {error}", "Start a new run.") from error

    def _networks(self) -> dict[str, torch.nn.Module]:
        return {"segmenter": self.method.segmenter, **self.method.discriminators}


def train(
    trainer: Trainer,
    batches: AdaptationBatches,
    plan: Plan,
    run: RunFolder,
    *,
    evaluate: Callable[[], dict[str, float]] | None = None,
    on_report: Callable[[Report], None] = lambda report: None,
) -> None:
    """Train from `trainer.step` to `plan.steps`.

    Ctrl-C and SIGTERM end the step at hand, save a checkpoint and raise KeyboardInterrupt. `evaluate` gives scores for
    the log; they decide nothing.

    Raises:
        TrainingError: a loss is not finite; the last checkpoint, whose losses were, stays.
        KeyboardInterrupt: the user asked to stop.
    """
    trainer.method.segmenter.train()
    losses = Losses()
    began = time.perf_counter()
    with stop_requests() as stop_requested:
        for batch in load_batches(batches, trainer.step, plan.steps, workers=plan.workers):
            training_step(trainer, plan, batch.to(trainer.method.runtime.device), losses)
            last = trainer.step == plan.steps
            stopping = stop_requested()
            if losses.steps == FINITE_CHECK_STEPS or last or stopping or trainer.step % plan.checkpoint_every == 0:
                means = losses.take(trainer.step)
                now = time.perf_counter()
                report = Report(trainer.step, means.values, (now - began) / means.steps)
                rate = trainer.optimizers["segmenter"].param_groups[0]["lr"]
                run.append_log(
                    {"step": report.step, "learning_rate": rate, "seconds_a_step": round(report.seconds_a_step, 4)}
                    | {name: round(value, 6) for name, value in report.losses.items()}
                )
                on_report(report)
                began = now
            if stopping or last or trainer.step % plan.checkpoint_every == 0:
                run.save_checkpoint(trainer.state())
            if stopping and not last:
                raise KeyboardInterrupt
            due = plan.evaluate_every and trainer.step % plan.evaluate_every == 0
            if evaluate is not None and due and not last:
                run.append_log({"step": trainer.step} | evaluate())
                trainer.method.segmenter.train()
                began = time.perf_counter()


def training_step(trainer: Trainer, plan: Plan, batch: Batch, losses: "Losses") -> None:
    """One step: gradients of every term, then every optimizer."""
    for optimizer in trainer.optimizers.values():
        set_poly_rate(optimizer, trainer.step, plan.schedule_steps, plan.power)
        optimizer.zero_grad(set_to_none=True)
    for part in batch.parts(plan.accumulate):
        for term in trainer.method.terms(part):
            term.loss.backward()  # type: ignore[no-untyped-call]
            losses.add(term.values)
    for optimizer in trainer.optimizers.values():
        optimizer.step()
    losses.steps += 1
    trainer.step += 1


@dataclass(frozen=True)
class Means:
    """Mean losses by name, and over how many steps."""

    values: dict[str, float]
    steps: int


class Losses:
    """Sums of losses that stay on the device until they are read."""

    def __init__(self) -> None:
        self.steps = 0
        self._sums: dict[str, Tensor] = {}

    def add(self, values: dict[str, Tensor]) -> None:
        """Add the losses of one term, by name."""
        for name, value in values.items():
            self._sums[name] = self._sums[name] + value if name in self._sums else value

    def take(self, step: int) -> Means:
        """Mean losses since the last call; `step` is for the message.

        Raises:
            TrainingError: one is not finite.
        """
        means = Means({name: float(total) / self.steps for name, total in self._sums.items()}, self.steps)
        self.steps = 0
        self._sums = {}
        broken = [name for name, value in means.values.items() if value - value != 0]
        if broken:
            raise TrainingError(
                f"the loss {', '.join(broken)} is not finite any more at step {step}",
                "Lower the learning rate; the last checkpoint is kept.",
            )
        return means


@contextmanager
def stop_requests() -> Iterator[Callable[[], bool]]:
    """Give a function that tells whether Ctrl-C or SIGTERM came; a second one interrupts at once.

    A step that is cut in the middle would leave weights and optimizer state that belong to different steps.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    requested = False

    def request(number: int, frame: object) -> None:
        nonlocal requested
        if requested:
            raise KeyboardInterrupt
        requested = True

    before = {number: signal.signal(number, request) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: requested
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
