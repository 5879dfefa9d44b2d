"""GPX: tracks of phones and receivers, https://www.topografix.com/GPX/1/1/."""

import re
from collections.abc import Iterator
from datetime import UTC
from math import nan
from pathlib import Path
from xml.parsers.expat import ExpatError

import gpxpy
import gpxpy.gpx

from roadseg.errors import InputError
from roadseg.positions.fixes import Fix, Recording
from roadseg.positions.nmea import number


def read_gpx(path: Path, text: str) -> Recording:
    """Read all track points of a file, in the order of time.

    Raises:
        InputError: it is not GPX, or none of its points has a time.
    """
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise InputError(f"{path}: a GPX file with entities of its own is not read", "Export it again as plain GPX.")
    text = re.sub(r"^\s*<\?xml.*?\?>", "", text, count=1, flags=re.DOTALL)  # its encoding is that of the bytes
    if prefix := re.search(r"<([\w.-]+:)gpx\b", text):  # gpxpy knows no prefix
        text = text.replace(f"<{prefix[1]}", "<").replace(f"</{prefix[1]}", "</")
    try:
        points = list(_points(gpxpy.parse(text)))
    except (gpxpy.gpx.GPXException, ExpatError, ValueError) as error:
        raise InputError(f"{path}: not a GPX file ({error})", "Export it again.") from error
    if not points:
        raise InputError(f"{path}: a GPX file without track points", "Export the recorded track, not a route.")
    fixes = [_fix(point) for point in points if point.time is not None]
    if not fixes:
        cause = f"{path}: its {len(points)} points have no times, so none belongs to a frame"
        raise InputError(cause, "Export the recorded track with times; a drawn or planned route has none.")
    untimed = len(points) - len(fixes)
    notices = [f"{untimed} of {len(points)} points left out: no time"] if untimed else []
    return Recording(f"GPX, {path.name}", sorted(fixes, key=lambda fix: fix.utc), notices=notices)


def _points(gpx: gpxpy.gpx.GPX) -> Iterator[gpxpy.gpx.GPXTrackPoint]:
    for track in gpx.tracks:
        for segment in track.segments:
            yield from segment.points


def _fix(point: gpxpy.gpx.GPXTrackPoint) -> Fix:
    assert point.time is not None
    when = point.time if point.time.tzinfo is not None else point.time.replace(tzinfo=UTC)
    # GPX 1.0 has speed and course as elements of a point, later versions as extensions of several makers.
    said = {"speed": point.speed, "course": point.course}
    for extension in point.extensions:
        for element in extension.iter():
            name = str(element.tag).rpartition("}")[2]
            if name in said and said[name] is None:
                said[name] = number(element.text)
    return Fix(
        point.latitude,
        point.longitude,
        when.timestamp(),
        speed_mps=_or_nan(said["speed"]),
        heading_deg=_or_nan(said["course"]),
        hdop=_or_nan(point.horizontal_dilution),
    )


def _or_nan(value: float | None) -> float:
    return nan if value is None else value
