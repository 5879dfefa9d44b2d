"""Videos without the first and last metres of their drives."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from fractions import Fraction
from math import isfinite

from roadseg.errors import InputError, RoadsegError
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
) -> tuple[list[Task], dict[Task, RoadsegError]]:
    """Return the tasks with the part of each video that is so many metres from the ends of its drive.

    A video that no drive names is a drive by itself. Clips of a drive that are near its ends or have no positions are
    left out with a warning.

    Args:
        tasks: all clips of every drive.
        position: where positions come from.
        interval: part of every video that is wanted.
        metres: above 0.
        on_warning: called with a sentence for each clip that is left out.

    Returns:
        The tasks in their order, and those among them to refuse, each with the reason.
    """
    drives: defaultdict[object, list[Task]] = defaultdict(list)
    for task in tasks:
        place = task.place
        drives[(task.video, task.track) if place is None else (task.out, place.name, place.channel)].append(task)
    parts: dict[Task, Interval] = {}
    refused: dict[Task, RoadsegError] = {}
    for clips in drives.values():
        clips.sort(key=lambda task: task.place.clip if task.place else 0)
        tracks = [_track(task, position, refused) for task in clips]
        for task, part in zip(clips, away_from_ends(tracks, metres), strict=True):
            wanted = None if part is None else _both(interval, part)
            if wanted is not None:
                parts[task] = wanted
            elif task in refused:
                continue
            elif not any(map(len, tracks)):
                cause = f"{task.video}: no positions, so nothing tells its first and last {metres:g} m"
                refused[task] = InputError(cause, LEAVE_OUT)
            elif len(clips) == 1:
                cause = f"{task.video}: all that is wanted of it is within {metres:g} m of an end of its line"
                refused[task] = InputError(cause, "Give --trim-ends less.")
            elif task.files().summary.exists():
                cause = f"{task.files().summary}: there already, but within {metres:g} m of an end of the drive"
                refused[task] = InputError(cause, "Delete its results, or choose another --out.")
            else:
                on_warning(f"{task.video}: left out, within {metres:g} m of an end of its drive, or without positions")
    left = [task for task in tasks if task in parts or task in refused]
    return [task._replace(interval=parts.get(task)) for task in left], refused


def _track(task: Task, position: PositionChoice, refused: dict[Task, RoadsegError]) -> Track:
    """Return the track of a clip; an empty one if it has none, or if reading it fails, which refuses the clip."""
    try:
        return position.track(task.video) or Track.of([])
    except RoadsegError as error:
        refused[task] = error
        return Track.of([])


def _both(interval: Interval, part: tuple[float, float]) -> Interval | None:
    """Return what two parts of a video have in common; None if they have nothing."""
    start = max(interval.start, Fraction(part[0]).limit_denominator(10**6))
    ends = [Fraction(part[1]).limit_denominator(10**6)] if isfinite(part[1]) else []
    ends += [] if interval.end is None else [interval.end]
    end = min(ends, default=None)
    return None if end is not None and end <= start else Interval(start, end)
