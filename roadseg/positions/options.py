"""Options for the positions of a video: the file that they are read from, and their use."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite
from os import PathLike, fspath
from pathlib import Path
from typing import Self

from roadseg.errors import InputError
from roadseg.files import fingerprint
from roadseg.positions.read import AUTO, NONE, read_track
from roadseg.positions.seventy_mai import LOGS
from roadseg.positions.sidecars import SIDECARS, sidecars_of
from roadseg.positions.track import Track
from roadseg.video.probe import VideoInfo

UNREAD = (".fit", ".igc", ".kml", ".kmz", ".tcx")
"""Extensions of files of positions that are not read."""


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
        """Return the choice that the keywords of a job ask for.

        Args:
            gps: "auto", "none" or the path of a file.
            offset_s: seconds that are added to the times of the positions; None for none.
            line: burn time, speed and place into the picture.

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


def refuse_as_videos(given: Iterable[object]) -> None:
    """Make sure that no file of positions, as its name tells, is given as a video.

    Args:
        given: paths, and other things, which are passed over, as are folders and `@lists`.

    Raises:
        InputError: there is one; the remedy says how to use it.
    """
    for path in (Path(one) for one in given if isinstance(one, str | PathLike)):
        if path.suffix.lower() in SIDECARS or path.match(LOGS):
            remedy = f"Positions belong to a video: roadseg overlay VIDEO --gps {path}"
        elif path.suffix.lower() in UNREAD:
            remedy = "Positions belong to a video, as GPX (GPSBabel converts): roadseg overlay VIDEO --gps FILE.gpx"
        else:
            continue
        if os.path.isfile(path):  # noqa: PTH113 (Path.is_file raises errors of the disk)
            raise InputError(f"{path}: not a video", remedy)
