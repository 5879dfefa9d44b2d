"""Videos to draw on, and the folders of their results."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from roadseg.errors import InputError
from roadseg.overlay.summary import OverlayFiles
from roadseg.video.find import find_videos


class Task(NamedTuple):
    """A video and the folder of its results."""

    video: Path
    out: Path

    @property
    def files(self) -> OverlayFiles:
        """Paths of the results."""
        return OverlayFiles.of(self.video, self.out)


@dataclass(frozen=True)
class Shard:
    """One of several equal parts of the videos, give or take a video, which together are all of them."""

    number: int
    """Number of the part, from 1."""
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.count:
            raise InputError(f"shard {self.number}/{self.count}: there is no such part", "The first of 8 is 1/8.")

    def of(self, tasks: Iterable[Task]) -> list[Task]:
        """Return every `count`-th of the sorted tasks: machines that see the same videos divide them alike."""
        return sorted(tasks)[self.number - 1 :: self.count]


def find_tasks(given: str | PathLike[str] | Iterable[str | PathLike[str]], out: Path) -> list[Task]:
    """Find the videos that paths, folders, patterns and lists name, see `find_videos`, and give each a result folder.

    Results go to `out`, and there to the same sub-folders in which the videos lie.

    Raises:
        InputError: a folder, pattern or list has no video or cannot be read, the results of two videos would have the
            same name, or results would replace a video.
    """
    tasks = [Task(video.path, out / video.folder) for video in find_videos(given)]
    _check_names(tasks)
    return tasks


def _check_names(tasks: Sequence[Task]) -> None:
    """Make sure that the results of each video have names of their own."""
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
