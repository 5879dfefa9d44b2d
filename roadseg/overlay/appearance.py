"""Appearance of an overlay: the options of what people see, which change no label and no statistics."""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any, Literal, Self, TypedDict, get_args

from roadseg.errors import InputError, one_line
from roadseg.labels.palettes import PALETTES, Palette, chosen_palette
from roadseg.labels.space import LabelSpace
from roadseg.video.writer import MAX_SIDE

LegendPlace = Literal["below", "top", "bottom", "none"]
Style = Literal["fill", "contour", "both"]
LEAST_HEIGHT = 16


class AppearanceOptions(TypedDict, total=False):
    """Keywords for the appearance of an overlay, of videos and of images; labels and statistics stay."""

    opacity: float
    """Weight of the class colours, 0 (the plain picture) to 1 (only colours); 0.5 by default."""
    style: Style
    """"fill" colours regions, "contour" draws their contours in full colour, "both" does both."""
    fit_edges: bool
    """Fit outlines to the picture; takes 10 to 40 ms of CPU time a frame."""
    palette: str | PathLike[str]
    """"cityscapes", "bright", "colour-blind", or the path of a TOML file of class = "#rrggbb"; in the legend and on
    the pages too."""
    classes: Sequence[str]
    """Names of the classes that are drawn; all by default."""
    legend: LegendPlace
    """Place of the names of the classes that are shown: "below", a strip under the picture, which makes it higher;
    "top" or "bottom", a panel on it; or "none"."""
    side_by_side: bool
    """Show the plain picture on the left of the one with labels."""
    height: int | None
    """Height in pixels that the picture is scaled to; a strip below adds to it."""
    title: str
    """Line of text in the upper left corner."""
    blur: Sequence[str]
    """Names of classes that are pixelated, with a margin, where the network finds them, for example person, rider, car.
    Number plates and faces are not searched for: those that its labels miss stay visible."""


@dataclass(frozen=True)
class Appearance:
    """Options of what an overlay shows."""

    opacity: float = 0.5
    """Weight of the class colours, 0 (the plain video) to 1 (only colours); contours are opaque."""
    style: Style = "fill"
    """Colour regions, draw their contours, or both."""
    fit_edges: bool = False
    """Fit outlines to the picture, see `roadseg.overlay.edges`."""
    palette: Palette = "cityscapes"
    """Colours of the classes, here and on the pages."""
    classes: tuple[str, ...] = ()
    """Classes that are drawn; empty for all."""
    legend: LegendPlace = "below"
    """Place of the names of the classes that the video shows: a strip below the picture, or a panel on it."""

    side_by_side: bool = False
    """Show the plain picture on the left of the one with labels."""
    height: int | None = None
    """Height in pixels that the picture is scaled to, rounded down to an even number; a strip below adds to it. None:
    that of the video."""
    title: str = ""
    """Line of text in the upper left corner."""
    blur: tuple[str, ...] = ()
    """Classes that are pixelated, with a margin, where the network finds them; nothing else is searched for."""

    def __post_init__(self) -> None:
        if not 0 <= self.opacity <= 1:
            raise InputError(f"opacity: {self.opacity}, wanted 0 to 1", "0 is the plain video, 1 shows only colours.")
        _check_choice("style", self.style, get_args(Style))
        _check_choice("legend", self.legend, get_args(LegendPlace))
        if self.height is not None and not LEAST_HEIGHT <= self.height <= MAX_SIDE:
            raise InputError(f"height: {self.height}, wanted {LEAST_HEIGHT} to {MAX_SIDE}", "720 is usual for posts.")
        if isinstance(self.palette, str):
            _check_choice("palette", self.palette, tuple(PALETTES))

    @classmethod
    def of(cls, options: AppearanceOptions) -> Self:
        """Return the appearance that keywords ask for.

        Raises:
            InputError: a value is outside its range, or a file of colours cannot be read.
        """
        values: dict[str, Any] = {**options, "palette": chosen_palette(options.get("palette", "cityscapes"))}
        values |= {"classes": tuple(options.get("classes", ())), "blur": tuple(options.get("blur", ()))}
        return cls(**values | {"title": one_line(options.get("title", ""))})

    def check(self, label_space: LabelSpace) -> None:
        """Make sure that all classes that are named are classes of a label space, or counterparts.

        Raises:
            InputError: one is not.
        """
        train_ids(label_space, "classes", self.classes)
        train_ids(label_space, "blur", self.blur)
        if not isinstance(self.palette, str):
            train_ids(label_space, "palette", tuple(self.palette))


def train_ids(label_space: LabelSpace, option: str, names: Sequence[str]) -> list[int]:
    """Return the train ids of classes that an option names, or of the classes that contain these.

    Raises:
        InputError: the label space has no such class.
    """
    found = {name: label_space.counterpart(name) for name in names}
    unknown = [name for name, counterpart in found.items() if counterpart is None]
    if unknown:
        raise InputError(
            f"{option}: no class {unknown[0]!r} in {label_space.name}", f"There are {', '.join(label_space.classes)}."
        )
    return [label_space.classes.index(counterpart) for counterpart in found.values() if counterpart is not None]


def _check_choice(option: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise InputError(f"{option}: {value!r} is unknown", f"Use one of {', '.join(choices)}.")


DEFAULT_APPEARANCE = Appearance()
NO_LEGEND = Appearance(legend="none")
