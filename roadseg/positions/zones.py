"""Time zone of a place: cameras often write their local time where UTC is meant."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import tzfpy


class Zone(NamedTuple):
    """Difference of local time and UTC at a place and time."""

    name: str
    """IANA name, or the difference."""
    seconds: float
    """Seconds that local time is ahead of UTC."""


def zone_at(lat: float, lon: float, utc: float) -> Zone:
    """Return the zone of a place; where it has no rules of its own, that of its longitude in whole hours.

    Args:
        lat: degrees north.
        lon: degrees east.
        utc: seconds since 1970-01-01 within some hours, for summer time.
    """
    name = tzfpy.get_tz(lon, lat)
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=utc)
    try:
        ahead = moment.astimezone(ZoneInfo(name)).utcoffset()
    except (ZoneInfoNotFoundError, ValueError, OverflowError):
        ahead = None
    if ahead is not None:
        return Zone(name, ahead.total_seconds())
    hours = round(lon / 15)
    return Zone(f"UTC{hours:+d}", 3600.0 * hours)
