"""Maps of pages: places on a plane, and the figures that they are coloured by."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.along.indices import Index
from roadseg.positions.geodesy import ECCENTRICITY_SQUARED, SEMI_MAJOR_AXIS, wrapped
from roadseg.report.html import css_colour

Reals = NDArray[np.float64]
Numbers = NDArray[np.int64]

COLOURS = 16
"""Steps of the colour scale."""


@dataclass(frozen=True)
class Plane:
    """Azimuthal equidistant projection: lengths and directions from its middle are true, on a sphere that fits there.

    It knows no date line and no poles; only the point opposite to its middle has no place.
    """

    lat: float
    """Degrees north of the middle."""
    lon: float
    """Degrees east."""

    @classmethod
    def around(cls, lat: Reals, lon: Reals) -> Self:
        """Return the projection around the mean direction of some points, in degrees."""
        phi, lam = np.radians(lat), np.radians(lon)
        x, y, z = (np.cos(phi) * np.cos(lam)).sum(), (np.cos(phi) * np.sin(lam)).sum(), np.sin(phi).sum()
        lon_0 = wrapped(np.degrees(np.arctan2(y, x)))
        return cls(float(np.degrees(np.arctan2(z, np.hypot(x, y)))), float(lon_0))

    def project(self, lat: Reals, lon: Reals) -> Reals:
        """Return (N, 2) metres east and north of the middle for points in degrees."""
        phi_0, phi = np.radians(self.lat), np.radians(lat)
        lam = np.radians(wrapped(lon - self.lon))
        x = np.cos(phi) * np.sin(lam)
        y = np.cos(phi_0) * np.sin(phi) - np.sin(phi_0) * np.cos(phi) * np.cos(lam)
        z = np.sin(phi_0) * np.sin(phi) + np.cos(phi_0) * np.cos(phi) * np.cos(lam)
        chord = np.hypot(x, y)
        stretch = np.divide(np.arctan2(chord, z), chord, out=np.ones_like(chord), where=chord > 0)
        return np.asarray(self._radius * stretch[:, None] * np.stack([x, y], axis=1))

    @property
    def _radius(self) -> float:
        """Mean radius of curvature of the ellipsoid in the middle, in metres."""
        flat = 1 - ECCENTRICITY_SQUARED * np.sin(np.radians(self.lat)) ** 2
        return float(SEMI_MAJOR_AXIS * np.sqrt(1 - ECCENTRICITY_SQUARED) / flat)


@dataclass(frozen=True)
class Measure:
    """Figure that places are coloured by."""

    key: str
    """Unique name."""
    name: str
    """Name for people."""
    group: str
    """Heading in the list of figures."""
    unit: str
    values: Reals
    """(P,) by place, in `unit`; NaN where it is unknown."""

    def as_dict(self) -> dict[str, Any]:
        """Return it for a page."""
        return {**vars(self), "values": listed(self.values, significant=4)}


def index_measure(key: str, index: Index, values: Reals, weighed_by: str) -> Measure:
    """Return an index as a figure of a map.

    Args:
        key: unique name.
        index: its definition.
        values: (P,) by place, as `roadseg.along` gives them.
        weighed_by: `metres` or `time`, over which an index counts how often classes are in sight.
    """
    title = index.name.replace("_", " ").capitalize()
    if index.denominator:
        return Measure(key, title, "Indices", "", values)
    of = "frame" if index.in_sight is None else weighed_by
    return Measure(key, title, "Indices", f"% of the {of}", 100.0 * values)


def thinned(points: Reals, spacing: float) -> Numbers:
    """Return which points of a line stand for it: the first, the last, and one in each stretch of its length.

    Args:
        points: (N, 2) metres.
        spacing: length of a stretch in metres.
    """
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    return np.flatnonzero(steps(along // spacing) | (np.arange(len(points)) == len(points) - 1))


def steps(key: Reals | Numbers) -> NDArray[np.bool_]:
    """Return (N,) where a value differs from the one before; true for the first."""
    return np.append(True, key[1:] != key[:-1])[: len(key)]


def map_data(
    points: Reals,
    places: Sequence[Sequence[tuple[int, int]]],
    measures: Sequence[Measure],
    *,
    areas: bool = False,
    ends: Sequence[tuple[int, int]] = (),
) -> dict[str, Any]:
    """Return a map for the script of a page.

    Args:
        points: (V, 2) metres east and north.
        places: parts of each place: numbers of the first point and of the one behind the last.
        measures: figures to choose from; the first is shown.
        areas: the parts are rings of areas; otherwise lines.
        ends: numbers of the points where each drive starts and ends.
    """
    levels = np.linspace(16, 255, COLOURS).astype(np.uint8)
    palette = cv2.applyColorMap(levels[:, None], cv2.COLORMAP_VIRIDIS)[:, 0, ::-1]
    return {
        "x": listed(points[:, 0], decimals=1),
        "y": listed(points[:, 1], decimals=1),
        "places": [[number for part in parts for number in part] for parts in places],
        "areas": areas,
        "ends": [list(pair) for pair in ends],
        "palette": [css_colour((int(red), int(green), int(blue))) for red, green, blue in palette],
        "measures": [measure.as_dict() for measure in measures],
    }


def listed(values: Reals, *, decimals: int | None = None, significant: int = 4) -> list[float | None]:
    """Return rounded numbers for JSON, null for NaN.

    Args:
        values: (N,) numbers.
        decimals: digits behind the point; None for `significant`.
        significant: digits in all.
    """
    if decimals is None:
        rounded = [float(f"{value:.{significant}g}") for value in values.tolist()]
    else:
        rounded = (np.round(values, decimals) + 0.0).tolist()
    return [None if value != value else int(value) if value == int(value) else value for value in rounded]
