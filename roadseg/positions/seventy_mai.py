"""70mai: a box `GPS ` at the end of a clip, or a log for all clips of a card."""

import re
import struct
from math import nan
from pathlib import Path, PurePosixPath

from roadseg.positions.boxes import BoxFile
from roadseg.positions.fixes import Fix, Recording, from_minutes
from roadseg.positions.nmea import number

RECORD = struct.Struct("<4IcIcI")
RECORD_BYTES = 36
LOGS = "GPSData*.txt"
"""Names of logs."""


def read_70mai_box(file: BoxFile) -> Recording | None:
    """Read the records of the box: validity, second of the clip, metres per hour, place in thousandths of DDDMM.MMM."""
    content = file.content(file.first(file.top, b"GPS "))
    if not content.strip(b"\0"):
        return None
    fixes: list[Fix] = []
    places = range(0, len(content) - RECORD_BYTES + 1, RECORD_BYTES)
    for at in places:
        _, valid, second, speed, north, lat, east, lon = RECORD.unpack_from(content, at)
        if north not in (b"N", b"S") or east not in (b"E", b"W"):
            continue
        place = (
            from_minutes(lat / 1000, 90) * (-1 if north == b"S" else 1),
            from_minutes(lon / 1000, 180) * (-1 if east == b"W" else 1),
        )
        fixes.append(Fix(*(place if valid == 1 else (nan, nan)), seconds=float(second), speed_mps=speed / 3600))
    damaged = len(places) - len(fixes)
    notices = [f"{damaged} of {len(places)} records are damaged and left out"] if damaged else []
    return Recording("70mai", fixes, from_first_frame=True, enciphered=not fixes, notices=notices)


def log_of(video: Path) -> Path | None:
    """Return the log of a card, `GPSData*.txt`, beside a clip or up to two folders above, which names the clip."""
    for folder in (video.parent, *list(video.resolve().parents)[1:3]):
        try:
            logs = sorted(folder.glob(LOGS))
        except OSError:
            continue
        for log in logs:
            if _is_named(log, video):
                return log
    return None


def read_70mai_log(path: Path, text: str, video: Path) -> Recording:
    """Read the lines of a log that belong to a clip, or to that of the front camera at the same time.

    A line has seconds since 1970, A or V, latitude, longitude, course and speed in hundredths, and the clip as tenth.
    """
    clip, fixes = _clip(video.name), []
    for line in text.splitlines():
        values = line.split(",")
        if len(values) < 10 or _clip(values[9]) != clip:
            continue
        place = (number(values[2]), number(values[3])) if values[1] == "A" else (nan, nan)
        fixes.append(
            Fix(*place, number(values[0]), speed_mps=number(values[5]) / 100, heading_deg=number(values[4]) / 100)
        )
    return Recording(f"70mai, {path.name}", fixes, begins_with_video=True)


def is_log(text: str) -> bool:
    """Return True for the text of a log: its lines have a clip as tenth value."""
    lines = text[:2000].splitlines()
    return any(re.fullmatch(r"\d{9,10},[AV],(?:[^,]*,){7}[^,]*\.\w{2,3}(?:,.*)?", line.strip()) for line in lines)


def _is_named(log: Path, video: Path) -> bool:
    clip = _clip(video.name)
    try:
        with log.open(encoding="latin-1") as lines:
            return any(clip in line for line in lines)
    except OSError:
        return False


def _clip(name: str) -> str:
    """Return the name of a clip without folder, suffix and the letter of its camera."""
    return PurePosixPath(name.replace("\\", "/")).stem.rstrip("FBIR")
