"""`roadseg report`: pages to look at, beside the results of `roadseg overlay` and `roadseg adapt`."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from roadseg.cli.console import Debug, Json, Quiet, Reporter, fail
from roadseg.errors import RoadsegError


def report(
    folders: Annotated[
        list[Path], typer.Argument(metavar="DIR", help="Folders of overlays, run folders, or folders above such.")
    ],
    quiet: Quiet = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Make pages of overlays and trainings.

    NAME.report.html has a video, a timeline that seeks in it, totals of classes,
    where in the picture they stand, moments of note, and how all was made;
    index.html leads to several. training.html has the losses of a run and what
    they tell, scores, and what the network saw on the way. They open from the
    disk in any browser, without a network. `roadseg overlay` and `roadseg adapt`
    write them too; this makes them again, also of what earlier versions made.

    [bold]Example:[/bold] roadseg report overlays runs/my-roads
    """
    from roadseg.overlay.summary import OverlayFiles
    from roadseg.overlay.totals import finished_tables
    from roadseg.report.pages import find_runs, write_index, write_report, write_training_page

    reporter = Reporter(quiet=quiet, as_json=as_json)
    runs = find_runs(folders)
    tables, half_done = finished_tables(folders, required=not runs)
    jobs: list[tuple[dict[str, str], Callable[[], Path]]] = [
        *(({"table": str(table)}, partial(write_report, OverlayFiles.of_table(table))) for table in tables),
        *(({"run": str(run.path)}, partial(write_training_page, run)) for run in runs),
    ]
    pages: list[str] = []
    failed: list[dict[str, str]] = []
    with reporter.bars() as bars:
        for done, (what, write) in enumerate(jobs, start=1):
            try:
                pages.append(str(write()))
            except RoadsegError as error:
                failed.append({**what, "cause": error.cause, "remedy": error.remedy})
                fail(error.cause, error.remedy)
            bars.show("reports", done, len(jobs))
    if not failed:
        pages += [str(index) for index in map(write_index, folders) if index is not None]
    if half_done:
        reporter.warn(f"left out: {half_done} half done, without a summary")
    if pages or as_json:
        reporter.result("\n".join(map(escape, pages)), {"written": pages, "failed": failed})
    if failed:
        if len(jobs) > 1:
            fail(f"{len(failed)} of {len(jobs)} reports failed")
        raise typer.Exit(1)
