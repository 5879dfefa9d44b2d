"""`roadseg stats`: class statistics of the videos in overlay folders."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from roadseg.cli.along import (
    BY_PLACE,
    Along,
    Basemap,
    ByPlace,
    CellSize,
    Indices,
    Map,
    Network,
    NetworkDistance,
    TrimEnds,
    show_by_place,
)
from roadseg.cli.console import Debug, Json, LogFormat, Quiet, Reporter
from roadseg.cli.options import parse_offset
from roadseg.cli.tables import check_suffix, shown

TOP_CLASSES, TOP_VIDEOS = 5, 20
"""Rows that a terminal shows; files hold all."""


def stats(
    folders: Annotated[
        list[Path], typer.Argument(metavar="DIR", help="Folders of `roadseg overlay`, searched at any depth.")
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help=f"Save to FILE.md, .csv or .json; by place: {BY_PLACE}."),
    ] = None,
    channel: Annotated[
        str, typer.Option(metavar="NAME", help="Direction of the cameras that count: front, rear, cabin, left, ...")
    ] = "front",
    utc_offset: Annotated[
        str | None,
        typer.Option(
            metavar="+HH:MM",
            help="Time zone of the hours: local time minus UTC, e.g. +05:30. Default: that of the place, else UTC.",
        ),
    ] = None,
    along: Along = None,
    grid: CellSize = None,
    network: Network = None,
    network_distance: NetworkDistance = None,
    indices: Indices = None,
    trim_ends: TrimEnds = None,
    map_page: Map = None,
    basemap: Basemap = None,
    quiet: Quiet = False,
    as_json: Json = False,
    log_format: LogFormat = "text",
    debug: Debug = False,
) -> None:
    """Add up classes over videos: share of the frame and seconds, in all, by time of day, by video or by place.

    Reads the *.frames.parquet files of finished overlays. Every frame counts for
    as long as it is shown. Channels never mix: a rear camera counts with
    --channel rear alone. The time of day is known for videos with positions or a
    creation time. People and vehicles are always listed.

    With --along, --grid, --network or --map it adds up by place along the road:
    class shares by time and by distance, and indices. This needs positions,
    which `roadseg overlay` writes where it finds them.

    [bold]Example:[/bold] roadseg stats overlays --utc-offset +05:30 --out drives.csv
    [bold]Example:[/bold] roadseg stats overlays --along 100m --out road.geojson
    [bold]Example:[/bold] roadseg stats overlays --map road.html
    """
    by_place = ByPlace(along, grid, network, network_distance, indices, trim_ends, map_page, basemap)
    if by_place.wanted:
        show_by_place(Reporter(quiet=quiet, as_json=as_json), folders, out, channel, by_place)
        return
    from roadseg.jobs.stats import stats as add_up
    from roadseg.report.stats_tables import stats_tables

    check_suffix(out)
    offset = None if utc_offset is None else parse_offset(utc_offset)
    reporter = Reporter(quiet=quiet, as_json=as_json)
    with reporter.bars("videos") as bars:
        found = add_up(
            folders,
            out=out,
            channel=channel,
            utc_offset=offset,
            on_progress=lambda done, total: bars.show("adding up", done, total),
        )
    if out is not None:
        reporter.say(f"written: {escape(str(out))}")
    reporter.result(shown(stats_tables(found, classes=TOP_CLASSES, videos=TOP_VIDEOS)), found.as_dict())
