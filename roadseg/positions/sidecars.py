"""Files of positions beside a video, or given by hand."""

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from roadseg.errors import InputError
from roadseg.inputs.documents import read_bytes
from roadseg.inputs.limits import MAX_TRACK_BYTES
from roadseg.positions.fixes import Recording
from roadseg.positions.gpx import read_gpx
from roadseg.positions.nmea import read_nmea
from roadseg.positions.seventy_mai import is_log, log_of, read_70mai_log
from roadseg.positions.subtitles import read_subtitles
from roadseg.positions.tables import read_table

SIDECARS: dict[str, Callable[[Path, str], Recording]] = {
    ".gpx": read_gpx,
    ".nmea": read_nmea,
    ".srt": read_subtitles,
    ".csv": read_table,
}
"""Readers of files beside a video, by extension, in the order in which they are looked for."""
MAY_BE_OTHER = (".srt", ".csv")
"""Extensions of files that often hold something else."""


def sidecars_of(video: Path) -> list[Path]:
    """Return the files that may have the positions of a video: those of its name, and the log of its card."""
    pairs = [(video.with_suffix(suffix), video.with_suffix(suffix.upper())) for suffix in SIDECARS]
    beside = [next((path for path in pair if path.is_file()), None) for pair in pairs]
    return [path for path in (*beside, log_of(video)) if path is not None and path != video]


def read_beside(video: Path, notices: list[str]) -> Iterator[Recording]:
    """Yield the positions of the files beside a video; those that cannot be read become notices.

    Subtitles and tables of something else are passed over.
    """
    for path in sidecars_of(video):
        try:
            found = read_sidecar(path, video)
        except InputError as error:
            if path.suffix.lower() not in MAY_BE_OTHER:
                notices.append(error.cause)
            continue
        if found.fixes or path.suffix.lower() not in MAY_BE_OTHER:
            yield found


def read_sidecar(path: Path, video: Path) -> Recording:
    """Read a file of positions, whatever its name.

    Raises:
        InputError: it cannot be read, or its format is unknown.
    """
    try:
        state = path.stat()
        text = _text(path, state.st_size, state.st_mtime_ns)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"{path}: cannot be read ({reason})", "Check the path given to --gps.") from error
    if is_log(text):
        return read_70mai_log(path, text, video)
    recording = _read(path, text)
    if path.stem.lower() == video.stem.lower():
        return recording
    return replace(recording, begins_with_video=False)  # a camera names both alike


@lru_cache(maxsize=2)
def _text(path: Path, size: int, changed: int) -> str:
    content = read_bytes(path, MAX_TRACK_BYTES)
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return content.decode("utf-16" if wide else "utf-8-sig", errors="replace")


@lru_cache(maxsize=2)
def _read(path: Path, text: str) -> Recording:
    """Read a text once for all videos that a long track belongs to."""
    return _reader(path, text)(path, text)


def _reader(path: Path, text: str) -> Callable[[Path, str], Recording]:
    """Return the reader for a file, by its content."""
    start = text[:4096].lstrip()
    if start.startswith("<") and re.search(r"<(?:[\w.-]+:)?gpx\b", start):
        return read_gpx
    if "RMC," in text:
        return read_nmea
    if "-->" in start:
        return read_subtitles
    suffix = path.suffix.lower()
    if suffix in SIDECARS or "lat" in start.partition("\n")[0].lower():
        return SIDECARS.get(suffix, read_table)
    raise InputError(f"{path}: not a format of positions that is known", "Give GPX, NMEA, SRT, CSV or a video.")
