"""Options of `roadseg overlay` about where a video was."""

import re
from typing import Annotated

import typer

PANEL = "Position"

Gps = Annotated[
    str,
    typer.Option(
        metavar="FILE|auto|none",
        help="Positions: in or beside each video, from a file (GPX, NMEA, SRT, CSV), or none.",
        rich_help_panel=PANEL,
    ),
]
GpsOffset = Annotated[
    float | None,
    typer.Option(metavar="SECONDS", help="Add this to the times of the positions.", rich_help_panel=PANEL),
]
NoPosition = Annotated[
    bool,
    typer.Option("--no-position", help="Read and write nothing of where a video was.", rich_help_panel=PANEL),
]


TrimEnds = Annotated[
    str,
    typer.Option(
        metavar="METRES",
        help="Leave the first and last 200m, say, of each drive out of all results. Needs positions.",
        rich_help_panel=PANEL,
    ),
]


PlaceLine = Annotated[
    bool, typer.Option("--place-line", help="Burn time, speed and place into the picture.", rich_help_panel=PANEL)
]


def parse_metres(text: str) -> float:
    """Return metres of a text such as 200, 200m or 0.2km; 0 for an empty one.

    Raises:
        typer.BadParameter: it is none.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(m|km)?", text.strip())
    if text and not found:
        raise typer.BadParameter(f"{text!r} is no distance: give metres, such as 200m")
    return float(found[1]) * (1000 if found[2] == "km" else 1) if found else 0.0


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
