"""A file that a person chose for the overlay of one video or image."""

from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import Literal

from roadseg.datasets.image_files import IMAGE_SUFFIXES
from roadseg.errors import InputError
from roadseg.video.find import VIDEO_SUFFIXES

SUFFIXES = {"a video": (".mp4", ".mkv"), "an image": (".png", ".jpg", ".jpeg")}
"""Endings of the overlay of each input."""
OF_FILES = frozenset((*VIDEO_SUFFIXES, *IMAGE_SUFFIXES, ".gif"))


def chosen_file(out: Path, of: Literal["a video", "an image"]) -> Path | None:
    """Return `out` if it names a file for the overlay; None if it names a folder.

    Args:
        out: a folder that exists, or any path; those that end like a video or an image name a file.
        of: the input.

    Raises:
        InputError: it ends like another kind of file.
    """
    if out.suffix.lower() not in OF_FILES or out.is_dir():
        return None
    if out.suffix not in SUFFIXES[of]:
        raise InputError(
            f"{out}: not a name for the overlay of {of}", f"End it in {' or '.join(SUFFIXES[of])}, or give a folder."
        )
    return out


def refuse_several(out: Path, given: Iterable[object], number: int) -> None:
    """Make sure that there is one input for one file.

    Args:
        out: the file.
        given: inputs, of which paths may be folders.
        number: number of results.

    Raises:
        InputError: there are several, or a folder was given, in which the number may change.
    """
    folder = any(isinstance(path, str | PathLike) and Path(path).is_dir() for path in given)
    if number != 1 or folder:
        inputs = "a folder is given" if folder else f"there are {number} inputs"
        raise InputError(f"{out}: one file, but {inputs}", "Give one video or image by its name, or a folder as --out.")
