"""Background of maps from a GeoJSON file: its lines and areas near the places that are shown."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from roadseg.errors import InputError
from roadseg.inputs.documents import parse_json, read_bytes
from roadseg.inputs.limits import MAX_BASEMAP_BYTES, MAX_DEPTH
from roadseg.report.map import Plane, Reals, listed, thinned

REMEDY = "Give lines and areas in longitude and latitude, for example streets of OpenStreetMap as GeoJSON."
MARGIN = 0.5
"""Shown beyond the places, as a share of their extent."""
LEAST_MARGIN = 200.0
"""Metres."""
DETAIL = 3000
"""Parts of the extent below which corners are left out."""
MAX_POINTS = 300_000
"""Corners of a background, after they are thinned."""


@dataclass(frozen=True)
class Basemap:
    """Lines and areas of a file."""

    path: Path
    lines: list[Reals]
    """(N, 2) degrees east and north each."""
    areas: list[Reals]
    """Rings of areas, their holes among them, as `lines`."""

    def as_dict(self, plane: Plane, points: Reals) -> dict[str, list[list[float | None]]]:
        """Return what lies near some places for the script of a page: east and north in turn, in metres.

        Args:
            plane: projection of the page.
            points: (V, 2) metres east and north, of the places.

        Raises:
            InputError: too much is near.
        """
        low, high = points.min(axis=0), points.max(axis=0)
        margin = max(LEAST_MARGIN, MARGIN * float((high - low).max()))
        spacing = (float((high - low).max()) + margin) / DETAIL
        count = 0
        found: dict[str, list[list[float | None]]] = {}
        for kind, shapes in (("areas", self.areas), ("lines", self.lines)):
            found[kind] = []
            for degrees in shapes:
                shape = plane.project(degrees[:, 1], degrees[:, 0])
                if (shape.max(axis=0) < low - margin).any() or (shape.min(axis=0) > high + margin).any():
                    continue
                shape = shape[thinned(shape, spacing)]
                count += len(shape)
                found[kind].append(listed(shape.ravel(), decimals=1))
        if count > MAX_POINTS:
            raise InputError(
                f"{self.path}: {count:,} corners near the drives, more than the {MAX_POINTS:,} of a page",
                "Keep only main roads and water in it.",
            )
        return found


def read_basemap(path: Path) -> Basemap:
    """Read lines and areas of a GeoJSON file (RFC 7946); points are left out.

    Raises:
        InputError: it cannot be read, is too large, is not GeoJSON in longitude and latitude, or has no lines or areas.
    """
    found = Basemap(path, [], [])
    try:
        document = parse_json(read_bytes(path, MAX_BASEMAP_BYTES))
        for geometry in _geometries(document, MAX_DEPTH):
            _add(found, geometry)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})", "Check the path given to --basemap.") from None
    except ValueError as error:
        raise InputError(f"{path}: not a background for maps: {error}", REMEDY) from None
    if not (found.lines or found.areas):
        raise InputError(f"{path}: has neither lines nor areas", REMEDY)
    return found


def _geometries(value: Any, depth: int) -> Iterator[dict[str, Any]]:
    """Yield the geometries of an object of GeoJSON.

    Raises:
        ValueError: it is not one, or is nested more deeply than `depth`.
    """
    if value is None:  # a feature without a place
        return
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        raise ValueError("not a GeoJSON object")
    if depth == 0:
        raise ValueError("nested too deeply")
    kind = value["type"]
    if kind == "Feature":
        yield from _geometries(value.get("geometry"), depth - 1)
    elif kind in ("FeatureCollection", "GeometryCollection"):
        parts = value.get("features" if kind == "FeatureCollection" else "geometries")
        if not isinstance(parts, list):
            raise ValueError(f"a {kind} without its list")
        for part in parts:
            yield from _geometries(part, depth - 1)
    else:
        yield value


def _add(found: Basemap, geometry: dict[str, Any]) -> None:
    """Add the lines or rings of a geometry.

    Raises:
        ValueError: its type is unknown, or its coordinates are wrong.
    """
    kind, coordinates = geometry["type"], geometry.get("coordinates")
    match kind:
        case "LineString":
            found.lines.append(_line(coordinates))
        case "MultiLineString":
            found.lines.extend(map(_line, _list(coordinates)))
        case "Polygon":
            found.areas.extend(map(_line, _list(coordinates)))
        case "MultiPolygon":
            found.areas.extend(_line(ring) for polygon in _list(coordinates) for ring in _list(polygon))
        case "Point" | "MultiPoint":
            pass
        case _:
            raise ValueError(f"{kind[:40]!r} is not a geometry")


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("coordinates that are not a list")
    return value


def _line(value: Any) -> Reals:
    """Return positions as (N, 2), degrees east and north."""
    positions = _list(value)
    try:
        line = np.array([position[:2] for position in positions], np.float64)
    except (TypeError, ValueError):
        raise ValueError("a position that is not a list of two numbers") from None
    if line.ndim != 2 or line.shape[1] != 2 or not len(line):
        raise ValueError("a line without positions")
    if not np.isfinite(line).all() or (np.abs(line) > (360, 90)).any():
        raise ValueError("coordinates that are not degrees")
    return line
