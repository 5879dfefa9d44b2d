"""Trained networks as evaluation loads them: run folders of roadseg, and published weight files."""

from dataclasses import dataclass
from pathlib import Path

from roadseg.datasets.transforms import Resampling
from roadseg.errors import WeightsError
from roadseg.labels.catalogue import label_space
from roadseg.models.build import MODELS, build_model
from roadseg.models.network import SegmentationNetwork
from roadseg.models.weights import LoadReport, ModelCard, load_model, load_weights, model_file
from roadseg.training.recipe import AdaptRecipe, resolve
from roadseg.training.recipe_files import read_recipe
from roadseg.training.recipe_values import recipe_values
from roadseg.training.run_folder import RunFolder


@dataclass(frozen=True)
class TrainedNetwork:
    """A trained network and the settings under which its run scores it."""

    network: SegmentationNetwork
    """The network in evaluation mode."""
    card: ModelCard
    """Label space, input size and origin of the weights."""
    resampling: Resampling = "area"
    """Filter that resizes images to the input size."""
    scored_classes: str = ""
    """Label space whose classes the mean is taken over; empty for all classes that can be scored."""
    input_size: tuple[int, int] | None = None
    """(width, height) of all images, where the recipe names a size for target images; None: their own shape counts."""
    report: LoadReport | None = None
    """Tensors of a published weight file that were used; None for a run of roadseg."""


def load_trained(run: str | Path, recipe: str | Path | None = None) -> TrainedNetwork:
    """Load a trained network.

    Args:
        run: a run folder, a `model.safetensors`, or the name of packaged weights; with `recipe`, a published weight
            file.
        recipe: recipe that names the network, heads and label space of a published weight file.

    Raises:
        WeightsError: there is no readable model, or the weights do not fit the network of the recipe.
        RecipeError: the recipe has errors.
    """
    if recipe is not None:
        return load_published(Path(run), read_recipe(recipe))
    return load_run(Path(run))


def load_run(path: Path) -> TrainedNetwork:
    """Load a run folder, or a `model.safetensors` outside of one.

    Raises:
        WeightsError: there is no readable model of roadseg.
    """
    if path.suffix in (".pth", ".pt") and path.exists():
        raise WeightsError(
            f"{path}: does not say which network it belongs to",
            "Name a recipe that does: --recipe RECIPE (list them with: roadseg recipes)",
        )
    network, card = load_model(path)
    file = RunFolder(model_file(path).parent).recipe
    if not file.is_file():
        return TrainedNetwork(network, card)
    recipe = resolve(recipe_values(file), origin=str(file))
    return TrainedNetwork(network, card, recipe.resampling, recipe.scored_classes, recipe.target_size)


def load_published(weights: Path, recipe: AdaptRecipe) -> TrainedNetwork:
    """Load a published weight file for the network, heads and label space that a recipe names.

    Every tensor of the network must be in the file. A file with the main head alone makes a network of one level.

    Raises:
        WeightsError: the file cannot be read, or does not fit that network.
    """
    labels = label_space(recipe.labels)
    options = {option: getattr(recipe, option) for option in MODELS[recipe.model].OPTIONS}
    mismatch = None
    for levels in (2, 1):
        network = build_model(recipe.model, len(labels), levels=levels, pretrained=False, **options)
        try:
            report = load_weights(network, weights)
        except WeightsError as error:
            mismatch = mismatch or error
        else:
            card = card_of(recipe, network)
            size = recipe.target_size
            return TrainedNetwork(network.eval(), card, recipe.resampling, recipe.scored_classes, size, report)
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
