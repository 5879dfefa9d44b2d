"""Clips of a camera's card: genuine MP4 files of a few frames whose headers state any duration and time."""

import struct
from datetime import datetime
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from helpers.clips import make_clip

EPOCH_1904 = 2_082_844_800
_number = count()


@cache
def template(tracks: int = 1) -> bytes:
    """A clip of two frames of 64x48 pixels, with its index at the end, as cameras write it."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "clip.mp4")
        make_clip(path, pts=range(2), second_size=(32, 32) if tracks == 2 else None)
        return path.read_bytes()


def write_clip(path: Path, seconds: float = 60.0, created: datetime | None = None, tracks: int = 1) -> Path:
    """Write a clip whose header states this duration and creation time; no two have the same content."""
    data = bytearray(template(tracks))
    ticks = 0 if created is None else int(created.timestamp()) + EPOCH_1904
    (scale,) = struct.unpack_from(">I", data, data.index(b"mvhd") + 16)
    place = data.find(b"tkhd")
    while place >= 0:
        struct.pack_into(">I", data, place + 24, round(seconds * scale))
        place = data.find(b"tkhd", place + 4)
    for kind in (b"mvhd", b"mdhd"):
        place = data.find(kind)
        while place >= 0:
            (scale,) = struct.unpack_from(">I", data, place + 16)
            struct.pack_into(">I", data, place + 8, ticks)
            struct.pack_into(">I", data, place + 20, round(seconds * scale))
            place = data.find(kind, place + 4)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data + struct.pack(">I4sI", 12, b"free", next(_number)))
    return path
