"""Tesla (firmware 2025.44.25 and later): a message of protobuf in the supplemental information of each picture.

https://github.com/teslamotors/dashcam: user data of type 5, that begins with `B`s and an `i`, in H.264 or HEVC.
"""

import struct
from collections.abc import Iterator
from math import nan

from roadseg.positions.boxes import BoxFile, BoxTrack
from roadseg.positions.fixes import Fix, Recording

SEEN_BYTES = 2048
"""Bytes of a picture among which its supplemental information is: it comes before the coded data."""
UNITS = 8
"""Units of a picture that are looked at."""
LOOKED_AT = 300
"""Pictures of the beginning, one of which must have a message; a longer search would slow down all other videos."""
USER_DATA = 5
SPEED, LAT, LON, HEADING = 4, 11, 12, 13
"""Numbers of fields: a float, then doubles. A field that is zero is left out."""


def read_tesla(file: BoxFile) -> Recording | None:
    """Read the messages of the first video track."""
    for track in file.tracks:
        if track.handler == b"vide" and track.format in (b"avc1", b"avc3", b"hvc1", b"hev1"):
            fixes = _fixes(track)
            return Recording("Tesla", sorted(fixes, key=lambda fix: fix.seconds)) if fixes else None
    return None


def _fixes(track: BoxTrack) -> list[Fix]:
    is_hevc = track.format in (b"hvc1", b"hev1")
    prefix = _length_bytes(track.description, is_hevc=is_hevc)
    fixes: list[Fix] = []
    for number, sample in enumerate(track.samples(SEEN_BYTES)):
        if number >= LOOKED_AT and not fixes:
            break
        for unit in _information(sample.data, prefix, is_hevc=is_hevc):
            fix = _fix(unit, sample.seconds)
            if fix is not None:
                fixes.append(fix)
    return fixes


def _length_bytes(description: bytes, *, is_hevc: bool) -> int:
    """Return the number of bytes in front of each unit that state its length."""
    at = description.find(b"hvcC" if is_hevc else b"avcC")
    place = at + 4 + (21 if is_hevc else 4)
    return 1 + (description[place] & 3) if at >= 0 and place < len(description) else 4


def _information(picture: bytes, prefix: int, *, is_hevc: bool) -> Iterator[bytes]:
    """Yield the user data of the supplemental information of a picture."""
    at = 0
    for _ in range(UNITS):
        begin = at + prefix
        if begin + 2 > len(picture):
            return
        at = begin + int.from_bytes(picture[at:begin], "big")
        kind = picture[begin] >> 1 & 0x3F if is_hevc else picture[begin] & 0x1F
        if kind in ((39, 40) if is_hevc else (6,)) and at <= len(picture):
            yield from _messages(_unescaped(picture[begin + (2 if is_hevc else 1) : at]))


def _unescaped(unit: bytes) -> bytes:
    """Return a unit without the bytes that keep it from looking like a start code."""
    return unit.replace(b"\0\0\3", b"\0\0")


def _messages(unit: bytes) -> Iterator[bytes]:
    at = 0
    while at + 2 <= len(unit) and unit[at:] != b"\x80":
        values = []
        for _ in range(2):  # type, then length: bytes of 255 add up, with the one behind
            value = 0
            while at < len(unit) and unit[at] == 255:
                value, at = value + 255, at + 1
            if at >= len(unit):
                return
            values.append(value + unit[at])
            at += 1
        kind, length = values
        if at + length > len(unit):
            return
        if kind == USER_DATA:
            yield unit[at : at + length]
        at += length


def _fix(data: bytes, seconds: float) -> Fix | None:
    """Return the fix of a message; None if it is not one of Tesla's, or damaged."""
    message = data.lstrip(b"B")
    if message[:1] != b"i" or message == data:
        return None
    fields = _fields(message[1:])
    if fields is None:
        return None
    lat, lon = fields.get(LAT, nan), fields.get(LON, nan)
    return Fix(lat, lon, seconds=seconds, speed_mps=fields.get(SPEED, 0.0), heading_deg=fields.get(HEADING, nan))


def _fields(message: bytes) -> dict[int, float] | None:
    """Return the fields of fixed size by their numbers; None for a message that is damaged."""
    found: dict[int, float] = {}
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind, number = tag & 7, tag >> 3
        if kind == 0:
            _, at = _varint(message, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
            if at + size > len(message):
                return None
            found[number] = struct.unpack_from("<d" if kind == 1 else "<f", message, at)[0]
            at += size
        elif kind == 2:
            length, at = _varint(message, at)
            at += length
        else:
            return None
    return found if at == len(message) else None


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """Return a number of variable length and the offset behind it; an offset behind the end if it is cut off."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            break
        byte = message[at]
        value, at = value | (byte & 0x7F) << shift, at + 1
        if byte < 128:
            return value, at
    return 0, len(message) + 1
