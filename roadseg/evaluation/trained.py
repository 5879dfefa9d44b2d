"""Trained networks as evaluation loads them: run folders of roadseg, and published weight files."""

from dataclasses import dataclass
from pathlib import Path

from roadseg.datasets.transforms import Resampling
from roadseg.errors import WeightsError
from roadseg.inference.engines import EngineName, load_segmenter
from roadseg.inference.segmenter import Segmenter
from roadseg.labels.catalogue import label_space
from roadseg.models.build import build_model, model_class
from roadseg.models.network import SegmentationNetwork
from roadseg.models.weights import LoadReport, ModelCard, load_model, load_weights, model_file
from roadseg.runtime import DeviceName
from roadseg.training.recipe import AdaptRecipe, resolve
from roadseg.training.recipe_values import recipe_values
from roadseg.training.run_folder import RunFolder


@dataclass(frozen=True)
class ScoringSettings:
    """Settings under which a run is scored."""

    resampling: Resampling = "area"
    """Filter that resizes images to the input size."""
    scored_classes: str = ""
    """Label space whose classes the mean is taken over; empty for all classes that can be scored."""
    input_size: tuple[int, int] | None = None
    """(width, height) of all images, where the recipe names a size for target images; None: their own shape counts."""


@dataclass(frozen=True)
class TrainedNetwork:
    """A network of roadseg and the settings under which its run scores it."""

    network: SegmentationNetwork
    """The network in evaluation mode."""
    card: ModelCard
    """Label space, input size and origin of the weights."""
    settings: ScoringSettings = ScoringSettings()
    """Settings of its recipe."""


def scored_segmenter(
    run: str | Path,
    *,
    device: DeviceName = "auto",
    engine: EngineName = "exact",
    input_size: tuple[int, int] | None = None,
) -> tuple[Segmenter, ScoringSettings]:
    """Load a run as its scores need it.

    Args:
        run: as for `load_segmenter`.
        device: see `load_segmenter`.
        engine: see `load_segmenter`.
        input_size: (width, height) of images; by default as the recipe of the run says.

    Raises:
        WeightsError: there is no readable model.
        InputError: device or engine are missing.
    """
    settings = _settings(Path(run))
    size = input_size or settings.input_size
    return load_segmenter(run, device=device, engine=engine, input_size=size), settings


def load_run(path: Path) -> TrainedNetwork:
    """Load a run folder of a network of roadseg, or a `model.safetensors` outside of one.

    Raises:
        WeightsError: there is no readable model of roadseg.
    """
    network, card = load_model(path)
    return TrainedNetwork(network, card, _settings(path))


def _settings(path: Path) -> ScoringSettings:
    file = RunFolder(model_file(path).parent).recipe
    if not file.is_file():
        return ScoringSettings()
    recipe = resolve(recipe_values(file), origin=str(file))
    return ScoringSettings(recipe.resampling, recipe.scored_classes, recipe.target_size)


def load_published(weights: Path, recipe: AdaptRecipe) -> tuple[TrainedNetwork, LoadReport]:
    """Load a published weight file for the network, heads and label space that a recipe names.

    Every tensor of the network must be in the file. A file with the main head alone makes a network of one level.

    Returns:
        The network, and the tensors of the file that were used.

    Raises:
        WeightsError: the file cannot be read, or does not fit that network.
    """
    labels = label_space(recipe.labels)
    options = {option: getattr(recipe, option) for option in model_class(recipe.model).OPTIONS}
    mismatch = None
    for levels in (2, 1):
        network = build_model(recipe.model, len(labels), levels=levels, pretrained=False, **options)
        try:
            report = load_weights(network, weights)
        except WeightsError as error:
            mismatch = mismatch or error
        else:
            card = card_of(recipe, network)
            settings = ScoringSettings(recipe.resampling, recipe.scored_classes, recipe.target_size)
            return TrainedNetwork(network.eval(), card, settings), report
    assert mismatch is not None
    raise mismatch


def card_of(recipe: AdaptRecipe, network: SegmentationNetwork) -> ModelCard:
    """Return the model card of a network that a recipe trains, without scores."""
    return ModelCard(
        model=recipe.model,
        levels=network.levels,
        options=network.options,
        labels=recipe.labels,
        input_size=recipe.input_size,
        method=recipe.method,
        source=recipe.source,
        target=", ".join(recipe.targets),
        steps=recipe.steps,
        seed=recipe.seed,
    )
