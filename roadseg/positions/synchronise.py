"""Places the fixes of a recording on the clock of a video, which is that of its frames."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from math import isfinite, isnan, nan
from pathlib import Path
from statistics import median, median_low
from typing import NamedTuple

import numpy as np

from roadseg.errors import InputError
from roadseg.positions.fixes import Fix, Recording
from roadseg.positions.geodesy import Reals
from roadseg.positions.zones import Zone, zone_at
from roadseg.video.probe import VideoInfo

CONFLICT = 5.0
"""Seconds between two clocks above which a notice states the difference."""
LONGEST_STEP = 60.0
"""Seconds between two reports of a camera that writes regularly; above, its clock was set in between."""
EARLIEST, LATEST = 315_532_800.0, 4_102_444_800.0
"""Seconds since 1970 of 1980, when GPS began, and of 2100: other times are damaged."""
WEEKS, NEAR_BY = 1024 * 7 * 86400.0, 86400.0
"""Seconds after which the week number of GPS begins again, and how far its dates may be from those of the video."""
LONGEST_HOLE = 900.0
"""Seconds between two fixes of one drive, such as in a tunnel; beyond, the track is of several."""
_STAMP = re.compile(r"(?<!\d)(20\d\d)[-_.]?(\d\d)[-_.]?(\d\d)[-_. T]?(\d\d)[-_.]?(\d\d)[-_.]?(\d\d)(?!\d)")


@dataclass(frozen=True)
class VideoClock:
    """Times of a video, as its file states them."""

    name: str
    """Name of the file."""
    start: float
    """Time of the first frame on the clock of the frames, in seconds."""
    duration: float
    """Seconds; 0 where unknown."""
    creation: float | None
    """Creation time in seconds since 1970, meant as UTC; None if there is none."""
    named: float | None
    """Local time in the name of the file in seconds since 1970, as if it were UTC; None if there is none."""

    @classmethod
    def of(cls, info: VideoInfo) -> "VideoClock":
        """Return the clock of a video."""
        start = float(max(0, info.start_pts or 0) * info.time_base)
        created = None if info.creation_time is None else info.creation_time.timestamp()
        return cls(info.path.name, start, info.duration_seconds or 0.0, created, _named(info.path))

    @classmethod
    def of_name(cls, path: Path) -> "VideoClock":
        """Return the clock of a file of which only the name is known."""
        return cls(path.name, 0.0, 0.0, None, _named(path))


class Start(NamedTuple):
    """A guess at the UTC at which a video begins, in seconds since 1970."""

    utc: float
    why: str
    """Reading of the file that leads to it."""


def synchronised(
    recording: Recording, video: VideoClock, offset: float | None, place: tuple[float, float]
) -> tuple[list[Fix], list[str]]:
    """Return the fixes with their times on the clock of the video, and notices.

    Times that tie a fix to the video come first, then UTC against the times that the video states.

    Args:
        recording: fixes of one format.
        video: times of the video.
        offset: seconds that are added to the times of all fixes; where nothing else places them, the time of the first
            fix in the video. None for none.
        place: (latitude, longitude) of one of the fixes, for the time zone.

    Raises:
        InputError: the fixes are of another time than the video, or nothing says when it was recorded.
    """
    fixes, notices = _in_utc(recording, place)
    fixes, rolled = _in_this_epoch(fixes, video)
    notices += rolled
    moved = offset or 0.0
    if any(isfinite(fix.seconds) for fix in fixes):
        if recording.from_first_frame:
            fixes = [fix._replace(seconds=fix.seconds + video.start) for fix in fixes]
        return _moved(fixes, moved), notices + _conflict(fixes, video, place)
    timed = sorted((fix for fix in fixes if isfinite(fix.utc)), key=lambda fix: fix.utc)
    if not timed:
        cause = f"{recording.source}: none of its positions has a time that can be read"
        raise InputError(cause, "Give times in ISO 8601, such as 2026-08-14T03:00:00Z, or in seconds since 1970.")
    guesses = [] if recording.begins_with_video else list(_starts(video, zone_at(*place, timed[0].utc)))
    if recording.begins_with_video or (not guesses and offset is not None):
        placed = _stepped(fixes if recording.begins_with_video else timed, video)
        return _moved(placed, moved), notices + _conflict(placed, video, place)
    start, found = _best(guesses, timed, video, moved, recording.source)
    placed = [fix._replace(seconds=video.start + fix.utc - start.utc) for fix in timed]
    return _moved(placed, moved), notices + found


def _best(
    guesses: Sequence[Start], fixes: Sequence[Fix], video: VideoClock, offset: float, source: str
) -> tuple[Start, list[str]]:
    """Return the first guess that at least half as many fixes agree with as with the best guess, and notices.

    Raises:
        InputError: none agrees, or the video states no time.
    """
    times = np.array([fix.utc for fix in fixes])
    steps, first, last = np.diff(times), fixes[0].utc, fixes[-1].utc
    if not guesses:
        raise InputError(
            f"{video.name}: states no time of recording, so {source} cannot be placed",
            "Give --gps-offset SECONDS: the time of its first position in the video.",
        )

    def overlap(start: Start) -> float:
        begins = start.utc - offset
        return min(last, begins + video.duration) - max(first, begins)

    def covered(start: Start) -> float:
        begins = start.utc - offset
        return float(np.diff(np.clip(times, begins, begins + video.duration))[steps <= LONGEST_HOLE].sum())

    # A track that ends before the video must not move it by its length: the first that half agrees is taken.
    most = max(map(covered, guesses))
    best = next(each for each in guesses if covered(each) >= most / 2) if most else max(guesses, key=overlap)
    if overlap(best) < -CONFLICT:
        raise InputError(
            f"{source}: from {_shown(first)} to {_shown(last)}, but {video.name} begins at {_shown(guesses[0].utc)}",
            "Give the track of this video, or move it by --gps-offset SECONDS.",
        )
    notices = [f"placed by {best.why}"]  # without the time: alike in all clips of a drive
    others = [
        each
        for each in guesses
        if min(covered(each) - covered(best), overlap(each) - overlap(best)) > -1
        and abs(each.utc - best.utc) > CONFLICT
    ]
    if others:
        later = round(others[0].utc - best.utc)
        apart = f"{timedelta(seconds=abs(later))} {'later' if later > 0 else 'earlier'}"
        notices.append(f"{others[0].why} would fit as well, and begin {apart}: compare some frames")
    return best, notices


def _starts(video: VideoClock, zone: Zone) -> Iterator[Start]:
    """Yield the possible starts of a video, the likeliest first: cameras name files by their local time."""
    there = f"{zone.name}, {timezone(timedelta(seconds=zone.seconds))}"
    if video.named is not None:
        yield Start(video.named - zone.seconds, f"the local time in its name ({there})")
    if video.creation is not None:
        local = f"in local time ({there})"
        yield Start(video.creation, "its creation time")
        yield Start(video.creation - video.duration, "its creation time, taken for the end")
        yield Start(video.creation - zone.seconds, f"its creation time, taken for the start {local}")
        yield Start(video.creation - zone.seconds - video.duration, f"its creation time, taken for the end {local}")
    if video.named is not None:
        yield Start(video.named, "the time in its name, taken for UTC")


def _in_utc(recording: Recording, place: tuple[float, float]) -> tuple[list[Fix], list[str]]:
    """Return fixes without times that cannot be, those of a camera's local clock in UTC, by the zone of the place."""
    fixes = [fix if EARLIEST <= fix.utc < LATEST else fix._replace(utc=nan) for fix in recording.fixes]
    stated = [fix.utc for fix in fixes if isfinite(fix.utc) and fix.has_position]
    if recording.clock == "utc" or not stated:
        return fixes, []
    usual = median_low(stated)
    zone = zone_at(*place, usual)
    zone = zone_at(*place, usual - zone.seconds)
    shifted = [fix._replace(utc=fix.utc - zone.seconds) for fix in fixes]
    return shifted, [f"the camera's clock is taken for local time, {zone.name}"]


def _in_this_epoch(fixes: Sequence[Fix], video: VideoClock) -> tuple[list[Fix], list[str]]:
    """Return fixes whose dates an old receiver wrote 1,024 weeks too early, at the dates of the video, and a notice."""
    times = np.array([fix.utc for fix in fixes])
    ahead = np.zeros(len(times))
    for stated in (video.named, video.creation):
        if stated is not None:
            weeks = np.round((stated - times) / WEEKS) * WEEKS
            ahead = np.where((ahead == 0) & (weeks > 0) & (np.abs(times + weeks - stated) <= NEAR_BY), weeks, ahead)
    if not ahead.any():
        return list(fixes), []
    count = np.count_nonzero(ahead)
    notices = [f"{count} of {len(fixes)} dates were 1,024 weeks early, or twice that, and are set right"]
    return [fix._replace(utc=fix.utc + each) for fix, each in zip(fixes, ahead.tolist(), strict=True)], notices


def _stepped(recorded: Sequence[Fix], video: VideoClock) -> list[Fix]:
    """Return fixes that begin with the video and follow each other by their clock; where it was set, by a usual step.

    A camera without a fix may run in UTC, and turn to local time with the first.
    """
    doubles = (
        fix.has_position and fix[:3] == before[:3] for fix, before in zip(recorded, [Fix(), *recorded], strict=False)
    )
    fixes = [fix for fix, double in zip(recorded, doubles, strict=True) if not double]
    times = np.array([fix.utc for fix in fixes])
    steps = np.diff(_evenly(times))
    regular = steps[(steps > 0) & (steps <= LONGEST_STEP)]
    usual = median(regular.tolist()) if len(regular) else 1.0
    if len(times) > 1 and times[0] == times[1]:  # the first second may have begun before the video
        begun = int(np.argmax(np.append(times[1:] != times[:-1], True))) + 1
        steps[:begun] = np.minimum(steps[:begun], usual)
    seconds = [video.start]
    for (before, fix), step in zip(pairwise(fixes), steps.tolist(), strict=True):
        known = before.has_position and fix.has_position  # no clock that is set by the first position lies between
        longest = max(LONGEST_STEP, video.start + video.duration - seconds[-1]) if known else LONGEST_STEP
        seconds.append(seconds[-1] + (step if 0 < step <= longest else usual))
    return [fix._replace(seconds=each) for fix, each in zip(fixes, seconds, strict=False)]


def _evenly(times: Reals) -> Reals:
    """Return times with those that are unknown, or the same as before, spread evenly between the others.

    NaN before the first, and behind the last.
    """
    known = np.flatnonzero(np.isfinite(times) & np.append(True, times[1:] != times[:-1])[: len(times)])
    if not len(known):
        return times
    return np.asarray(np.interp(np.arange(len(times)), known, times[known], left=np.nan, right=np.nan))


def _behind(fixes: Sequence[Fix]) -> float:
    """Return the usual difference between UTC and the clock of the video; NaN where the fixes do not say it."""
    found = [fix.utc - fix.seconds for fix in fixes if fix.has_position]
    return median_low([each for each in found if isfinite(each)] or [nan])


def _moved(fixes: Sequence[Fix], offset: float) -> list[Fix]:
    """Return the fixes later by the offset, with one difference between UTC and the clock of the video for all."""
    behind = _behind(fixes)
    return [fix._replace(seconds=fix.seconds + offset, utc=fix.seconds + behind) for fix in fixes]


def _conflict(fixes: Sequence[Fix], video: VideoClock, place: tuple[float, float]) -> list[str]:
    """Return a notice where the time that a video states differs from that of its own fixes, whatever it means."""
    begins = _behind(fixes) + video.start
    if isnan(begins):
        return []
    differences = [start.utc - begins for start in _starts(video, zone_at(*place, begins))]
    least = min(differences, key=abs, default=0.0)
    if abs(least) <= CONFLICT:
        return []
    return [f"the video's time of recording is {least:+.0f} s from that of its positions, which is used"]


def _named(path: Path) -> float | None:
    found = _STAMP.search(path.stem)
    try:
        return None if found is None else datetime.strptime(f"{''.join(found.groups())}Z", "%Y%m%d%H%M%S%z").timestamp()
    except ValueError:
        return None


def _shown(utc: float) -> str:
    return "an unknown time" if isnan(utc) else datetime.fromtimestamp(utc, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
