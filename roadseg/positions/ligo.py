"""LIGOGPS: lines of text in transport streams, plain in some cameras; elsewhere, and in MP4, enciphered records."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from math import nan

from roadseg.positions.boxes import BoxFile
from roadseg.positions.fixes import Fix, Recording

MARK = b"LIGOGPSINFO"
LINE = re.compile(
    r"normal:(\d{4})/(\d\d)/(\d\d) (\d\d):(\d\d):(\d\d) ([NS]):(\d{1,2}\.\d+) ([EW]):(\d{1,3}\.\d+)"
    r" (\d{1,3}\.?\d*) km/h(?:.{0,60} A:(\d{1,3}\.?\d*))?"
)


def read_ligo(payloads: Sequence[bytes]) -> Recording | None:
    """Read the private data of a transport stream."""
    found = [LINE.match(payload.decode("latin-1")) for payload in payloads if payload.startswith(b"normal:")]
    if any(found):
        fixes = [_fix(line) if line else Fix() for line in found]  # a damaged line has its second too
        return Recording("LIGOGPS, transport stream", fixes, clock="local", begins_with_video=True)
    if any(payload.startswith(MARK) for payload in payloads):
        return Recording("LIGOGPS, transport stream", [], enciphered=True)
    return None


def read_ligo_box(file: BoxFile) -> Recording | None:
    """Recognise the enciphered records that some cameras write in a box of the highest level of an MP4 file."""
    for box in file.top:
        if box.kind in (b"free", b"skip") and MARK in file.read(box.start, 64):
            return Recording("LIGOGPS", [], enciphered=True)
    return None


def _fix(line: re.Match[str]) -> Fix:
    *date, north, lat, east, lon, speed, course = line.groups()
    try:
        when = datetime.strptime("".join([*date, "+0000"]), "%Y%m%d%H%M%S%z").astimezone(UTC).timestamp()
    except ValueError:
        return Fix()
    return Fix(
        -float(lat) if north == "S" else float(lat),
        -float(lon) if east == "W" else float(lon),
        when,
        speed_mps=float(speed) / 3.6,
        heading_deg=float(course) if course else nan,
    )
