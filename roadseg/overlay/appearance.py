"""Appearance of an overlay: the options of what people see, which change no label and no statistics."""

from dataclasses import dataclass
from typing import Literal, get_args

from roadseg.errors import InputError

LegendPlace = Literal["below", "top", "bottom", "none"]


@dataclass(frozen=True)
class Appearance:
    """Options of what an overlay shows."""

    opacity: float = 0.5
    """Weight of the class colours, 0 (the plain video) to 1 (only colours)."""
    legend: LegendPlace = "below"
    """Place of the names of the classes that the video shows: a strip below the picture, or a panel on it."""

    def __post_init__(self) -> None:
        if not 0 <= self.opacity <= 1:
            raise InputError(f"opacity: {self.opacity}, wanted 0 to 1", "0 is the plain video, 1 shows only colours.")
        if self.legend not in get_args(LegendPlace):
            raise InputError(f"legend: {self.legend!r} is unknown", f"Use one of {', '.join(get_args(LegendPlace))}.")


DEFAULT_APPEARANCE = Appearance()
NO_LEGEND = Appearance(legend="none")
