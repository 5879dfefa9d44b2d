"""`roadseg run`: recipes from end to end."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from roadseg.cli.compare import report_finished
from roadseg.cli.console import Debug, Json, LogFormat, Quiet, Reporter, fail
from roadseg.cli.options import Threads
from roadseg.cli.progress import training_progress
from roadseg.cli.tables import shown
from roadseg.cli.video_results import say_where, shares_table, stage_progress

if TYPE_CHECKING:
    from roadseg.training.recipe import AdaptRecipe
    from roadseg.training.road_recipe import RoadRecipe
    from roadseg.training.score_recipe import ScoreRecipe
    from roadseg.training.video_recipe import VideoRecipe

RUNS = Path("runs")
"""Folder of runs where no other is given."""


def run(
    recipes: Annotated[
        list[str],
        typer.Argument(
            metavar="RECIPE", help="Recipe files, or names that `roadseg recipes` lists; run in order, then compared."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Run folder of a single recipe; default: runs/NAME-OF-RECIPE.")
    ] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", help="A recipe key: --set key=value, --set table.key=value.")
    ] = None,
    data: Annotated[Path, typer.Option(help="Folder for rendered streets and downloaded weights.")] = Path("data"),
    threads: Threads = None,
    quiet: Quiet = False,
    as_json: Json = False,
    log_format: LogFormat = "text",
    debug: Debug = False,
) -> None:
    """Run recipes from end to end: check data sets, train, evaluate, compare with published scores.

    A recipe that names videos goes from their addresses to overlays and a
    report; one that names several sets scores a run by drive; one that names
    clips goes from a camera's card to indices along the road. Finished steps are
    skipped: a second call prints the tables, and after Ctrl-C the same command
    continues.

    [bold]Example:[/bold] roadseg run source_only multi_level --set target=data/frames
    """
    from roadseg.runtime import is_main_process
    from roadseg.training.recipe import AdaptRecipe
    from roadseg.training.recipe_files import find_recipe, read_any_recipe
    from roadseg.training.recipe_values import parse_overrides
    from roadseg.training.road_recipe import RoadRecipe
    from roadseg.training.score_recipe import FlatRecipe, ScoreRecipe
    from roadseg.training.video_recipe import VideoRecipe

    if out is not None and len(recipes) > 1:
        raise typer.BadParameter("--out is for a single recipe; several go to runs/NAME-OF-RECIPE each")
    overrides = parse_overrides(assignments or [])
    plans: dict[Path, AdaptRecipe] = {}
    for recipe in recipes:
        folder = out or RUNS / find_recipe(recipe).stem.replace("_", "-")
        if folder in plans:
            raise typer.BadParameter(f"{recipe}: another recipe goes to {folder} already")
        plan = read_any_recipe(recipe, **overrides)
        if isinstance(plan, VideoRecipe | FlatRecipe) and len(recipes) > 1:
            raise typer.BadParameter(f"{recipe}: trains no run that can be compared with others; run it alone")
        if isinstance(plan, ScoreRecipe):
            _score(Reporter(quiet=quiet, as_json=as_json), plan, folder, data)
            return
        if isinstance(plan, RoadRecipe):
            _run_road(Reporter(quiet=quiet, as_json=as_json), plan, folder)
            return
        assert isinstance(plan, AdaptRecipe)
        plans[folder] = plan
    reporter = Reporter(quiet=quiet or not is_main_process(), as_json=as_json)
    ((folder, plan), *_) = plans.items()
    if isinstance(plan, VideoRecipe):
        _run_videos(reporter, plan, folder, data)
    else:
        run_all(reporter, plans, data)


def _score(reporter: Reporter, plan: "ScoreRecipe", folder: Path, data: Path) -> None:
    from roadseg.jobs.score_run import run_score_recipe
    from roadseg.report.run_page import PAGE

    with reporter.bars("images") as bars:
        scores = run_score_recipe(plan, folder, data=data, on_progress=bars.show, on_problem=reporter.warn)
    reporter.result(shown([scores.table]), {"out": str(folder), **scores.as_dict()})
    reporter.say(f"open in a browser: {escape(str(folder / PAGE))}")


def _run_road(reporter: Reporter, plan: "RoadRecipe", folder: Path) -> None:
    from roadseg.jobs.road_run import run_road_recipe
    from roadseg.report.run_page import PAGE

    with reporter.bars("") as bars:
        road = run_road_recipe(
            plan,
            folder,
            on_stage=lambda what: reporter.say(escape(what)),
            on_progress=bars.show,
            on_warning=reporter.warn,
        )
    reporter.result(shown(road.tables), {"out": str(folder), **road.as_dict()})
    reporter.say(f"open in a browser: {escape(str(folder / PAGE))}")
    if road.failures:
        fail(f"{len(road.failures)} videos could not be labelled", "The warnings above say why.")
        raise typer.Exit(1)


def _run_videos(reporter: Reporter, plan: "VideoRecipe", folder: Path, data: Path) -> None:
    from roadseg.jobs.video_run import VideoFolder, run_video_recipe

    with stage_progress(reporter, plan.steps) as callbacks:
        result = run_video_recipe(plan, folder, data=data, callbacks=callbacks)
    if result is not None:
        reporter.result(shares_table(result), {"out": str(folder), **result.as_dict()})
        say_where(reporter, result, folder)
        if result.left_out:
            count = f"{len(result.left_out)} of {len(result.footage)} videos"
            fail(f"{count} could not be used", f"{VideoFolder(folder).report} says which and why.")
            raise typer.Exit(1)


def run_all(reporter: Reporter, plans: "Mapping[Path, AdaptRecipe]", data: Path) -> None:
    """Do what is left of each recipe in its run folder, print their tables and write their pages.

    Raises:
        RoadsegError: a recipe cannot be run; those before it are finished.
        KeyboardInterrupt: after a checkpoint was saved.
    """
    from roadseg.jobs.recipe_page import compare_and_write_pages
    from roadseg.jobs.recipe_run import run_recipe
    from roadseg.runtime import is_main_process

    for folder, plan in plans.items():
        reporter.say(f"[bold]{escape(str(folder))}[/bold]")
        try:
            with training_progress(reporter, plan.steps) as callbacks:
                if not run_recipe(plan, folder, data=data, callbacks=callbacks, on_problem=reporter.warn):
                    reporter.say("finished before")
        except KeyboardInterrupt:
            reporter.say("Stopped. Run the same command again to continue.")
            raise
    if not is_main_process():
        return
    finished, pages = compare_and_write_pages(list(plans))
    if finished.comparisons:
        report_finished(reporter, finished, pages=list(map(str, pages)))
    else:
        data_of_result = finished.as_dict() | {"pages": list(map(str, pages))}
        reporter.result("no scores: no recipe names a labelled data set by `evaluation`", data_of_result)
    for page in pages:
        reporter.say(f"open in a browser: {escape(str(page))}")
