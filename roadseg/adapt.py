"""The job behind `roadseg adapt`: a recipe in, a run folder out."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roadseg.adaptation.adversarial import OutputSpaceAdversarial
from roadseg.adaptation.method import Method
from roadseg.adaptation.source_only import SourceOnly
from roadseg.datasets.catalogue import open_dataset
from roadseg.datasets.dataset import ImageDataset
from roadseg.datasets.sampling import AdaptationBatches
from roadseg.datasets.transforms import CropTransform
from roadseg.errors import InputError, RecipeError, WeightsError
from roadseg.evaluation.evaluate import Evaluation, evaluate, network_predictor
from roadseg.files import locked
from roadseg.labels import CITYSCAPES_19
from roadseg.models import MODELS, build_discriminator, build_model
from roadseg.models.network import SegmentationNetwork
from roadseg.models.pretrained import IMAGENET, load_pretrained
from roadseg.models.weights import ModelCard, load_model, save_model
from roadseg.recipe import STREETS, AdaptRecipe, read_recipe, resolve
from roadseg.runtime import Runtime, describe, seed_everything, start
from roadseg.streets.render import RENDERER_VERSION
from roadseg.synth import render_dataset
from roadseg.training.loop import Plan, Report, Trainer, train
from roadseg.training.optimizers import OptimizerOptions, discriminator_optimizer, segmenter_optimizer
from roadseg.training.run_folder import RunFolder

LABELS = CITYSCAPES_19
"""What every network predicts."""
STREETS_SEED = 1
"""Of the built-in source: all runs learn from the same streets, whatever their own seed."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Watcher:
    """Callbacks for whoever watches a run; all do nothing by default."""

    on_start: Callable[[str], None] = field(default=lambda message: None)
    """Told what the run is made of, a line at a time."""
    on_download: Progress = field(default=lambda done, total: None)
    """Told (bytes of weights here, bytes in all)."""
    on_render: Progress = field(default=lambda done, total: None)
    """Told (streets rendered, streets in all)."""
    on_report: Callable[[Report], None] = field(default=lambda report: None)
    on_evaluate: Progress = field(default=lambda done, total: None)
    """Told (images scored, images in all)."""


@dataclass(frozen=True)
class Outcome:
    """What a finished run came to."""

    run: Path
    steps: int
    seconds: float
    """Spent in this call; a resumed run spent more."""
    losses: dict[str, float]
    """Mean losses of the last steps."""
    evaluation: Evaluation | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON and metrics.json."""
        return {
            "run": str(self.run),
            "steps": self.steps,
            "seconds": round(self.seconds, 1),
            "losses": {name: round(value, 4) for name, value in self.losses.items()},
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
    with locked(out):
        run.refuse_if_begun()
        parts = _prepare(recipe, data, watcher)
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
    with locked(out):
        parts = _prepare(recipe, data, watcher)
        if run.checkpoint.is_file():
            parts.trainer.restore(run.load_checkpoint())
        run.rewind_log(parts.trainer.step)
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


def build_trainer(recipe: AdaptRecipe, data: Path = Path("data"), watcher: Watcher | None = None) -> Trainer:
    """Networks, method and optimizers of a recipe, at step 0; downloads the weights to start from into `data`.

    Raises:
        WeightsError: the weights to start from do not fit.
        FetchError: they cannot be downloaded.
        RecipeError: the model needs weights to start from.
        InputError: the device is not there.
    """
    runtime = start(recipe.device, recipe.precision)
    seed_everything(recipe.seed)
    network = runtime.place(_initial_network(recipe, data, watcher or Watcher()))
    method = _build_method(recipe, network, runtime)
    options = OptimizerOptions(recipe.optimizer, recipe.learning_rate, recipe.head_factor, recipe.weight_decay)
    optimizers = {"segmenter": segmenter_optimizer(network, options)}
    for name, discriminator in method.discriminators.items():
        rate = recipe.discriminator_learning_rate
        optimizers[f"discriminator/{name}"] = discriminator_optimizer(discriminator.parameters(), rate)
    return Trainer(method, optimizers)


def build_batches(recipe: AdaptRecipe, data: Path, watcher: Watcher) -> AdaptationBatches:
    """Source and target of a recipe; renders the streets that are not there yet.

    Raises:
        DatasetError: a folder is not what the recipe says.
    """
    target = None
    if recipe.needs_target:
        target = open_dataset("frames", Path(recipe.target))
    return AdaptationBatches(
        source=_source(recipe, data, watcher),
        target=target,
        batch_size=recipe.batch_size,
        source_transform=CropTransform(recipe.size, recipe.crop, recipe.scale, recipe.source_jitter),
        target_transform=CropTransform(recipe.size, recipe.crop, recipe.scale, recipe.target_jitter),
        seed=recipe.seed,
        fourier_beta=recipe.fourier_beta,
    )


def open_evaluation(text: str) -> ImageDataset:
    """Open a labelled data set written as KIND:ROOT or KIND:ROOT:SPLIT.

    Raises:
        RecipeError: it is not written so.
        DatasetError: as `open_dataset`.
    """
    kind, _, rest = text.partition(":")
    root, _, split = rest.partition(":")
    if not root:
        raise RecipeError(
            f"evaluation = {text!r} is not KIND:ROOT or KIND:ROOT:SPLIT", "For example camvid:data/camvid:val."
        )
    return open_dataset(kind, Path(root), split or "val")


def _source(recipe: AdaptRecipe, data: Path, watcher: Watcher) -> ImageDataset:
    if recipe.source != STREETS:
        return open_dataset("streets", Path(recipe.source))
    width, height = recipe.size
    folder = data / "streets" / f"game-{width}x{height}-{recipe.source_count}-v{RENDERER_VERSION}"
    render_dataset(
        folder,
        count=recipe.source_count,
        seed=STREETS_SEED,
        size=recipe.size,
        look="game",
        on_progress=watcher.on_render,
    )
    return open_dataset("streets", folder)


def _initial_network(recipe: AdaptRecipe, data: Path, watcher: Watcher) -> SegmentationNetwork:
    options = {option: getattr(recipe, option) for option in MODELS[recipe.model].OPTIONS}
    if recipe.init == IMAGENET or "://" in recipe.init or recipe.init.endswith((".pth", ".pt")):
        network = build_model(recipe.model, len(LABELS), pretrained=False, **options)
        report = load_pretrained(network, recipe.init, data / "weights", on_progress=watcher.on_download)
        watcher.on_start(str(report))
        return network
    if not recipe.init:
        return build_model(recipe.model, len(LABELS), **options)
    network, card = load_model(Path(recipe.init))
    if (card.model, card.labels, card.options) != (recipe.model, LABELS.name, options):
        raise WeightsError(
            f"{recipe.init}: holds {_described(card.model, card.options)} for {card.labels}, "
            f"the recipe wants {_described(recipe.model, options)} for {LABELS.name}",
            "Choose another init, or change model and its options.",
        )
    return network


def _described(model: str, options: dict[str, str]) -> str:
    return " ".join([model, *(f"{option}={value}" for option, value in options.items())])


def _build_method(recipe: AdaptRecipe, network: SegmentationNetwork, runtime: Runtime) -> Method:
    segmentation_weights = (1.0, recipe.auxiliary_weight)
    balance = recipe.class_balance
    if recipe.method == "source-only":
        return SourceOnly(network, runtime, segmentation_weights=segmentation_weights, class_balance=balance)
    adversarial_weights = (recipe.adversarial_weight, recipe.auxiliary_adversarial_weight)
    adapted = adversarial_weights[:1] if recipe.method == "single-level" else adversarial_weights
    discriminators = [
        runtime.place(
            build_discriminator(len(LABELS), width=recipe.discriminator_width, upsample=recipe.discriminator_upsample)
        )
        for _ in adapted
    ]
    return OutputSpaceAdversarial(
        network,
        runtime,
        discriminators,
        segmentation_weights=segmentation_weights,
        class_balance=balance,
        adversarial_weights=adapted,
        gan=recipe.gan,
        map_stride=recipe.map_stride,
    )


@dataclass(frozen=True)
class _Parts:
    """What a recipe is made into before the first step."""

    trainer: Trainer
    batches: AdaptationBatches
    scored: ImageDataset | None
    """Labelled data set to report on."""


def _prepare(recipe: AdaptRecipe, data: Path, watcher: Watcher) -> _Parts:
    # Cheap checks first: nobody should wait for streets to be rendered to learn of a misspelt folder.
    scored = open_evaluation(recipe.evaluation) if recipe.evaluation else None
    trainer = build_trainer(recipe, data, watcher)
    return _Parts(trainer, build_batches(recipe, data, watcher), scored)


def _train(recipe: AdaptRecipe, run: RunFolder, parts: _Parts, watcher: Watcher) -> Outcome:
    trainer, batches, scored = parts.trainer, parts.batches, parts.scored
    network, runtime = trainer.method.segmenter, trainer.method.runtime
    watcher.on_start(f"{recipe.method} adaptation of {recipe.model} on {describe(runtime.device)}")
    watcher.on_start(f"source: {len(batches.source)} labelled pictures")
    if batches.target is not None:
        watcher.on_start(f"target: {len(batches.target)} unlabelled pictures of {recipe.target}")

    def score() -> Evaluation | None:
        if scored is None:
            return None
        network.eval()
        predictor = network_predictor(network, runtime)
        return evaluate(predictor, LABELS, scored, input_size=recipe.size, on_progress=watcher.on_evaluate)

    def score_for_log() -> dict[str, float]:
        evaluation = score()
        return {} if evaluation is None else {f"miou/{evaluation.dataset}": round(evaluation.miou, 2)}

    losses: dict[str, float] = {}

    def on_report(report: Report) -> None:
        losses.clear()
        losses.update(report.losses)
        watcher.on_report(report)

    began = time.monotonic()
    plan = Plan(
        steps=recipe.steps,
        schedule_steps=recipe.schedule_steps or recipe.steps,
        power=recipe.power,
        checkpoint_every=recipe.checkpoint_every,
        evaluate_every=recipe.evaluate_every,
        workers=recipe.workers,
    )
    train(trainer, batches, plan, run, evaluate=score_for_log if scored else None, on_report=on_report)
    evaluation = score()
    outcome = Outcome(run.path, trainer.step, time.monotonic() - began, losses, evaluation)
    save_model(run.model, network, _card(recipe, network, evaluation))
    run.write_metrics(outcome.as_dict())
    return outcome


def _card(recipe: AdaptRecipe, network: SegmentationNetwork, evaluation: Evaluation | None) -> ModelCard:
    return ModelCard(
        model=recipe.model,
        levels=network.levels,
        options=network.options,
        labels=LABELS.name,
        input_size=recipe.size,
        method=recipe.method,
        source=recipe.source,
        target=recipe.target,
        steps=recipe.steps,
        seed=recipe.seed,
        scores={} if evaluation is None else {evaluation.dataset: round(evaluation.miou, 2)},
    )
