"""Palettes: other colours for the classes of a label space, by name or from a file."""

import re
from collections.abc import Mapping
from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path
from typing import Literal

from roadseg.errors import InputError
from roadseg.inputs.documents import read_toml
from roadseg.labels.space import LabelSpace

Colour = tuple[int, int, int]
PaletteName = Literal["cityscapes", "bright", "colour-blind"]
Palette = PaletteName | dict[str, Colour]
"""A palette of this module, or RGB colours, 0..255, by the names of classes."""

EXAMPLE = 'A line for each class: car = "#0050ff". Names with a space need quotes: "traffic light" = "#ff7d00".'
_HEX = re.compile(r"#[0-9a-fA-F]{6}")

# Distances in CIELAB of any two colours at half opacity on grey (110): Cityscapes' are at least 8, these 15.
BRIGHT: Mapping[str, Colour] = {
    "road": (124, 70, 190),
    "sidewalk": (255, 150, 210),
    "building": (140, 140, 140),
    "wall": (108, 75, 48),
    "fence": (215, 160, 100),
    "pole": (240, 240, 240),
    "traffic light": (255, 125, 0),
    "traffic sign": (255, 235, 0),
    "vegetation": (20, 130, 45),
    "terrain": (160, 200, 110),
    "sky": (120, 200, 255),
    "person": (255, 25, 25),
    "rider": (255, 0, 190),
    "car": (0, 80, 255),
    "truck": (0, 235, 255),
    "bus": (0, 130, 135),
    "train": (125, 0, 50),
    "motorcycle": (0, 255, 130),
    "bicycle": (205, 255, 40),
    "autorickshaw": (255, 185, 0),
}
# The same distances are at least 12 as people with deuteranopia or protanopia see them (Machado et al., "A
# physiologically-based model for simulation of color vision deficiency", 2009), where Cityscapes' are 2.
COLOUR_BLIND: Mapping[str, Colour] = {
    "road": (144, 147, 144),
    "sidewalk": (195, 196, 255),
    "building": (140, 156, 60),
    "wall": (50, 74, 75),
    "fence": (155, 201, 146),
    "pole": (235, 238, 255),
    "traffic light": (255, 255, 82),
    "traffic sign": (255, 255, 171),
    "vegetation": (60, 113, 65),
    "terrain": (65, 145, 179),
    "sky": (255, 255, 223),
    "person": (204, 140, 8),
    "rider": (255, 225, 0),
    "car": (0, 82, 207),
    "truck": (87, 144, 232),
    "bus": (6, 0, 94),
    "train": (5, 0, 48),
    "motorcycle": (99, 0, 0),
    "bicycle": (195, 219, 88),
    "autorickshaw": (108, 75, 0),
}
PALETTES: Mapping[PaletteName, Mapping[str, Colour]] = {
    "cityscapes": {},  # label spaces come with these colours
    "bright": BRIGHT,
    "colour-blind": COLOUR_BLIND,
}


def chosen_palette(choice: str | PathLike[str]) -> Palette:
    """Return a palette by its name, or that of a file, see `read_palette`."""
    named = [name for name in PALETTES if name == fspath(choice)]
    return named[0] if named else read_palette(Path(choice))


def recoloured(space: LabelSpace, palette: Palette) -> LabelSpace:
    """Return a label space with the colours of a palette; classes that it does not know keep theirs.

    A class that has another name in the palette, as a part of it or for the same, gets that colour.
    """
    wanted = PALETTES[palette] if isinstance(palette, str) else palette
    found = {space.counterpart(name): colour for name, colour in reversed([*wanted.items()])}
    colours = (
        wanted.get(name) or found.get(name, colour) for name, colour in zip(space.classes, space.colours, strict=True)
    )
    return replace(space, colours=tuple(colours))


def read_palette(path: Path) -> dict[str, Colour]:
    """Read a palette: a TOML file of class = "#rrggbb".

    Raises:
        InputError: it cannot be read, is empty, or has something else than such lines.
    """
    try:
        values = read_toml(path)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: this palette cannot be read ({getattr(error, 'strerror', None) or error})",
            f"Give a TOML file, or one of {', '.join(PALETTES)}. {EXAMPLE}",
        ) from None
    wrong = [name for name, value in values.items() if not (isinstance(value, str) and _HEX.fullmatch(value))]
    if wrong:
        raise InputError(f"{path}: {wrong[0]} has no colour of the form #rrggbb", EXAMPLE)
    if not values:
        raise InputError(f"{path}: has no colours", EXAMPLE)
    return {name: (int(value[1:3], 16), int(value[3:5], 16), int(value[5:7], 16)) for name, value in values.items()}
