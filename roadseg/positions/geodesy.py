"""Distances and directions on the WGS84 ellipsoid, for points that are near each other."""

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]

SEMI_MAJOR_AXIS = 6_378_137.0
"""Metres."""
ECCENTRICITY_SQUARED = 6.694379990141e-3


def offsets(lat: Reals, lon: Reals, lat_0: Reals | float, lon_0: Reals | float) -> tuple[Reals, Reals]:
    """Return metres east and north of points from others, by the radii of curvature at the latitude between them.

    Within 1 m up to 10 km, within 0.1 % up to 100 km away from the poles; right across the date line.

    Args:
        lat: degrees.
        lon: degrees.
        lat_0: degrees.
        lon_0: degrees.
    """
    middle = np.radians((lat + lat_0) / 2)
    curved = 1 - ECCENTRICITY_SQUARED * np.sin(middle) ** 2
    along_parallel = SEMI_MAJOR_AXIS / np.sqrt(curved)
    along_meridian = SEMI_MAJOR_AXIS * (1 - ECCENTRICITY_SQUARED) / curved**1.5
    east = np.radians(wrapped(np.asarray(lon - lon_0, np.float64))) * along_parallel * np.cos(middle)
    return east, np.radians(lat - lat_0) * along_meridian


def distance(lat: Reals, lon: Reals, lat_0: Reals | float, lon_0: Reals | float) -> Reals:
    """Return metres between points, see `offsets`."""
    return np.asarray(np.hypot(*offsets(lat, lon, lat_0, lon_0)))


def heading(east: Reals, north: Reals) -> Reals:
    """Return the direction of an offset in degrees clockwise from north, 0 <= h < 360."""
    return whole_circle(np.degrees(np.arctan2(east, north)))


def wrapped(degrees: Reals) -> Reals:
    """Return angles within -180 <= a < 180."""
    return np.asarray((degrees + 180.0) % 360.0 - 180.0)


def whole_circle(degrees: Reals) -> Reals:
    """Return angles within 0 <= a < 360, also those that rounding would make 360."""
    turned = np.asarray(degrees % 360.0)
    return np.where(turned >= 360.0, 0.0, turned)
