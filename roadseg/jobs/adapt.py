"""The job behind `roadseg adapt`: a recipe in, a run folder out."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from roadseg.adaptation.loss_verdicts import Judgement, judge_all
from roadseg.datasets.dataset import ImageDataset
from roadseg.datasets.sampling import AdaptationBatches
from roadseg.errors import InputError, TrainingError
from roadseg.evaluation.evaluate import score
from roadseg.evaluation.scores import Evaluation
from roadseg.evaluation.trained import card_of
from roadseg.files import locked
from roadseg.inference.network_segmenter import NetworkSegmenter
from roadseg.inference.torch_engine import TorchEngine
from roadseg.jobs.run_record import RunRecord
from roadseg.models.weights import save_model
from roadseg.runtime import describe, is_main_process, main_process_first, process_group
from roadseg.training.build import (
    Watcher,
    adapt_batch_norm,
    build_batches,
    build_trainer,
    label_targets,
    named_datasets,
)
from roadseg.training.events import require_tensorboard
from roadseg.training.log import loss_series
from roadseg.training.loop import Plan, train
from roadseg.training.meter import Report
from roadseg.training.recipe import AdaptRecipe, read_recipe, resolve
from roadseg.training.run_folder import RunFolder
from roadseg.training.samples import steps_between_looks
from roadseg.training.trainer import Trainer


@dataclass(frozen=True)
class Outcome:
    """What a finished run came to."""

    run: Path
    steps: int
    seconds: float
    """Spent in this call; a resumed run spent more."""
    losses: dict[str, float]
    """Mean losses of the last steps."""
    health: dict[str, Judgement]
    """What is to be said of losses, by name, from the last steps of the whole run."""
    evaluation: Evaluation | None
    """Made by the main process alone."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON and metrics.json."""
        return {
            "run": str(self.run),
            "steps": self.steps,
            "seconds": round(self.seconds, 1),
            "losses": {name: round(value, 4) for name, value in self.losses.items()},
            "health": {name: judgement.as_dict() for name, judgement in self.health.items()},
            "evaluation": None if self.evaluation is None else self.evaluation.as_dict(),
        }


def adapt(recipe: AdaptRecipe, out: Path, *, data: Path = Path("data"), watcher: Watcher | None = None) -> Outcome:
    """Start a run in the new folder `out`.

    Args:
        recipe: what to train on what, how.
        out: the run folder.
        data: where streets are rendered to, once for all runs.
        watcher: callbacks.

    Raises:
        RoadsegError: bad input, an unwritable folder, or losses that are not finite.
        KeyboardInterrupt: after saving a checkpoint.
    """
    run, watcher = RunFolder(out), watcher or Watcher()
    with _held(out):
        if is_main_process():
            run.refuse_if_begun()
        parts = _prepare(recipe, data, watcher)
        if is_main_process():
            run.begin(recipe.as_toml())
        return _train(recipe, run, parts, watcher)


def resume(out: Path, *, data: Path = Path("data"), watcher: Watcher | None = None) -> Outcome:
    """Go on with the run in `out` where its last checkpoint stands; a finished run is scored and saved again.

    Raises:
        InputError: there is no run to go on with.
        RoadsegError: as `adapt`.
        KeyboardInterrupt: after saving a checkpoint.
    """
    run, recipe, watcher = RunFolder(out), recipe_of(out), watcher or Watcher()
    with _held(out):
        parts = _prepare(recipe, data, watcher)
        if run.checkpoint.is_file():
            parts.trainer.restore(run.load_checkpoint())
        if is_main_process():
            run.rewind(parts.trainer.step)
        return _train(recipe, run, parts, watcher)


def recipe_of(out: Path) -> AdaptRecipe:
    """The recipe of the run in `out`.

    Raises:
        InputError: there is no run.
    """
    recipe = RunFolder(out).recipe
    if not recipe.is_file():
        raise InputError(f"{out}: no run to resume here", "Start one without --resume.")
    return resolve(read_recipe(recipe), origin=str(recipe))


@contextmanager
def _held(out: Path) -> Iterator[None]:
    """Work on a run folder together with the processes that `torchrun` started, if it did; the main one locks it."""
    with process_group(), locked(out) if is_main_process() else nullcontext():
        yield


@dataclass(frozen=True)
class _Parts:
    """What a recipe is made into before the first step."""

    trainer: Trainer
    batches: AdaptationBatches
    scored: ImageDataset | None
    """Labelled data set to report on."""


def _prepare(recipe: AdaptRecipe, data: Path, watcher: Watcher) -> _Parts:
    if recipe.tensorboard:
        require_tensorboard()
    # The others find what the main process has downloaded and rendered.
    with main_process_first():
        # Cheap checks first: nobody should wait for streets to be rendered to learn of a misspelt folder.
        evaluation = named_datasets(recipe).evaluation
        scored = None if evaluation is None else evaluation.open()
        trainer = build_trainer(recipe, data, watcher)
        return _Parts(trainer, build_batches(recipe, data, watcher), scored)


def _train(recipe: AdaptRecipe, run: RunFolder, parts: _Parts, watcher: Watcher) -> Outcome:
    trainer, batches, scored = parts.trainer, parts.batches, parts.scored
    network, runtime = trainer.result, trainer.method.runtime
    watcher.on_start(f"{recipe.method} adaptation of {recipe.model} on {describe(runtime.device)}")
    watcher.on_start(f"source: {len(batches.source)} labelled pictures")
    adapt_batch_norm(recipe, trainer, batches.source, watcher)
    with main_process_first():
        labelled = label_targets(recipe, trainer, run.pseudo_labels, watcher)
    batches = replace(batches, targets=labelled or batches.targets, pseudo_labelled=bool(labelled))
    for name, target in zip(recipe.targets, batches.targets, strict=False):
        watcher.on_start(f"target: {len(target)} unlabelled pictures of {name}")
    if batches.annotated is not None:
        watcher.on_start(f"target labels: {len(batches.annotated)} pictures of {recipe.target_labels}")

    def score_now() -> Evaluation | None:
        if scored is None:
            return None
        card = card_of(recipe, network)
        engine = TorchEngine(network, runtime, "float32")
        return score(
            NetworkSegmenter(network, card, engine, f"{recipe.model} {recipe.method}", exact=True),
            scored,
            resampling=recipe.resampling,
            scored_classes=recipe.scored_classes,
            on_progress=watcher.on_evaluate,
        )

    def score_for_log() -> dict[str, float]:
        return _scores(score_now())

    kinds = trainer.method.loss_kinds
    points = loss_series(run.read_log()) if is_main_process() else {}
    losses: dict[str, float] = {}

    def on_report(report: Report) -> None:
        losses.clear()
        losses.update(report.losses)
        for name, value in losses.items():
            points.setdefault(name, []).append((report.step, value))
        watcher.on_report(replace(report, health=judge_all(points, kinds)))

    began = time.monotonic()
    plan = Plan(
        steps=recipe.steps,
        schedule_steps=recipe.schedule_steps or recipe.steps,
        power=recipe.power,
        checkpoint_every=recipe.checkpoint_every,
        evaluate_every=recipe.evaluate_every,
        workers=recipe.workers,
        look_every=steps_between_looks(recipe.steps),
        accumulate=recipe.accumulate,
    )
    evaluate = score_for_log if scored else None
    if not is_main_process():
        train(trainer, batches, plan, run, evaluate=evaluate, on_report=on_report)
        return Outcome(run.path, trainer.step, time.monotonic() - began, losses, {}, None)
    run.write_loss_kinds(kinds)
    targets = [target.open() for target in named_datasets(recipe).targets]
    shown = RunRecord(run, recipe, trainer, source=batches.source, targets=targets, warn=watcher.on_warning)
    with shown as record:
        watcher.on_start(f"to look at while it trains: {run.page}")
        begun_at = trainer.step
        try:
            train(
                trainer,
                batches,
                plan,
                run,
                evaluate=evaluate,
                on_report=on_report,
                on_log=record.log,
                on_milestone=record.milestone,
            )
        except TrainingError:
            record.write_page()
            raise
        evaluation = score_now()
        seconds = time.monotonic() - began
        outcome = Outcome(run.path, trainer.step, seconds, losses, judge_all(points, kinds), evaluation)
        scores = {} if evaluation is None else {evaluation.dataset: round(evaluation.miou, 2)}
        save_model(run.model, network, card_of(recipe, network).model_copy(update={"scores": scores}))
        run.write_metrics(outcome.as_dict())
        if trainer.step > begun_at:
            record.log({"step": trainer.step} | _scores(evaluation))
        record.write_page()
    return outcome


def _scores(evaluation: Evaluation | None) -> dict[str, float]:
    """Scores by the name that logs call them by."""
    return {} if evaluation is None else {f"miou/{evaluation.dataset}": round(evaluation.miou, 2)}
