"""Videos to draw on, and the folders of their results."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from roadseg.errors import InputError
from roadseg.files import resolved
from roadseg.overlay.files import OverlayFiles
from roadseg.video.container import separate_tracks
from roadseg.video.find import ClipPlace, Container, Given, find_videos
from roadseg.video.interval import Interval


class Task(NamedTuple):
    """A video, or one of its tracks, and the folder of its results."""

    video: Path
    out: Path
    track: int | None = None
    """Number of a track that has results of its own, from 1; None where the video has one result."""
    place: ClipPlace | None = None
    """Place in a drive; None for a video that no drive named."""
    overlay: Path | None = None
    """Path of the overlay, where a person chose it."""
    interval: Interval | None = None
    """Part of the video, where it is another one than that of the other videos."""

    def files(self, container: Container = "mp4") -> OverlayFiles:
        """Return the paths of the results."""
        if self.overlay is not None:
            return OverlayFiles.at(self.overlay)
        return OverlayFiles.of(self.video, self.out, track=self.track, container=container)


@dataclass(frozen=True)
class Shard:
    """One of several parts of the videos, whose sizes differ by at most one; together they are all videos."""

    number: int
    """Number of the part, from 1."""
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.count:
            raise InputError(f"shard {self.number}/{self.count}: there is no such part", "The first of 8 is 1/8.")

    def of(self, tasks: Iterable[Task]) -> list[Task]:
        """Return every `count`-th of the sorted tasks: machines that see the same videos divide them alike."""
        return sorted(tasks)[self.number - 1 :: self.count]


def find_tasks(given: Given | Iterable[Given], out: Path, *, every_track: bool = False) -> list[Task]:
    """Find the videos that paths, folders, patterns and lists name, see `find_videos`, and give each a result folder.

    Results go to `out`, and there to the same sub-folders in which the videos lie, those of a drive to a folder of its
    name. With `every_track`, a file of several video tracks is as many tasks; all files are opened to count them.

    Raises:
        InputError: a folder, pattern or list has no video or cannot be read.
    """
    return [
        Task(video.path, out / video.folder, track, video.place)
        for video in find_videos(given)
        for track in (separate_tracks(video.path) if every_track and video.place is None else [video.track])
    ]


def clashes(tasks: Sequence[Task], container: Container = "mp4") -> dict[Task, InputError]:
    """Return the tasks whose results would replace another video or results, each with the reason to refuse it.

    Args:
        tasks: videos and the folders of their results.
        container: format of the overlays.
    """
    by_name = defaultdict(list)
    for task in tasks:
        by_name[task.files(container).overlay].append(task)
    inputs = {resolved(task.video): task.video for task in tasks}
    found = {}
    for overlay, sharing in by_name.items():
        read = inputs.get(resolved(overlay))
        for task in sharing:
            others = [str(other.video) for other in sharing if other is not task]
            if others:
                found[task] = InputError(
                    f"{task.video}: {' and '.join(others)} would become {overlay} too",
                    "Rename one, or give them different --out folders in two calls.",
                )
            elif read is not None:
                found[task] = InputError(
                    f"{task.video}: its result {overlay} would replace the video {read}",
                    "Leave that out, or choose another --out.",
                )
    return found
