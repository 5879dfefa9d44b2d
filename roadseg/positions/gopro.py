"""GoPro: GPMF in a track `gpmd`, https://github.com/gopro/gpmf-parser."""

import re
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from math import nan
from typing import NamedTuple

from roadseg.positions.boxes import BoxFile, Sample
from roadseg.positions.fixes import Fix, Recording

DAYS_2000 = 946_684_800.0
"""Seconds from 1970 to 2000-01-01, from which GPS9 counts days."""
TWO_DIMENSIONS = 2
"""Least kind of fix that has a position."""
GPS9_TYPES = b"lllllllSS"
NUMBERS = dict(zip((b"b", b"B", b"s", b"S", b"l", b"L", b"j", b"J", b"f", b"d"), "bBhHiIqQfd", strict=True))
"""Types of numbers, and their names in Python's `struct`."""


class Item(NamedTuple):
    """An item of GPMF."""

    key: bytes
    kind: bytes
    """Type of its values; a zero byte for a list of items."""
    size: int
    """Bytes of one structure."""
    data: bytes


class DamagedError(ValueError):
    """An item that is longer than what holds it, or of another form."""


def read_gopro(file: BoxFile) -> Recording | None:
    """Read the stream GPS9 of all samples, otherwise GPS5; points are spread evenly over the time of their sample."""
    for track in file.tracks:
        if track.format != b"gpmd":
            continue
        fixes: list[Fix] = []
        samples = damaged = 0
        for sample in track.samples():
            samples += 1
            try:
                streams = list(_streams(sample.data))
                newer = [stream for stream in streams if b"GPS9" in stream]  # some cameras write both
                fixes += [fix for stream in newer or streams for fix in _fixes(stream, sample)]
            except (DamagedError, struct.error):
                damaged += 1
        if damaged:
            file.faults.append(f"{damaged} of {samples} samples of GPMF are damaged and left out")
        if fixes:
            return Recording("GoPro GPMF", fixes)
    return None


def items(data: bytes) -> Iterator[Item]:
    """Yield the items of a list.

    Raises:
        DamagedError: one is longer than the list.
    """
    at = 0
    while at + 8 <= len(data):
        key, kind, size, repeat = struct.unpack_from(">4scBH", data, at)
        if key == bytes(4):
            return
        end = at + 8 + size * repeat
        if end > len(data):
            raise DamagedError(key)
        yield Item(key, kind, size, data[at + 8 : end])
        at = (end + 3) // 4 * 4


def _streams(data: bytes) -> Iterator[dict[bytes, Item]]:
    """Yield the streams of all devices of a sample, by the keys of their items."""
    for device in items(data):
        if device.key == b"DEVC" and device.kind == b"\0":
            for stream in items(device.data):
                if stream.key == b"STRM" and stream.kind == b"\0":
                    yield {item.key: item for item in items(stream.data)}


def _fixes(stream: dict[bytes, Item], sample: Sample) -> Iterator[Fix]:
    """Yield the fixes of a stream; a stream without positions has none."""
    points = stream.get(b"GPS9") or stream.get(b"GPS5")
    if points is None:
        return
    scale = _scale(stream.get(b"SCAL"))
    nine = points.key == b"GPS9"
    form = struct.Struct(">7i2H" if nine else ">5i")
    if points.size != form.size or len(scale) < (9 if nine else 5) or not all(scale):
        raise DamagedError(points.key)
    if nine and b"TYPE" in stream and stream[b"TYPE"].data.rstrip(b"\0") != GPS9_TYPES:
        raise DamagedError(points.key)
    begin = _time(stream.get(b"GPSU"))
    precision = _first(stream.get(b"GPSP"), ">H", 0) / 100 or nan
    kind = _first(stream.get(b"GPSF"), ">I", TWO_DIMENSIONS)
    count = len(points.data) // form.size
    for number, raw in enumerate(form.iter_unpack(points.data[: count * form.size])):
        values = [value / divisor for value, divisor in zip(raw, scale, strict=False)]
        later = sample.duration * number / count
        when = begin + later
        if nine:
            when, precision, kind = DAYS_2000 + 86400 * values[5] + values[6], values[7], raw[8]
        if kind < TWO_DIMENSIONS:
            yield Fix(utc=when, seconds=sample.seconds + later)
            continue
        lat, lon, _, speed = values[:4]
        yield Fix(lat, lon, when, sample.seconds + later, speed_mps=speed, hdop=precision)


def _scale(item: Item | None) -> list[float]:
    """Return the divisors of all values; a single one counts for all."""
    form = "" if item is None else NUMBERS.get(item.kind, "")
    if item is None or not form:
        return []
    size = struct.calcsize(form)
    values = [value for (value,) in struct.iter_unpack(f">{form}", item.data[: len(item.data) // size * size])]
    return values * 9 if len(values) == 1 else values


def _time(item: Item | None) -> float:
    """Return the time of GPSU, `yymmddhhmmss.sss`, in seconds since 1970; NaN where there is none."""
    text = b"" if item is None else item.data[:16]
    if not re.fullmatch(rb"\d{12}\.\d{3}", text):
        return nan
    try:
        whole = datetime.strptime(f"20{text[:12].decode()}Z", "%Y%m%d%H%M%S%z").astimezone(UTC)
    except ValueError:
        return nan
    return whole.timestamp() + int(text[13:16]) / 1000


def _first(item: Item | None, form: str, otherwise: int) -> int:
    if item is None or len(item.data) < struct.calcsize(form):
        return otherwise
    return int(struct.unpack_from(form, item.data)[0])
