"""`roadseg stats`: what the videos of overlay folders show, added up."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from roadseg.cli.console import Debug, Json, Quiet, Reporter
from roadseg.cli.tables import check_suffix, shown, write_tables

TOP_CLASSES, TOP_VIDEOS = 5, 20
"""What a terminal shows; files have all."""


def stats(
    folders: Annotated[
        list[Path], typer.Argument(metavar="DIR", help="Folders of `roadseg overlay`, searched at any depth.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", callback=check_suffix, help="Save to FILE.md, .csv or .json.")
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Add up what videos show: classes by share of the picture and seconds, over all, by time of day and by video.

    Reads the *.frames.parquet files of finished overlays. Every frame counts for as long as it is shown.
    The time of day is known of videos with a creation time.

    [bold]Example:[/bold] roadseg stats overlays --out drives.csv
    """
    from roadseg.overlay.totals import overlay_stats
    from roadseg.report.stats_tables import stats_tables

    reporter = Reporter(quiet=quiet, as_json=as_json)
    with reporter.bars("videos") as bars:
        found = overlay_stats(folders, on_progress=lambda done, total: bars.show("adding up", done, total))
    data = found.as_dict()
    if out is not None:
        write_tables(out, stats_tables(found), data)
        reporter.say(f"written: {escape(str(out))}")
    reporter.result(shown(stats_tables(found, classes=TOP_CLASSES, videos=TOP_VIDEOS)), data)
