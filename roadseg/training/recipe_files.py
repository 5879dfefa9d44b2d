"""Recipe files: those of the package by name, and others by path."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from roadseg.adaptation.methods import METHODS, option_table
from roadseg.errors import RecipeError
from roadseg.training.keys import merged
from roadseg.training.recipe import AdaptRecipe
from roadseg.training.recipe_values import recipe_values
from roadseg.training.road_recipe import CLIPS, RoadRecipe
from roadseg.training.score_recipe import SETS, FlatRecipe, ScoreRecipe
from roadseg.training.video_recipe import resolve_any

FLAT: dict[str, type[FlatRecipe]] = {SETS: ScoreRecipe, CLIPS: RoadRecipe}
"""Key that tells a recipe that trains nothing -> its kind."""
SUFFIX = ".toml"
FOLDER = "pipelines"
"""Folder of recipes: in an installed package inside of it, in a checkout beside it."""


@dataclass(frozen=True)
class RecipeFile:
    """A recipe of the package."""

    path: Path

    @property
    def name(self) -> str:
        """The file's name without its extension; what commands take in place of a path."""
        return self.path.stem

    @property
    def text(self) -> str:
        """The whole file."""
        return self.path.read_text(encoding="utf-8")

    @property
    def purpose(self) -> str:
        """First line of the comment at the top, which says what the recipe is for."""
        return self.text.partition("\n")[0].removeprefix("# ")


def usual_recipe(options: Mapping[str, Any]) -> str:
    """Return the name of the recipe that training with these keys takes where none is named.

    `teacher` where they name one, `multi_level` where they name an adversarial method, else `adapt`.
    """
    if options.get("teacher"):
        return "teacher"
    method = str(options.get("method", "")).partition("+")[0]
    return "multi_level" if method in METHODS and option_table(method) == "adversarial" else "adapt"


def packaged_recipes() -> list[RecipeFile]:
    """List the recipes of the package, by name."""
    package = Path(str(files("roadseg")))
    inside, beside = package / FOLDER, package.parent / FOLDER
    folder = inside if inside.is_dir() else beside
    return [RecipeFile(path) for path in sorted(folder.glob(f"*{SUFFIX}"))]


def find_recipe(recipe: str | Path) -> Path:
    """Return the file of a recipe.

    Args:
        recipe: path of a recipe file, or the name of a recipe of the package, for example `multi_level`.

    Raises:
        RecipeError: there is no such file, and no recipe of that name.
    """
    path = Path(recipe)
    if path.is_file():
        return path
    by_name = {packaged.name: packaged.path for packaged in packaged_recipes()}
    if str(recipe) in by_name:
        return by_name[str(recipe)]
    near = difflib.get_close_matches(path.stem, by_name, n=3)
    remedy = f"Did you mean {' or '.join(near)}? " if near else ""
    raise RecipeError(f"{recipe}: no such recipe", f"{remedy}List the recipes of the package with: roadseg recipes")


def read_recipe(recipe: str | Path, **options: Any) -> AdaptRecipe:
    """Read and check a recipe.

    Args:
        recipe: path of a recipe file, or the name of a recipe of the package, for example `multi_level`.
        options: keys that replace those of the file; a table replaces only the keys that it holds, for example
            `adversarial={"weight": 0.002}`.

    Returns:
        The recipe with all defaults filled in; a `VideoRecipe` where it names videos.

    Raises:
        RecipeError: there is no such recipe, it trains nothing, or listing all mistakes in it at once.
    """
    read = read_any_recipe(recipe, **options)
    if isinstance(read, FlatRecipe):
        raise RecipeError(f"{recipe}: trains no run", f"Use it with: roadseg run {recipe}")
    return read


def read_any_recipe(recipe: str | Path, **options: Any) -> AdaptRecipe | FlatRecipe:
    """Read and check a recipe of any kind, as `read_recipe` does.

    One that names several `sets` is a `ScoreRecipe`, one that names `clips` a `RoadRecipe`.

    Raises:
        RecipeError: there is no such recipe, or listing all mistakes in it at once.
    """
    path = find_recipe(recipe)
    values = merged(recipe_values(path), options)
    for key, kind in FLAT.items():
        if key in values:
            return kind.resolve(values, origin=str(path))
    return resolve_any(values, origin=str(path))
