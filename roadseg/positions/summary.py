"""Positions of a video in the summary of its overlay."""

from typing import Self

from pydantic import BaseModel

from roadseg.positions.track import Track


class PositionSummary(BaseModel):
    """Positions of a video."""

    source: str
    """Format, and the name of the file if it is not the video; empty where positions were found and cannot be used."""
    fixes: int
    """Number of positions while the video ran."""
    offset_s: float
    """Seconds that `--gps-offset` added to their times."""
    notices: list[str]
    """Losses and assumptions, each in a sentence."""

    @classmethod
    def of(cls, track: Track | None) -> Self | None:
        """Return the summary of a track; None where there is none."""
        if track is None:
            return None
        return cls(source=track.source, fixes=len(track), offset_s=track.offset_s, notices=list(track.notices))
