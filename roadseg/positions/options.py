"""Options of where a video was: the file of positions, and how it is used."""

from dataclasses import dataclass
from math import isfinite
from os import PathLike, fspath
from pathlib import Path
from typing import Self

from roadseg.errors import InputError
from roadseg.files import fingerprint
from roadseg.positions.read import AUTO, NONE, read_track
from roadseg.positions.sidecars import sidecars_of
from roadseg.positions.track import Track
from roadseg.video.probe import VideoInfo


@dataclass(frozen=True)
class PositionChoice:
    """Choice of the positions of videos."""

    gps: str = AUTO
    """`auto` for those in the video or beside it, the path of a file, or `none`."""
    offset_s: float | None = None
    """Seconds that are added to the times of the positions."""
    line: bool = False
    """Burn time, speed and place into the picture."""

    def __post_init__(self) -> None:
        if self.line and self.gps == NONE:
            raise InputError("place_line needs positions, of which nothing is to be read", "Leave one of the two out.")
        if self.offset_s is not None and not isfinite(self.offset_s):
            raise InputError(f"gps_offset: {self.offset_s}, wanted a number of seconds", "Leave it out for none.")

    @classmethod
    def of(cls, gps: str | PathLike[str], offset_s: float | None, *, line: bool = False) -> Self:
        """Return the choice that keywords ask for.

        Raises:
            InputError: the file is missing, or the offset is not a number.
        """
        if fspath(gps) not in (AUTO, NONE) and not Path(gps).is_file():
            raise InputError(f"{fspath(gps)}: no such file", "Check the path given to --gps, or leave it out.")
        return cls(fspath(gps), offset_s, line)

    def identity(self, video: Path) -> str:
        """Return a key that changes with the file that positions are read from; `none` reads nothing."""
        if self.gps == NONE:
            return NONE
        if self.gps != AUTO:
            return fingerprint(Path(self.gps))
        return " ".join([AUTO, *map(fingerprint, sidecars_of(video))])

    def track(self, video: Path, info: VideoInfo | None = None) -> Track | None:
        """Return the track of a video, see `read_track`."""
        return read_track(video, self.gps, offset=self.offset_s, info=info)


DEFAULT_POSITION = PositionChoice()
