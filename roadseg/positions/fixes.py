"""Positions as receivers report them, before they are placed on the clock of a video."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite, nan
from typing import Literal, NamedTuple

KNOT = 1852 / 3600
"""Metres per second."""


class Fix(NamedTuple):
    """One report of a receiver; NaN stands for what it does not say."""

    lat: float = nan
    """Degrees north of the equator, WGS84; NaN where the receiver had no position."""
    lon: float = nan
    """Degrees east of Greenwich, WGS84."""
    utc: float = nan
    """Seconds since 1970-01-01 on the clock that `Recording.clock` names."""
    seconds: float = nan
    """Time on the clock of the video, where the file ties the fix to it."""
    speed_mps: float = nan
    heading_deg: float = nan
    """Direction of travel, clockwise from north."""
    hdop: float = nan
    """Horizontal dilution of precision: 1 is good, above 10 a position is of no use."""

    @property
    def has_position(self) -> bool:
        """True where latitude and longitude are numbers."""
        return isfinite(self.lat) and isfinite(self.lon)


def from_minutes(value: float, most: int) -> float:
    """Return the degrees of a number DDDMM.MMMM, at most `most` degrees; NaN where it is not one."""
    if not 0 <= value <= 100 * most:
        return nan
    degrees, minutes = divmod(value, 100)
    return degrees + minutes / 60 if minutes < 60 else nan


@dataclass(frozen=True)
class Recording:
    """All fixes of one file, as they are written there."""

    source: str
    """Format, and the name of the file if it is not the video."""
    fixes: Sequence[Fix]
    """In the order of the file; fixes without a position show that the receiver was on."""
    clock: Literal["utc", "local"] = "utc"
    """Clock of `Fix.utc`: UTC, or the clock of the camera, which may be set to local time."""
    begins_with_video: bool = False
    """The camera wrote the reports together with the video: the first belongs to the first frame."""
    from_first_frame: bool = False
    """`Fix.seconds` count from the first frame, not on the clock of the frames."""
    enciphered: bool = False
    """There are reports, but they are enciphered, or in a layout that is not known."""
    notices: Sequence[str] = field(default=())
    """Losses and assumptions, each in a sentence."""
