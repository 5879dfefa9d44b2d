"""Options of `roadseg stats` for places along the road, and what it prints of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.markup import escape

from roadseg.cli.console import Reporter
from roadseg.cli.options import parse_length
from roadseg.cli.tables import shown

BY_PLACE = ".geojson, .gpkg, .csv or .parquet"
PANEL = "By place along the road"

Along = Annotated[
    str | None,
    typer.Option("--along", metavar="LENGTH", rich_help_panel=PANEL, help="By segments of each drive, e.g. 100m."),
]
CellSize = Annotated[
    str | None,
    typer.Option("--grid", metavar="LENGTH", rich_help_panel=PANEL, help="By square cells over all drives, e.g. 100m."),
]
Network = Annotated[
    Path | None,
    typer.Option("--network", metavar="FILE", rich_help_panel=PANEL, help="By the streets of a .gpkg or .geojson."),
]
NetworkDistance = Annotated[
    str | None,
    typer.Option(
        "--network-distance", metavar="LENGTH", rich_help_panel=PANEL, help="Greatest way to a street. Default: 20m."
    ),
]
Indices = Annotated[
    Path | None,
    typer.Option("--indices", metavar="FILE", rich_help_panel=PANEL, help="TOML file of your own indices."),
]
TrimEnds = Annotated[
    str | None,
    typer.Option(
        "--trim-ends",
        metavar="LENGTH",
        rich_help_panel=PANEL,
        help="Leave out the start and end of each drive, e.g. 200m.",
    ),
]
Map = Annotated[
    Path | None,
    typer.Option(
        "--map",
        metavar="FILE.html",
        rich_help_panel=PANEL,
        help="Save a map as a page; without --along, of 100 m each.",
    ),
]
Basemap = Annotated[
    Path | None,
    typer.Option("--basemap", metavar="FILE", rich_help_panel=PANEL, help="GeoJSON to draw grey below the map."),
]


class ByPlace(NamedTuple):
    """The options as they were given."""

    along: str | None
    grid: str | None
    network: Path | None
    network_distance: str | None
    indices: Path | None
    trim_ends: str | None
    map: Path | None
    basemap: Path | None

    @property
    def wanted(self) -> bool:
        """True if figures by place are asked for.

        Raises:
            typer.BadParameter: two divisions are given, or none for options that need one.
        """
        ways = [way for way in (self.along, self.grid, self.network) if way is not None]
        if len(ways) > 1:
            raise typer.BadParameter("give only one of --along, --grid and --network")
        if self.network is None and self.network_distance is not None:
            raise typer.BadParameter("--network-distance goes with --network")
        if self.basemap is not None and self.map is None:
            raise typer.BadParameter("--basemap goes with --map")
        if not ways and self.map is None and (self.indices, self.trim_ends) != (None, None):
            option = "--trim-ends" if self.indices is None else "--indices"
            raise typer.BadParameter(f"{option} goes with --along, --grid, --network or --map")
        return bool(ways) or self.map is not None


def show_by_place(
    reporter: Reporter, folders: Sequence[Path], out: Path | None, channel: str, options: ByPlace
) -> None:
    """Add up folders by place, write the files and print the indices."""
    from roadseg.jobs.stats_along import stats_along
    from roadseg.report.along_tables import along_table

    lengths = {
        name: parse_length(text)
        for name in ("along", "grid", "network_distance", "trim_ends")
        if (text := getattr(options, name)) is not None
    }
    with reporter.bars("videos") as bars:
        found = stats_along(
            folders,
            out=out,
            network=options.network,
            channel=channel,
            indices=options.indices,
            map_page=options.map,
            basemap=options.basemap,
            on_progress=bars.show,
            **lengths,
        )
    for notice in found.notices:
        reporter.warn(notice)
    for path in filter(None, (out, options.map)):
        reporter.say(f"written: {escape(str(path))}")
    reporter.result(shown([along_table(found)]), found.as_dict())
