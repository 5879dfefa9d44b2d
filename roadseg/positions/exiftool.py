"""exiftool, where it is installed: it deciphers layouts that are not read here, https://exiftool.org."""

import json
import shutil
import subprocess
from collections import defaultdict
from datetime import UTC, datetime
from math import nan
from pathlib import Path
from typing import Any

from roadseg.positions.fixes import Fix, Recording
from roadseg.positions.nmea import number

SECONDS = 300
"""Seconds that it may take."""
UNSURE = ("will be wrong", "not yet known", "Can't yet")
"""Words of its warnings that what it prints may not be places."""
ARGUMENTS = ("-ee", "-n", "-j", "-G3", "-api", "largefilesupport", "-GPS*", "-SampleTime", "-Warning")


def read_with_exiftool(path: Path) -> Recording | None:
    """Read the positions of a video; None without exiftool, or where it finds none that it is sure of."""
    program = shutil.which("exiftool")
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, *ARGUMENTS, str(path.absolute())], capture_output=True, timeout=SECONDS, check=False
        )
        (found,) = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    if any(words in str(value) for key, value in found.items() if "Warning" in key for words in UNSURE):
        return None
    documents: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for key, value in found.items():
        document, _, tag = key.partition(":")
        documents[document][tag] = value
    fixes = [_fix(tags) for tags in documents.values() if "GPSLatitude" in tags and "GPSLongitude" in tags]
    timed = any(fix.seconds == fix.seconds for fix in fixes)
    return Recording("exiftool", fixes, clock="local", begins_with_video=not timed) if fixes else None


def _fix(tags: dict[str, Any]) -> Fix:
    return Fix(
        number(tags["GPSLatitude"]),
        number(tags["GPSLongitude"]),
        _time(str(tags.get("GPSDateTime", ""))),
        number(tags.get("SampleTime")),
        number(tags.get("GPSSpeed")) / 3.6,  # km/h in videos of dashcams
        number(tags.get("GPSTrack")),
    )


def _time(text: str) -> float:
    try:
        return datetime.strptime(text[:19], "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return nan
