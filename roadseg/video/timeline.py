"""Timestamps that increase strictly, whatever the file says."""

from fractions import Fraction

MAX_GAP_SECONDS = 3600
MAX_GAP_TICKS = 2**31 - 1
"""MP4 counts the ticks from one packet to the next in 32 bits, and FFmpeg takes a signed number."""

MAX_START = 2**52
"""Ticks; at 90 kHz they reach further than the years since 1970, by which some recorders count."""


class Timeline:
    """Places pictures or packets one after the other, changing as few timestamps as possible.

    A stamp that repeats, or goes back by less than a second, is moved one step behind its predecessor. One that goes
    back further, or ahead by more than an hour (or than MP4 can count), comes from recordings joined end to end or from
    damage: from there on all stamps are shifted so that time goes on. A missing stamp continues where its predecessor
    ends. With `from_zero`, one that begins before 0 shifts all to 0.
    """

    def __init__(self, time_base: Fraction, *, step: int = 1, from_zero: bool = False) -> None:
        """Begin before the first stamp.

        Args:
            time_base: seconds a tick.
            step: ticks from a stamp to the next, at least.
            from_zero: shift what begins before 0.
        """
        self.time_base = time_base
        """Seconds a tick."""
        self.longest = max(1, min(int(MAX_GAP_SECONDS / time_base), MAX_GAP_TICKS // time_base.numerator))
        """Ticks from a stamp to the next, at most."""
        self.repaired = 0
        """How many stamps could not be kept."""
        self._step = step
        self._from_zero = from_zero
        self._second = round(1 / time_base)
        self._offset = 0
        self._last: int | None = None
        self._end = 0

    def place(self, stamp: int | None, duration: int) -> int:
        """The stamp to use, in ticks, for what has `stamp` in the file and lasts `duration` ticks, 0 if unknown."""
        placed = self._end if stamp is None else stamp + self._offset
        kept = stamp is not None
        if self._last is None:
            if (placed < 0 and self._from_zero) or abs(placed) > MAX_START:
                kept = False
                self._offset -= placed
                placed = 0
        elif self._last - placed > self._second or placed - self._last > self.longest:
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

    def plausible(self, duration: int) -> int:
        """`duration` in ticks, or 0 if it is unknown (0) or cannot be true."""
        return duration if 0 < duration <= self.longest else 0
