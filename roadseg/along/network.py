"""Streets of a map as places: frames go to the nearest street that runs in the direction of travel."""

import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute
from numpy.typing import NDArray

from roadseg.along.places import EARTH_RADIUS, NOWHERE, Keys, Points
from roadseg.along.result import STAMP
from roadseg.along.shapes import Shape, lines
from roadseg.errors import InputError
from roadseg.files import fingerprint
from roadseg.positions.geodesy import wrapped

Reals = NDArray[np.float64]

DISTANCE = 20.0
"""Metres from a street within which a car drives on it: some 5 m of receiver, and half of a wide road."""
MAX_ANGLE = 45.0
"""Degrees between a street and the direction of travel, either way."""
STEP_METRES = 5.0
"""Metres of the way for which one street is looked up."""
WGS84 = "EPSG:4326"
SUFFIXES = (".gpkg", ".geojson", ".json", ".fgb", ".shp")


@dataclass(frozen=True)
class Streets:
    """Streets of a file, by their order in it."""

    file: Path
    metres: float
    """Greatest distance of a frame from its street."""
    fids: Keys
    """(S,) ids of the features."""
    attributes: dict[str, pa.Array]
    """The map's own columns, (S,) each, by name."""
    shapes: tuple[Shape | None, ...]
    """Their lines."""
    centre: float
    """Longitude that coordinates are measured from, so that no street lies across the date line."""
    pieces: Reals
    """(M, 4) straight pieces of all lines: x, y of both ends in Mercator's projection, metres at the equator."""
    owners: Keys
    """(M,) street of each piece."""
    notices: tuple[str, ...]
    _tree: Any = field(repr=False, compare=False)
    kind: ClassVar[str] = "streets"

    @property
    def identity(self) -> str:
        """File, and the rule of matching."""
        return f"streets of {fingerprint(self.file)} within {self.metres!r} m, {MAX_ANGLE} degrees"

    def keys(self, points: Points) -> Keys:
        """Return the street of each point; looked up once for every `STEP_METRES` of the way."""
        steps = points.metres // STEP_METRES
        first = np.diff(steps, prepend=steps[0] - 1) != 0
        found = self._nearest(points.lon[first], points.lat[first], points.heading[first])
        return np.asarray(found[np.cumsum(first) - 1])

    def _nearest(self, lon: Reals, lat: Reals, heading: Reals) -> Keys:
        import shapely

        x, y = mercator(lon, lat, self.centre)
        # Mercator's projection keeps angles; it stretches all lengths at a latitude alike.
        reach = self.metres / np.cos(np.radians(lat))
        point, piece = self._tree.query(shapely.points(x, y), predicate="dwithin", distance=reach)
        x0, y0, x1, y1 = self.pieces[piece].T
        turned = np.abs(wrapped(2 * (np.degrees(np.arctan2(x1 - x0, y1 - y0)) - heading[point]))) / 2
        fits = np.isnan(turned) | (turned <= MAX_ANGLE)
        length = np.hypot(x1 - x0, y1 - y0)
        along = ((x[point] - x0) * (x1 - x0) + (y[point] - y0) * (y1 - y0)) / np.where(length > 0, length, 1) ** 2
        along = np.clip(along, 0, 1)
        away = np.hypot(x[point] - x0 - along * (x1 - x0), y[point] - y0 - along * (y1 - y0))
        order = np.lexsort((piece, away, point))
        order = order[fits[order]]
        points, first = np.unique(point[order], return_index=True)
        found = np.full(len(x), NOWHERE, np.int64)
        found[points] = self.owners[piece[order[first]]]
        return found


def mercator(lon: Reals, lat: Reals, centre: float) -> tuple[Reals, Reals]:
    """Return x and y of points in Mercator's projection on the sphere, in metres at the equator.

    Args:
        lon: degrees.
        lat: degrees; those within 1 degree of a pole stay there.
        centre: longitude of x = 0.
    """
    safe = np.radians(np.clip(lat, -89, 89))
    return EARTH_RADIUS * np.radians(wrapped(lon - centre)), EARTH_RADIUS * np.log(np.tan(np.pi / 4 + safe / 2))


def read_streets(path: Path, metres: float = DISTANCE) -> Streets:
    """Read a network of streets: the lines of a GeoPackage, GeoJSON, FlatGeobuf or shapefile, in any projection.

    Args:
        path: the file; of several layers, the first with lines.
        metres: greatest distance of a frame from its street.

    Raises:
        InputError: the extra `maps` is missing, or the file cannot be read, has no lines or no known projection.
    """
    try:
        import pyogrio
        import shapely
    except ImportError:
        raise InputError(
            "--network needs shapely and pyogrio, which are not installed", "Install them: pip install 'roadseg[maps]'"
        ) from None
    remedy = f"Give streets as lines in a file that ends in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}."
    if not path.is_file() or path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: {'unknown format of streets' if path.is_file() else 'no such file'}", remedy)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # GDAL's remarks on what it reads all the same
            layers = pyogrio.list_layers(path)
            layer = next((name for name, kind in layers if kind is None or "Line" in kind or kind == "Unknown"), None)
            if layer is None:
                raise InputError(f"{path}: has no layer of lines", remedy)
            meta, table = pyogrio.raw.read_arrow(path, layer=layer, return_fids=True)
            fids, *fields, geometry = table.columns  # by place: a map may have an `id` beside that of its features
            shapes = shapely.force_2d(shapely.from_wkb(geometry.to_numpy()))
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, shapely.errors.ShapelyError) as error:
        raise InputError(f"{path}: cannot be read ({str(error).splitlines()[0]})", remedy) from None
    is_line = np.isin(shapely.get_type_id(shapes), (1, 5)) & ~shapely.is_empty(shapes)
    if not is_line.any():
        raise InputError(f"{path}: has no lines", remedy)
    left = len(shapes) - int(is_line.sum())
    notices = (f"{path.name}: {left} features are no lines and left out.",) if left else ()
    parts, street = shapely.get_parts(shapes[is_line], return_index=True)
    points, part = shapely.get_coordinates(parts, return_index=True)
    points = _to_wgs84(points, meta["crs"], path)
    joined = np.diff(part) == 0
    centre = _centre(points[:, 0])
    x, y = mercator(points[:, 0], points[:, 1], centre)
    pieces = np.stack([x[:-1], y[:-1], x[1:], y[1:]], axis=1)[joined]
    drawn: list[list[Reals]] = [[] for _ in range(int(is_line.sum()))]
    for owner, line in zip(street.tolist(), np.split(points, np.flatnonzero(~joined) + 1), strict=True):
        drawn[owner].append(line)
    return Streets(
        path,
        metres,
        fids.to_numpy()[is_line].astype(np.int64),
        {name: _column(values.filter(is_line)) for name, values in zip(meta["fields"].tolist(), fields, strict=True)},
        tuple(lines(each) for each in drawn),
        centre,
        pieces,
        street[part[:-1][joined]].astype(np.int64),
        notices,
        shapely.STRtree(shapely.linestrings(pieces.reshape(-1, 2, 2))),
    )


def _to_wgs84(points: Reals, crs: str | None, path: Path) -> Reals:
    """Return points in degrees of longitude and latitude."""
    if crs == WGS84 or (crs is None and np.abs(points).max(axis=0)[0] <= 180 and np.abs(points).max(axis=0)[1] <= 90):
        found = points
    elif crs is None:
        raise InputError(f"{path}: does not say its projection", "Save it in longitude and latitude (EPSG:4326).")
    else:
        try:
            from pyproj import Transformer
            from pyproj.exceptions import ProjError
        except ImportError:
            raise InputError(
                f"{path}: projection {crs} needs pyproj, which is not installed",
                "Install it: pip install 'roadseg[maps]'",
            ) from None
        try:
            transformed = Transformer.from_crs(crs, WGS84, always_xy=True).transform(
                points[:, 0], points[:, 1], errcheck=True
            )
        except ProjError as error:
            raise InputError(f"{path}: projection {crs} ({error})", "Save it as EPSG:4326.") from None
        found = np.stack(transformed, axis=1)
    if not np.isfinite(found).all():
        raise InputError(f"{path}: has coordinates that are no numbers", "Save the file again.")
    return found


def _centre(lon: Reals) -> float:
    """Return the mean direction of some longitudes."""
    angles = np.radians(lon)
    return float(np.degrees(np.arctan2(np.sin(angles).mean(), np.cos(angles).mean())))


def _column(values: pa.ChunkedArray) -> pa.Array:
    """Return what a file says about streets as a column that all formats can hold; the rest becomes text."""
    column = values.combine_chunks()
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    kind = column.type
    if pa.types.is_floating(kind):
        return pa.compute.if_else(pa.compute.is_nan(column), None, column)
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        return column.cast(STAMP, safe=False)
    if any(test(kind) for test in (pa.types.is_integer, pa.types.is_boolean, pa.types.is_string, pa.types.is_date)):
        return column
    return pa.array([None if value is None else str(value) for value in column.to_pylist()], pa.string())
