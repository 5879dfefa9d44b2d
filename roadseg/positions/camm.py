"""CAMM: the track of camera motion of Insta360, Ricoh and others, https://developers.google.com/streetview/publish/camm-spec."""

import struct
from collections.abc import Iterator
from math import atan2, degrees, hypot, inf, isfinite, nan

from roadseg.positions.boxes import BoxFile, Sample
from roadseg.positions.fixes import Fix, Recording

SIZES = {0: 12, 1: 8, 2: 12, 3: 12, 4: 12, 5: 24, 6: 56, 7: 12}
"""Bytes of a record by its type, without its header."""
PLACE = struct.Struct("<2d")
GPS = struct.Struct("<di2d7f")
GPS_EPOCH, LEAP_SECONDS = 315_964_800.0, 18.0
"""Seconds from 1970 to 1980-01-06, and by which GPS time is ahead of UTC since 2017."""
USUAL_ERROR = 5.0
"""Metres by which a position is off for each unit of the horizontal dilution of precision."""
UNIX_FROM = 1.6e9
"""Times above count from 1970, as some cameras write: GPS time gets there in 2030."""


def read_camm(file: BoxFile) -> Recording | None:
    """Read the records with positions, of types 5 and 6."""
    for track in file.tracks:
        if track.format == b"camm":
            read = [_fixes(sample) for sample in track.samples()]
            fixes = [fix for found, _ in read for fix in found]
            if damaged := sum(not whole for _, whole in read):
                file.faults.append(f"{damaged} of {len(read)} samples of CAMM are damaged and left out")
            full = [fix.seconds for fix in fixes if isfinite(fix.utc)]
            first, last = (full[0], full[-1]) if full else (inf, inf)
            if fixes:  # records of type 5 repeat those of type 6
                return Recording(
                    "CAMM", [fix for fix in fixes if isfinite(fix.utc) or not first <= fix.seconds <= last]
                )
    return None


def _fixes(sample: Sample) -> tuple[list[Fix], bool]:
    """Return the fixes of a sample, and False if one of its records is cut off or of no known type."""
    found: list[Fix] = []
    at, data = 0, sample.data
    while at + 4 <= len(data):
        _, kind = struct.unpack_from("<2H", data, at)
        at += 4
        if kind not in SIZES or at + SIZES[kind] > len(data):
            return [], False
        if kind == 5:
            lat, lon = PLACE.unpack_from(data, at)
            found.append(Fix(lat, lon, seconds=sample.seconds))
        elif kind == 6:
            found += _full(sample, at)
        at += SIZES[kind]
    return found, True


def _full(sample: Sample, at: int) -> Iterator[Fix]:
    time, kind, lat, lon, _, accuracy, _, east, north, _, _ = GPS.unpack_from(sample.data, at)
    utc = nan if time <= 0 else time if time > UNIX_FROM else time + GPS_EPOCH - LEAP_SECONDS
    if kind < 2:
        yield Fix(utc=utc, seconds=sample.seconds)
        return
    speed = hypot(east, north)
    course = degrees(atan2(east, north)) % 360 if speed else nan
    yield Fix(lat, lon, utc, sample.seconds, speed, course, accuracy / USUAL_ERROR if accuracy > 0 else nan)
