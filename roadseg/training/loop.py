"""The engine: one loop for every method, with schedule, log, checkpoints, evaluation and a clean end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from roadseg.datasets.sampling import AdaptationBatches, Batch, load_batches
from roadseg.errors import RecipeError
from roadseg.runtime import Runtime, is_main_process
from roadseg.training.meter import Meter, Report
from roadseg.training.run_folder import RunFolder
from roadseg.training.stopping import stop_requests
from roadseg.training.trainer import Trainer

REPORT_STEPS = 10
"""Losses are read off the device once in so many steps."""


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
    """Parts that a batch is divided into, one after the other: less memory for more time."""


def train(
    trainer: Trainer,
    batches: AdaptationBatches,
    plan: Plan,
    run: RunFolder,
    *,
    evaluate: Callable[[], dict[str, float]] | None = None,
    on_report: Callable[[Report], None] = lambda report: None,
) -> None:
    """Train from `trainer.step` to `plan.steps`, each process of the runtime on its share of every joint batch.

    Ctrl-C and SIGTERM end the step at hand, save a checkpoint and raise KeyboardInterrupt. `evaluate` gives scores for
    the log; they decide nothing. The main process alone evaluates and writes.

    Raises:
        TrainingError: a loss is not finite; the last checkpoint, whose losses were, stays. Or another process ended.
        RecipeError: the batch or the network cannot be divided over the processes.
        KeyboardInterrupt: the user asked to stop.
    """
    segmenter, runtime = trainer.method.segmenter, trainer.method.runtime
    segmenter.train()
    _refuse_batch_statistics(segmenter, runtime)
    share = batches.for_process(runtime.rank, runtime.processes)
    on_cuda = runtime.device.type == "cuda"
    loader = load_batches(share, trainer.step, plan.steps, workers=plan.workers, pin_memory=on_cuda)
    meter = Meter(runtime)
    with stop_requests(runtime) as stop_requested:
        while trainer.step < plan.steps:
            with meter.waiting():
                batch = _joint(next(loader), runtime)
            meter.add(
                trainer.make_step(
                    batch, schedule_steps=plan.schedule_steps, power=plan.power, accumulate=plan.accumulate
                )
            )
            stopping, last = stop_requested(), trainer.step == plan.steps
            saving = stopping or last or trainer.step % plan.checkpoint_every == 0
            if saving or meter.steps == REPORT_STEPS:
                report = meter.report(trainer.step)
                if is_main_process():
                    run.append_log(_record(report, trainer))
                on_report(report)
            if saving and is_main_process():
                run.save_checkpoint(trainer.state())
            if stopping and not last:
                # A process that ends before the checkpoint is saved would take the main process with it.
                runtime.barrier()
                raise KeyboardInterrupt
            due = plan.evaluate_every and trainer.step % plan.evaluate_every == 0
            if evaluate is not None and due and not last and is_main_process():
                run.append_log({"step": trainer.step} | evaluate())
                segmenter.train()
                meter.begin()


def _joint(batch: Batch, runtime: Runtime) -> Batch:
    """A share of a joint batch, on the device, with the label counts of the whole."""
    runtime.all_sum(batch.counts)
    return batch.to(runtime.device)


def _record(report: Report, trainer: Trainer) -> dict[str, Any]:
    return {
        "step": report.step,
        "learning_rate": trainer.optimizers["segmenter"].param_groups[0]["lr"],
        "seconds_a_step": round(report.seconds_a_step, 4),
        "waiting": round(report.waiting, 3),
        "skipped": report.skipped,
        **{name: round(value, 6) for name, value in report.losses.items()},
    }


def _refuse_batch_statistics(network: nn.Module, runtime: Runtime) -> None:
    if runtime.processes > 1 and any(
        isinstance(module, nn.BatchNorm2d) and module.training for module in network.modules()
    ):
        raise RecipeError(
            'batch_norm = "batch-statistics" would normalise each process\'s share of a batch by itself',
            'Use one process, or batch_norm = "frozen".',
        )
