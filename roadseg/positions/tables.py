"""CSV with a line of headings that name latitude, longitude and time."""

import csv
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from io import StringIO
from math import isnan, nan
from pathlib import Path

from roadseg.errors import InputError
from roadseg.positions.fixes import Fix, Recording
from roadseg.positions.nmea import number

NAMES = {
    "lat": ("lat", "latitude", "latitude_deg", "gps_lat", "gps_latitude"),
    "lon": ("lon", "lng", "long", "longitude", "longitude_deg", "gps_lon", "gps_lng", "gps_longitude"),
    "utc": ("utc", "time", "timestamp", "datetime", "date_time", "gps_time", "gpstime", "utc_time", "time_utc"),
    "seconds": ("seconds", "video_seconds", "t", "elapsed", "elapsed_seconds", "time_s"),
    "speed_mps": ("speed_mps", "speed_m_s", "speed_ms"),
    "speed_kmh": ("speed_kmh", "speed_km_h", "speed_kph"),
    "heading_deg": ("heading_deg", "heading", "course", "bearing", "track", "gps_course"),
    "hdop": ("hdop", "dop"),
}
"""Headings by what they mean, in small letters and with `_` for all else; a speed needs its unit."""
REMEDY = "Name the columns lat, lon and time (ISO 8601 or seconds since 1970), or seconds (of the video)."


def read_table(path: Path, text: str) -> Recording:
    """Read the rows of a table.

    Raises:
        InputError: the headings name no place, or no time.
    """
    separator = max(",;\t", key=text.partition("\n")[0].count)
    rows = csv.DictReader(StringIO(text), delimiter=separator)
    try:
        headings = {re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_"): name for name in rows.fieldnames or () if name}
        columns = {
            meant: headings[name] for meant, names in NAMES.items() for name in reversed(names) if name in headings
        }
        if not {"lat", "lon"} <= columns.keys() or not {"utc", "seconds"} & columns.keys():
            raise InputError(f"{path}: its headings name no place or no time", REMEDY)
        fixes = [_fix({meant: row.get(name) or "" for meant, name in columns.items()}) for row in rows]
    except csv.Error as error:
        raise InputError(f"{path}: not a table ({error})", REMEDY) from error
    return Recording(f"CSV, {path.name}", fixes, from_first_frame=True)


def _fix(row: Mapping[str, str]) -> Fix:
    values = {meant: number(text) for meant, text in row.items()}
    speed = values.get("speed_mps", values.get("speed_kmh", nan) / 3.6)
    return Fix(
        values["lat"],
        values["lon"],
        _time(row.get("utc", "")),
        values.get("seconds", nan),
        speed,
        values.get("heading_deg", nan),
        values.get("hdop", nan),
    )


def _time(text: str) -> float:
    """Return seconds since 1970 of a number or of ISO 8601, which is UTC unless it says otherwise."""
    seconds = number(text)
    if not isnan(seconds):
        return seconds / 1000 if seconds > 1e11 else seconds
    try:
        when = datetime.fromisoformat(text.strip())
    except ValueError:
        return nan
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
