"""Places that frames are added up by: segments of a line here, cells of a grid; streets in `roadseg.along.network`."""

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from roadseg.positions.geodesy import wrapped

Reals = NDArray[np.float64]
Keys = NDArray[np.int64]

NOWHERE = -1
"""Key of frames that belong to no place."""
EARTH_RADIUS = 6_371_008.8
"""Mean radius in metres."""


@dataclass(frozen=True)
class Points:
    """Known positions of consecutive frames."""

    lat: Reals
    """(N,) degrees north."""
    lon: Reals
    """(N,) degrees east."""
    heading: Reals
    """(N,) degrees clockwise from north; NaN where unknown."""
    metres: Reals
    """(N,) metres along the driven line; never decrease."""


class Places(Protocol):
    """A way to divide the ground."""

    @property
    def metres(self) -> float:
        """Size of a place; of streets, how far from them a car may be."""

    @property
    def kind(self) -> str:
        """`segments`, `grid` or `streets`."""

    @property
    def identity(self) -> str:
        """Text that changes with the result of `keys`."""

    def keys(self, points: Points) -> Keys:
        """Return the place of each point, at least 0, or `NOWHERE`: (N,) int64."""


@dataclass(frozen=True)
class Segments:
    """Segments of each driven line, from its begin."""

    metres: float
    kind: ClassVar[str] = "segments"

    @property
    def identity(self) -> str:
        """Length."""
        return f"segments of {self.metres!r} m"

    def keys(self, points: Points) -> Keys:
        """Return the number of the segment of each point."""
        return (points.metres // self.metres).astype(np.int64)


@dataclass(frozen=True)
class Grid:
    """Square cells that are the same wherever one drives: rows of one height in latitude, each divided evenly.

    On the ellipsoid, sides differ by up to 0.7 % from `metres`. Rows shift against each other, like bricks.
    """

    metres: float
    kind: ClassVar[str] = "grid"

    @property
    def identity(self) -> str:
        """Size."""
        return f"grid of {self.metres!r} m"

    @property
    def rows(self) -> int:
        """Number of rows from pole to pole."""
        return max(2, round(np.pi * EARTH_RADIUS / self.metres))

    def columns(self, rows: Keys) -> Keys:
        """Return the number of cells in some rows."""
        middle = np.radians((rows + 0.5) / self.rows * 180.0 - 90.0)
        return np.maximum(1, np.round(2 * np.pi * EARTH_RADIUS * np.cos(middle) / self.metres)).astype(np.int64)

    def keys(self, points: Points) -> Keys:
        """Return the cell of each point: row times 2**32, plus column."""
        rows = np.clip((points.lat + 90.0) / 180.0 * self.rows, 0, self.rows - 1).astype(np.int64)
        columns = self.columns(rows)
        east = (wrapped(points.lon) + 180.0) / 360.0
        return (rows << 32) + np.minimum((east * columns).astype(np.int64), columns - 1)

    def corners(self, keys: Keys) -> Reals:
        """Return (N, 4) west, south, east, north of cells, in degrees."""
        rows, columns = keys >> 32, keys & 0xFFFFFFFF
        width, height = 360.0 / self.columns(rows), 180.0 / self.rows
        west, south = columns * width - 180.0, rows * height - 90.0
        return np.stack([west, south, west + width, south + height], axis=1)
