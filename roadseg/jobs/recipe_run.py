"""The jobs behind `roadseg run` and sweeps: a recipe from its data sets to its scores, skipping what is done."""

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from roadseg.datasets.check import check_dataset
from roadseg.errors import RecipeError
from roadseg.jobs.adapt import adapt, recipe_of, resume
from roadseg.training.build import Watcher, named_datasets
from roadseg.training.recipe import AdaptRecipe, parse_overrides, resolve
from roadseg.training.run_folder import RunFolder

CHECKED = 20
"""Pictures of each data set that are read before training starts."""


def run_recipe(
    recipe: AdaptRecipe,
    out: Path,
    *,
    data: Path = Path("data"),
    watcher: Watcher | None = None,
    on_problem: Callable[[str], None] = lambda problem: None,
) -> bool:
    """Do what is left of a recipe: look at its data sets, train or go on training, score.

    Args:
        recipe: what to train on what, how.
        out: the run folder; one that was begun with this recipe goes on, a finished one is left alone.
        data: where streets are rendered to.
        watcher: callbacks of the training.
        on_problem: told what is odd about a data set, a line each; training may go on all the same.

    Returns:
        Whether anything was left to do.

    Raises:
        RecipeError: the folder holds a run of another recipe.
        RoadsegError: as `roadseg.jobs.adapt.adapt`.
        KeyboardInterrupt: after saving a checkpoint; the same call goes on.
    """
    run = RunFolder(out)
    begun = run.recipe.is_file()
    if begun:
        refuse_another(recipe_of(out), recipe, out)
        if is_done(run, recipe):
            return False
    for reference in named_datasets(recipe):
        for problem in check_dataset(reference, sample=CHECKED).problems:
            on_problem(problem.cause)
    if begun:
        resume(out, data=data, watcher=watcher)
    else:
        adapt(recipe, out, data=data, watcher=watcher)
    return True


def is_done(run: RunFolder, recipe: AdaptRecipe) -> bool:
    """Whether a run has made all steps of its recipe and was saved with its scores."""
    try:
        steps = json.loads(run.metrics.read_text(encoding="utf-8"))["steps"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return bool(run.model.is_file() and steps >= recipe.steps)


def refuse_another(begun: AdaptRecipe, recipe: AdaptRecipe, out: Path) -> None:
    """Make sure that what was `begun` in the folder `out` is what the recipe asks for.

    Raises:
        RecipeError: it is not, naming every key that differs.
    """
    held, wanted = (one.model_dump(mode="json") for one in (begun, recipe))
    changed = [f"{key} {held[key]!r} -> {wanted[key]!r}" for key in held if held[key] != wanted[key]]
    if changed:
        raise RecipeError(
            f"{out}: holds a run of another recipe: {', '.join(changed)}",
            "Choose another --out, or undo the change.",
        )


def sweep(values: Mapping[str, Any], text: str, *, origin: str) -> dict[str, AdaptRecipe]:
    """The recipes of a sweep over one key, by the names of their run folders.

    Args:
        values: recipe keys that all share.
        text: KEY=VALUE,VALUE,... with values as in TOML; bare words are strings.
        origin: what messages call the recipe.

    Raises:
        RecipeError: the text is not written so, or one of the recipes is wrong.
    """
    key, equals, choices = (part.strip() for part in text.partition("="))
    if not (key and equals and choices):
        raise RecipeError(f"{text!r} is no sweep", "Write KEY=VALUE,VALUE, for example adv_weight=0.0005,0.001.")
    try:
        parsed = tomllib.loads(f"values = [{choices}]")["values"]
    except tomllib.TOMLDecodeError:
        parsed = [parse_overrides([f"{key}={choice.strip()}"])[key] for choice in choices.split(",")]
    recipes = {_folder(key, value): resolve({**values, key: value}, origin=origin) for value in parsed}
    if len(recipes) < len(parsed):
        raise RecipeError(f"{text!r} names a value twice")
    return recipes


def _folder(key: str, value: Any) -> str:
    shown = "x".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"{key}={re.sub(r'[^A-Za-z0-9.+-]+', '-', shown)}"
