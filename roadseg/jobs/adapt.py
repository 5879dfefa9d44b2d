"""The job behind `roadseg adapt`: a recipe in, a run folder out."""

import copy
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from roadseg.adaptation.loss_verdicts import Judgement, judge_all
from roadseg.datasets.dataset import ImageDataset
from roadseg.datasets.sampling import AdaptationBatches
from roadseg.errors import InputError, RecipeError, TrainingError
from roadseg.evaluation.evaluate import score
from roadseg.evaluation.scores import Evaluation
from roadseg.evaluation.trained import card_of
from roadseg.files import locked
from roadseg.inference.engines import network_segmenter
from roadseg.inference.label_free import IMAGES as JUDGED
from roadseg.inference.label_free import LabelFreeVerdict, judge
from roadseg.inference.network_segmenter import NetworkSegmenter
from roadseg.inference.segmenter import Segmenter
from roadseg.inference.teacher import load_teacher
from roadseg.inference.torch_engine import TorchEngine
from roadseg.jobs.recipe_choices import with_choices, with_model
from roadseg.jobs.run_record import RunRecord
from roadseg.labels.catalogue import label_space
from roadseg.models.names import IMAGENET
from roadseg.models.network import SegmentationNetwork
from roadseg.models.weights import save_model
from roadseg.runtime import describe, is_main_process, main_process_first, process_group
from roadseg.training.build import (
    adapt_batch_norm,
    build_batches,
    build_trainer,
    fitted_to_target,
    label_targets,
    named_datasets,
    target_images,
)
from roadseg.training.callbacks import Callbacks
from roadseg.training.events import require_tensorboard
from roadseg.training.forecast import forecast
from roadseg.training.keys import flattened, merged
from roadseg.training.log import Series, last_losses, loss_series
from roadseg.training.loop import train
from roadseg.training.meter import Report
from roadseg.training.recipe import AdaptRecipe, resolve
from roadseg.training.recipe_files import find_recipe, usual_recipe
from roadseg.training.recipe_values import recipe_values
from roadseg.training.run_folder import RunFolder
from roadseg.training.samples import steps_between_samples
from roadseg.training.trainer import Trainer


@dataclass(frozen=True)
class Outcome:
    """Result of a finished run."""

    run: Path
    steps: int
    seconds: float
    """Duration of training and evaluation in this call, without what prepares them; a resumed run took longer."""
    losses: dict[str, float]
    """Mean losses of the last steps."""
    health: dict[str, Judgement]
    """Verdicts on losses, by name, from the last steps of the whole run."""
    evaluation: Evaluation | None
    """Scores on the recipe's labelled data set; made by the main process only."""
    verdict: LabelFreeVerdict | None
    """Comparison with the initial weights on target images, without labels; None without a target."""
    kept_start: bool = False
    """True if the run saved its initial weights, see `AdaptRecipe.keeps_start`."""

    def as_dict(self) -> dict[str, Any]:
        """Return the facts for JSON and metrics.json."""
        return {
            "run": str(self.run),
            "steps": self.steps,
            "seconds": round(self.seconds, 1),
            "losses": {name: round(value, 4) for name, value in self.losses.items()},
            "health": {name: judgement.as_dict() for name, judgement in self.health.items()},
            "evaluation": None if self.evaluation is None else self.evaluation.as_dict(),
            "against_start": None if self.verdict is None else self.verdict.as_dict(),
            "kept_start": self.kept_start,
        }


def adapt(
    out: str | Path,
    *,
    recipe: AdaptRecipe | str | Path | None = None,
    resume: bool = False,
    data: str | Path = "data",
    callbacks: Callbacks | None = None,
    **options: Any,
) -> Outcome:
    """Train a segmenter on labelled source images and adapt it to unlabelled target images; writes a run folder.

    Args:
        out: run folder to make, or to continue with `resume`.
        recipe: path of a recipe file, name of a recipe of the package, or a recipe; None for the recipe `adapt`, for
            `teacher` where the options name one, or for `multi_level` where they name an adversarial method.
        resume: continue the run in `out` from its last checkpoint. Recipe and options may be left out; if given, they
            must be those of the run. A finished run is evaluated and saved again.
        data: folder for rendered streets and downloaded weights, shared by all runs.
        callbacks: functions to call on progress.
        options: recipe keys (docs/recipes.md) that replace those of `recipe`, for example `target="data/frames"`,
            `method="multi-level"`, `steps=800`, `adversarial={"weight": 0.002}`.

    Returns:
        Losses, verdicts and scores; the weights are in `out`.

    Raises:
        RecipeError: the recipe or an option is wrong, or does not agree with the run to resume.
        InputError: there is no run to resume.
        RoadsegError: bad input, an unwritable folder, or losses that are not finite.
        KeyboardInterrupt: after a checkpoint was saved.
    """
    out, data, callbacks = Path(out), Path(data), callbacks or Callbacks()
    if resume:
        begun = recipe_of(out)
        _refuse_changes(begun, dict(options) if recipe is None else recipe_keys(recipe, options)[0])
        return _resume(begun, RunFolder(out), data, callbacks)
    values, origin = recipe_keys(recipe, options)
    return _begin(resolve(values, origin=origin), RunFolder(out), data, callbacks)


def recipe_keys(recipe: AdaptRecipe | str | Path | None, options: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the keys of a recipe with options merged in, and what error messages call them.

    Without a recipe they are those of `roadseg.training.recipe_files.usual_recipe`.

    Raises:
        RecipeError: there is no such recipe, or it is no TOML.
    """
    if isinstance(recipe, AdaptRecipe):
        return merged(recipe.model_dump(exclude_none=True), options), "recipe"
    path = find_recipe(recipe or usual_recipe(options))
    return merged(recipe_values(path), options), str(recipe or "options")


def recipe_of(out: Path) -> AdaptRecipe:
    """Read the recipe of the run in `out`.

    Raises:
        InputError: there is no run.
    """
    recipe = RunFolder(out).recipe
    if not recipe.is_file():
        raise InputError(f"{out}: no run to resume here", "Start one without --resume.")
    return resolve(recipe_values(recipe), origin=str(recipe))


def _refuse_changes(begun: AdaptRecipe, values: Mapping[str, Any]) -> None:
    """Make sure that `values` agree with the recipe of a run.

    Raises:
        RecipeError: naming the keys that do not.
    """
    before = begun.model_dump()
    wanted = flattened(resolve(merged(before, values), origin="options").model_dump())
    changed = [key for key in flattened(values) if wanted.get(key) != flattened(before).get(key)]
    if changed:
        raise RecipeError(
            f"--resume continues the run as it was started; {', '.join(changed)} cannot change",
            "Leave these options out, or start a new run with --init.",
        )


def _begin(recipe: AdaptRecipe, run: RunFolder, data: Path, callbacks: Callbacks) -> Outcome:
    with _held(run.path):
        if is_main_process():
            run.refuse_if_begun()
        training = _Training.prepare(recipe, run, data, callbacks)
        if is_main_process():
            run.begin(recipe.as_toml())
        return training.finish()


def _resume(recipe: AdaptRecipe, run: RunFolder, data: Path, callbacks: Callbacks) -> Outcome:
    with _held(run.path):
        training = _Training.prepare(recipe, run, data, callbacks)
        if run.checkpoint.is_file():
            training.trainer.restore(run.load_checkpoint())
        if is_main_process():
            run.rewind(training.trainer.step)
        return training.finish()


@contextmanager
def _held(out: Path) -> Iterator[None]:
    """Join the processes that `torchrun` started, if it did; the main process locks the run folder."""
    with process_group(), locked(out) if is_main_process() else nullcontext():
        yield


class _Training:
    """A run from its first or next step to its outcome."""

    def __init__(
        self,
        recipe: AdaptRecipe,
        run: RunFolder,
        callbacks: Callbacks,
        trainer: Trainer,
        batches: AdaptationBatches,
        labelled: ImageDataset | None,
        scored_size: tuple[int, int] | None,
        teacher: Segmenter | None,
    ) -> None:
        """Combine what `prepare` makes; `labelled` is the data set to evaluate on, at `scored_size` or in its shape."""
        self.recipe, self.run, self.callbacks = recipe, run, callbacks
        self.trainer, self.batches = trainer, batches
        self.labelled, self.scored_size, self.teacher = labelled, scored_size, teacher
        self.initial = copy.deepcopy(trainer.method.segmenter).cpu()
        """The network before any step, which the result is compared with."""
        self.losses: dict[str, float] = {}
        self.history: Series = {}

    @classmethod
    def prepare(cls, recipe: AdaptRecipe, run: RunFolder, data: Path, callbacks: Callbacks) -> "_Training":
        """Open data sets and build networks; cheap checks come first, before streets are rendered."""
        if recipe.tensorboard:
            require_tensorboard()
        with main_process_first():  # The others find what the main process has downloaded and rendered.
            evaluation = named_datasets(recipe).evaluation
            labelled = None if evaluation is None else evaluation.open()
            named_size, recipe = recipe.target_size, fitted_to_target(recipe)
            teacher = None
            if recipe.teacher:
                space = label_space(recipe.labels)
                teacher = load_teacher(recipe.teacher, space, recipe.device, callbacks.on_warning)
            recipe = with_model(recipe, run, callbacks)
            trainer = build_trainer(recipe, data, callbacks)
        recipe = with_choices(recipe, trainer.method.segmenter, run, callbacks.on_start)
        with main_process_first():
            batches = build_batches(recipe, data, callbacks)
            return cls(recipe, run, callbacks, trainer, batches, labelled, named_size, teacher)

    def finish(self) -> Outcome:
        """Prepare the target, make the remaining steps, evaluate and save."""
        self._announce()
        self._prepare_target()
        began = time.monotonic()
        if is_main_process():
            return self._train_and_save(began)
        self._train()
        return Outcome(self.run.path, self.trainer.step, time.monotonic() - began, self.losses, {}, None, None)

    def _announce(self) -> None:
        recipe, device = self.recipe, self.trainer.method.runtime.device
        self.callbacks.on_start(f"{recipe.method} adaptation of {recipe.model} on {describe(device)}")
        self.callbacks.on_start(f"source: {len(self.batches.source)} labelled images")
        datasets = (self.batches.source, *self.batches.targets, self.batches.annotated)
        for notice in dict.fromkeys(notice for one in datasets if one is not None for notice in one.notices):
            self.callbacks.on_warning(notice)

    def _prepare_target(self) -> None:
        """Adapt batch norm and make pseudo-labels if the recipe asks for them."""
        recipe, batches = self.recipe, self.batches
        adapt_batch_norm(recipe, self.trainer, batches.source, self.callbacks)
        labelled: tuple[ImageDataset, ...] = ()
        if recipe.labels_target and self.trainer.step < recipe.steps:
            labeller = self.teacher or self._start_of_training()
            for notice in labeller.notices:
                self.callbacks.on_warning(notice)
            with main_process_first():
                method, folder = self.trainer.method, self.run.pseudo_labels
                labelled = label_targets(recipe, method, labeller, folder, self.callbacks)
            self.teacher = None  # a large network would take memory throughout the training
        self.batches = replace(batches, targets=labelled or batches.targets, pseudo_labelled=bool(labelled))
        for name, target in zip(recipe.targets, self.batches.targets, strict=False):
            self.callbacks.on_start(f"target: {len(target)} unlabelled images of {name}")
        if batches.annotated is not None:
            self.callbacks.on_start(f"target labels: {len(batches.annotated)} images of {recipe.target_labels}")

    def _start_of_training(self) -> Segmenter:
        """Return the network before any step, its batch norm adapted as the recipe says; all images get the input size.

        A resumed run with images that have no label yet labels them as the first call would have done.
        """
        recipe, network = self.recipe, copy.deepcopy(self.initial)
        network.load_state_dict(dict(self.trainer.result.named_buffers()), strict=False)
        card = card_of(recipe, network)
        return network_segmenter(network, card, device=recipe.device, input_size=recipe.input_size)

    def _train_and_save(self, began: float) -> Outcome:
        """Train in the main process, which also keeps the record of the run and writes its results."""
        run, trainer, kinds = self.run, self.trainer, self.trainer.method.loss_kinds
        log = run.read_log()
        self.history = loss_series(log)
        run.write_loss_kinds(kinds)
        targets = [target.open() for target in named_datasets(self.recipe).targets]
        shown = RunRecord(
            run, self.recipe, trainer, source=self.batches.source, targets=targets, warn=self.callbacks.on_warning
        )
        with shown as record:
            self.callbacks.on_start(f"progress page: {run.page}")
            first = trainer.step
            try:
                self._train(record)
            except TrainingError:
                record.write_page()
                raise
            verdict = self._verdict(targets)
            kept_start = verdict is not None and self.recipe.keeps_start(verdict.outcome)
            kept = trainer.method.runtime.place(self.initial) if kept_start else trainer.result
            evaluation = self._evaluate(kept)
            seconds = time.monotonic() - began
            verdicts = judge_all(self.history, kinds)
            losses = self.losses or last_losses(log)
            outcome = Outcome(run.path, trainer.step, seconds, losses, verdicts, evaluation, verdict, kept_start)
            scores = {} if evaluation is None else {evaluation.dataset: round(evaluation.miou, 2)}
            card = card_of(self.recipe, kept).model_copy(update={"steps": self.recipe.steps})
            if kept_start:
                save_model(run.trained, trainer.result, card)
                card = card.model_copy(update={"steps": 0})
            save_model(run.model, kept, card.model_copy(update={"scores": scores}))
            run.write_metrics(outcome.as_dict())
            if trainer.step > first:
                record.log({"step": trainer.step} | _scores(evaluation))
            record.write_page()
        return outcome

    def _train(self, record: RunRecord | None = None) -> None:
        recorded: dict[str, Any] = {}
        if record is not None:
            recorded = {"on_log": record.log, "on_milestone": record.milestone}
        train(
            self.trainer,
            self.batches,
            self.recipe,
            self.run,
            evaluate=(lambda: _scores(self._evaluate(self.trainer.result))) if self.labelled else None,
            sample_every=steps_between_samples(self.recipe.steps),
            on_step=self.callbacks.on_step,
            on_report=self._report,
            should_stop=self.callbacks.should_stop,
            **recorded,
        )

    def _evaluate(self, network: SegmentationNetwork) -> Evaluation | None:
        if self.labelled is None:
            return None
        recipe = self.recipe
        engine = TorchEngine(network.eval(), self.trainer.method.runtime, "float32")
        name, size = f"{recipe.model} {recipe.method}", self.scored_size
        return score(
            NetworkSegmenter(network, card_of(recipe, network), engine, name, exact=True, input_size=size),
            self.labelled,
            resampling=recipe.resampling,
            scored_classes=recipe.scored_classes,
            on_progress=self.callbacks.on_evaluate,
        )

    def _verdict(self, targets: Sequence[ImageDataset]) -> LabelFreeVerdict | None:
        if not targets or self.recipe.init == IMAGENET:
            return None
        images = target_images(self.recipe, targets, JUDGED)
        self.callbacks.on_start(f"comparing with the initial weights, on {len(images)} images of the target")
        networks = (self.initial, self.trainer.result)
        before, after = (
            network_segmenter(network, card_of(self.recipe, network), device=self.recipe.device, engine="torch")
            for network in networks
        )
        return judge(before, after, images)

    def _report(self, report: Report) -> None:
        """Add losses to the history and pass the report on with verdicts; the first one gives a forecast."""
        if not self.losses and report.step < self.recipe.steps:
            self.callbacks.on_start(forecast(report, self.trainer, self.recipe))
        self.losses = report.losses
        for name, value in report.losses.items():
            self.history.setdefault(name, []).append((report.step, value))
        verdicts = judge_all(self.history, self.trainer.method.loss_kinds)
        self.callbacks.on_report(replace(report, health=verdicts))


def _scores(evaluation: Evaluation | None) -> dict[str, float]:
    """Return scores by their names in the log."""
    return {} if evaluation is None else {f"miou/{evaluation.dataset}": round(evaluation.miou, 2)}
