"""Clocks of a camera: times in names against times in containers, and the signs of a clock that was reset."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from roadseg.errors import one_line

QUARTER = timedelta(minutes=15)
"""Time zones are whole multiples of this."""
NEAR = timedelta(minutes=2)
"""Largest difference of clocks that agree: names and containers are written at different moments of a recording."""
SUMMER = (2, 4)
"""Quarters of an hour by which clocks are set for summer time."""
SAME = timedelta(seconds=5)
FIRST_YEAR = 2010
"""Cameras whose clock was reset start in earlier years, or on a first of January."""


class Stamps(NamedTuple):
    """Times of one clip."""

    name: str
    """Name of the file, for notices."""
    named: datetime | None
    """Time in the name, without a zone."""
    stated: datetime | None
    """Creation time of the container, in UTC."""
    seconds: float
    """Duration; 0 where it is unknown."""
    sequence: int | None


class Clock(NamedTuple):
    """Findings about the clock of a camera."""

    utc_offset: timedelta | None
    """Times in names minus UTC; None where they do not tell it."""
    states_end: bool
    """True if containers state the end of a recording."""
    notices: list[str]
    summer: timedelta = timedelta()
    """Step by which the clock was set for summer time, or back, in some of the clips; 0 where it was not."""

    def ahead(self, stamps: Stamps) -> timedelta:
        """Return by how much the clock of a clip was ahead of that of most others: 0, or the step of summer time."""
        if not self.summer or self.utc_offset is None or stamps.named is None or stamps.stated is None:
            return timedelta()
        ahead = (
            -_off(stamps) + (timedelta(seconds=stamps.seconds) if self.states_end else timedelta()) - self.utc_offset
        )
        return self.summer if abs(ahead - self.summer) <= NEAR else timedelta()


def read_clock(stamps: Sequence[Stamps]) -> Clock:
    """Compare the times of the clips of one camera."""
    both = [each for each in stamps if each.named is not None and each.stated is not None]
    notices = [*_reset(stamps), *_future(stamps)]
    if not both:
        return Clock(None, _ends_follow(stamps), notices)
    by_start = [_off(each) for each in both]
    by_end = [off - timedelta(seconds=each.seconds) for off, each in zip(by_start, both, strict=True)]
    at_end = _rest(by_end) < SAME < _rest(by_start)
    offs = by_end if at_end else by_start
    quarters = [round(off / QUARTER) for off in offs]
    common = max(set(quarters), key=quarters.count)
    offset = -common * QUARTER
    is_zone = timedelta(hours=-12) <= offset <= timedelta(hours=14)
    beside = [quarter - common for quarter in quarters if abs(quarter - common) in SUMMER]
    step = max(set(beside), key=beside.count) if is_zone and beside else 0
    apart = [
        each
        for each, off in zip(both, offs, strict=True)
        if not is_zone or min(abs(off - common * QUARTER), abs(off - (common + step) * QUARTER)) > NEAR
    ]
    if step:
        count = beside.count(step)
        notices.append(f"the clock was set by {abs(step) / 4:g} h, as for summer time: {count} of {len(both)} clips")
    if apart:
        first = apart[0]
        of = "clip" if len(apart) == 1 else "clips"
        notices.append(
            f"clocks contradict each other in {len(apart)} {of}: {one_line(first.name)}, but its container says "
            f"{_utc(first):%Y-%m-%d %H:%M:%S}; the time in the name counts"
        )
    known = is_zone and 2 * len(apart) < len(both)
    if known and at_end:
        notices.append("containers state the end of each clip, not its start; the times in the names count")
    if known and offset == timedelta() and not step:
        notices.append("containers state the times in the names: local time as UTC, unless the camera runs on UTC")
        return Clock(None, at_end, notices)
    return Clock(offset if known else None, at_end, notices, -step * QUARTER)


def _utc(stamps: Stamps) -> datetime:
    assert stamps.stated is not None
    return stamps.stated.astimezone(UTC).replace(tzinfo=None)


def _off(stamps: Stamps) -> timedelta:
    assert stamps.named is not None
    return _utc(stamps) - stamps.named


def _rest(offs: Sequence[timedelta]) -> timedelta:
    """Return how far differences are from whole quarters of an hour: the middle one of all."""
    rest = [abs(off - round(off / QUARTER) * QUARTER) / timedelta(seconds=1) for off in offs]
    return timedelta(seconds=median(rest))


def _ends_follow(stamps: Sequence[Stamps]) -> bool:
    """Return True if clips without a time in their names follow each other closely only where containers state ends."""
    stated = sorted((each.stated, each.seconds) for each in stamps if each.stated is not None)
    starts = ends = 0.0
    for (before, length), (after, next_length) in pairwise(stated):
        between = (after - before).total_seconds()
        if between < 2 * max(length, next_length) + 1:
            starts += abs(between - length)
            ends += abs(between - next_length)
    return ends + 1 < starts


def _reset(stamps: Sequence[Stamps]) -> list[str]:
    """Return a notice about clips whose number says that they are later than their time."""
    early = [each for each in stamps if each.named is not None and each.named.year < FIRST_YEAR]
    found = [f"clock was reset: {one_line(early[0].name)} ({len(early)} in all)"] if early else []
    numbered = sorted(
        ((each.sequence, each.named, each.name) for each in stamps if each.sequence is not None and each.named),
        key=lambda each: (each[0], each[1]),
    )
    for (number, time, name), (later, its_time, its_name) in pairwise(numbered):
        if later == number + 1 and time - its_time > timedelta(minutes=30):
            days = (time - its_time) / timedelta(days=1)
            back = f"{days:.0f} days" if days >= 2 else f"{24 * days:.0f} h"
            found.append(f"clock was set back by {back}: {one_line(its_name)} comes after {one_line(name)} by number")
    return found[:1] if early else found


def _future(stamps: Sequence[Stamps]) -> list[str]:
    """Return a notice about clips of times that are still to come."""
    now = datetime.now(UTC).replace(tzinfo=None) + timedelta(days=1)
    late = [each for each in stamps if each.named is not None and each.named > now]
    return [f"clock is ahead: {one_line(late[0].name)} lies in the future ({len(late)} in all)"] if late else []
