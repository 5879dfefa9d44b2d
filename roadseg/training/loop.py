"""Training loop of every method, with log, checkpoints, evaluation and a clean stop."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from torch import nn

from roadseg.datasets.sampling import AdaptationBatches, Batch, load_batches
from roadseg.errors import RecipeError, RoadsegError
from roadseg.runtime import Runtime, is_main_process
from roadseg.training.log import RATE
from roadseg.training.meter import Meter, Report
from roadseg.training.recipe import AdaptRecipe
from roadseg.training.run_folder import RunFolder
from roadseg.training.stopping import stop_requests
from roadseg.training.trainer import Trainer

REPORT_STEPS = 10
"""Steps between reports: losses are copied from the device once in so many steps."""


def train(
    trainer: Trainer,
    batches: AdaptationBatches,
    recipe: AdaptRecipe,
    run: RunFolder,
    *,
    evaluate: Callable[[], dict[str, float]] | None = None,
    sample_every: int = 0,
    on_step: Callable[[int], None] = lambda step: None,
    on_report: Callable[[Report], None] = lambda report: None,
    on_log: Callable[[dict[str, Any]], None] = lambda record: None,
    on_milestone: Callable[[int, bool], None] = lambda step, sampling: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> None:
    """Train from `trainer.step` to `recipe.steps`, each process of the runtime on its share of every joint batch.

    Ctrl-C, SIGTERM and `should_stop` finish the current step, save a checkpoint and raise KeyboardInterrupt. So do
    a batch that cannot be read and an evaluation that fails, with their own error. Scores of `evaluate` go to the log
    and decide nothing. Only the main process evaluates, writes, and calls `on_log` and `on_milestone`.

    Args:
        trainer: at the step to continue from.
        batches: one joint batch for each step.
        recipe: steps, steps between checkpoints and evaluations, workers.
        run: for log and checkpoints.
        evaluate: returns scores by name; may leave the segmenter in evaluation mode.
        sample_every: steps between looks at sample images; 0 for none.
        on_step: called with the number of steps made, before the first and after each that has no report.
        on_report: called with the mean losses of the last steps.
        on_log: called with each line that was added to the log.
        on_milestone: called with (step, whether sample images are due), at checkpoints and whenever samples are due. It
            must leave the networks as they are; its time does not count as training time.
        should_stop: asked between steps; True stops the training.

    Raises:
        TrainingError: a loss is not finite (the last checkpoint, whose losses were, stays), or another process ended.
        RecipeError: the batch or the network cannot be divided over the processes.
        DatasetError: an image or a label map cannot be read.
        KeyboardInterrupt: the user asked to stop.
    """
    segmenter, runtime = trainer.method.segmenter, trainer.method.runtime
    segmenter.train()
    _refuse_batch_statistics(segmenter, runtime)
    share = batches.for_process(runtime.rank, runtime.processes)
    meter = Meter(runtime)

    def log(record: dict[str, Any]) -> None:
        run.append_log(record)
        on_log(record)

    @contextmanager
    def steps_kept() -> Iterator[None]:
        try:
            yield
        except (RoadsegError, KeyboardInterrupt):
            if is_main_process():
                run.save_checkpoint(trainer.state())
            raise

    on_step(trainer.step)
    with stop_requests(runtime, should_stop) as stop:
        loader = load_batches(
            share,
            trainer.step,
            recipe.steps,
            workers=recipe.workers,
            pin_memory=runtime.device.type == "cuda",
            give_up=lambda: stop.came_here and runtime.processes == 1,
        )
        while trainer.step < recipe.steps:
            with steps_kept(), meter.waiting():
                batch = _joint(next(loader), runtime)
            meter.add(trainer.make_step(batch))
            stopping, last = stop.came(), trainer.step == recipe.steps
            saving = stopping or last or trainer.step % recipe.checkpoint_every == 0
            sampling = bool(sample_every) and (last or trainer.step % sample_every == 0)
            if saving or sampling or meter.steps == REPORT_STEPS:
                warming_up = trainer.step <= trainer.method.warmup_steps
                report = replace(meter.report(trainer.step), warming_up=warming_up)
                if is_main_process():
                    log(_record(report, trainer))
                on_report(report)
            else:
                on_step(trainer.step)
            if saving and is_main_process():
                run.save_checkpoint(trainer.state())
            due = recipe.evaluate_every and trainer.step % recipe.evaluate_every == 0
            if evaluate is not None and due and not (last or stopping) and is_main_process():
                with steps_kept(), meter.paused():
                    log({"step": trainer.step} | evaluate())
                    segmenter.train()
            if (saving or sampling) and is_main_process():
                with meter.paused():
                    on_milestone(trainer.step, sampling)
            if stopping and not last:
                # A process that ends before the checkpoint is saved would take the main process with it.
                runtime.barrier()
                raise KeyboardInterrupt


def _joint(batch: Batch, runtime: Runtime) -> Batch:
    """Return a share of a joint batch, on the device, with the label counts of the whole."""
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
    """Return the learning rates of the trunk, of the heads and, if there are any, of the auxiliary networks."""
    segmenter, *others = trainer.optimizers.values()
    rates = {RATE: segmenter.param_groups[0]["lr"], "head_learning_rate": segmenter.param_groups[-1]["lr"]}
    if others:
        rates["auxiliary_learning_rate"] = others[0].param_groups[0]["lr"]
    return rates


def _refuse_batch_statistics(network: nn.Module, runtime: Runtime) -> None:
    if runtime.processes > 1 and any(
        isinstance(module, nn.BatchNorm2d) and module.training for module in network.modules()
    ):
        raise RecipeError(
            'batch_norm = "batch-statistics" would normalise each process\'s share of a batch by itself',
            'Use one process, or batch_norm = "frozen".',
        )
