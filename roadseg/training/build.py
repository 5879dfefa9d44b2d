"""Construction of everything that a recipe names: data sets, networks, method, optimizers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roadseg.adaptation.batch_norm import IMAGES, adapted_to, source_moments
from roadseg.adaptation.make_pseudo_labels import Labeller
from roadseg.adaptation.method import Method, MethodParts, TargetLabelling
from roadseg.adaptation.methods import method_class, method_parts
from roadseg.adaptation.supervision import LEVEL_NAMES, Supervision
from roadseg.adaptation.target_labels import TargetLabels
from roadseg.datasets.catalogue import DatasetReference, dataset_kind, parse_dataset, parse_labelled
from roadseg.datasets.class_counts import class_counts
from roadseg.datasets.dataset import ImageDataset
from roadseg.datasets.rare_classes import RareClasses
from roadseg.datasets.rendered import render_dataset
from roadseg.datasets.sampling import AdaptationBatches
from roadseg.datasets.source_images import aspect_ratio, sample_images
from roadseg.datasets.textures import Textures
from roadseg.datasets.transforms import CropTransform, size_within
from roadseg.errors import DatasetError, WeightsError
from roadseg.labels.catalogue import label_space
from roadseg.models.average import WeightAverage
from roadseg.models.build import build_model, model_class
from roadseg.models.domain_statistics import (
    batch_norms,
    has_source_statistics,
    keep_source_statistics,
    running_statistics,
)
from roadseg.models.names import IMAGENET
from roadseg.models.network import SegmentationNetwork
from roadseg.models.pretrained import load_pretrained
from roadseg.models.weights import load_model, load_weights, with_classes
from roadseg.runtime import Runtime, seed_everything, start
from roadseg.streets.presets import DEFAULT_SCENES, mixture, parse_scenes
from roadseg.streets.render import RENDERER_VERSION
from roadseg.training.callbacks import Callbacks
from roadseg.training.optimizers import OptimizerOptions, Schedule, auxiliary_optimizer, segmenter_optimizer
from roadseg.training.recipe import STREETS, AdaptRecipe
from roadseg.training.trainer import Trainer

STREETS_SEED = 1
"""Seed of the built-in source: runs of all seeds learn from the same streets."""


def build_trainer(recipe: AdaptRecipe, data: Path = Path("data"), callbacks: Callbacks | None = None) -> Trainer:
    """Build networks, method and optimizers of a recipe, at step 0; downloads initial weights to `data` if needed.

    Raises:
        WeightsError: the initial weights do not fit.
        FetchError: they cannot be downloaded.
        RecipeError: the model needs initial weights.
        InputError: the device is not available.
    """
    runtime = start(recipe.device, recipe.precision)
    seed_everything(recipe.seed)
    network = runtime.place(_initial_network(recipe, data, callbacks or Callbacks()))
    if recipe.adapts_bn:
        keep_source_statistics(network)
    average = WeightAverage(network, recipe.ema_decay) if recipe.ema_decay else None
    method = build_method(recipe, network, runtime)
    options = OptimizerOptions(recipe.optimizer, recipe.learning_rate, recipe.head_lr_multiplier, recipe.weight_decay)
    optimizers = {"segmenter": segmenter_optimizer(network, options)}
    for name, auxiliary in method.auxiliary_networks.items():
        optimizers[f"auxiliary/{name}"] = auxiliary_optimizer(auxiliary.parameters(), method.auxiliary_learning_rate)
    return Trainer(
        method,
        optimizers,
        average=average,
        seed=recipe.seed,
        schedule=Schedule(recipe.schedule_steps or recipe.steps, recipe.power, recipe.lr_warmup_steps),
        accumulate_grad_batches=recipe.accumulate_grad_batches,
    )


def build_method(recipe: AdaptRecipe, network: SegmentationNetwork, runtime: Runtime) -> Method:
    """Build the method of a recipe: the base, then each extension on top of it.

    Args:
        recipe: with a method and its options.
        network: the segmenter, on the runtime's device.
        runtime: where auxiliary networks are placed.
    """
    # Without weight the auxiliary head gets no gradient, not one of zero with which its optimizer would decay it.
    level_weights = (1.0, recipe.auxiliary_loss_weight) if recipe.auxiliary_loss_weight else (1.0,)
    supervision = Supervision(level_weights, recipe.class_balance, network.align_corners)
    parts = MethodParts(network, runtime, supervision, label_space(recipe.labels))
    for name in method_parts(recipe.method):
        method = method_class(name).build(parts, recipe.options(name))
        parts = replace(parts, base=method)
    return TargetLabels(method, recipe.target_labels_weight) if recipe.target_labels else method


def adapt_batch_norm(recipe: AdaptRecipe, trainer: Trainer, source: ImageDataset, callbacks: Callbacks) -> None:
    """Adapt the batch norm of a trainer at step 0 to the targets, if the recipe asks for it.

    Args:
        recipe: targets, and whether and how far to adapt.
        trainer: the trainer, whose networks are changed in place.
        source: images of the recipe's source.
        callbacks: functions to call on progress.

    Raises:
        DatasetError: an image cannot be read.
        InputError: the network has no batch norm.
    """
    if not recipe.adapts_bn or trainer.step > 0:
        return
    network, runtime = trainer.method.segmenter, trainer.method.runtime
    buffers = [buffer for norm in batch_norms(network) for buffer in running_statistics(norm)]
    if runtime.rank == 0:
        callbacks.on_start("batch norm adapted to the target")
        images = target_images(recipe, [target.open() for target in named_datasets(recipe).targets], IMAGES)
        moments = source_moments(network, sample_images(source, recipe.size, IMAGES, recipe.resampling), runtime)
        adapted = adapted_to(network, moments, images, runtime, recipe.bn_prior)
        network.load_state_dict(adapted.state_dict())
    else:
        for buffer in buffers:
            buffer.zero_()
    runtime.all_sum(buffers)
    for average in trainer.averages.values():
        average.network.load_state_dict(network.state_dict())


def target_images(recipe: AdaptRecipe, targets: Sequence[ImageDataset], count: int) -> NDArray[np.uint8]:
    """Read images that stand for all of the targets: evenly spread, equally many of each target.

    Returns:
        (N, H, W, 3) uint8 RGB of the network's input size; N is at most `count`, and at least one of each target.

    Raises:
        DatasetError: an image cannot be read.
    """
    share = max(1, count // len(targets))
    return np.concatenate([sample_images(one, recipe.input_size, share, recipe.resampling) for one in targets])


def fitted_to_target(recipe: AdaptRecipe) -> AdaptRecipe:
    """Return a recipe with a target size: if it names none, that of the shape of the first image of the target.

    Raises:
        DatasetError: it cannot be read.
    """
    targets = named_datasets(recipe).targets
    if not targets or recipe.target_size or not isinstance(recipe.crop, tuple):
        return recipe
    return recipe.model_copy(update={"target_size": size_within(recipe.size, aspect_ratio(targets[0].open()))})


def label_targets(
    recipe: AdaptRecipe, method: Method, labeller: Labeller, out: Path, callbacks: Callbacks
) -> tuple[ImageDataset, ...]:
    """Label the targets below `out` with a teacher or the start of training, if the method trains on such labels.

    Maps that are there already are kept, so a trainer of a later step finds the labels of the first.

    Args:
        recipe: targets and method.
        method: labels the targets.
        labeller: the teacher, or the network that training starts from.
        out: folder for the label maps, a sub-folder for each target.
        callbacks: functions to call on progress.

    Returns:
        The labelled targets; empty where the method uses no such labels.

    Raises:
        DatasetError: a folder is not what the recipe says.
        OutputError: `out` cannot be written to.
    """
    if not recipe.labels_target:
        return ()

    def labelled(place: int, target: ImageDataset) -> ImageDataset:
        labelling = TargetLabelling(
            labeller=labeller,
            teacher=labeller.name if recipe.teacher else "",
            label_space=label_space(recipe.labels),
            folder=out / str(place),
            size=recipe.input_size,
            resampling=recipe.resampling,
            on_progress=callbacks.on_label,
        )
        return method.label_target(target, labelling)

    return tuple(labelled(place, target.open()) for place, target in enumerate(named_datasets(recipe).targets))


def open_target_labels(recipe: AdaptRecipe) -> ImageDataset | None:
    """Open the labelled images of the target in the network's label space and read each once; None without any.

    Raises:
        DatasetError: a file cannot be read or does not fit its image, or no pixel is of a class of the network.
    """
    named = named_datasets(recipe).target_labels
    if named is None:
        return None
    space = label_space(recipe.labels)
    dataset = named.open().in_space(space)
    # They are few and made by hand: a mistake is better reported now than in the middle of the training.
    labelled = sum(int((dataset.pair(index)[1] < len(space)).sum()) for index in range(len(dataset)))
    if not labelled:
        raise DatasetError(
            f"{recipe.target_labels}: no pixel of its label maps is of a class of {space.name}",
            "Label something, by the names of these classes, or leave target_labels out.",
        )
    return dataset


def build_batches(recipe: AdaptRecipe, data: Path, callbacks: Callbacks) -> AdaptationBatches:
    """Open source and target of a recipe; renders streets and counts classes that are not in `data` yet.

    Args:
        recipe: data sets and crops.
        data: folder for rendered streets and class counts.
        callbacks: functions to call on progress.

    Raises:
        DatasetError: a folder is not what the recipe says.
        OutputError: `data` cannot be written to.
    """
    # Before streets are rendered, which takes minutes.
    annotated = open_target_labels(recipe)
    targets = tuple(target.open() for target in named_datasets(recipe).targets)
    space = label_space(recipe.labels)
    source = open_source(recipe, data, callbacks).in_space(space)
    target_transform = CropTransform(
        recipe.input_size,
        recipe.target_crop,
        recipe.scale,
        recipe.jitter_of_targets,
        recipe.horizontal_flip,
        recipe.resampling,
    )
    return AdaptationBatches(
        source=source,
        targets=targets if recipe.shows_targets else (),
        batch_size=recipe.batch_size,
        source_transform=replace(
            target_transform,
            size=recipe.size,
            crop=recipe.source_crop,
            jitter=recipe.source_jitter,
            textures=Textures.of(recipe.source_texture, space),
            degradation=recipe.source_degradation,
        ),
        target_transform=target_transform,
        seed=recipe.seed,
        fourier_beta=recipe.fourier_beta,
        rare_classes=_rare_classes(source, recipe.rare_class_temperature, data, callbacks),
        annotated=annotated,
    )


def _rare_classes(source: ImageDataset, temperature: float, data: Path, callbacks: Callbacks) -> RareClasses | None:
    if not temperature:
        return None
    counts = class_counts(source, data / "class-counts", callbacks.on_count)
    return RareClasses.of(counts, temperature)


def open_source(recipe: AdaptRecipe, data: Path, callbacks: Callbacks) -> ImageDataset:
    """Open the labelled source of a recipe, in its own label space; renders streets that are not there yet.

    Args:
        recipe: the source; for streets also size, number and scenes.
        data: folder for rendered streets.
        callbacks: functions to call on progress.

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
        on_progress=callbacks.on_render,
    )
    return dataset_kind("streets").open(folder)


@dataclass(frozen=True)
class NamedDatasets:
    """The data sets on disk that a recipe names."""

    source: DatasetReference | None
    """None for the streets that are rendered on first use."""
    targets: tuple[DatasetReference, ...]
    """Empty where training does not read the target."""
    target_labels: DatasetReference | None
    evaluation: DatasetReference | None

    def __iter__(self) -> Iterator[DatasetReference]:
        """Yield all of them that are named."""
        yield from (named for named in (self.source, *self.targets, self.target_labels, self.evaluation) if named)


def named_datasets(recipe: AdaptRecipe) -> NamedDatasets:
    """Parse the data sets that a recipe names, without opening them.

    Raises:
        DatasetError: one is not of the form KIND:ROOT[:SPLIT].
    """
    targets = recipe.targets if recipe.needs_target else ()
    return NamedDatasets(
        None if recipe.source == STREETS else parse_dataset(recipe.source, "train", folder_kind="streets"),
        tuple(parse_dataset(target, "train", folder_kind="frames") for target in targets),
        parse_labelled(recipe.target_labels) if recipe.target_labels else None,
        parse_dataset(recipe.evaluation, "val") if recipe.evaluation else None,
    )


def _initial_network(recipe: AdaptRecipe, data: Path, callbacks: Callbacks) -> SegmentationNetwork:
    options = {option: getattr(recipe, option) for option in model_class(recipe.model).OPTIONS}
    classes = len(label_space(recipe.labels))
    if recipe.init == IMAGENET and not model_class(recipe.model).IMAGENET_URL:
        return build_model(recipe.model, classes, **options)
    if recipe.init == IMAGENET or "://" in recipe.init or recipe.init.endswith((".pth", ".pt")):
        network = build_model(recipe.model, classes, pretrained=False, **options)
        report = load_pretrained(network, recipe.init, data / "weights", on_progress=callbacks.on_download)
        callbacks.on_start(str(report))
        return network
    trained, card = load_model(Path(recipe.init))
    described = {option: value for option, value in card.options.items() if option in options}
    if (card.model, described) != (recipe.model, options):
        raise WeightsError(
            f"{recipe.init}: holds {_described(card.model, described)}, "
            f"the recipe wants {_described(recipe.model, options)}",
            "Choose another init, such as imagenet, or change model or its options.",
        )
    if (card.labels, card.levels) == (recipe.labels, len(LEVEL_NAMES)):
        return trained
    # Published weights may have one head, but training needs both.
    network = build_model(recipe.model, classes, levels=len(LEVEL_NAMES), pretrained=False, **card.options)
    state = with_classes(trained.state_dict(), network, card.label_space, label_space(recipe.labels))
    if has_source_statistics(state):
        keep_source_statistics(network)
    callbacks.on_start(str(load_weights(network, state, heads_optional=True, origin=recipe.init)))
    lost = [name for name in card.label_space.classes if name not in label_space(recipe.labels).classes]
    if lost:
        names = ", ".join(lost)
        callbacks.on_warning(
            f"{recipe.init} also knows {names}, which {recipe.labels} lacks; labels={card.labels} keeps them"
        )
    return network


def _described(model: str, options: dict[str, str]) -> str:
    return " ".join([model, *(f"{option}={value}" for option, value in options.items())])
