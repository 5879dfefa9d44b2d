"""Header of a video: length, times and tracks, read without decoding a frame."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, NamedTuple

from av.container import InputContainer

from roadseg.errors import VideoError
from roadseg.video.boxes import Box, boxes
from roadseg.video.container import fraction, missing_index, open_input, video_tracks
from roadseg.video.probe import read_creation_time, read_duration

EPOCH_1904 = 2_082_844_800
"""Seconds from 1904, from which MP4 counts, to 1970; smaller times were counted from 1970 by mistake."""
FIRST_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"}
MAX_TRACKS = 64


@dataclass(frozen=True)
class VideoHeader:
    """Facts that the header of a video states; None where it does not."""

    duration_seconds: float | None
    """Duration of the first video track."""
    creation_time: datetime | None
    """Start of the recording in UTC, as the format defines it; many cameras write local time or the end."""
    tracks: tuple[str, ...]
    """Name of each video track, empty where it has none."""


class _Track(NamedTuple):
    seconds: float
    created: int
    name: str


def read_header(path: Path) -> VideoHeader:
    """Read the header of a video.

    MP4 and QuickTime files are read up to their index, in about a millisecond. Other formats, and files of several
    video tracks, are opened by FFmpeg, which looks at their first packets.

    Raises:
        VideoError: the path is missing, empty, not a video, or its index is missing.
    """
    try:
        with path.open("rb") as file:
            found = _read_boxes(path, file)
    except OSError:
        found = None  # opening it below names the reason
    if found is not None:
        return found
    with open_input(path) as container:
        return _described(path, container)


def _described(path: Path, container: InputContainer) -> VideoHeader:
    tracks = video_tracks(container)
    if not tracks:
        raise VideoError(f"{path}: no video in it", "Give a file with a video track.")
    time_base = fraction(tracks[0].time_base)
    return VideoHeader(
        read_duration(container, tracks[0], time_base) if time_base else None,
        read_creation_time(container, tracks[0]),
        tuple(_track_name(track.metadata.get("handler_name", "")) for track in tracks),
    )


def _read_boxes(path: Path, file: BinaryIO) -> VideoHeader | None:
    """Return the header of an MP4 file with one video track and a duration; None where FFmpeg must look.

    Raises:
        VideoError: the index is missing.
    """
    size = file.seek(0, os.SEEK_END)
    top = boxes(file, 0, size)
    first = next(top, None)
    if first is None or first.kind not in FIRST_BOXES:
        return None
    moov = first if first.kind == b"moov" else next((box for box in top if box.kind == b"moov"), None)
    if moov is None:
        if first.kind == b"ftyp":
            raise missing_index(path)
        return None
    created = scale = 0
    tracks: list[_Track] = []
    for box in boxes(file, moov.start, moov.end):
        if box.kind == b"mvhd":
            created, scale, _ = _times(file, box)
        elif box.kind == b"trak" and len(tracks) < MAX_TRACKS:
            tracks += list(_video_track(file, box, scale))
    if len(tracks) != 1 or not tracks[0].seconds:
        return None
    return VideoHeader(tracks[0].seconds, _as_time(created or tracks[0].created), (tracks[0].name,))


def _video_track(file: BinaryIO, trak: Box, movie_scale: int) -> Iterator[_Track]:
    """Yield the track if it is one of video."""
    shown = 0.0  # by the edit list, which leaves out what is only there to be decoded
    for box in boxes(file, trak.start, trak.end):
        if box.kind == b"tkhd":
            ticks = _number(_content(file, box), 28, 20)
            shown = ticks / movie_scale if movie_scale else 0.0
        elif box.kind == b"mdia":
            created, seconds, kind, name = 0, 0.0, b"", b""
            for part in boxes(file, box.start, box.end):
                if part.kind == b"mdhd":
                    created, _, seconds = _times(file, part)
                elif part.kind == b"hdlr":
                    content = _content(file, part)
                    kind, name = content[8:12], content[24:]
            if kind == b"vide":
                yield _Track(shown or seconds, created, _track_name(name.decode("utf-8", "replace")))


def _times(file: BinaryIO, box: Box) -> tuple[int, int, float]:
    """Return creation time in seconds, ticks a second and duration in seconds of an `mvhd` or `mdhd` box."""
    content = _content(file, box)
    created, ticks = _number(content, 4, 4), _number(content, 24, 16)
    place = 20 if content[:1] == b"\1" else 12
    scale = int.from_bytes(content[place : place + 4])
    return created, scale, ticks / scale if scale else 0.0


def _content(file: BinaryIO, box: Box) -> bytes:
    file.seek(box.start)
    return file.read(min(box.end - box.start, 256))


def _number(content: bytes, wide: int, narrow: int) -> int:
    """Return the number of 8 or 4 bytes at its place in version 1 or 0 of a box; 0 where it is unknown or cut off."""
    found = content[wide : wide + 8] if content[:1] == b"\1" else content[narrow : narrow + 4]
    is_known = len(found) in (4, 8) and set(found) != {255}
    return int.from_bytes(found) if is_known else 0


def _as_time(seconds: int) -> datetime | None:
    """Return a creation time as `roadseg.video.probe.read_creation_time` does."""
    seconds = seconds - EPOCH_1904 if seconds >= EPOCH_1904 else seconds
    if seconds <= timedelta(days=1).total_seconds():
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _track_name(name: str) -> str:
    return "".join(letter for letter in name.partition("\0")[0] if letter.isprintable()).strip()
