"""Files that appear whole or not at all, and folders and names that one process at a time may write to."""

import errno
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.errors import OutputError

PART_SUFFIX = ".part"
LOCK_NAME = ".lock"
FINGERPRINT_BYTES = 1 << 20


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Give a `.part` path to write to and rename it to `path` when the block ends well.

    The partial file is removed when the block raises, whatever it raises, so that neither a half-written file
    nor its remains are left under any name. The folder is made if it is missing.

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

    Raises:
        OutputError: something is in `folder` already, another process is making it, or it cannot be written.
    """
    folder = folder.absolute()
    part = folder.with_name(folder.name + PART_SUFFIX)
    with output_errors(folder):
        if folder.exists() and any(folder.iterdir()):
            raise OutputError(f"{folder}: is not empty", "Choose another --out, or delete it: nothing is overwritten.")
        with locked(part):
            for remains in part.iterdir():
                if remains.is_dir():
                    shutil.rmtree(remains)
                elif remains.name != LOCK_NAME:
                    remains.unlink()
            try:
                yield part
                (part / LOCK_NAME).unlink()
                if folder.exists():
                    folder.rmdir()
                part.rename(folder)
            finally:
                shutil.rmtree(part, ignore_errors=True)


@contextmanager
def output_errors(path: Path) -> Iterator[None]:
    """Turn an `OSError` raised while writing to `path` into an `OutputError` that says what to do."""
    try:
        yield
    except OSError as error:
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
        raise


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 `text` to `path`, whole or not at all."""
    with writing(path) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write `value` to `path` as indented JSON, whole or not at all. NaN is refused: it is not JSON."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """The file of an RGB picture (H, W, 3) uint8, or of one of a single channel (H, W), such as a label map."""
    _, data = cv2.imencode(".png", pixels[..., ::-1] if pixels.ndim == 3 else pixels)
    return data.tobytes()


def write_png(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Write what `encode_png` makes of `pixels`.

    Raises:
        OutputError: it cannot be written.
    """
    # Not imwrite, which says no more than False of a full disk.
    data = encode_png(pixels)
    with writing(path) as part:
        part.write_bytes(data)


@contextmanager
def locked(folder: Path, *, shared: bool = False) -> Iterator[None]:
    """Hold `folder` (made if missing) for this process until the block ends; the lock dies with the process.

    Args:
        folder: what to hold.
        shared: other processes may hold it too if they share it; each of them holds the files it writes, see `held`.

    Raises:
        OutputError: another process holds it.
    """
    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = _open_lock(folder / LOCK_NAME)
    with lock:
        _take(lock, folder, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the name `path`, whether there is such a file or not, and share its folder (made if missing) with others.

    As `locked`, this ends with the block or with the process.

    Raises:
        OutputError: another process holds the name, or the folder for itself alone.
    """
    name = path.with_name(f".{path.name}.lock")
    with locked(path.parent, shared=True):
        while True:
            with output_errors(path):
                lock = _open_lock(name)
            with lock:
                _take(lock, path, fcntl.LOCK_EX)
                # Between opening and locking, its holder may have removed it: then it keeps nobody out.
                if not _is_at(lock, name):
                    continue
                try:
                    yield
                finally:
                    name.unlink(missing_ok=True)
                return


def _open_lock(path: Path) -> IO[str]:
    # For reading and writing: where a network file system emulates locks, shared ones take the one, others the other.
    return path.open("a+")


def _take(lock: IO[str], what: Path, kind: int) -> None:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        raise OutputError(
            f"{what}: another roadseg process is writing here", "Wait for it to end, or choose another --out."
        ) from None


def _is_at(file: IO[str], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def printable(path: Path) -> str:
    """The path, with what is not UTF-8 in it written as escapes: Parquet, HTML and terminals have no way to tell it."""
    return str(path).encode("utf-8", "backslashreplace").decode("utf-8")


def fingerprint(path: Path) -> str:
    """SHA-256, hexadecimal, of a file's size, first and last MiB: it follows copies and new names, and takes no time.

    Enough to tell videos apart, but not to notice a change in the middle.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        digest = hashlib.sha256(str(size).encode())
        for start in (0, max(0, size - FINGERPRINT_BYTES)):
            file.seek(start)
            digest.update(file.read(FINGERPRINT_BYTES))
    return digest.hexdigest()
