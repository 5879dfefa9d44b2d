"""Videos named by paths, folders, patterns and lists."""

import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Literal, NamedTuple

from roadseg.errors import InputError
from roadseg.files import resolved

VIDEO_SUFFIXES = (
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".mts", ".m2ts", ".mpg", ".mpeg", ".wmv", ".flv", ".3gp"),
    *(".ogv", ".mjpeg", ".h264", ".264", ".h265", ".265", ".hevc"),
)
"""File extensions, in lower case, by which videos are recognised in folders and among the matches of a pattern."""

Container = Literal["mp4", "mkv"]
OVERLAY_SUFFIXES: dict[Container, str] = {"mp4": ".overlay.mp4", "mkv": ".overlay.mkv"}
MASKS_SUFFIX, COMPARISON_SUFFIX = ".masks.mp4", ".comparison.mp4"
"""Endings of the videos that roadseg writes; folders and patterns leave such files out."""


@dataclass(frozen=True)
class ClipPlace:
    """Place of a clip in a drive, see `roadseg.drives`."""

    name: str
    """Name of the drive."""
    channel: str
    """Direction of the camera: `front`, `rear`, `cabin`, ..."""
    clip: int
    """Number among the clips of the channel, from 0."""
    start_s: float
    """Start of the clip on the clock of the drive, in seconds."""


class FoundVideo(NamedTuple):
    """A video and its place below the folder, pattern or list that named it."""

    path: Path
    folder: Path
    """Relative path of the folder that holds the video; empty for a video that was named by its own path."""
    track: int | None = None
    """Number of the video track that a drive means, from 1; None for a file of one."""
    place: ClipPlace | None = None
    """Place in a drive; None for a video that no drive named."""


Given = str | os.PathLike[str] | FoundVideo
"""A path, folder, pattern or list; or a video that was found before."""


def find_videos(given: Given | Iterable[Given]) -> list[FoundVideo]:
    """Find the videos that paths, folders, patterns and lists name, each once, in the order in which they are given.

    - A folder stands for all videos below it, sorted. Videos are recognised by their extension. Hidden files and
      folders, and overlays that roadseg wrote, are left out; links to folders are not followed.
    - A pattern (`drives/**/front*.mp4`), unless a file has that name, stands for the videos that it matches and for
      those in the folders that it matches.
    - `@FILE`, or a file that ends in .txt, stands for the paths in it, one a line; blank lines and lines that begin
      with # are skipped. Paths are relative to the folder of the list.
    - Anything else is taken as a video. Whether it exists shows when it is opened.
    - A `FoundVideo`, such as `roadseg.find_drives` gives, stays as it is.

    Args:
        given: one or several paths, folders, patterns and lists.

    Returns:
        The videos, each with its sub-folder below the folder, below the fixed part of the pattern, or by its relative
        path in the list. A sub-folder never leads outside: absolute paths and `..` become the empty path.

    Raises:
        InputError: a folder, pattern or list has no video, or cannot be read.
    """
    several = [given] if isinstance(given, str | os.PathLike | FoundVideo) else given
    found: dict[tuple[Path, int | None], FoundVideo] = {}
    for one in several:
        if isinstance(one, FoundVideo):
            found.setdefault((resolved(one.path), one.track), one)
            continue
        for video, below in _videos(os.fspath(one)):
            found.setdefault((resolved(video), None), FoundVideo(video, _inside(below.parent)))
    return list(found.values())


def video_count(videos: int) -> str:
    """Return a number of videos as text for titles and notes: `1 video`, `2 videos`."""
    return "1 video" if videos == 1 else f"{videos} videos"


def _videos(given: str) -> Iterable[tuple[Path, Path]]:
    """Return videos, each with its path relative to what was given; for a video given by its own path, its name."""
    path = Path(given)
    if given.startswith("@"):
        return _listed(Path(given[1:]))
    if _is_folder(path):
        return [(video, video.relative_to(path)) for video in _below(path)]
    if path.suffix.lower() == ".txt":
        return _listed(path)
    if glob.has_magic(given) and not path.exists():
        return _matching(given)
    return [(path, Path(path.name))]


def _is_folder(path: Path) -> bool:
    """Return True for a folder; False also for a path that cannot be looked at, which opening it reports."""
    try:
        return path.is_dir()
    except OSError:  # a name that is too long, or a folder above it that is closed to us
        return False


def _below(folder: Path) -> list[Path]:
    found = sorted(_walk(folder))
    if not found:
        raise InputError(
            f"{folder}: no video in this folder or below it",
            "Videos are recognised by their extension, such as .mp4 or .mkv; give one with another extension by name.",
        )
    return found


def _walk(folder: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        raise InputError(
            f"{error.filename}: this folder cannot be read ({error.strerror})", "Change its permissions (chmod u+rx)."
        ) from error

    for parent, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from filter(is_video, (Path(parent, name) for name in names))


def is_video(path: Path) -> bool:
    """Return True for a path that has the extension of a video, is not hidden and no result of roadseg."""
    results = (*OVERLAY_SUFFIXES.values(), MASKS_SUFFIX, COMPARISON_SUFFIX)
    hidden, result = path.name.startswith("."), path.name.endswith(results)
    return path.suffix.lower() in VIDEO_SUFFIXES and not hidden and not result


def _matching(pattern: str) -> list[tuple[Path, Path]]:
    fixed = Path(*takewhile(lambda part: not glob.has_magic(part), Path(pattern).parts))
    found: set[Path] = set()
    for match in map(Path, glob.glob(pattern, recursive=True)):  # noqa: PTH207 (Path.glob takes no absolute pattern)
        found.update(_walk(match) if match.is_dir() else filter(is_video, [match]))
    if not found:
        raise InputError(
            f"{pattern}: matches no video",
            "Check it; ** stands for folders at any depth, as in 'drives/**/*.mp4' (in quotes).",
        )
    # `**` follows links, also one to a folder above: of several paths to a file the shortest counts.
    shortest: dict[Path, Path] = {}
    for video in sorted(found, key=lambda path: (len(path.parts), path)):
        shortest.setdefault(resolved(video), video)
    return [(video, video.relative_to(fixed)) for video in sorted(shortest.values())]


def _listed(path: Path) -> list[tuple[Path, Path]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(
            f"{path}: this list of videos cannot be read ({error.strerror})", "Check the path and its permissions."
        ) from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a list of videos", "Give a text file in UTF-8 with one path a line.") from None
    if "\0" in text:
        raise InputError(f"{path}: not a list of videos", "Give a text file in UTF-8 with one path a line.")
    lines = [line.strip() for line in text.splitlines()]
    found = [Path(line) for line in lines if line and not line.startswith("#")]
    if not found:
        raise InputError(f"{path}: no video in this list", "Write one path a line.")
    return [(path.parent / line, line) for line in found]


def _inside(folder: Path) -> Path:
    """Return `folder`, or the empty path where `folder` would lead outside."""
    return Path() if folder.is_absolute() or ".." in folder.parts else folder
