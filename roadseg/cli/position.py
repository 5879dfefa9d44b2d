"""Options of `roadseg overlay` about where a video was."""

from typing import Annotated

import typer

PANEL = "Position"

Gps = Annotated[
    str,
    typer.Option(
        metavar="FILE|auto|none",
        help="Positions: auto reads those in or beside each video; or a file (GPX, NMEA, SRT, CSV), or none.",
        rich_help_panel=PANEL,
    ),
]
GpsOffset = Annotated[
    float | None,
    typer.Option(metavar="SECONDS", help="Add this to the times of the positions.", rich_help_panel=PANEL),
]
NoPosition = Annotated[
    bool,
    typer.Option("--no-position", help="Read and write no positions: the same as --gps none.", rich_help_panel=PANEL),
]


TrimEnds = Annotated[
    str,
    typer.Option(
        metavar="LENGTH",
        help="Leave the start and end of each drive out of all results, e.g. 200m. Needs positions.",
        rich_help_panel=PANEL,
    ),
]


PlaceLine = Annotated[
    bool, typer.Option("--place-line", help="Burn time, speed and place into the picture.", rich_help_panel=PANEL)
]


def chosen_gps(gps: str, *, no_position: bool) -> str:
    """Return the choice of positions.

    Raises:
        typer.BadParameter: the options contradict each other.
    """
    if not no_position:
        return gps
    if gps not in ("auto", "none"):
        raise typer.BadParameter("--gps FILE and --no-position exclude each other")
    return "none"
