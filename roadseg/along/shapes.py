"""Lines and cells as geometry: in WGS84, longitude first, cut at the date line; as WKB, WKT and GeoJSON."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]

DECIMALS = 7
"""Decimals of a degree: 1 cm."""


@dataclass(frozen=True)
class Shape:
    """Geometry of a place: lines, or the ring of a cell."""

    parts: tuple[Reals, ...]
    """(N, 2) degrees east and north, N at least 2; a ring ends where it begins, and runs anticlockwise."""
    ring: bool = False

    @property
    def kind(self) -> Literal["LineString", "MultiLineString", "Polygon"]:
        """Name of the type in all formats."""
        if self.ring:
            return "Polygon"
        return "LineString" if len(self.parts) == 1 else "MultiLineString"

    def wkb(self) -> bytes:
        """Return the geometry as well-known binary, little-endian (OGC 06-103r4)."""
        if self.ring:
            return struct.pack("<BIII", 1, 3, 1, len(self.parts[0])) + _doubles(self.parts[0])
        lines = [struct.pack("<BII", 1, 2, len(part)) + _doubles(part) for part in self.parts]
        return lines[0] if len(lines) == 1 else struct.pack("<BII", 1, 5, len(lines)) + b"".join(lines)

    def wkt(self) -> str:
        """Return the geometry as well-known text."""
        parts = [f"({', '.join(f'{_text(lon)} {_text(lat)}' for lon, lat in part.tolist())})" for part in self.parts]
        inside = parts[0] if self.kind == "LineString" else f"({', '.join(parts)})"
        return f"{self.kind.upper()} {inside}"

    def geojson(self) -> dict[str, Any]:
        """Return the geometry as an object of GeoJSON (RFC 7946)."""
        parts = [part.tolist() for part in self.parts]
        return {"type": self.kind, "coordinates": parts[0] if self.kind == "LineString" else parts}

    def bounds(self) -> Reals:
        """Return (4,) least longitude and latitude, greatest longitude and latitude."""
        points = np.concatenate(self.parts)
        return np.concatenate([points.min(axis=0), points.max(axis=0)])


def lines(parts: Sequence[Reals]) -> Shape | None:
    """Return lines, cut where they cross the date line, without points that repeat; None if no part has a length.

    Args:
        parts: (N, 2) degrees east and north.
    """
    cut = [piece for part in parts for piece in _cut(np.round(part, DECIMALS))]
    clean = [piece[np.append(True, (np.diff(piece, axis=0) != 0).any(axis=1))] for piece in cut]
    kept = tuple(piece for piece in clean if len(piece) > 1)
    return Shape(kept) if kept else None


def cell(west: float, south: float, east: float, north: float) -> Shape:
    """Return a cell, in degrees."""
    ring = np.array([[west, south], [east, south], [east, north], [west, north], [west, south]])
    return Shape((np.round(ring, DECIMALS),), ring=True)


def _cut(line: Reals) -> list[Reals]:
    """Return the pieces of a line between its crossings of the date line; each ends and begins on it."""
    crossings = np.flatnonzero(np.abs(np.diff(line[:, 0])) > 180) + 1
    pieces = []
    start: list[Reals] = []
    for first, last in pairwise([0, *crossings.tolist(), len(line)]):
        piece = [*start, *line[first:last]]
        if last < len(line):
            (west, lat), (east, next_lat) = line[last - 1], line[last]
            side = 180.0 if west > 0 else -180.0
            beyond = 360.0 - abs(east - west)
            lat += (next_lat - lat) * ((180.0 - abs(west)) / beyond if beyond else 0.0)
            piece.append(np.round(np.array([side, lat]), DECIMALS))
            start = [np.round(np.array([-side, lat]), DECIMALS)]
        pieces.append(np.array(piece))
    return pieces


def _doubles(points: Reals) -> bytes:
    return np.ascontiguousarray(points, "<f8").tobytes()


def _text(degrees: float) -> str:
    return f"{degrees:.{DECIMALS}f}".rstrip("0").rstrip(".")
