"""Tracks of text or of short records: NMEA (Thinkware and others), Garmin's `PNDM`."""

import struct
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

from roadseg.positions.boxes import BoxFile, Sample
from roadseg.positions.cleaning import believed
from roadseg.positions.fixes import Fix, Recording
from roadseg.positions.nmea import read_sentences

HANDLERS = (b"sbtl", b"text", b"subt", b"meta", b"data", b"clcp")
SAMPLE_BYTES = 4096
GARMIN = b"PNDM"
MILE_PER_HOUR = 1609.344 / 3600
MAX_MILES_PER_HOUR = 250


def read_text_tracks(file: BoxFile) -> Recording | None:
    """Read the first track that holds positions; its samples have times of the video."""
    for track in file.tracks:
        if track.handler in HANDLERS and track.format not in (b"gpmd", b"camm"):
            samples = list(track.samples(SAMPLE_BYTES))
            found = _nmea(samples) or _garmin(samples)
            if found is not None:
                return found
    return None


def _nmea(samples: Sequence[Sample]) -> Recording | None:
    texts = [sample.data.decode("latin-1") for sample in samples]
    if not any("RMC," in text for text in texts):
        return None
    begins = list(accumulate((len(text) + 1 for text in texts), initial=0))
    sentences, notices = read_sentences("\n".join(texts))
    fixes = [
        sentence.fix._replace(seconds=samples[bisect_right(begins, sentence.place) - 1].seconds)
        for sentence in sentences
    ]
    return Recording("NMEA in a track", fixes, notices=notices)


def _garmin(samples: Sequence[Sample]) -> Recording | None:
    """Read samples of a mark, speed in miles per hour, latitude and longitude in parts of a half circle.

    The order of bytes is that in which speeds are plausible and more positions follow each other.
    """
    marked = [(sample, sample.data.find(GARMIN, 0, 10)) for sample in samples]
    blocks = [(each.seconds, each.data[at : at + 20]) for each, at in marked if at >= 0 and len(each.data) >= at + 20]
    if not blocks:
        return None
    read = [[_garmin_fix(seconds, block, order) for seconds, block in blocks] for order in "<>"]
    best = max(read, key=lambda fixes: len(believed([fix for fix in fixes if fix is not None])[0]))
    return Recording("Garmin", [fix for fix in best if fix is not None])


def _garmin_fix(seconds: float, block: bytes, order: str) -> Fix | None:
    speed, lat, lon = struct.unpack_from(f"{order}Iii" if order == "<" else ">Hxxii", block, 8)
    if speed > MAX_MILES_PER_HOUR:
        return None
    half_circle = 180 / 2**31
    return Fix(lat * half_circle, lon * half_circle, seconds=seconds, speed_mps=speed * MILE_PER_HOUR)
