"""The job of `roadseg import --recipe`: a published file of weights becomes an ordinary run folder."""

from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from roadseg.evaluation.trained import load_published
from roadseg.files import making
from roadseg.models.weights import save_model
from roadseg.training.recipe import AdaptRecipe
from roadseg.training.recipe_files import read_recipe
from roadseg.training.run_folder import RunFolder


@dataclass(frozen=True)
class ImportedWeights:
    """Run folder with published weights."""

    folder: Path
    """Run folder: `model.safetensors` and `recipe.toml`."""
    origin: str
    """Name of the file."""
    model: str
    """Network, as `build_model` knows it."""
    levels: int
    """Number of heads: 1 or 2."""
    labels: str
    """Label space."""
    input_size: tuple[int, int]
    """(width, height) of images."""
    loaded: int
    """Number of tensors that the file filled."""
    unused: tuple[str, ...]
    """Tensors of the file that have no effect on its results, by their names there."""

    def as_dict(self) -> dict[str, Any]:
        """Return the facts for JSON."""
        return asdict(self) | {"folder": str(self.folder)}


def import_weights(
    file: str | PathLike[str], out: str | PathLike[str], *, recipe: str | Path | AdaptRecipe
) -> ImportedWeights:
    """Make a run folder of a published file of weights, which all commands take as they take a run of `adapt`.

    Args:
        file: tensors by name, by `torch.save` or in safetensors, for one head or two.
        out: run folder to make.
        recipe: names the network, its options, the label space and the input size: a recipe, its file or its name.

    Returns:
        Facts about the network, and the names of tensors that were not needed.

    Raises:
        RecipeError: the recipe has mistakes.
        WeightsError: the file cannot be read, or tensors are missing, unknown or of another shape.
        OutputError: the folder exists, or cannot be written.
    """
    file, out = Path(file), Path(out)
    settings = recipe if isinstance(recipe, AdaptRecipe) else read_recipe(recipe)
    trained, report = load_published(file, settings)
    with making(out) as part:
        folder = RunFolder(part)
        folder.begin(settings.as_toml())
        save_model(folder.model, trained.network, trained.card)
    card = trained.card
    return ImportedWeights(
        folder=out,
        origin=file.name,
        model=card.model,
        levels=card.levels,
        labels=card.labels,
        input_size=card.input_size,
        loaded=len(report.loaded),
        unused=report.left_out,
    )
