"""The engine: one loop for every method, with schedule, log, checkpoints, evaluation and a clean end."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

from roadseg.datasets.sampling import AdaptationBatches, Batch, load_batches
from roadseg.errors import RecipeError
from roadseg.runtime import Runtime, is_main_process
from roadseg.training.log import RATE
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
    look_every: int = 0
    """Steps between looks at sample pictures; 0 for none."""
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
    on_log: Callable[[dict[str, Any]], None] = lambda record: None,
    on_milestone: Callable[[int, bool], None] = lambda step, look: None,
) -> None:
    """Train from `trainer.step` to `plan.steps`, each process of the runtime on its share of every joint batch.

    Ctrl-C and SIGTERM end the step at hand, save a checkpoint and raise KeyboardInterrupt. `evaluate` gives scores for
    the log; they decide nothing. The main process alone evaluates, writes, and calls the last two of these.

    Args:
        trainer: where it stands.
        batches: a joint batch a step.
        plan: how long, and what to do on the way.
        run: for log and checkpoints.
        evaluate: scores by name; may leave the segmenter in evaluation mode.
        on_report: told the losses of the last steps.
        on_log: told each line that was added to the log.
        on_milestone: told (step, whether sample pictures are due), at checkpoints and wherever samples are due. It
            leaves the networks as they are; its time is not that of training.

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

    def log(record: dict[str, Any]) -> None:
        run.append_log(record)
        on_log(record)

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
            looking = bool(plan.look_every) and (last or trainer.step % plan.look_every == 0)
            if saving or looking or meter.steps == REPORT_STEPS:
                report = meter.report(trainer.step)
                if is_main_process():
                    log(_record(report, trainer))
                on_report(report)
            if saving and is_main_process():
                run.save_checkpoint(trainer.state())
            due = plan.evaluate_every and trainer.step % plan.evaluate_every == 0
            if evaluate is not None and due and not (last or stopping) and is_main_process():
                with meter.paused():
                    log({"step": trainer.step} | evaluate())
                    segmenter.train()
            if (saving or looking) and is_main_process():
                with meter.paused():
                    on_milestone(trainer.step, looking)
            if stopping and not last:
                # A process that ends before the checkpoint is saved would take the main process with it.
                runtime.barrier()
                raise KeyboardInterrupt


def _joint(batch: Batch, runtime: Runtime) -> Batch:
    """A share of a joint batch, on the device, with the label counts of the whole."""
    runtime.all_sum(batch.counts)
    return batch.to(runtime.device)


def _record(report: Report, trainer: Trainer) -> dict[str, Any]:
    return {
        "step": report.step,
        **_rates(trainer),
        "seconds_a_step": round(report.seconds_a_step, 4),
        "waiting": round(report.waiting, 3),
        "skipped": report.skipped,
        **{name: round(value, 6) for name, value in report.losses.items()},
    }


def _rates(trainer: Trainer) -> dict[str, float]:
    """Of the trunk, of the heads and, where there are any, of the networks that are trained against the segmenter."""
    segmenter, *others = trainer.optimizers.values()
    rates = {RATE: segmenter.param_groups[0]["lr"], "head_learning_rate": segmenter.param_groups[-1]["lr"]}
    if others:
        rates["discriminator_learning_rate"] = others[0].param_groups[0]["lr"]
    return rates


def _refuse_batch_statistics(network: nn.Module, runtime: Runtime) -> None:
    if runtime.processes > 1 and any(
        isinstance(module, nn.BatchNorm2d) and module.training for module in network.modules()
    ):
        raise RecipeError(
            'batch_norm = "batch-statistics" would normalise each process\'s share of a batch by itself',
            'Use one process, or batch_norm = "frozen".',
        )
