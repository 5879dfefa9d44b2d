"""Which videos are asked for, and where the results of each go."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from roadseg.errors import InputError
from roadseg.overlay.summary import OverlayFiles
from roadseg.video.find import find_videos


class Task(NamedTuple):
    """A video, and the folder that its results go to."""

    video: Path
    out: Path

    @property
    def files(self) -> OverlayFiles:
        """Where the results will be."""
        return OverlayFiles.of(self.video, self.out)


@dataclass(frozen=True)
class Shard:
    """One of several parts of equal size, give or take a video, which together are the whole."""

    number: int
    """From 1."""
    count: int

    def of(self, tasks: Iterable[Task]) -> list[Task]:
        """Every `count`-th of the sorted tasks: all machines that see the same videos divide them alike."""
        return sorted(tasks)[self.number - 1 :: self.count]


def find_tasks(given: Iterable[str], out: Path) -> list[Task]:
    """The videos that paths, folders, patterns and lists name, as `find_videos` finds them, with their result folders.

    Results go to `out`, and there to the same sub-folders in which the videos lie.

    Raises:
        InputError: a folder, pattern or list has no video, or cannot be read.
    """
    return [Task(video.path, out / video.folder) for video in find_videos(given)]


def check_names(tasks: Sequence[Task]) -> None:
    """Make sure that every video's results have names of their own.

    Raises:
        InputError: results of two videos would have the same name, or replace one of the videos.
    """
    by_name = defaultdict(list)
    for task in tasks:
        by_name[task.files.overlay].append(task.video)
    inputs = {task.video.resolve(): task.video for task in tasks}
    for overlay, sharing in by_name.items():
        if len(sharing) > 1:
            raise InputError(
                f"{' and '.join(map(str, sharing))} would both become {overlay}",
                "Rename one, or give them different --out folders in two calls.",
            )
        if overlay.resolve() in inputs:
            raise InputError(
                f"{inputs[overlay.resolve()]} is both a video to read and the result of {sharing[0]}",
                "Leave it out, or choose another --out.",
            )
