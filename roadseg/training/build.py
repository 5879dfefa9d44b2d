"""From a recipe to the objects that it names: data sets, networks, method, optimizers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from roadseg.adaptation.adversarial import AUXILIARY, FEATURES, MAIN, Adversarial, Adversary, View
from roadseg.adaptation.batch_norm import PICTURES, adapted_to, source_moments
from roadseg.adaptation.entropy import AUXILIARY_INFORMATION, MAIN_INFORMATION, MinimalEntropy
from roadseg.adaptation.lsd import LearningFromSynthetic
from roadseg.adaptation.make_pseudo_labels import pseudo_labelled
from roadseg.adaptation.method import Method
from roadseg.adaptation.pseudo_labels import PseudoLabels
from roadseg.adaptation.self_training import SelfTraining, SelfTrainingOptions
from roadseg.adaptation.source_only import SourceOnly, Supervision
from roadseg.adaptation.target_labels import TargetLabels
from roadseg.datasets.catalogue import DatasetReference, dataset_kind, parse_dataset, parse_labelled
from roadseg.datasets.class_counts import class_counts
from roadseg.datasets.dataset import ImageDataset
from roadseg.datasets.rare_classes import RareClasses
from roadseg.datasets.rendered import render_dataset
from roadseg.datasets.sampling import AdaptationBatches
from roadseg.datasets.source_images import sample_images
from roadseg.datasets.transforms import CropTransform
from roadseg.errors import DatasetError, WeightsError
from roadseg.labels.catalogue import label_space
from roadseg.models.average import WeightAverage
from roadseg.models.build import MODELS, build_discriminator, build_model
from roadseg.models.domain_statistics import (
    batch_norms,
    has_source_statistics,
    keep_source_statistics,
    running_statistics,
)
from roadseg.models.network import SegmentationNetwork
from roadseg.models.pretrained import IMAGENET, load_pretrained
from roadseg.models.reconstruction import Generator, ImageDiscriminator
from roadseg.models.weights import load_model, load_weights
from roadseg.runtime import Runtime, seed_everything, start
from roadseg.streets.presets import DEFAULT_SCENES, mixture, parse_scenes
from roadseg.streets.render import RENDERER_VERSION
from roadseg.training.meter import Report
from roadseg.training.optimizers import OptimizerOptions, companion_optimizer, segmenter_optimizer
from roadseg.training.recipe import PSEUDO_LABELS, SELF_TRAINING, STREETS, AdaptRecipe
from roadseg.training.trainer import Trainer

STREETS_SEED = 1
"""Of the built-in source: all runs learn from the same streets, whatever their own seed."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Watcher:
    """Callbacks for whoever watches a run; all do nothing by default."""

    on_start: Callable[[str], None] = field(default=lambda message: None)
    """Told what the run is made of, a line at a time."""
    on_warning: Callable[[str], None] = field(default=lambda message: None)
    """Told what could not be shown of the run, which goes on all the same."""
    on_download: Progress = field(default=lambda done, total: None)
    """Told (bytes of weights here, bytes in all)."""
    on_render: Progress = field(default=lambda done, total: None)
    """Told (streets rendered, streets in all)."""
    on_count: Progress = field(default=lambda done, total: None)
    """Told (label maps whose classes are counted, label maps in all)."""
    on_label: Progress = field(default=lambda done, total: None)
    """Told (target pictures that the network has labelled, target pictures in all)."""
    on_report: Callable[[Report], None] = field(default=lambda report: None)
    on_evaluate: Progress = field(default=lambda done, total: None)
    """Told (images scored, images in all)."""


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
    if recipe.adapt_bn:
        keep_source_statistics(network)
    average = WeightAverage(network, recipe.average_decay) if recipe.average_decay else None
    method = _base_method(recipe, network, runtime)
    if recipe.method.endswith(SELF_TRAINING):
        assert average is not None
        method = SelfTraining(method, average.network, _self_training_options(recipe))
    if recipe.target_labels:
        supervision = Supervision((1.0, recipe.auxiliary_weight), recipe.class_balance, network.align_corners)
        method = TargetLabels(method, supervision, recipe.target_labels_weight)
    options = OptimizerOptions(recipe.optimizer, recipe.learning_rate, recipe.head_factor, recipe.weight_decay)
    optimizers = {"segmenter": segmenter_optimizer(network, options)}
    for name, companion in method.companions.items():
        optimizers[f"companion/{name}"] = companion_optimizer(
            companion.parameters(), recipe.discriminator_learning_rate
        )
    return Trainer(method, optimizers, average=average, seed=recipe.seed)


def adapt_batch_norm(recipe: AdaptRecipe, trainer: Trainer, source: ImageDataset, watcher: Watcher) -> None:
    """Adapt batch norm of a trainer at step 0 to the targets, if the recipe says so.

    Raises:
        DatasetError: a picture cannot be read.
        InputError: the network has no batch norm.
    """
    if not recipe.adapt_bn or trainer.step > 0:
        return
    network, runtime = trainer.method.segmenter, trainer.method.runtime
    buffers = [buffer for norm in batch_norms(network) for buffer in running_statistics(norm)]
    if runtime.rank == 0:
        watcher.on_start("batch norm adapted to the target")
        targets = [target.open() for target in named_datasets(recipe).targets]
        share = max(1, PICTURES // len(targets))
        pictures = [sample_images(target, recipe.input_size, share, recipe.resampling) for target in targets]
        moments = source_moments(network, sample_images(source, recipe.size, PICTURES, recipe.resampling), runtime)
        adapted = adapted_to(network, moments, np.concatenate(pictures), runtime, recipe.bn_prior)
        network.load_state_dict(adapted.state_dict())
    else:
        for buffer in buffers:
            buffer.zero_()
    runtime.all_sum(buffers)
    if trainer.average:
        trainer.average.network.load_state_dict(network.state_dict())


def label_targets(recipe: AdaptRecipe, trainer: Trainer, out: Path, watcher: Watcher) -> tuple[ImageDataset, ...]:
    """The targets as the network of a trainer at step 0 labels them, below `out`; none where the method uses none.

    What is labelled already is kept, so a trainer of a later step finds what it began with.

    Raises:
        DatasetError: a folder is not what the recipe says.
        OutputError: `out` cannot be written to.
    """
    if recipe.method != PSEUDO_LABELS:
        return ()
    return tuple(
        pseudo_labelled(
            trainer.result,
            label_space(recipe.labels),
            target.open(),
            out / str(place),
            trainer.method.runtime,
            size=recipe.input_size,
            kept=recipe.kept_pseudo_labels,
            resampling=recipe.resampling,
            on_progress=watcher.on_label,
        )
        for place, target in enumerate(named_datasets(recipe).targets)
    )


def open_target_labels(recipe: AdaptRecipe) -> ImageDataset | None:
    """The labelled pictures of the target in the network's label space, every one of them read once; None without any.

    Raises:
        DatasetError: a file cannot be read or does not fit its picture, or nothing in them is of the network's classes.
    """
    named = named_datasets(recipe).target_labels
    if named is None:
        return None
    space = label_space(recipe.labels)
    dataset = named.open().in_space(space)
    # They are few, and somebody's work by hand: better told of a mistake now than in the middle of the training.
    labelled = sum(int((dataset.pair(index)[1] < len(space)).sum()) for index in range(len(dataset)))
    if not labelled:
        raise DatasetError(
            f"{recipe.target_labels}: no pixel of its label maps is of a class of {space.name}",
            "Label something, by the names of these classes, or leave target_labels out.",
        )
    return dataset


def build_batches(recipe: AdaptRecipe, data: Path, watcher: Watcher) -> AdaptationBatches:
    """Source and target of a recipe; renders the streets, and counts the classes, that are not in `data` yet.

    Raises:
        DatasetError: a folder is not what the recipe says.
        OutputError: `data` cannot be written to.
    """

    def transform(size: tuple[int, int], crop: tuple[int, int], jitter: float) -> CropTransform:
        return CropTransform(size, crop, recipe.scale, jitter, recipe.mirror, recipe.resampling)

    annotated = open_target_labels(recipe)  # before streets are rendered, which takes minutes
    source = open_source(recipe, data, watcher).in_space(label_space(recipe.labels))
    return AdaptationBatches(
        source=source,
        targets=tuple(target.open() for target in named_datasets(recipe).targets) if recipe.shows_targets else (),
        batch_size=recipe.batch_size,
        source_transform=transform(recipe.size, recipe.source_crop, recipe.source_jitter),
        target_transform=transform(recipe.input_size, recipe.target_crop, recipe.target_jitter),
        seed=recipe.seed,
        fourier_beta=recipe.fourier_beta,
        rare_classes=_rare_classes(source, recipe.rare_class_temperature, data, watcher),
        annotated=annotated,
    )


def _rare_classes(source: ImageDataset, temperature: float, data: Path, watcher: Watcher) -> RareClasses | None:
    if not temperature:
        return None
    counts = class_counts(source, data / "class-counts", watcher.on_count)
    return RareClasses.of(counts, temperature)


def open_source(recipe: AdaptRecipe, data: Path, watcher: Watcher) -> ImageDataset:
    """The labelled data set of a recipe, in its own label space; renders the streets that are not there yet.

    Raises:
        DatasetError: a folder is not what the recipe says.
    """
    named = named_datasets(recipe).source
    if named is not None:
        return named.open()
    width, height = recipe.size
    scenes = parse_scenes(recipe.scenes) if recipe.scenes else mixture(DEFAULT_SCENES)
    mixed = "-".join(f"{name}{100 * weight:.0f}" for name, weight in scenes.items())
    folder = data / "streets" / f"{mixed}-{width}x{height}-{recipe.source_count}-v{RENDERER_VERSION}"
    render_dataset(
        folder,
        count=recipe.source_count,
        seed=STREETS_SEED,
        size=recipe.size,
        look="game",
        scenes=scenes,
        on_progress=watcher.on_render,
    )
    return dataset_kind("streets").open(folder)


@dataclass(frozen=True)
class NamedDatasets:
    """The data sets on disk that a recipe names."""

    source: DatasetReference | None
    """None for the streets that are rendered on first use."""
    targets: tuple[DatasetReference, ...]
    """Empty where training does not look at the target."""
    target_labels: DatasetReference | None
    evaluation: DatasetReference | None

    def __iter__(self) -> Iterator[DatasetReference]:
        """All of them."""
        yield from (named for named in (self.source, *self.targets, self.target_labels, self.evaluation) if named)


def named_datasets(recipe: AdaptRecipe) -> NamedDatasets:
    """The data sets that a recipe names, none of them opened yet.

    Raises:
        DatasetError: one is not written as it should be.
    """
    targets = recipe.targets if recipe.needs_target else ()
    return NamedDatasets(
        None if recipe.source == STREETS else parse_dataset(recipe.source, "train", folder_kind="streets"),
        tuple(parse_dataset(target, "train", folder_kind="frames") for target in targets),
        parse_labelled(recipe.target_labels) if recipe.target_labels else None,
        parse_dataset(recipe.evaluation, "val") if recipe.evaluation else None,
    )


def _initial_network(recipe: AdaptRecipe, data: Path, watcher: Watcher) -> SegmentationNetwork:
    options = {option: getattr(recipe, option) for option in MODELS[recipe.model].OPTIONS}
    classes = len(label_space(recipe.labels))
    if recipe.init == IMAGENET and not MODELS[recipe.model].IMAGENET_URL:
        return build_model(recipe.model, classes, **options)
    if recipe.init == IMAGENET or "://" in recipe.init or recipe.init.endswith((".pth", ".pt")):
        network = build_model(recipe.model, classes, pretrained=False, **options)
        report = load_pretrained(network, recipe.init, data / "weights", on_progress=watcher.on_download)
        watcher.on_start(str(report))
        return network
    trained, card = load_model(Path(recipe.init))
    if (card.model, card.options) != (recipe.model, options):
        raise WeightsError(
            f"{recipe.init}: holds {_described(card.model, card.options)}, "
            f"the recipe wants {_described(recipe.model, options)}",
            "Choose another init, such as imagenet, or change model or its options.",
        )
    if card.labels == recipe.labels:
        return trained
    state = trained.state_dict()
    network = build_model(recipe.model, classes, pretrained=False, **options)
    if has_source_statistics(state):
        keep_source_statistics(network)
    watcher.on_start(str(load_weights(network, state, heads_optional=True, origin=recipe.init)))
    return network


def _described(model: str, options: dict[str, str]) -> str:
    return " ".join([model, *(f"{option}={value}" for option, value in options.items())])


def _self_training_options(recipe: AdaptRecipe) -> SelfTrainingOptions:
    return SelfTrainingOptions(
        weight=recipe.self_training_weight,
        confidence=recipe.confidence,
        jitter=recipe.mixed_jitter,
        mask_ratio=recipe.mask_ratio,
    )


def _base_method(recipe: AdaptRecipe, network: SegmentationNetwork, runtime: Runtime) -> Method:
    weights, balance = (1.0, recipe.auxiliary_weight), recipe.class_balance
    match recipe.base_method:
        case "source-only":
            return SourceOnly(network, runtime, segmentation_weights=weights, class_balance=balance)
        case "pseudo-labels":
            return PseudoLabels(
                network,
                runtime,
                segmentation_weights=weights,
                target_weight=recipe.self_training_weight,
                class_balance=balance,
            )
        case "minent":
            return MinimalEntropy(
                network,
                runtime,
                segmentation_weights=weights,
                entropy_weights=(recipe.entropy_weight, recipe.auxiliary_entropy_weight),
                class_balance=balance,
            )
        case "lsd":
            classes = len(label_space(recipe.labels))
            return LearningFromSynthetic(
                network,
                runtime,
                runtime.place(Generator(network.feature_channels, width=recipe.discriminator_width)),
                runtime.place(ImageDiscriminator(classes, width=recipe.discriminator_width)),
                segmentation_weights=weights,
                adv_weight=recipe.adv_weight,
                reconstruction_weight=recipe.reconstruction_weight,
                class_balance=balance,
            )
        case _:
            return Adversarial(
                network,
                runtime,
                _adversaries(recipe, network, runtime),
                segmentation_weights=weights,
                class_balance=balance,
                gan=recipe.gan,
                map_stride=recipe.map_stride,
            )


VIEWS: dict[str, dict[str, View]] = {
    "feature": {"features": FEATURES},
    "single-level": {"main": MAIN},
    "multi-level": {"main": MAIN, "auxiliary": AUXILIARY},
    "advent": {"main": MAIN_INFORMATION, "auxiliary": AUXILIARY_INFORMATION},
}
"""What the discriminators of each adversarial method see, by their names."""


def _adversaries(recipe: AdaptRecipe, network: SegmentationNetwork, runtime: Runtime) -> dict[str, Adversary]:
    classes = len(label_space(recipe.labels))

    def adversary(name: str, view: View) -> Adversary:
        discriminator = build_discriminator(
            network.feature_channels if name == "features" else classes,
            width=recipe.discriminator_width,
            upsample=recipe.discriminator_upsample,
        )
        weight = recipe.auxiliary_adv_weight if name == "auxiliary" else recipe.adv_weight
        return Adversary(view, runtime.place(discriminator), weight)

    return {name: adversary(name, view) for name, view in VIEWS[recipe.base_method].items()}
