"""The job behind `roadseg run` of a recipe of the road: drives, overlays, class shares along the road, a page."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roadseg.along.indices import NAMED, read_indices
from roadseg.along.result import AlongStats
from roadseg.along.write import write_along
from roadseg.drives.find import find_drives
from roadseg.errors import InputError, VideoError, in_one_line
from roadseg.evaluation.score_tables import ScoreTable, write_tables
from roadseg.files import locked, resolved, write_text
from roadseg.jobs.overlay import OverlayProgress, overlay_videos
from roadseg.jobs.recipe_run import refuse_another
from roadseg.jobs.stats_along import stats_along
from roadseg.overlay.failures import Failure
from roadseg.report.along_tables import along_table, counted
from roadseg.report.map_page import map_html
from roadseg.report.pages import INDEX, REPORT_SUFFIX, write_run_page
from roadseg.report.run_page import PAGE, RunPage
from roadseg.training.recipe_values import recipe_values
from roadseg.training.road_recipe import RoadRecipe

RECIPE, OVERLAYS, TABLE, MAP_SUFFIX = "recipe.toml", "overlays", "indices", ".html"
NAMES = {"segments": "segments", "grid": "cells", "streets": "streets"}
"""Kind of places -> name of its files."""


@dataclass(frozen=True)
class Road:
    """Result of a recipe of the road."""

    places: dict[str, AlongStats]
    """By name of their files: `segments`, and `cells` or `streets` where the recipe asks for them."""
    failures: tuple[Failure, ...]
    """Videos that could not be labelled."""

    @property
    def tables(self) -> list[ScoreTable]:
        """Indices by kind of places."""
        return [along_table(found) for found in self.places.values()]

    def as_dict(self) -> dict[str, Any]:
        """Return the facts for JSON."""
        failed = [{"video": str(one.video), "cause": one.error.cause} for one in self.failures]
        return {"places": {name: found.as_dict() for name, found in self.places.items()}, "failures": failed}


def run_road_recipe(
    recipe: RoadRecipe,
    out: Path,
    *,
    on_stage: Callable[[str], None] = lambda what: None,
    on_progress: Callable[[str, int, int | None], None] = lambda task, done, total: None,
    on_warning: Callable[[str], None] = lambda warning: None,
) -> Road:
    """Label the clips of a camera, and add up what they show along the road.

    What is done is skipped: after further clips, the same call labels these alone.

    Args:
        recipe: clips, the run that labels them, and places.
        out: folder for the overlays, files of places by format, the table of indices and a page.
        on_stage: called with the command of a stage that begins.
        on_progress: called with (task, done, in all).
        on_warning: called with losses and assumptions, each in a sentence.

    Raises:
        RecipeError: the folder was begun with another recipe.
        VideoError: no clip can be labelled.
        InputError: there are no clips, or none has positions; a file of the recipe cannot be read.
        WeightsError: there is no such run.
        OutputError: another process does the same, or `out` cannot be written.
    """
    held = out / RECIPE
    if held.is_file():
        refuse_another(RoadRecipe.resolve(recipe_values(held), origin=str(held)), recipe, out)
    on_stage(f"roadseg drives {' '.join(recipe.clips)}")
    drives = find_drives(list(recipe.clips), on_progress=lambda *counts: on_progress("reading headers", *counts))
    for notice in drives.all_notices():
        on_warning(notice)
    videos = drives.videos(channel=recipe.channel)
    with locked(out):
        write_text(held, recipe.as_toml())
        overlays = out / OVERLAYS
        on_stage(f"roadseg overlay -> {overlays}")

        def show(progress: OverlayProgress) -> None:
            on_progress(f"labelling {progress.video.name}" if progress.video else "", progress.frames, None)

        results = overlay_videos(
            *(videos, overlays, recipe.run),
            every=recipe.every,
            mask=recipe.mask or None,
            gps=recipe.gps,
            trim_ends=recipe.trim_ends,
            on_progress=show,
            on_warning=on_warning,
        )
        failures = tuple(result for result in results if isinstance(result, Failure))
        for failure in failures:
            on_warning(failure.error.cause)
        if len(failures) == len(results):
            first = (
                failures[0].error
                if failures
                else InputError("within trim_ends of an end of its drive", "Give a smaller trim_ends.")
            )
            raise VideoError(f"none of {len(videos)} clips can be labelled, the first: {first.cause}", first.remedy)
        road = Road(_places(recipe, overlays, out, on_stage, on_progress, on_warning), failures)
        for suffix in (".md", ".csv", ".json"):
            write_tables(out / f"{TABLE}{suffix}", road.tables, road.as_dict())
        write_run_page(out / PAGE, _page(recipe, road, out))
    return road


def _places(
    recipe: RoadRecipe,
    overlays: Path,
    out: Path,
    on_stage: Callable[[str], None],
    on_progress: Callable[[str, int, int | None], None],
    on_warning: Callable[[str], None],
) -> dict[str, AlongStats]:
    """Add up the overlays by each kind of places of the recipe, and write their files."""
    ways: list[dict[str, Any]] = [{"along": recipe.along}]
    ways += [{"grid": recipe.grid}] if recipe.grid else []
    ways += [{"network": recipe.network}] if recipe.network else []
    own = read_indices(Path(recipe.indices)) if recipe.indices else ()
    places = {}
    for way in ways:
        on_stage(" ".join(["roadseg stats", str(overlays), *(f"--{name} {value}" for name, value in way.items())]))
        found = stats_along(
            [overlays],
            channel=recipe.channel,
            indices=recipe.indices or None,
            on_progress=on_progress,
            **way,
        )
        for notice in found.notices:
            on_warning(notice)
        name = NAMES[found.kind]
        for form in recipe.files:
            write_along(out / f"{name}.{form}", found)
        try:
            write_text(out / f"{name}{MAP_SUFFIX}", map_html(found, (*NAMED, *own)))
        except InputError as error:
            on_warning(f"no map of {name}: {in_one_line(error)}")
        places[name] = found
    return places


def _page(recipe: RoadRecipe, road: Road, out: Path) -> RunPage:
    maps = [Path(f"{name}{MAP_SUFFIX}") for name in road.places]
    files = {path: "map" for path in maps if (out / path).is_file()}
    files |= {Path(f"{name}.{form}"): f"{name} for maps" for name in road.places for form in recipe.files}
    files |= {Path(f"{TABLE}{suffix}"): "the table" for suffix in (".md", ".csv", ".json")}
    segments = road.places[NAMES["segments"]]
    notices = dict.fromkeys(notice for found in road.places.values() for notice in found.notices)
    return RunPage(
        name=resolved(out).name,
        facts=(
            f"{segments.metres / 1000:.2f} km",
            counted(segments.drives, "drive"),
            counted(segments.frames, "frame"),
        ),
        problems=[*notices, *(failure.error.cause for failure in road.failures)],
        tables=road.tables,
        files=files | dict.fromkeys(_pages(out), "overlays") | {Path(RECIPE): "the recipe"},
    )


def _pages(out: Path) -> list[Path]:
    """Return the page of all overlays, or of the only one, relative to `out`."""
    index = out / OVERLAYS / INDEX
    pages = [index] if index.is_file() else sorted((out / OVERLAYS).rglob(f"*{REPORT_SUFFIX}"))[:1]
    return [page.relative_to(out) for page in pages]
