"""BlackVue: NMEA sentences in a box `gps ` within a box `free`, each behind the milliseconds of the camera's clock."""

import re
from datetime import datetime
from math import nan
from statistics import median

from roadseg.positions.boxes import BoxFile
from roadseg.positions.fixes import Fix, Recording
from roadseg.positions.nmea import read_sentences

STAMP = re.compile(r"\[(\d{12,14})\](?=\$)")
LONGEST = 86400.0
"""Seconds of a recording; a time that is further from the others is damaged."""
LATEST_BEGIN = 10.0
"""Longest time in seconds from the start of the recording, by its name, to the first sentence."""


def read_blackvue(file: BoxFile) -> Recording | None:
    """Read the first box of sentences; other boxes `free` may precede it."""
    for box in file.top:
        inner = file.inside(box, guessed=True) if box.kind == b"free" else [box]
        text = file.content(file.first(inner, b"gps ")).decode("latin-1")
        if "$G" in text:
            return _read(text, file.content(file.first(inner, b"ptnm")))
    return None


def _read(text: str, name: bytes) -> Recording:
    stamps = {match.end(): int(match[1]) / 1000 for match in STAMP.finditer(text)}
    usual = median(stamps.values()) if stamps else nan
    begin = min((stamp for stamp in stamps.values() if abs(stamp - usual) <= LONGEST), default=nan)
    named = _named(name)
    if 0 <= begin - named <= LATEST_BEGIN:  # by the same clock
        begin = named
    sentences, notices = read_sentences(text)
    fixes: list[Fix] = [each.fix._replace(seconds=stamps.get(each.place, nan) - begin) for each in sentences]
    return Recording("BlackVue", fixes, begins_with_video=True, from_first_frame=True, notices=notices)


def _named(name: bytes) -> float:
    """Return the time in the camera's own name of the recording, as if it were UTC; NaN where there is none."""
    found = re.search(rb"(\d{8})_(\d{6})", name)
    if found is None:
        return nan
    try:
        return datetime.strptime(f"{(found[1] + found[2]).decode()}+0000", "%Y%m%d%H%M%S%z").timestamp()
    except ValueError:
        return nan
