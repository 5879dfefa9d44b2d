"""Track of a video: where it was at each time, how fast, and how far it had driven."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

from roadseg.positions.cleaning import SLACK
from roadseg.positions.fixes import Fix
from roadseg.positions.geodesy import Reals, distance, heading, offsets, whole_circle, wrapped

Flags = NDArray[np.bool_]

MAX_GAP = 10.0
"""Seconds between two fixes over which positions are interpolated; in longer gaps they are unknown."""
STANDING_SPEED = 0.5
"""Metres per second, 1.8 km/h, below which a car stands, by the speed that its receiver measured."""
STANDING_DRIFT = 0.8
"""The same for speeds that are taken from positions, whose errors move too."""
STANDING_SECONDS = 3.0
"""Seconds that a halt, or a drive between two halts, lasts at least where speeds are taken from positions."""
SMOOTHED = 1.5
"""Seconds before and after a fix over which its position is averaged, for distances and for speeds."""
SHORTEST_LINE = 4.0
"""Metres between the positions that a direction of travel is taken from."""
LOOKED_AT = 6.0
"""Seconds before and after a fix whose mean positions tell whether the car moves."""


@dataclass(frozen=True)
class Positions:
    """Positions at N times; NaN where they are unknown."""

    utc: Reals
    """(N,) seconds since 1970-01-01, UTC."""
    lat: Reals
    """(N,) degrees north, WGS84."""
    lon: Reals
    """(N,) degrees east, -180 <= lon < 180."""
    speed_mps: Reals
    """(N,) metres per second, at least 0; 0 where the car stands."""
    heading_deg: Reals
    """(N,) direction of travel in degrees clockwise from north, 0 <= h < 360; where the car stands, that of before."""
    distance_m: Reals
    """(N,) metres driven since the first position of the video; never decreases."""


@dataclass(frozen=True)
class Track:
    """Fixes of one video on its clock, in the order of time."""

    seconds: Reals
    """(N,) times on the clock of the video, strictly increasing."""
    utc: Reals
    """(N,) seconds since 1970-01-01, UTC; NaN where unknown."""
    lat: Reals
    """(N,) degrees north, WGS84."""
    lon: Reals
    """(N,) degrees east, WGS84."""
    speed_mps: Reals
    """(N,) metres per second; 0 where the car stands."""
    heading_deg: Reals
    """(N,) degrees clockwise from north; NaN before the car first moves."""
    distance_m: Reals
    """(N,) metres driven since the first fix, along the averaged line; a gap counts as the straight line across it."""
    source: str = ""
    """Format and file that the fixes come from."""
    offset_s: float = 0.0
    """Seconds that were added to the times of the fixes by hand."""
    notices: tuple[str, ...] = field(default=())
    """Losses and assumptions, each in a sentence."""

    @classmethod
    def of(cls, fixes: Sequence[Fix], *, source: str = "", offset_s: float = 0.0, notices: Sequence[str] = ()) -> Self:
        """Return the track of fixes that were placed on the clock of a video.

        Args:
            fixes: with `seconds` that strictly increase, and positions.
            source: format and file.
            offset_s: seconds that were added by hand to `seconds`.
            notices: losses and assumptions.
        """
        columns = np.array([fix[:6] for fix in fixes], np.float64).reshape(-1, 6)
        lat, lon, utc, seconds, speed, course = (np.ascontiguousarray(column) for column in columns.T)
        parts = _between_gaps(seconds)
        moving = speed >= STANDING_SPEED
        guessed = np.isnan(speed)
        if guessed.any():
            moving = np.where(guessed, _drifting(seconds, lat, lon, parts), moving)
        halts = _halts(moving, parts)
        still_lat, still_lon = lat.copy(), lon.copy()
        for halt in halts:
            still_lat[halt] = lat[halt].mean()
            still_lon[halt] = lon[halt.start] + wrapped(lon[halt] - lon[halt.start]).mean()
        smooth_lat, smooth_lon = _averaged(seconds, still_lat, still_lon, parts)
        steps = distance(smooth_lat[1:], smooth_lon[1:], smooth_lat[:-1], smooth_lon[:-1])
        stands = ~(moving[1:] | moving[:-1])
        noise = stands & (np.diff(seconds) > MAX_GAP) & (steps <= SLACK)
        driven = np.concatenate([[0.0], np.cumsum(np.where(noise, 0.0, steps))])[: len(fixes)]
        for halt in halts:  # averages reach the halt late, and leave it early
            driven[halt] = driven[(halt.start + halt.stop - 1) // 2]
        speed = np.where(guessed, _slopes(seconds, driven, parts), speed)
        line = _courses(seconds, smooth_lat, smooth_lon, parts)
        # A receiver's course of 0 at rest, or none at all, says nothing.
        course = _kept(np.where(np.isnan(course), line, whole_circle(course)), moving)
        speed = np.where(moving, speed, 0.0)
        return cls(seconds, utc, lat, wrapped(lon), speed, course, driven, source, offset_s, tuple(notices))

    def within(self, start: float, end: float) -> "Track":
        """Return the part of the track that a video shows, with the fixes next to its start and end.

        Metres count from the first known position.

        Args:
            start: time of the first frame.
            end: time at which the last frame ends.
        """
        if not len(self):
            return self
        first = max(0, int(np.searchsorted(self.seconds, start, "right")) - 1)
        last = int(np.searchsorted(self.seconds, end, "left")) + 1
        kept = {name: getattr(self, name)[first:last] for name in _ARRAYS}
        part = replace(self, **kept)
        if not len(part):
            return part
        begins = part.at(np.array([max(start, part.seconds[0])])).distance_m[0]
        after = part.distance_m[min(len(part) - 1, int(np.searchsorted(part.seconds, start)))]
        return replace(part, distance_m=part.distance_m - (after if np.isnan(begins) else begins))

    def __len__(self) -> int:
        return len(self.seconds)

    def at(self, times: Reals) -> Positions:
        """Return the positions at some times: interpolated between fixes that are at most `MAX_GAP` apart.

        Unknown before the first fix, behind the last and in longer gaps.

        Args:
            times: (N,) seconds on the clock of the video.
        """
        times = np.asarray(times, np.float64)
        if not len(self):
            unknown = np.full(times.shape, np.nan)
            return Positions(unknown, unknown, unknown, unknown, unknown, unknown)
        after = np.clip(np.searchsorted(self.seconds, times, side="left"), 0, len(self) - 1)
        is_fix = self.seconds[after] == times
        before = np.where(is_fix, after, np.maximum(after - 1, 0))
        gap = self.seconds[after] - self.seconds[before]
        known = is_fix | ((gap > 0) & (gap <= MAX_GAP) & (times >= self.seconds[0]) & (times <= self.seconds[-1]))
        share = np.where(gap > 0, (times - self.seconds[before]) / np.where(gap > 0, gap, 1.0), 0.0)

        def between(values: Reals, *, turn: bool = False) -> Reals:
            change = values[after] - values[before]
            found = values[before] + share * (wrapped(change) if turn else change)
            return np.where(known, np.where(is_fix, values[after], found), np.nan)

        stands = (self.speed_mps[before] == 0) & (self.speed_mps[after] == 0)
        course = whole_circle(between(self.heading_deg, turn=True))
        return Positions(
            utc=between(self.utc),
            lat=between(self.lat),
            lon=wrapped(between(self.lon, turn=True)),
            speed_mps=between(self.speed_mps),
            heading_deg=np.where(stands & known, self.heading_deg[before], course),
            distance_m=between(self.distance_m),
        )


_ARRAYS = ("seconds", "utc", "lat", "lon", "speed_mps", "heading_deg", "distance_m")


def _between_gaps(seconds: Reals) -> list[slice]:
    """Return the parts of a track without a gap over `MAX_GAP`."""
    ends = [*(np.flatnonzero(np.diff(seconds) > MAX_GAP) + 1).tolist(), len(seconds)]
    return [slice(start, end) for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def _halts(moving: Flags, parts: Sequence[slice]) -> list[slice]:
    """Return the fixes of each halt, without gaps."""
    changes = (np.flatnonzero(np.diff(moving)) + 1).tolist()
    found = []
    for part in parts:
        bounds = [part.start, *(each for each in changes if part.start < each < part.stop), part.stop]
        found += [slice(start, stop) for start, stop in pairwise(bounds) if start < stop and not moving[start]]
    return found


def _window_means(seconds: Reals, values: Reals, first: Reals, last: Reals) -> Reals:
    """Return the mean of the values at times within `first`..`last`, both (N,)."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    begin, end = np.searchsorted(seconds, first, "left"), np.searchsorted(seconds, last, "right")
    return np.asarray((sums[end] - sums[begin]) / (end - begin))


def _averaged(seconds: Reals, lat: Reals, lon: Reals, parts: Sequence[slice]) -> tuple[Reals, Reals]:
    """Return positions averaged over `SMOOTHED` seconds to both sides, less towards the ends, which stay."""
    out_lat, out_lon = lat.copy(), lon.copy()
    for part in parts:
        times = seconds[part]
        if not len(times):
            continue
        reach = np.minimum(np.minimum(SMOOTHED, times - times[0]), times[-1] - times)
        east = wrapped(lon[part] - lon[part][0])
        mean_times, north, east = (
            _window_means(times, values, times - reach, times + reach) for values in (times, lat[part], east)
        )
        # Where fixes are irregular, a mean belongs to the mean of their times.
        out_lat[part] = np.interp(times, mean_times, north)
        out_lon[part] = lon[part][0] + np.interp(times, mean_times, east)
    return out_lat, out_lon


def _drifting(seconds: Reals, lat: Reals, lon: Reals, parts: Sequence[slice]) -> Flags:
    """Return where the car moves, by the distance of the mean positions before and after each fix."""
    moving = np.zeros(len(seconds), bool)
    for part in parts:
        times = seconds[part]
        if len(times) < 2:
            continue
        east, north = offsets(lat[part], lon[part], lat[part][0], lon[part][0])
        first, last = np.maximum(times[0], times - LOOKED_AT), np.minimum(times[-1], times + LOOKED_AT)
        means = [
            _window_means(times, values, *window)
            for window in ((first, times), (times, last))
            for values in (east, north, times)
        ]
        length = np.hypot(means[3] - means[0], means[4] - means[1])
        lasting = means[5] - means[2]
        moving[part] = _lasting(times, length > STANDING_DRIFT * np.where(lasting > 0, lasting, np.inf))
    return moving


def _lasting(times: Reals, moving: Flags) -> Flags:
    """Return `moving` without the changes that last less than `STANDING_SECONDS`."""
    bounds = [0, *(np.flatnonzero(np.diff(moving)) + 1).tolist(), len(moving)]
    out = moving.copy()
    for start, end in pairwise(bounds[1:-1]):
        if times[end] - times[start] < STANDING_SECONDS:
            out[start:end] = out[start - 1]
    return out


def _around(seconds: Reals, part: slice) -> tuple[Reals, NDArray[np.int64], NDArray[np.int64]]:
    """Return, for the fixes of a part, the seconds between the first and last fix within `SMOOTHED`, and these two.

    The neighbours of a fix count however far they are: many phones write one only every few seconds.
    """
    times, here = seconds[part], np.arange(part.start, part.stop)
    first = np.searchsorted(times, times - SMOOTHED, "left") + part.start
    last = np.searchsorted(times, times + SMOOTHED, "right") - 1 + part.start
    first = np.maximum(np.minimum(first, here - 1), part.start)
    last = np.minimum(np.maximum(last, here + 1), part.stop - 1)
    return seconds[last] - seconds[first], first, last


def _slopes(seconds: Reals, values: Reals, parts: Sequence[slice]) -> Reals:
    """Return the change per second of values around each fix; 0 for a fix that is alone."""
    out = np.zeros(len(seconds))
    for part in parts:
        lasting, first, last = _around(seconds, part)
        np.divide(values[last] - values[first], lasting, out=out[part], where=lasting > 0)
    return out


def _courses(seconds: Reals, lat: Reals, lon: Reals, parts: Sequence[slice]) -> Reals:
    """Return the direction of the line around each fix; NaN where it is shorter than `SHORTEST_LINE`."""
    out = np.full(len(seconds), np.nan)
    for part in parts:
        _, first, last = _around(seconds, part)
        east, north = offsets(lat[last], lon[last], lat[first], lon[first])
        out[part] = np.where(np.hypot(east, north) >= SHORTEST_LINE, heading(east, north), np.nan)
    return out


def _kept(course: Reals, moving: Flags) -> Reals:
    """Return the directions of travel where the car moves, and where it stands, the last before."""
    usable = moving & ~np.isnan(course)
    last = np.maximum.accumulate(np.where(usable, np.arange(len(course)), -1)) if len(course) else np.zeros(0, int)
    return np.where(last >= 0, course[last], np.nan)
