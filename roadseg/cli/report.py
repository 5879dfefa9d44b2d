"""`roadseg report`: pages to look at, beside the results of `roadseg overlay`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from roadseg.cli.console import Debug, Json, Quiet, Reporter, fail
from roadseg.errors import RoadsegError


def report(
    folders: Annotated[
        list[Path], typer.Argument(metavar="DIR", help="Folders of `roadseg overlay`, searched at any depth.")
    ],
    quiet: Quiet = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Make pages of overlays: NAME.report.html, and index.html of several videos.

    A page has the video, a timeline that seeks in it, totals of classes, where in
    the picture they stand, moments of note, and how all was made. It opens from
    the disk in any browser and needs no network. `roadseg overlay` writes it too;
    this makes it again, and those of results that earlier versions made.

    [bold]Example:[/bold] roadseg report overlays
    """
    from roadseg.inference.overlay_stats import finished_tables
    from roadseg.inference.overlay_summary import OverlayFiles
    from roadseg.report.write import write_index, write_report

    reporter = Reporter(quiet=quiet, as_json=as_json)
    tables, half_done = finished_tables(folders)
    pages: list[str] = []
    failed: list[dict[str, str]] = []
    with reporter.bars("videos") as bars:
        for done, table in enumerate(tables, start=1):
            try:
                pages.append(str(write_report(OverlayFiles.of_table(table))))
            except RoadsegError as error:
                failed.append({"table": str(table), "cause": error.cause, "remedy": error.remedy})
                fail(error.cause, error.remedy)
            bars.show("reports", done, len(tables))
    if not failed:
        pages += [str(index) for index in map(write_index, folders) if index is not None]
    if half_done:
        reporter.warn(f"left out: {half_done} half done, without a summary")
    if pages or as_json:
        reporter.result("\n".join(map(escape, pages)), {"written": pages, "failed": failed})
    if failed:
        if len(tables) > 1:
            fail(f"{len(failed)} of {len(tables)} reports failed")
        raise typer.Exit(1)
