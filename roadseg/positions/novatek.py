"""Novatek: a `freeGPS ` block for each second, in MP4 (also by an index in `moov`) and in MPEG transport streams.

Makers place time, place and speed at different offsets: of the layouts in which all of a block is plausible, that which
most blocks of the file agree with is read.
"""

import struct
from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import accumulate
from math import isnan, nan

from roadseg.positions.boxes import BoxFile
from roadseg.positions.fixes import KNOT, Fix, Recording, from_minutes
from roadseg.positions.ligo import MARK as LIGO
from roadseg.positions.nmea import read_sentences

MARK = b"freeGPS "
BLOCK_BYTES = 1024
"""Bytes of a block that are read; what is known lies within the first 200."""
MAX_BLOCKS = 50_000
MAX_KNOTS = 200

Layout = Callable[[bytes], Fix | None]
"""Reader of a block from its mark on; None where the block has another layout, or is enciphered."""


def read_novatek(file: BoxFile) -> Recording | None:
    """Read the blocks of an MP4 file."""
    blocks = _indexed(file) or _loose(file)
    return read_blocks("Novatek freeGPS", blocks) if blocks else None


def read_novatek_stream(payloads: Sequence[bytes]) -> Recording | None:
    """Read the packets of a transport stream, which have no mark and begin with the time."""
    blocks = [MARK + bytes(4) + payload for payload in payloads if len(payload) >= 44]
    found = [block for block in blocks if _plain(12, block) is not None]
    return read_blocks("Novatek, transport stream", found) if found else None


def read_blocks(source: str, blocks: Sequence[bytes]) -> Recording:
    """Read blocks, each from its mark on."""
    if any(LIGO in block for block in blocks):  # the plain place beside it is a wrong one
        return Recording(source, [], enciphered=True)
    written = _written(source, blocks)
    if written is not None:
        return written
    read = [[layout(block) for block in blocks] for layout in LAYOUTS]
    read.sort(key=lambda fixes: -sum(1 + fix.has_position for fix in fixes if fix is not None))
    fixes = [next((fix for fix in block if fix is not None), None) for block in zip(*read, strict=True)]
    known = [fix for fix in fixes if fix is not None]
    strange = sum(fix is None and bool(block[12:].strip(b"\0")) for fix, block in zip(fixes, blocks, strict=True))
    if strange > len(known):
        return Recording(source, [], enciphered=True)
    notices = [f"{strange} of {len(blocks)} blocks have another layout and are left out"] if strange else []
    found = [Fix() if fix is None else fix for fix in fixes]
    return Recording(source, found, clock="local", begins_with_video=True, notices=notices)


def _indexed(file: BoxFile) -> list[bytes]:
    """Return the blocks that `moov` lists: count at 4, then offset and length of each."""
    content = file.content(file.first(file.top, b"moov", b"gps "))
    count = min(int.from_bytes(content[4:8], "big"), (len(content) - 8) // 8, MAX_BLOCKS)
    pairs = struct.unpack_from(f">{2 * count}I", content, 8) if count > 0 else ()
    blocks = _marked(file, list(zip(pairs[::2], pairs[1::2], strict=True)))
    return blocks if any(blocks) else []


def _loose(file: BoxFile) -> list[bytes]:
    """Return the blocks among the boxes of the highest level, as files without an index have them."""
    free = [box for box in file.top if box.kind == b"free"][:MAX_BLOCKS]
    return [block for block in _marked(file, [(box.start - 8, box.end - box.start + 8) for box in free]) if block]


def _marked(file: BoxFile, places: Sequence[tuple[int, int]]) -> list[bytes]:
    """Return the block of each place from its mark on; empty where there is none, which stands for its second too."""
    blocks = [file.read(start, min(length, BLOCK_BYTES)) for start, length in places]
    return [block[block[:20].find(MARK) :] if MARK in block[:20] else b"" for block in blocks]


def _written(source: str, blocks: Sequence[bytes]) -> Recording | None:
    """Return the fixes of blocks that hold NMEA sentences as text, some makers' way; None where none does."""
    begins = [0, *accumulate(len(block) + 1 for block in blocks)]
    sentences, notices = read_sentences("\n".join(block.decode("latin-1") for block in blocks))
    if not sentences:
        return None
    fixes = [Fix()] * len(blocks)
    for sentence in sentences:
        fixes[bisect_right(begins, sentence.place) - 1] = sentence.fix
    return Recording(source, fixes, begins_with_video=True, notices=notices)


def _plain(at: int, block: bytes) -> Fix | None:
    """Read time, status and letters, then place, speed and course in single precision, from the offset of the time on.

    Most cameras have the time at 44, VIOFO and others at 12.
    """
    if len(block) < at + 44:
        return None
    *time, year, month, day = struct.unpack_from("<6I", block, at)
    return _fix((year, month, day), time, block[at + 24 : at + 27], *struct.unpack_from("<4f", block, at + 28))


def _date_first(block: bytes) -> Fix | None:
    """Read status and letters, date before time, then longitude before latitude."""
    if len(block) < 104:
        return None
    *date, hour, minute, second = struct.unpack_from("<6I", block, 64)
    lon, lat, speed, course = struct.unpack_from("<4f", block, 88)
    return _fix(date, (hour, minute, second), block[60:63], lat, lon, speed, course)


def _date_last(block: bytes) -> Fix | None:
    """Read a place between its letters, in single precision; its unit of speed is not known."""
    if len(block) < 96:
        return None
    letters = block[56:57] + block[64:65] + block[72:73]
    (lat,), (lon,) = struct.unpack_from("<f", block, 60), struct.unpack_from("<f", block, 68)
    date, time = struct.unpack_from("<3I", block, 84), struct.unpack_from("<3I", block, 44)
    return _fix(date, time, letters, lat, lon, nan, nan)


def _in_doubles(at: int, block: bytes) -> Fix | None:
    """Read the time at an offset, then a place between its letters, speed and course in double precision, the date."""
    place = at + 16
    if len(block) < place + 60:
        return None
    letters = block[at + 12 : at + 13] + block[place + 8 : place + 9] + block[place + 24 : place + 25]
    lat, lon, speed, course = (struct.unpack_from("<d", block, place + step)[0] for step in (0, 16, 32, 40))
    date, time = struct.unpack_from("<3I", block, place + 48), struct.unpack_from("<3I", block, at)
    return _fix(date, time, letters, lat, lon, speed, course)


LAYOUTS: tuple[Layout, ...] = (
    *(partial(_plain, at) for at in (44, 12, 16, 48)),
    *(_date_first, _date_last, partial(_in_doubles, 44), partial(_in_doubles, 12)),
)


def _fix(
    date: Sequence[int], time: Sequence[int], letters: bytes, lat: float, lon: float, knots: float, course: float
) -> Fix | None:
    """Return a fix if all of it is plausible; without a place where the status says so.

    Args:
        date: year, also without the century, month and day.
        time: hour, minute and second.
        letters: status `A` or `V`, `N` or `S`, `E` or `W`.
        lat: degrees times 100, plus minutes; degrees in some cameras.
        lon: the same.
        knots: speed.
        course: degrees.
    """
    when = _when(date, time)
    if isnan(when) or letters[:1] not in (b"A", b"V"):
        return None
    if letters[:1] == b"V":
        return Fix(utc=when)
    if lat <= 90 and lon <= 180:  # degrees: as degrees and minutes, the open sea around 0/0
        north, east = lat if lat >= 0 else nan, lon if lon >= 0 else nan
    else:
        north, east = from_minutes(lat, 90), from_minutes(lon, 180)
    if isnan(north) or isnan(east) or letters[1:2] not in (b"N", b"S") or letters[2:3] not in (b"E", b"W"):
        return None
    if north == east == 0:  # some write their place elsewhere, enciphered
        return None
    north, east = -north if letters[1:2] == b"S" else north, -east if letters[2:3] == b"W" else east
    speed = KNOT * knots if 0 <= knots <= MAX_KNOTS else nan
    return Fix(north, east, when, speed_mps=speed, heading_deg=course)


def _when(date: Sequence[int], time: Sequence[int]) -> float:
    """Return seconds since 1970 of (year, month, day) and (hour, minute, second); NaN where there is no such time."""
    year = date[0] + 2000 if date[0] < 100 else date[0]
    if not 2000 <= year < 2100:
        return nan
    try:
        return datetime(year, date[1], date[2], time[0], time[1], time[2], tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        return nan
