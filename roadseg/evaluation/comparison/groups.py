"""Finished runs grouped by their settings: scores over seeds, and the settings that differ."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from roadseg.evaluation.comparison.runs import Run
from roadseg.evaluation.scores import rounded
from roadseg.files import resolved
from roadseg.models.weights import MODEL_FILE
from roadseg.training.keys import flattened
from roadseg.training.published import PublishedRow
from roadseg.training.recipe import neutral_keys
from roadseg.training.recipe_values import recipe_values
from roadseg.training.run_folder import RunFolder

RUN_OF_VIDEOS = "run"
"""Name of the run folder of a recipe of videos."""


@dataclass(frozen=True)
class Group:
    """Runs that differ in the seed alone: one row of a table."""

    label: str
    runs: tuple[Run, ...]

    @property
    def recipe(self) -> Mapping[str, Any]:
        """Recipe of the first run; the others differ in the seed."""
        return self.runs[0].recipe

    @property
    def published(self) -> PublishedRow | None:
        """Published row to compare with."""
        return self.runs[0].published

    @property
    def miou(self) -> float:
        """Mean IoU over the seeds, in percent."""
        return fmean(run.miou for run in self.runs)

    @property
    def spread(self) -> float | None:
        """Sample standard deviation over the seeds; None for a single run."""
        return stdev(run.miou for run in self.runs) if len(self.runs) > 1 else None

    @property
    def iou(self) -> dict[str, float | None]:
        """IoU by class in percent, mean over the seeds."""
        values = {name: [run.iou[name] for run in self.runs] for name in self.runs[0].iou}
        shown = {name: [value for value in some if value is not None] for name, some in values.items()}
        return {name: fmean(some) if some else None for name, some in shown.items()}


@dataclass(frozen=True)
class Comparison:
    """Runs that were scored on the same classes of one data set."""

    dataset: str
    label_space: str
    images: int
    groups: tuple[Group, ...]
    differing: Mapping[str, tuple[Any, ...]]
    """Recipe keys that are not the same in all groups, with the value of each group."""

    def as_dict(self) -> dict[str, Any]:
        """Return the comparison for JSON."""
        return {
            "dataset": self.dataset,
            "images": self.images,
            "rows": [
                {
                    "label": group.label,
                    "runs": [str(run.path) for run in group.runs],
                    "seeds": [run.recipe["seed"] for run in group.runs],
                    "engines": [run.engine for run in group.runs],
                    "differs": {key: values[index] for key, values in self.differing.items()},
                    "miou": round(group.miou, 2),
                    "spread": rounded(group.spread),
                    "iou": {name: rounded(value) for name, value in group.iou.items()},
                    "published": None if group.published is None else group.published.as_dict(),
                }
                for index, group in enumerate(self.groups)
            ],
        }


def compare_runs(runs: Sequence[Run]) -> list[Comparison]:
    """Group runs by data set and scored classes: one comparison for each, in the given order."""
    by_dataset: dict[tuple[Any, ...], dict[Path, Run]] = defaultdict(dict)
    for run in runs:
        by_dataset[run.dataset, run.label_space, run.images, *run.iou].setdefault(resolved(run.path), run)
    return [_comparison(list(group.values())) for group in by_dataset.values()]


def _comparison(runs: list[Run]) -> Comparison:
    alike: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        alike[json.dumps(_settings(run.recipe), sort_keys=True)].append(run)
    members = [tuple(group) for group in alike.values()]
    differing = differences([group[0].recipe for group in members])
    labels = _labels(members, differing)
    groups = tuple(Group(label, group) for label, group in zip(labels, members, strict=True))
    return Comparison(runs[0].dataset, runs[0].label_space, runs[0].images, groups, differing)


def _settings(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that decide the outcome, except the seed; an initial run counts by its own settings."""
    settings = {key: value for key, value in recipe.items() if key not in neutral_keys() | {"seed"}}
    start = RunFolder(Path(str(settings["init"])))
    if start.recipe.is_file():
        settings["init"] = _settings(flattened(recipe_values(start.recipe)))
    return settings


def differences(recipes: Sequence[Mapping[str, Any]]) -> dict[str, tuple[Any, ...]]:
    """Return the recipe keys that matter and differ, with all their values, None where absent; never the seed.

    A target, or an option of a method, that some runs lack is not a separate difference: the method implies it.
    """
    differing = {}
    for key in dict.fromkeys(key for recipe in recipes for key in recipe):
        values = tuple(recipe.get(key) for recipe in recipes)
        given = [recipe[key] for recipe in recipes if key in recipe and (key != "target" or recipe[key])]
        if key not in neutral_keys() | {"seed"} and any(value != given[0] for value in given):
            differing[key] = values
    return differing


def _labels(groups: Sequence[tuple[Run, ...]], differing: Mapping[str, tuple[Any, ...]]) -> list[str]:
    """Name each group by its method or setting where one key distinguishes all groups, else by its folder."""
    if len(differing) == 1:
        ((key, values),) = differing.items()
        return [str(value) if key in ("method", "model") else f"{key}={value}" for value in values]
    labels = tails([resolved(group[0].path) for group in groups])
    return [
        label if len(group) == 1 else f"{label} and {len(group) - 1} more"
        for label, group in zip(labels, groups, strict=True)
    ]


def tails(paths: Sequence[Path]) -> list[str]:
    """Return the shortest ends of paths that distinguish them; the paths are absolute and all different."""
    parts = next(count for count in range(1, 100) if len({path.parts[-count:] for path in paths}) == len(paths))
    return ["/".join(path.parts[-parts:]) for path in paths]


def named_runs(given: Sequence[Path]) -> dict[str, Path]:
    """Return runs or weight files by a short name of each; one given twice counts once.

    The weights of a run folder are named by the folder, default weights by their name. The run folder of a recipe of
    videos is always called `run`, so it is named with its parent.
    """
    by_place: dict[Path, Path] = {}
    for path in given:
        by_place.setdefault(resolved(path.parent if path.name == MODEL_FILE else path), path)
    names = [
        "/".join(place.parts[-2:]) if name == RUN_OF_VIDEOS else name
        for name, place in zip(tails(list(by_place)), by_place, strict=True)
    ]
    return dict(zip(names, by_place.values(), strict=True))
