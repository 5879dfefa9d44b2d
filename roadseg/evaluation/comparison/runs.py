"""Finished runs with their scores, read from their folders."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roadseg.errors import InputError
from roadseg.inputs.documents import read_json
from roadseg.models.names import PACKAGED
from roadseg.training.keys import flattened
from roadseg.training.published import PublishedRow, published_for
from roadseg.training.recipe import resolve
from roadseg.training.recipe_values import recipe_values
from roadseg.training.run_folder import RunFolder


@dataclass(frozen=True)
class Run:
    """A finished run with its scores."""

    path: Path
    recipe: Mapping[str, Any]
    """The resolved recipe."""
    dataset: str
    label_space: str
    images: int
    miou: float
    """Mean IoU in percent."""
    iou: Mapping[str, float | None]
    """IoU by class in percent; None where the truth never shows it."""
    engine: str = ""
    """Engine of the scores, see `roadseg.evaluation.scores.Evaluation`; empty for runs of older versions."""
    kept_start: bool = False
    """True if the scores are those of the initial weights, see `roadseg.training.recipe.AdaptRecipe`."""

    @property
    def published(self) -> PublishedRow | None:
        """Published row that the recipe names, in the variant of the recipe's settings."""
        return published_for(self.recipe)


def read_run(path: Path) -> Run:
    """Read a finished run that was scored.

    Raises:
        InputError: the folder holds no run, or the run is not finished or not scored.
        RecipeError: its recipe is not one that this version knows.
    """
    folder = RunFolder(path)
    if not folder.recipe.is_file() and (str(path) in PACKAGED or path.is_file() or folder.model.is_file()):
        raise InputError(
            f"{path}: weights without scores of their own",
            "Score the runs now: roadseg compare RUN... --dataset KIND:ROOT --out DIR",
        )
    if not folder.recipe.is_file():
        raise InputError(f"{path}: no run here", "Give run folders of `roadseg adapt` or `roadseg run`.")
    recipe = resolve(recipe_values(folder.recipe), origin=str(folder.recipe))
    if not folder.metrics.is_file():
        steps = max((record["step"] for record in folder.read_log()), default=0)
        raise InputError(
            f"{path}: not finished, at step {steps} of {recipe.steps}",
            f"Continue it: roadseg adapt --out {path} --resume",
        )
    scores = _scores(folder.metrics)
    if scores is None:
        raise InputError(
            f"{path}: was not scored on a labelled data set",
            f"Score it now: roadseg compare {path} --dataset KIND:ROOT --out DIR",
        )
    values = flattened(recipe.model_dump(mode="json"))
    known = {key: scores[key] for key in ("dataset", "label_space", "images", "miou", "iou")}
    return Run(path, values, **known, engine=scores.get("engine", ""), kept_start=scores["kept_start"])


def _scores(metrics: Path) -> dict[str, Any] | None:
    """Return the scores of a run, and `kept_start`; None where it was not scored."""
    try:
        record = read_json(metrics)
        scores: dict[str, Any] | None = record["evaluation"]
        if scores is not None:
            if not {"dataset", "label_space", "images", "miou", "iou"} <= scores.keys():
                raise KeyError("label_space")
            scores = {**scores, "kept_start": bool(record.get("kept_start"))}
    except (OSError, ValueError, KeyError, TypeError) as error:
        remedy = f"Score it again: roadseg adapt --out {metrics.parent} --resume"
        raise InputError(f"{metrics}: not readable ({type(error).__name__}: {error})", remedy) from None
    return scores
