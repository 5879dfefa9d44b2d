"""Files and folders that appear whole or not at all, and locks that let one process at a time write to them."""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from roadseg.errors import OutputError

PART_SUFFIX = ".part"
LOCK_NAME = ".lock"
LOCK_PATIENCE = 1.0
"""Seconds to wait for a lock before another process counts as writing. `held` takes the lock of a folder for
milliseconds, so a lock that is still taken after this time belongs to a process that works here."""
FINGERPRINT_BYTES = 1 << 20


class TakenError(OutputError):
    """Another process holds a name or a folder."""


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Give a `.part` path to write to and rename it to `path` when the block ends well.

    The partial file is removed when the block raises any exception, so that no half-written file is left under any
    name.

    Args:
        path: the file to write; an older one is replaced. Its folder is made if it is missing.

    Yields:
        The `.part` path to write to.

    Raises:
        OutputError: the disk is full, or the folder cannot be written to.
    """
    part = path.with_name(path.name + PART_SUFFIX)
    with output_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield part
            with part.open("rb") as written:
                os.fsync(written.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


@contextmanager
def making(folder: Path) -> Iterator[Path]:
    """Give an empty folder to fill, which becomes `folder` when the block ends well; otherwise nothing of it is left.

    Args:
        folder: the folder to make; an empty one may be there already.

    Yields:
        The `.part` folder to fill.

    Raises:
        OutputError: something is in `folder` already, another process is making it, or it cannot be written.
    """
    folder = folder.absolute()
    part = folder.with_name(folder.name + PART_SUFFIX)
    with output_errors(folder):
        if folder.exists() and any(folder.iterdir()):
            raise OutputError(f"{folder}: is not empty", "Choose another --out, or delete it: nothing is overwritten.")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _name_lock(folder):
            shutil.rmtree(part, ignore_errors=True)  # left by a process that was killed
            part.mkdir()
            try:
                yield part
                if folder.exists():
                    folder.rmdir()
                part.rename(folder)
            finally:
                shutil.rmtree(part, ignore_errors=True)


@contextmanager
def output_errors(path: Path) -> Iterator[None]:
    """Turn an `OSError` raised while writing to `path` into an `OutputError` with a remedy."""
    try:
        yield
    except OSError as error:
        if error.errno is None:  # of a library, such as the Timeout of a lock
            raise
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OutputError(
                f"{path}: no space left on the disk", "Free some space, or choose another --out."
            ) from error
        # ENOENT: a folder that cannot be made, for example in /proc.
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT):
            raise OutputError(f"{path}: not possible to write here", "Choose another --out.") from error
        if error.errno in (errno.ENOTDIR, errno.EEXIST, errno.EISDIR):
            raise OutputError(
                f"{path}: a file is where a folder should be, or the other way round", "Choose another --out."
            ) from error
        if error.errno == errno.ENAMETOOLONG:
            raise OutputError(
                f"{shortened_name(path)}: the name is too long for this disk",
                "Rename the video or image it is named after.",
            ) from error
        raise OutputError(f"{path}: cannot be written ({error.strerror})", "Choose another --out.") from error


def shortened_name(path: Path) -> str:
    """Return a path as text, with the middle of a name of over 100 letters left out."""
    name = path.name
    return str(path.with_name(f"{name[:50]}…{name[-30:]}")) if len(name) > 100 else str(path)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 `text` to `path`, whole or not at all."""
    with writing(path) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write `value` to `path` as indented JSON, whole or not at all. NaN is refused: it is not JSON."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """Encode an image as a PNG file.

    Args:
        pixels: uint8, (H, W, 3) RGB or (H, W) grey levels, such as a label map.
    """
    _, data = cv2.imencode(".png", pixels[..., ::-1] if pixels.ndim == 3 else pixels)
    return data.tobytes()


def write_png(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Write a PNG file, whole or not at all.

    Args:
        path: the file to write; an older one is replaced.
        pixels: uint8, (H, W, 3) RGB or (H, W) grey levels.

    Raises:
        OutputError: the disk is full, or the folder cannot be written to.
    """
    # Not cv2.imwrite, which only returns False when the disk is full.
    data = encode_png(pixels)
    with writing(path) as part:
        part.write_bytes(data)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold `folder` (made if missing) for this process alone; the lock ends with the block or with the process.

    Args:
        folder: the folder to hold. Files in folders below it stay free.

    Raises:
        OutputError: another process holds the folder or, see `held`, a name in it.
    """
    with _folder_lock(folder):
        for name in folder.glob(".*.lock"):
            with _lock(name, folder):
                pass  # No process holds this name. While the lock of the folder is taken, none can take it.
        yield


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the name `path`, whether there is such a file or not, and leave other names in its folder to others.

    Like `locked`, this ends with the block or with the process.

    Args:
        path: the name to hold. Its folder is made if it is missing, and removed if an error leaves nothing in it.

    Raises:
        OutputError: another process holds the name, or its whole folder.
    """
    made = _missing(path.parent)
    with ExitStack() as stack:
        with _folder_lock(path.parent):
            stack.enter_context(_name_lock(path))
        try:
            yield
        except BaseException:
            stack.close()
            with suppress(OutputError), _lock(path.parent / LOCK_NAME, path.parent):  # others may hold names by now
                _remove_unused(made)
            raise


@contextmanager
def in_turn(path: Path, on_wait: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Hold the name `path` once no other process does: whoever waited finds what the others have made.

    Args:
        path: the name to hold. Its folder is made if it is missing.
        on_wait: called about every second that another process holds the name.

    Raises:
        OutputError: the folder cannot be written to.
    """
    with output_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        while True:
            with suppress(TakenError):
                stack.enter_context(_name_lock(path))
                break
            on_wait()
        yield


@contextmanager
def _folder_lock(folder: Path) -> Iterator[None]:
    """Lock a folder; one that was made for this, and in which an error left nothing, is removed with those above."""
    made = _missing(folder)
    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with _lock(folder / LOCK_NAME, folder):
        try:
            yield
        except BaseException:
            _remove_unused(made)
            raise


def _missing(folder: Path) -> list[Path]:
    """Return those of a folder and the ones above it that are missing, the deepest first."""
    return [one for one in (folder, *folder.parents) if not one.exists()]


def _remove_unused(folders: Sequence[Path]) -> None:
    """Remove folders, the deepest first, if there is nothing in them but the lock of the first, which is held."""
    with suppress(OSError):  # of Windows, or of a folder in use
        if folders and list(folders[0].iterdir()) == [lock := folders[0] / LOCK_NAME]:
            lock.unlink()
            for one in folders:
                one.rmdir()


@contextmanager
def _name_lock(path: Path) -> Iterator[None]:
    """Lock a file beside `path`, and delete that file at the end.

    A process that opened the file before it was deleted and locks it afterwards holds no name; FileLock notices
    that and tries again.
    """
    file = path.with_name(f".{path.name}.lock")
    with _lock(file, path):
        try:
            yield
        finally:
            with suppress(PermissionError):  # of Windows, where FileLock itself deletes the file later
                file.unlink(missing_ok=True)


@contextmanager
def _lock(file: Path, what: Path) -> Iterator[None]:
    # Not thread-local: a generator that holds a lock may be closed by another thread. No soft lock: it outlives a
    # process that is killed.
    lock = FileLock(file, LOCK_PATIENCE, thread_local=False, poll_interval=0.01, fallback_to_soft=False)
    try:
        with output_errors(what):
            lock.acquire()
    except Timeout:
        raise TakenError(
            f"{what}: another roadseg process is writing here", "Wait for it to end, or choose another --out."
        ) from None
    try:
        yield
    finally:
        lock.release()


def resolved(path: Path) -> Path:
    """Return a path as absolute and without links; a link that leads to itself stays, where `Path.resolve` raises."""
    return Path(os.path.realpath(path))


def printable(path: str | Path) -> str:
    """Return a path as text with bytes that are not UTF-8 escaped: Parquet, HTML and terminals take only UTF-8."""
    return str(path).encode("utf-8", "backslashreplace").decode("utf-8")


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprint(path: Path) -> str:
    """Identify a file by its content: the hexadecimal SHA-256 of its size and its first and last MiB.

    Copies and renamed files have the same fingerprint. A change in the middle of a file goes unnoticed.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        digest = hashlib.sha256(str(size).encode())
        for start in (0, max(0, size - FINGERPRINT_BYTES)):
            file.seek(start)
            digest.update(file.read(FINGERPRINT_BYTES))
    return digest.hexdigest()
