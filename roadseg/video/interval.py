"""Part of a video by time."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Self

from roadseg.errors import InputError
from roadseg.video.frame import Frame, Moment


@dataclass(frozen=True)
class Interval:
    """Part of a video: the frames that begin in it, on the clock of `Frame.seconds`."""

    start: Fraction = Fraction(0)
    """Seconds, at least 0."""
    end: Fraction | None = None
    """Seconds, above `start`; None for the end of the video."""

    def __post_init__(self) -> None:
        if self.start < 0:
            raise InputError(f"start: {float(self.start):g} s, wanted at least 0", "Leave it out for the beginning.")
        if self.end is not None and self.end <= self.start:
            length = float(self.end - self.start)
            raise InputError(f"duration: {length:g} s, wanted above 0", "Leave it out for all that follows.")

    @classmethod
    def lasting(cls, start: float | Fraction = 0, duration: float | Fraction | None = None) -> Self:
        """Return the part that starts at a time and lasts so long, both in seconds, to the microsecond.

        Args:
            start: at least 0.
            duration: above 0; None for all that follows.

        Raises:
            InputError: a number is outside its range.
        """
        begin = Fraction(start).limit_denominator(10**6)
        return cls(begin, None if duration is None else begin + Fraction(duration).limit_denominator(10**6))

    @property
    def duration(self) -> Fraction | None:
        """Length in seconds; None where it lasts until the end of the video."""
        return None if self.end is None else self.end - self.start

    @property
    def is_whole(self) -> bool:
        """True for all of a video."""
        return self == WHOLE

    def is_ahead(self, moment: Frame | Moment) -> bool:
        """Return True if a frame begins before the part."""
        return _is_before(moment, self.start)

    def is_over(self, moment: Frame | Moment) -> bool:
        """Return True if a frame begins behind the part."""
        return self.end is not None and not _is_before(moment, self.end)

    def cut(self, moment: Moment) -> Moment:
        """Return the moment of a frame that begins in the part; its duration ends with it, but is at least a tick."""
        if self.end is None or not self.is_over(replace(moment, pts=moment.pts + moment.duration)):
            return moment
        return replace(moment, duration=max(1, int(self.end / moment.time_base) - moment.pts))

    def within(self, begin: float, length: float) -> tuple[float, float]:
        """Return start and length in seconds of what it has of a video that begins at `begin` and lasts `length`."""
        start = max(begin, float(self.start))
        end = begin + length if self.end is None else min(begin + length, float(self.end))
        return start, max(0.0, end - start)

    def __str__(self) -> str:
        return f"from {clock(self.start)} " + ("on" if self.end is None else f"to {clock(self.end)}")


WHOLE = Interval()
"""All of a video."""


def clock(seconds: float | Fraction) -> str:
    """Return a time as people read it, [H:]MM:SS with a fraction where it has one: 1:30, 0:00.5."""
    minutes, rest = divmod(round(float(seconds), 3), 60)
    hours, minutes = divmod(int(minutes), 60)
    shown = f"{rest:06.3f}".rstrip("0").rstrip(".")
    return f"{hours}:{minutes:02}:{shown}" if hours else f"{minutes}:{shown}"


def _is_before(moment: Frame | Moment, seconds: Fraction) -> bool:
    # In whole numbers: fractions would take ten times as long, for every frame of a video.
    return (
        moment.pts * moment.time_base.numerator * seconds.denominator < seconds.numerator * moment.time_base.denominator
    )
