"""NMEA 0183: sentences of receivers, in files beside a video and within the boxes of several cameras."""

import re
from collections.abc import Iterator
from math import isfinite, nan
from pathlib import Path
from typing import NamedTuple

import pynmea2

from roadseg.positions.fixes import KNOT, Fix, Recording

SENTENCE = re.compile(r"\$?(G[A-Z](?:RMC|GGA),[0-9A-Za-z.,+-]{5,120})\*([0-9A-Fa-f]{2})")
"""A whole sentence with its checksum: one that was cut off may name another place."""


class Sentence(NamedTuple):
    """A sentence that could be read."""

    place: int
    """Offset of its first character in the text."""
    fix: Fix
    """The fix, also of a receiver without a position."""


def read_sentences(text: str) -> tuple[list[Sentence], list[str]]:
    """Read the RMC sentences of a text, with the precision of the GGA sentences of the same moment.

    A sentence whose checksum is wrong is left out. Where most are wrong the file was edited, and none is checked.

    Returns:
        The sentences with a time, in their order, and notices.
    """
    found = list(SENTENCE.finditer(text))
    wrong = {match.start() for match in found if pynmea2.NMEASentence.checksum(match[1]) != int(match[2], 16)}
    ignored = 2 * len(wrong) > len(found)
    notices = []
    if ignored:
        notices.append(f"the checksums of {len(wrong)} of {len(found)} NMEA sentences are wrong: none is checked")
    elif wrong:
        notices.append(f"{len(wrong)} of {len(found)} NMEA sentences left out: wrong checksum")
    kept = [match for match in found if ignored or match.start() not in wrong]
    precision = dict(_precisions(kept))
    sentences = []
    for match in kept:
        parsed = _parsed(match[1])
        if isinstance(parsed, pynmea2.RMC) and (fix := _fix(parsed)) is not None:
            sentences.append(Sentence(match.start(), fix._replace(hdop=precision.get(parsed.data[0], nan))))
    return sentences, notices


def read_nmea(path: Path, text: str) -> Recording:
    """Read a file of sentences; a camera that writes one beside its video begins both together."""
    sentences, notices = read_sentences(text)
    return Recording(f"NMEA, {path.name}", [each.fix for each in sentences], begins_with_video=True, notices=notices)


def _parsed(sentence: str) -> pynmea2.NMEASentence | None:
    try:
        return pynmea2.parse(sentence)
    except (pynmea2.ParseError, ValueError, TypeError):
        return None


def _precisions(matches: list[re.Match[str]]) -> Iterator[tuple[str, float]]:
    """Yield the time of day of each GGA sentence, as it is written, and its dilution of precision."""
    for match in matches:
        parsed = _parsed(match[1]) if "GGA," in match[1][:7] else None
        if isinstance(parsed, pynmea2.GGA):
            yield parsed.data[0], number(parsed.horizontal_dil)


def _fix(rmc: pynmea2.RMC) -> Fix | None:
    """Return a fix; None where the sentence says no time."""
    try:
        when = rmc.datetime.timestamp()
        if rmc.status != "A" or not (rmc.lat and rmc.lon and rmc.lat_dir in ("N", "S") and rmc.lon_dir in ("E", "W")):
            return Fix(utc=when)
        lat, lon = rmc.latitude, rmc.longitude
    except (AttributeError, TypeError, ValueError):
        return None
    return Fix(lat, lon, when, speed_mps=KNOT * number(rmc.spd_over_grnd), heading_deg=number(rmc.true_course))


def number(value: object) -> float:
    """Return a finite number that is written as text; NaN where there is none."""
    try:
        found = float(str(value))
    except ValueError:
        return nan
    return found if isfinite(found) else nan
