"""The jobs behind `roadseg run` and sweeps: a recipe from its data sets to its scores; finished steps are skipped."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from roadseg.datasets.check import check_dataset
from roadseg.errors import RecipeError
from roadseg.inputs.documents import parse_toml, read_json
from roadseg.jobs.adapt import adapt, recipe_of
from roadseg.training.build import named_datasets
from roadseg.training.callbacks import Callbacks
from roadseg.training.keys import flattened, merged, nested
from roadseg.training.recipe import AdaptRecipe, resolve
from roadseg.training.run_folder import RunFolder

CHECKED = 20
"""Images of each data set that are read before training starts."""


def run_recipe(
    recipe: AdaptRecipe,
    out: Path,
    *,
    data: Path = Path("data"),
    callbacks: Callbacks | None = None,
    on_problem: Callable[[str], None] = lambda problem: None,
) -> bool:
    """Do what is left of a recipe: check its data sets, start or continue training, evaluate.

    Args:
        recipe: what to train on what, and how.
        out: the run folder; a run that was begun with this recipe is continued, a finished one is left alone.
        data: folder for rendered streets and downloaded weights.
        callbacks: functions to call on progress.
        on_problem: called with one line for each problem of a data set; training may continue.

    Returns:
        True if anything was left to do.

    Raises:
        RecipeError: the folder holds a run of another recipe.
        RoadsegError: as `roadseg.jobs.adapt.adapt`.
        KeyboardInterrupt: after a checkpoint was saved; the same call continues.
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
    adapt(out, recipe=recipe, resume=begun, data=data, callbacks=callbacks)
    return True


def is_done(run: RunFolder, recipe: AdaptRecipe) -> bool:
    """Return whether a run has made all steps of its recipe and was saved with its scores."""
    try:
        steps = read_json(run.metrics)["steps"]
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return isinstance(steps, int) and steps >= recipe.steps and run.model.is_file()


def refuse_another(begun: BaseModel, recipe: BaseModel, out: Path) -> None:
    """Make sure that the recipe that was `begun` in the folder `out` is the one to run.

    Raises:
        RecipeError: naming every key that differs.
    """
    held, wanted = (flattened(one.model_dump(mode="json")) for one in (begun, recipe))
    changed = [f"{key} {held[key]!r} -> {wanted.get(key)!r}" for key in held if held[key] != wanted.get(key)]
    if changed:
        raise RecipeError(
            f"{out}: holds a run of another recipe: {', '.join(changed)}",
            "Choose another --out, or undo the change.",
        )


def sweep(values: Mapping[str, Any], text: str, *, origin: str) -> dict[str, AdaptRecipe]:
    """Make the recipes of a sweep over one key, by the names of their run folders.

    Args:
        values: recipe keys that all recipes share.
        text: KEY=VALUE,VALUE,... with values as in TOML, bare words being strings; KEY may be TABLE.KEY.
        origin: what messages call the recipe.

    Raises:
        RecipeError: the text is not of that form, or one of the recipes is wrong.
    """
    key, equals, choices = (part.strip() for part in text.partition("="))
    if not (key and equals and choices):
        raise RecipeError(
            f"{text!r} is not a sweep", "Write KEY=VALUE,VALUE, for example adversarial.weight=0.0005,0.001."
        )
    try:
        parsed = parse_toml(f"values = [{choices}]")["values"]
    except ValueError:
        parsed = [choice.strip() for choice in choices.split(",")]
    recipes = {_folder(key, value): resolve(merged(values, nested(key, value)), origin=origin) for value in parsed}
    if len(recipes) < len(parsed):
        raise RecipeError(f"{text!r} names a value twice")
    return recipes


def _folder(key: str, value: Any) -> str:
    shown = "x".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"{key}={re.sub(r'[^A-Za-z0-9.+-]+', '-', shown)}"
