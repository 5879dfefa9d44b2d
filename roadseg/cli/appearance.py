"""Options of `roadseg overlay` that say what people see."""

from typing import Annotated, Literal

import typer

PANEL = "Appearance"

Opacity = Annotated[
    float,
    typer.Option(min=0, max=1, metavar="0..1", help="Weight of the class colours.", rich_help_panel=PANEL),
]
Style = Annotated[
    Literal["fill", "contour", "both"],
    typer.Option(help="Colour regions, draw their contours, or both.", rich_help_panel=PANEL),
]
FitEdges = Annotated[
    bool,
    typer.Option(
        "--fit-edges", help="Fit outlines to the picture. 10 to 40 ms of CPU time a frame.", rich_help_panel=PANEL
    ),
]
Palette = Annotated[
    str,
    typer.Option(
        metavar="NAME|FILE",
        help="Colours: cityscapes, bright, colour-blind, or a TOML file of class = '#rrggbb'.",
        rich_help_panel=PANEL,
    ),
]
Classes = Annotated[
    str,
    typer.Option(metavar="NAME,NAME..", help="Draw only these classes; statistics keep all.", rich_help_panel=PANEL),
]
Legend = Annotated[
    Literal["below", "top", "bottom", "none"],
    typer.Option(
        help="Names of the classes that the video shows: a strip below the picture, or a panel on it.",
        rich_help_panel=PANEL,
    ),
]
SideBySide = Annotated[
    bool, typer.Option("--side-by-side", help="Show the plain picture on the left.", rich_help_panel=PANEL)
]
Height = Annotated[
    int | None,
    typer.Option(
        min=16,
        metavar="PIXELS",
        help="Scale the picture to this height; a legend below adds to it.",
        rich_help_panel=PANEL,
    ),
]
Title = Annotated[
    str, typer.Option(metavar="TEXT", help="Line of text in the upper left corner.", rich_help_panel=PANEL)
]
Blur = Annotated[
    str,
    typer.Option(
        metavar="NAME,NAME..",
        help="Pixelate these classes where labels find them, e.g. person,rider,car. Faces and plates are not searched.",
        rich_help_panel=PANEL,
    ),
]


def parse_names(names: str) -> tuple[str, ...]:
    """Return the names of classes in a list with commas."""
    return tuple(name.strip() for name in names.split(",") if name.strip())
