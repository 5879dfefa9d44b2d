"""Timestamps that strictly increase, even where those of the file do not."""

from fractions import Fraction

MAX_GAP_SECONDS = 3600
MAX_GAP_TICKS = 2**31 - 1
"""Largest gap between packets in MP4, which counts it in 32 bits; FFmpeg takes a signed number."""

RUN = 3
"""Consecutive stamps that are wrong in the same way until that counts as the clock of the file."""

MAX_START = 2**52
"""Ticks; at 90 kHz they cover more than the years since 1970, from which some recorders count."""


class Timeline:
    """Clock that places frames or packets one after the other, changing as few timestamps as possible.

    A stamp that repeats, or goes back by less than a second, is moved one step behind its predecessor. A stamp that
    goes back further, the third in a row that is behind by over a tenth of a second, and one that goes ahead by more
    than an hour (or than MP4 can count) come from recordings joined end to end or from damage: from there on all stamps
    are shifted so that time continues. A missing stamp, and the third in a row that is the same, continue where their
    predecessor ends. With `from_zero`, a first stamp before 0 shifts all stamps so that it becomes 0.
    """

    def __init__(self, time_base: Fraction, *, step: int = 1, from_zero: bool = False, start: int = 0) -> None:
        """Begin before the first stamp.

        Args:
            time_base: seconds per tick.
            step: smallest distance between stamps in ticks.
            from_zero: True shifts stamps that begin before 0.
            start: time in ticks at which missing first stamps begin.
        """
        self.time_base = time_base
        """Seconds per tick."""
        self.longest = max(1, min(int(MAX_GAP_SECONDS / time_base), MAX_GAP_TICKS // time_base.numerator))
        """Largest distance between stamps in ticks."""
        self.repaired = 0
        """Number of stamps that could not be kept."""
        self._step = step
        self._from_zero = from_zero
        self._second = round(1 / time_base)
        self._offset = 0
        self._last: int | None = None
        self._end = start
        self._stamp: int | None = None
        self._same = 0
        self._behind = 0

    def place(self, stamp: int | None, duration: int) -> int:
        """Return the stamp to use, in ticks.

        Args:
            stamp: the stamp in the file, in ticks; None if it is missing.
            duration: duration in ticks; 0 if it is unknown.
        """
        self._same = self._same + 1 if stamp is not None and stamp == self._stamp else 0
        self._stamp = stamp
        kept = stamp is not None and self._same < RUN - 1
        placed = stamp + self._offset if stamp is not None and kept else self._end
        if self._last is None:
            if (placed < 0 and self._from_zero) or abs(placed) > MAX_START:
                kept = False
                self._offset -= placed
                placed = 0
        elif self._jumps(self._last, placed):
            kept = False
            self._offset += self._end - placed
            placed = self._end
        elif placed < self._last + self._step:
            kept = False
            placed = self._last + self._step
        self.repaired += not kept
        self._last = placed
        self._end = placed + max(self.plausible(duration), self._step)
        return placed

    def _jumps(self, last: int, placed: int) -> bool:
        """Return True where time has to be shifted at a stamp."""
        back = last - placed
        self._behind = self._behind + 1 if 10 * back > self._second else 0
        return back > self._second or -back > self.longest or self._behind == RUN

    def plausible(self, duration: int) -> int:
        """Return `duration` in ticks, or 0 if it is unknown (0) or impossible."""
        return duration if 0 < duration <= self.longest else 0
