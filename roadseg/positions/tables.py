"""CSV with a line of headings that name latitude, longitude and time."""

import csv
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from io import StringIO
from math import inf, isfinite, isnan, nan
from pathlib import Path

from roadseg.errors import InputError
from roadseg.positions.fixes import Fix, Recording
from roadseg.positions.nmea import number

NAMES = {
    "lat": ("lat", "latitude", "latitude_deg", "gps_lat", "gps_latitude", "latitude_n_s"),
    "lon": (
        *("lon", "lng", "long", "longitude", "longitude_deg", "gps_lon", "gps_lng", "gps_longitude"),
        "longitude_e_w",
    ),
    "north": ("n_s", "ns", "lat_dir", "lat_ref", "latitude_ref", "gps_latitude_ref", "latitude_direction"),
    "east": ("e_w", "ew", "lon_dir", "lon_ref", "longitude_ref", "gps_longitude_ref", "longitude_direction"),
    "date": ("date", "utc_date", "date_utc", "gps_date"),
    "utc": ("utc", "time", "timestamp", "datetime", "date_time", "gps_time", "gpstime", "utc_time", "time_utc"),
    "seconds": ("seconds", "video_seconds", "t", "elapsed", "elapsed_seconds", "time_s"),
    "speed_mps": ("speed_mps", "speed_m_s", "speed_ms"),
    "speed_kmh": ("speed_kmh", "speed_km_h", "speed_kph"),
    "heading_deg": ("heading_deg", "heading", "course", "bearing", "track", "gps_course"),
    "hdop": ("hdop", "dop"),
}
"""Headings by what they mean, in small letters and with `_` for all else; a speed needs its unit."""
VALUE = re.compile(r"\s*([NSEW]?)\s*([+-]?\d+(?:[.,]\d+)?)\s*°?\s*([NSEW]?)\s*")
"""Degrees, also with a decimal comma, and the letter of their side before or behind them."""
REMEDY = "Name the columns lat, lon and time (ISO 8601 or seconds since 1970), or seconds (of the video)."


def read_table(path: Path, text: str) -> Recording:
    """Read the rows of a table.

    Raises:
        InputError: the headings name no place, or no time.
    """
    text = re.sub(r"^sep=.\r?\n", "", text)  # spreadsheets write it
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
        fixes.sort(key=_order)
    except csv.Error as error:
        raise InputError(f"{path}: not a table ({error})", REMEDY) from error
    return Recording(f"CSV, {path.name}", fixes, from_first_frame=True)


def _fix(row: Mapping[str, str]) -> Fix:
    values = {meant: number(text.replace(",", ".")) for meant, text in row.items()}
    speed = values.get("speed_mps", values.get("speed_kmh", nan) / 3.6)
    when = _time(row.get("utc", ""))
    return Fix(
        _degrees(row["lat"], row.get("north", "")),
        _degrees(row["lon"], row.get("east", "")),
        _time(f"{row['date']} {row['utc']}") if isnan(when) and {"date", "utc"} <= row.keys() else when,
        values.get("seconds", nan),
        speed,
        values.get("heading_deg", nan),
        values.get("hdop", nan),
    )


def _order(fix: Fix) -> tuple[float, float]:
    """Return a key by which fixes are in the order of time, those without one at the end."""
    return fix.seconds if isfinite(fix.seconds) else inf, fix.utc if isfinite(fix.utc) else inf


def _degrees(text: str, side: str) -> float:
    """Return degrees, negative for the sides `S` and `W` whatever the sign; NaN for anything else."""
    found = VALUE.fullmatch(text.upper())
    if found is None:
        return nan
    value, side = float(found[2].replace(",", ".")), found[1] or found[3] or side.strip().upper()[:1]
    return -abs(value) if side in ("S", "W") else abs(value) if side in ("N", "E") else value


def _time(text: str) -> float:
    """Return seconds since 1970 of a number or of ISO 8601, which is UTC unless it says otherwise."""
    seconds = number(text)
    if not isnan(seconds):  # or thousandths, millionths, thousand-millionths
        unit = next((unit for unit in (1, 1e3, 1e6, 1e9) if abs(seconds) < 1e11 * unit), nan)
        return seconds / unit
    text = re.sub(r"(\d{4})/(\d\d)/(\d\d)", r"\1-\2-\3", text.strip().removesuffix("UTC").strip())
    try:
        when = datetime.fromisoformat(text)
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return nan
