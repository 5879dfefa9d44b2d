"""`roadseg report`: write pages of the results of `roadseg overlay` and `roadseg adapt`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from roadseg.cli.console import Debug, Json, LogFormat, Quiet, Reporter, fail


def report(
    folders: Annotated[
        list[Path], typer.Argument(metavar="DIR", help="Folders of overlays, run folders, or folders above them.")
    ],
    basemap: Annotated[
        Path | None,
        typer.Option("--basemap", metavar="FILE", help="GeoJSON to draw grey below the maps of videos and drives."),
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
    log_format: LogFormat = "text",
    debug: Debug = False,
) -> None:
    """Write pages of overlays and trainings.

    NAME.report.html shows a video with a timeline, class totals, heat maps,
    moments of note and how it was made; index.html leads to several videos.
    training.html shows losses, scores and predictions of a run. Pages open from
    the disk in any browser and load nothing from the network. `roadseg overlay`
    and `roadseg adapt` write them too; this command writes them again, also for
    older results.

    [bold]Example:[/bold] roadseg report overlays runs/my-roads
    [bold]Example:[/bold] roadseg report overlays --basemap streets.geojson
    """
    from roadseg.report.pages import write_reports

    reporter = Reporter(quiet=quiet, as_json=as_json)
    with reporter.bars() as bars:
        reports = write_reports(
            folders, basemap=basemap, on_progress=lambda done, total: bars.show("reports", done, total)
        )
    for _, error in reports.failed:
        fail(error.cause, error.remedy)
    if reports.half_done:
        reporter.warn(f"left out (not finished, no summary): {reports.half_done}")
    if reports.written or as_json:
        reporter.result("\n".join(escape(str(page)) for page in reports.written), reports.as_dict())
    if reports.failed:
        total = len(reports.written) + len(reports.failed)
        if total > 1:
            fail(f"{len(reports.failed)} of {total} reports failed")
        raise typer.Exit(1)
