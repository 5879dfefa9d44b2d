"""The job behind `roadseg run` of a recipe of scores: render drives, score every variant, write one table."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

from roadseg.datasets.catalogue import dataset_kind, parse_dataset
from roadseg.datasets.dataset import ImageDataset
from roadseg.datasets.rendered import render_drive
from roadseg.errors import DatasetError
from roadseg.evaluation.by_drive import NOTE, DriveScore
from roadseg.evaluation.evaluate import evaluate
from roadseg.evaluation.score_tables import ScoreTable, score_text, write_tables
from roadseg.files import resolved, write_json, write_text
from roadseg.inference.engines import load_segmenter
from roadseg.inputs.documents import read_json
from roadseg.jobs.recipe_run import refuse_another
from roadseg.report.pages import write_run_page
from roadseg.report.run_page import PAGE, RunPage
from roadseg.training.recipe_values import recipe_values
from roadseg.training.score_recipe import ScoreRecipe

SECONDS, FRAME_RATE, SIZE = 20.0, Fraction(2), (480, 360)
"""Length of rendered drives, their frames per second, and their (width, height) in pixels."""
RECIPE, TABLE = "recipe.toml", "scores"
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "flip": {"flip": True},
    "adapt-bn": {"adapt_bn": True},
    "adapt-bn+flip": {"adapt_bn": True, "flip": True},
}
"""Variant -> options of `evaluate`."""


@dataclass(frozen=True)
class VariantScores:
    """Scores by drive of a run with several test-time options."""

    run: str
    engines: tuple[str, ...]
    """Programs, precisions and sizes that labels were decided with."""
    rows: Mapping[str, tuple[DriveScore, ...]]
    """Variant -> drives, data sets, and means over drives: the same rows in each."""

    @property
    def table(self) -> ScoreTable:
        """A row for each drive, data set and mean; score and interval of each variant."""
        header = ["data set", "drive", "images"]
        for variant in self.rows:
            header += [f"{variant} %", f"{variant} from", f"{variant} to"]
        cells = []
        for same in zip(*self.rows.values(), strict=True):
            scores = (score_text(value) for row in same for value in (row.miou, row.low, row.high))
            cells.append((same[0].dataset, same[0].drive, str(same[0].images), *scores))
        notes = (NOTE, f"Engine: {', '.join(self.engines)}.")
        return ScoreTable(f"{self.run} by drive", tuple(header), tuple(cells), notes)

    def as_dict(self) -> dict[str, Any]:
        """Return all values for JSON."""
        rows = {variant: [row.as_dict() for row in some] for variant, some in self.rows.items()}
        return {"run": self.run, "engines": list(self.engines), "rows": rows}


def run_score_recipe(
    recipe: ScoreRecipe,
    out: Path,
    *,
    data: Path = Path("data"),
    on_progress: Callable[[str, int, int], None] = lambda task, done, total: None,
    on_problem: Callable[[str], None] = lambda problem: None,
) -> VariantScores:
    """Score a run on the data sets of a recipe, with each variant that is not scored yet in the folder `out`.

    Args:
        recipe: what to score on what, and how.
        out: folder for the recipe, the scores of each variant, and the table as `scores.md`, `.csv` and `.json` and on
            the page `report.html`.
        data: folder for rendered drives.
        on_progress: called with (task, done, in all).
        on_problem: called with one line for each data set that is left out.

    Returns:
        Scores of drives and data sets, with the mean over drives of the data sets, and that of the rendered drives.

    Raises:
        RecipeError: the folder holds scores of another recipe.
        DatasetError: no data set is there, or one cannot be scored.
        WeightsError: there is no such run.
    """
    held = out / RECIPE
    if held.is_file():
        refuse_another(ScoreRecipe.resolve(recipe_values(held), origin=str(held)), recipe, out)
    groups = {"data sets": _present(recipe, on_problem), "rendered": _rendered(recipe, data, on_progress)}
    if not any(groups.values()):
        raise DatasetError(
            f"{recipe.root}: none of the recipe's data sets is there", "Name their folder: --set root=DIR"
        )
    name = load_segmenter(recipe.run, engine=recipe.engine).name
    write_text(held, recipe.as_toml())
    records: dict[str, dict[str, Any]] = {
        variant: _scored(recipe, variant, groups, name, out / f"{variant}.json", on_progress)
        for variant in recipe.variants
    }
    engines = tuple(dict.fromkeys(record["engine"] for record in records.values()))
    rows: dict[str, tuple[DriveScore, ...]] = {
        variant: tuple(map(DriveScore.from_dict, record["rows"])) for variant, record in records.items()
    }
    scores = VariantScores(recipe.run, engines, rows)
    for suffix in (".md", ".csv", ".json"):
        write_tables(out / f"{TABLE}{suffix}", [scores.table], scores.as_dict())
    write_run_page(out / PAGE, _page(recipe, scores, len(groups["data sets"]), out))
    return scores


def _page(recipe: ScoreRecipe, scores: VariantScores, present: int, out: Path) -> RunPage:
    files = {Path(f"{TABLE}{suffix}"): "the table" for suffix in (".md", ".csv", ".json")}
    files |= {Path(f"{variant}.json"): f"scores of {variant}" for variant in recipe.variants}
    return RunPage(
        name=resolved(out).name,
        facts=(scores.run, f"{present} of {len(recipe.sets)} data sets", f"{len(recipe.drives)} rendered drives"),
        tables=[scores.table],
        files=files | {Path(RECIPE): "the recipe"},
    )


def _present(recipe: ScoreRecipe, on_problem: Callable[[str], None]) -> list[ImageDataset]:
    found = []
    for text in recipe.sets:
        reference = parse_dataset(text, "val")
        place = Path(recipe.root, reference.root)
        if place.exists():
            found.append(replace(reference.kind.open(place, reference.split), name=text))
        else:
            on_problem(f"{text}: left out, {place} is missing")
    return found


def _rendered(recipe: ScoreRecipe, data: Path, on_progress: Callable[[str, int, int], None]) -> list[ImageDataset]:
    drives = []
    for seed in recipe.drives:
        folder = data / f"target-drive-{seed}"
        render_drive(
            folder,
            seed=seed,
            seconds=SECONDS,
            size=SIZE,
            look="target",
            frame_rate=FRAME_RATE,
            on_progress=partial(on_progress, f"rendering drive {seed}"),
        )
        drives.append(replace(dataset_kind("streets").open(folder), name=f"target drive {seed}"))
    return drives


def _scored(
    recipe: ScoreRecipe,
    variant: str,
    groups: Mapping[str, list[ImageDataset]],
    segmenter: str,
    file: Path,
    on_progress: Callable[[str, int, int], None],
) -> dict[str, Any]:
    """Return rows and engine of a variant, from its file where this segmenter was scored on these data sets before."""
    images = {dataset.name: len(dataset) for datasets in groups.values() for dataset in datasets}
    done = {"segmenter": segmenter, "images": images}
    with suppress(OSError, ValueError):  # not there, or damaged
        record = read_json(file)
        if isinstance(record, dict) and record.get("of") == done:
            return record
    rows: list[DriveScore] = []
    for group, datasets in groups.items():
        if not datasets:
            continue
        progress = partial(on_progress, f"{variant}, {group}")
        scores = evaluate(recipe.run, datasets, engine=recipe.engine, **OPTIONS[variant], on_progress=progress)
        rows += [row if row.drive else replace(row, dataset=f"{group}, {row.dataset}") for row in scores.rows]
        engine = next(iter(scores.sets.values())).engine
    record = {"of": done, "engine": engine, "rows": [row.as_dict() for row in rows]}
    write_json(file, record)
    return record
