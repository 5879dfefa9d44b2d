"""`roadseg run`: recipes from end to end."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from roadseg.cli.compare import report_finished
from roadseg.cli.console import Debug, Json, Quiet, Reporter
from roadseg.cli.progress import watching
from roadseg.cli.video_results import say_where, shares_table, watching_stages

if TYPE_CHECKING:
    from roadseg.jobs.video_recipe import VideoRecipe
    from roadseg.training.recipe import AdaptRecipe

RUNS = Path("runs")
"""Where runs go unless another folder is named."""


def run(
    recipes: Annotated[list[Path], typer.Argument(help="Recipe files, done in this order, then compared.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Run folder of a single recipe; default: runs/NAME-OF-RECIPE.")
    ] = None,
    assignments: Annotated[list[str] | None, typer.Option("--set", help="A recipe key: --set key=value.")] = None,
    data: Annotated[Path, typer.Option(help="For rendered streets and fetched weights.")] = Path("data"),
    quiet: Quiet = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Do all the steps of recipes: look at their data sets, train, score, compare with what was published.

    A recipe that names videos goes from their addresses to overlays and a report.
    What is done is skipped: a second call prints the tables, after Ctrl-C the same command goes on.

    [bold]Example:[/bold] roadseg run pipelines/source_only.toml pipelines/multi_level.toml
    """
    from roadseg.jobs.video_recipe import VideoRecipe, resolve_any
    from roadseg.runtime import is_main_process
    from roadseg.training.recipe import parse_overrides, read_recipe

    if out is not None and len(recipes) > 1:
        raise typer.BadParameter("--out is for a single recipe; several go to runs/NAME-OF-RECIPE each")
    overrides = parse_overrides(assignments or [])
    plans = {}
    for path in recipes:
        folder = out or RUNS / path.stem.replace("_", "-")
        if folder in plans:
            raise typer.BadParameter(f"{path}: another recipe goes to {folder} already")
        plans[folder] = resolve_any({**read_recipe(path), **overrides}, origin=str(path))
        if isinstance(plans[folder], VideoRecipe) and len(recipes) > 1:
            raise typer.BadParameter(f"{path}: names videos; run it by itself")
    reporter = Reporter(quiet=quiet or not is_main_process(), as_json=as_json)
    ((folder, plan), *_) = plans.items()
    if isinstance(plan, VideoRecipe):
        _run_videos(reporter, plan, folder, data)
    else:
        run_all(reporter, plans, data)


def _run_videos(reporter: Reporter, plan: "VideoRecipe", folder: Path, data: Path) -> None:
    from roadseg.jobs.video_run import VideoFolder, run_video_recipe

    with watching_stages(reporter, plan.steps) as watcher:
        result = run_video_recipe(plan, folder, data=data, watcher=watcher)
    if result is not None:
        reporter.result(shares_table(result), {"out": str(folder), **result.as_dict()})
        say_where(reporter, result, VideoFolder(folder))


def run_all(reporter: Reporter, plans: "Mapping[Path, AdaptRecipe]", data: Path) -> None:
    """Do what is left of each recipe in its run folder, then print their tables.

    Raises:
        RoadsegError: one cannot be done; those before it are.
        KeyboardInterrupt: after saving a checkpoint.
    """
    from roadseg.jobs.compare import compare_finished
    from roadseg.jobs.recipe_run import run_recipe
    from roadseg.runtime import is_main_process

    for folder, plan in plans.items():
        reporter.say(f"[bold]{escape(str(folder))}[/bold]")
        try:
            with watching(reporter, plan.steps) as watcher:
                if not run_recipe(plan, folder, data=data, watcher=watcher, on_problem=reporter.warn):
                    reporter.say("done before")
        except KeyboardInterrupt:
            reporter.say("stopped; the same command goes on")
            raise
    if not is_main_process():
        return
    scored = [folder for folder, plan in plans.items() if plan.evaluation]
    if scored:
        report_finished(reporter, compare_finished(scored))
    else:
        reporter.result("no scores: no recipe names a labelled data set by `evaluation`", {"comparisons": []})
