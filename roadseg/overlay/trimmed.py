"""Videos without the first and last metres of their drives."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from fractions import Fraction
from math import isfinite

from roadseg.errors import InputError, RoadsegError
from roadseg.overlay.failures import Failure
from roadseg.overlay.tasks import Task
from roadseg.positions.options import PositionChoice
from roadseg.positions.track import Track
from roadseg.positions.trimming import away_from_ends
from roadseg.video.interval import Interval

LEAVE_OUT = "Give the track of it with --gps FILE, or leave --trim-ends out."


def without_ends(
    tasks: Sequence[Task],
    position: PositionChoice,
    interval: Interval,
    metres: float,
    on_warning: Callable[[str], None],
) -> tuple[list[Task], list[Failure]]:
    """Return the tasks with the part of each video that is so many metres from the ends of its drive, and failures.

    A video that no drive names is a drive by itself. Clips of a drive that are near its ends or have no positions are
    left out with a warning.

    Args:
        tasks: all clips of every drive.
        position: where positions come from.
        interval: part of every video that is wanted.
        metres: above 0.
        on_warning: called with a sentence for each clip that is left out.
    """
    drives: defaultdict[object, list[Task]] = defaultdict(list)
    for task in tasks:
        place = task.place
        drives[(task.video, task.track) if place is None else (task.out, place.name, place.channel)].append(task)
    kept: list[Task] = []
    failures: list[Failure] = []
    for clips in drives.values():
        clips.sort(key=lambda task: task.place.clip if task.place else 0)
        tracks = []
        for task in clips:
            try:
                tracks.append(position.track(task.video) or Track.of([]))
            except RoadsegError as error:
                tracks.append(Track.of([]))
                failures.append(Failure.of(task, error))
        failed = {failure.video for failure in failures}
        for task, part in zip(clips, away_from_ends(tracks, metres), strict=True):
            if task.video in failed:
                continue
            wanted = None if part is None else _both(interval, part)
            if wanted is not None:
                kept.append(task._replace(interval=wanted))
            elif not any(map(len, tracks)):
                cause = f"{task.video}: no positions, so nothing tells its first and last {metres:g} m"
                failures.append(Failure.of(task, InputError(cause, LEAVE_OUT)))
            elif len(clips) == 1:
                cause = f"{task.video}: all that is wanted of it is within {metres:g} m of an end of its line"
                failures.append(Failure.of(task, InputError(cause, "Give --trim-ends less.")))
            else:
                on_warning(f"{task.video}: left out, within {metres:g} m of an end of its drive, or without positions")
    return kept, failures


def _both(interval: Interval, part: tuple[float, float]) -> Interval | None:
    """Return what two parts of a video have in common; None if they have nothing."""
    start = max(interval.start, Fraction(part[0]).limit_denominator(10**6))
    ends = [Fraction(part[1]).limit_denominator(10**6)] if isfinite(part[1]) else []
    ends += [] if interval.end is None else [interval.end]
    end = min(ends, default=None)
    return None if end is not None and end <= start else Interval(start, end)
