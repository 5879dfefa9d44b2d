"""Files that appear whole or not at all, and folders that one process at a time may write to."""

import errno
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from roadseg.errors import OutputError

PART_SUFFIX = ".part"
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


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold `folder` (made if missing) for this process until the block ends; the lock dies with the process.

    Raises:
        OutputError: another process holds it.
    """
    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutputError(
                f"{folder}: another roadseg process is writing here",
                "Wait for it to end, or choose another --out.",
            ) from None
        yield


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
