"""NMEA 0183: sentences of receivers, in files beside a video and within the boxes of several cameras."""

import re
from collections.abc import Iterator
from math import isfinite, nan
from pathlib import Path
from typing import NamedTuple

import pynmea2

from roadseg.positions.fixes import KNOT, Fix, Recording, from_minutes

BEGIN = r"\$?((?:G[A-Z]|BD|QZ|II|IN)(?:RMC|GGA),"
SENTENCE = re.compile(rf"{BEGIN}(?:[0-9A-Za-z.,+-]{{5,120}}\*([0-9A-Fa-f]{{2}}))?)")
"""A sentence with its checksum, or the beginning of one that was cut off, which may name another place."""


class Sentence(NamedTuple):
    """An RMC sentence."""

    place: int
    """Offset of its first character in the text."""
    fix: Fix
    """The fix, also of a receiver without a position; without a time where the sentence has none, or is damaged."""


def read_sentences(text: str) -> tuple[list[Sentence], list[str]]:
    """Read the RMC sentences of a text, with the precision of the GGA sentences of the same moment.

    A sentence whose checksum is wrong is not read. Where most are wrong the file was edited, and none is checked.

    Returns:
        The sentences in their order, none if all are damaged, and notices. A sentence that cannot be read keeps its
        place: a camera writes the next one some time later.
    """
    marks = list(SENTENCE.finditer(text))
    found = [match for match in marks if match[2]]
    wrong = {
        match.start()
        for match in found
        if pynmea2.NMEASentence.checksum(match[1].partition("*")[0]) != int(match[2], 16)
    }
    ignored = 2 * len(wrong) > len(found)
    notices = []
    if cut := len(marks) - len(found):
        notices.append(f"{cut} of {len(marks)} NMEA sentences left out: cut off, or without a checksum")
    if ignored:
        notices.append(f"the checksums of {len(wrong)} of {len(found)} NMEA sentences are wrong: none is checked")
    elif wrong:
        notices.append(f"{len(wrong)} of {len(found)} NMEA sentences left out: wrong checksum")
    kept = {match.start(): match for match in found if ignored or match.start() not in wrong}
    precision = dict(_precisions(list(kept.values())))
    sentences = []
    for match in marks if kept else ():
        parsed = _parsed(match[1]) if match.start() in kept else None
        if isinstance(parsed, pynmea2.RMC):
            fix = _fix(parsed)._replace(hdop=precision.get(parsed.data[0], nan))
            sentences.append(Sentence(match.start(), fix))
        elif "RMC," in match[1][:6]:
            sentences.append(Sentence(match.start(), Fix()))
    return sentences, notices


def read_nmea(path: Path, text: str) -> Recording:
    """Read a file of sentences; a camera that writes one beside its video begins both together."""
    sentences, notices = read_sentences(text)
    return Recording(f"NMEA, {path.name}", [each.fix for each in sentences], begins_with_video=True, notices=notices)


def _parsed(sentence: str) -> pynmea2.NMEASentence | None:
    try:
        return pynmea2.parse(sentence.partition("*")[0])
    except (pynmea2.ParseError, ValueError, TypeError):
        return None


def _precisions(matches: list[re.Match[str]]) -> Iterator[tuple[str, float]]:
    """Yield the time of day of each GGA sentence, as it is written, and its dilution of precision."""
    for match in matches:
        parsed = _parsed(match[1]) if "GGA," in match[1][:7] else None
        if isinstance(parsed, pynmea2.GGA):
            yield parsed.data[0], number(parsed.horizontal_dil)


def _fix(rmc: pynmea2.RMC) -> Fix:
    """Return a fix; without anything where the sentence says no time."""
    try:
        when = rmc.datetime.timestamp()
        place = rmc.status == "A" and rmc.lat_dir in ("N", "S") and rmc.lon_dir in ("E", "W")
        lat, lon = from_minutes(number(rmc.lat), 90), from_minutes(number(rmc.lon), 180)
        speed, course = KNOT * number(rmc.spd_over_grnd), number(rmc.true_course)
    except (AttributeError, TypeError, ValueError):
        return Fix()
    if not place:
        return Fix(utc=when)
    return Fix(-lat if rmc.lat_dir == "S" else lat, -lon if rmc.lon_dir == "W" else lon, when, nan, speed, course)


def number(value: object) -> float:
    """Return a finite number that is written as text; NaN where there is none."""
    try:
        found = float(str(value))
    except ValueError:
        return nan
    return found if isfinite(found) else nan
