"""Timestamps that increase strictly, whatever the file says."""

from fractions import Fraction


class Timeline:
    """Places pictures or packets one after the other, changing as few timestamps as possible.

    A stamp that repeats, or goes back by less than a second, is moved one tick behind its predecessor. One that goes
    back further comes from recordings joined end to end: from there on all stamps are shifted so that time goes on.
    A missing stamp continues where its predecessor ends. With `from_zero`, one that begins before 0 shifts all to 0.
    """

    def __init__(self, time_base: Fraction, *, from_zero: bool = False) -> None:
        self.time_base = time_base
        """Seconds a tick."""
        self.repaired = 0
        """How many stamps could not be kept."""
        self._from_zero = from_zero
        self._second = round(1 / time_base)
        self._offset = 0
        self._last: int | None = None
        self._end = 0

    def place(self, stamp: int | None, duration: int) -> int:
        """The stamp to use, in ticks, for what has `stamp` in the file and lasts `duration` ticks."""
        placed = self._end if stamp is None else stamp + self._offset
        kept = stamp is not None
        if self._last is None and placed < 0 and self._from_zero:
            kept = False
            self._offset = -placed
            placed = 0
        elif self._last is not None and placed <= self._last:
            kept = False
            if self._last - placed > self._second:
                self._offset += self._end - placed
                placed = self._end
            else:
                placed = self._last + 1
        self.repaired += not kept
        self._last = placed
        self._end = placed + max(duration, 1)
        return placed
