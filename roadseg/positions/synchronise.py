"""Places the fixes of a recording on the clock of a video, which is that of its frames."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from math import isfinite, isnan, nan
from pathlib import Path
from statistics import median
from typing import NamedTuple

from roadseg.errors import InputError
from roadseg.positions.fixes import Fix, Recording
from roadseg.positions.zones import Zone, zone_at
from roadseg.video.probe import VideoInfo

CONFLICT = 5.0
"""Seconds between two clocks above which the difference is told."""
LONGEST_STEP = 60.0
"""Seconds between two reports of a camera that writes regularly; above, its clock was set in between."""
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
    moved = offset or 0.0
    if any(isfinite(fix.seconds) for fix in fixes):
        if recording.from_first_frame:
            fixes = [fix._replace(seconds=fix.seconds + video.start) for fix in fixes]
        return _moved(fixes, moved), notices + _conflict(fixes, video, place)
    timed = [fix for fix in fixes if isfinite(fix.utc)]
    guesses = [] if recording.begins_with_video else list(_starts(video, zone_at(*place, timed[0].utc)))
    if recording.begins_with_video or (not guesses and offset is not None):
        placed = _stepped(fixes if recording.begins_with_video else timed, video.start)
        return _moved(placed, moved), notices + _conflict(placed, video, place)
    start, found = _best(guesses, timed, video, moved, recording.source)
    placed = [fix._replace(seconds=video.start + fix.utc - start.utc) for fix in timed]
    return _moved(placed, moved), notices + found


def _best(
    guesses: Sequence[Start], fixes: Sequence[Fix], video: VideoClock, offset: float, source: str
) -> tuple[Start, list[str]]:
    """Return the begin of the video that most fixes agree with, of equal ones the first, and notices.

    Raises:
        InputError: none agrees, or the video states no time.
    """
    first, last = fixes[0].utc, fixes[-1].utc
    if not guesses:
        raise InputError(
            f"{video.name}: states no time of recording, so {source} cannot be placed",
            "Give --gps-offset SECONDS: the time of its first position in the video.",
        )

    def overlap(start: Start) -> float:
        begins = start.utc - offset
        return min(last, begins + video.duration) - max(first, begins)

    best = max(guesses, key=overlap)
    if overlap(best) < -CONFLICT:
        raise InputError(
            f"{source}: from {_shown(first)} to {_shown(last)}, but {video.name} begins at {_shown(guesses[0].utc)}",
            "Give the track of this video, or move it by --gps-offset SECONDS.",
        )
    notices = [f"placed by {best.why}: the video begins at {_shown(best.utc)}"]
    others = [each for each in guesses if overlap(each) > overlap(best) - 1 and abs(each.utc - best.utc) > CONFLICT]
    if others:
        notices.append(f"{others[0].why} would fit as well, and begin at {_shown(others[0].utc)}: compare some frames")
    return best, notices


def _starts(video: VideoClock, zone: Zone) -> Iterator[Start]:
    """Yield the possible begins of a video, the likeliest first: cameras name files by their local time."""
    if video.named is not None:
        yield Start(video.named - zone.seconds, f"the local time in its name ({zone.name})")
    if video.creation is not None:
        local = f"in local time ({zone.name})"
        yield Start(video.creation, "its creation time")
        yield Start(video.creation - video.duration, "its creation time, taken for the end")
        yield Start(video.creation - zone.seconds, f"its creation time, taken for the begin {local}")
        yield Start(video.creation - zone.seconds - video.duration, f"its creation time, taken for the end {local}")
    if video.named is not None:
        yield Start(video.named, "the time in its name, taken for UTC")


def _in_utc(recording: Recording, place: tuple[float, float]) -> tuple[list[Fix], list[str]]:
    """Return the fixes of a camera's local clock in UTC, by the zone of the place."""
    stated = [fix.utc for fix in recording.fixes if isfinite(fix.utc) and fix.has_position]
    if recording.clock == "utc" or not stated:
        return list(recording.fixes), []
    zone = zone_at(*place, stated[0])
    zone = zone_at(*place, stated[0] - zone.seconds)
    shifted = [fix._replace(utc=fix.utc - zone.seconds) for fix in recording.fixes]
    return shifted, [f"the camera's clock is taken for local time, {zone.name}"]


def _stepped(fixes: Sequence[Fix], start: float) -> list[Fix]:
    """Return fixes that begin with the video and follow each other by their clock; where it was set, by a usual step.

    A camera without a fix may run in UTC, and turn to local time with the first.
    """
    steps = [after.utc - before.utc for before, after in pairwise(fixes)]
    regular = [step for step in steps if 0 < step <= LONGEST_STEP]
    usual = median(regular) if regular else 1.0
    if 2 * steps.count(0.0) > len(steps):  # several reports a second by a clock of whole seconds
        usual = usual * len(regular) / max(1, len(steps))
        regular = []
    placed, seconds = [], start
    for fix, step in zip(fixes, [0.0, *steps], strict=True):
        if fix is not fixes[0]:
            seconds += step if regular and 0 < step <= LONGEST_STEP else usual
        placed.append(fix._replace(seconds=seconds))
    return placed


def _behind(fixes: Sequence[Fix]) -> float:
    """Return the usual difference between UTC and the clock of the video; NaN where the fixes do not say it."""
    found = [fix.utc - fix.seconds for fix in fixes if fix.has_position]
    return median([each for each in found if isfinite(each)] or [nan])


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
