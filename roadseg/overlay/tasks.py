"""Which videos are asked for, and where the results of each go."""

import glob
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

from roadseg.errors import InputError
from roadseg.overlay.summary import OVERLAY_SUFFIX, OverlayFiles

VIDEO_SUFFIXES = (
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".mts", ".m2ts", ".mpg", ".mpeg", ".wmv", ".flv", ".3gp"),
    *(".ogv", ".mjpeg", ".h264", ".264", ".h265", ".265", ".hevc"),
)
"""By which videos are told from other files in folders and among what a pattern matches; in small letters."""


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
    """The videos that paths, folders, patterns and lists name, each once, in the order in which they are given.

    - A folder stands for all videos below it, sorted. They are told by their suffix; hidden files and folders, and
      overlays of ours, are left out; links to folders are not followed.
    - A pattern (`drives/**/front*.mp4`), unless there is a file of that name, stands for the videos, and those in the
      folders, that it matches.
    - `@FILE`, or a file that ends in .txt, stands for the paths in it, one a line; blank lines and lines that begin
      with # are skipped. Paths are relative to its folder.
    - Anything else is a video, there or not: that is found out when it is opened.

    Results go to `out`, and there to the same sub-folders in which videos are below the folder, below the fixed part
    of the pattern, or by their relative path below the list.

    Raises:
        InputError: a folder, pattern or list has no video, or cannot be read.
    """
    tasks: dict[Path, Task] = {}
    for one in given:
        for video, below in _videos(one):
            tasks.setdefault(video.resolve(), Task(video, out / _inside(below.parent)))
    return list(tasks.values())


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


def _videos(given: str) -> Iterable[tuple[Path, Path]]:
    """Videos, each with its path relative to what was given; a video that was given itself is its mere name."""
    path = Path(given)
    if given.startswith("@"):
        return _listed(Path(given[1:]))
    if path.is_dir():
        return [(video, video.relative_to(path)) for video in _below(path)]
    if path.suffix.lower() == ".txt":
        return _listed(path)
    if glob.has_magic(given) and not path.exists():
        return _matching(given)
    return [(path, Path(path.name))]


def _below(folder: Path) -> list[Path]:
    found = sorted(_walk(folder))
    if not found:
        raise InputError(
            f"{folder}: no video in this folder or below it",
            "Videos are told by their suffix, such as .mp4 or .mkv; one with another has to be given by its name.",
        )
    return found


def _walk(folder: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise InputError(
            f"{error.filename}: this folder cannot be read ({error.strerror})", "Change its permissions (chmod u+rx)."
        ) from error

    for parent, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from filter(_is_video, (Path(parent, name) for name in names))


def _is_video(path: Path) -> bool:
    hidden, ours = path.name.startswith("."), path.name.endswith(OVERLAY_SUFFIX)
    return path.suffix.lower() in VIDEO_SUFFIXES and not hidden and not ours


def _matching(pattern: str) -> list[tuple[Path, Path]]:
    fixed = Path(*takewhile(lambda part: not glob.has_magic(part), Path(pattern).parts))
    found: set[Path] = set()
    for match in map(Path, glob.glob(pattern, recursive=True)):  # noqa: PTH207 (Path.glob takes no absolute pattern)
        found.update(_walk(match) if match.is_dir() else filter(_is_video, [match]))
    if not found:
        raise InputError(
            f"{pattern}: matches no video",
            "Check it; ** stands for folders at any depth, as in 'drives/**/*.mp4' (in quotes).",
        )
    return [(video, video.relative_to(fixed)) for video in sorted(found)]


def _listed(path: Path) -> list[tuple[Path, Path]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(
            f"{path}: this list of videos cannot be read ({error.strerror})", "Check the path and its permissions."
        ) from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a list of videos", "Give a text file in UTF-8 with a path a line.") from None
    lines = [line.strip() for line in text.splitlines()]
    found = [Path(line) for line in lines if line and not line.startswith("#")]
    if not found:
        raise InputError(f"{path}: no video in this list", "Write a path a line.")
    return [(path.parent / line, line) for line in found]


def _inside(folder: Path) -> Path:
    """`folder`, or the folder itself that results go to, where `folder` would lead out of it."""
    return Path() if folder.is_absolute() or ".." in folder.parts else folder
