"""Files of places along the road: GeoJSON, GeoPackage, CSV and GeoParquet."""

import json
import tempfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from roadseg.along.result import AlongStats
from roadseg.errors import InputError, one_line
from roadseg.files import output_errors, writing

SUFFIXES = (".geojson", ".gpkg", ".csv", ".parquet")
"""Extensions that `write_along` knows."""
CRS = "EPSG:4326"
"""WGS84; longitude comes first in all formats."""
GEOMETRY = "geometry"
WKT = "WKT"
"""Column of the geometry in CSV, by which GDAL knows it, and with it QGIS and geopandas."""
PROJJSON = {
    "$schema": "https://proj.org/schemas/v0.7/projjson.schema.json",
    "type": "GeographicCRS",
    "name": "WGS 84",
    "datum": {
        "type": "GeodeticReferenceFrame",
        "name": "World Geodetic System 1984",
        "ellipsoid": {"name": "WGS 84", "semi_major_axis": 6378137, "inverse_flattening": 298.257223563},
    },
    "coordinate_system": {
        "subtype": "ellipsoidal",
        "axis": [
            {"name": "Geodetic latitude", "abbreviation": "Lat", "direction": "north", "unit": "degree"},
            {"name": "Geodetic longitude", "abbreviation": "Lon", "direction": "east", "unit": "degree"},
        ],
    },
    "id": {"authority": "EPSG", "code": 4326},
}
"""`CRS` as GeoParquet wants it. Left out, it means OGC:CRS84, which geopandas takes for another than `CRS`."""


def check_along_suffix(path: Path) -> None:
    """Check the extension of a file, and that what writes it is installed.

    Raises:
        InputError: the extension is none of `SUFFIXES`, or it is .gpkg without the extra `maps`.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: unknown format", f"End it in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}.")
    if path.suffix.lower() == ".gpkg":
        _pyogrio()


def write_along(path: Path, found: AlongStats) -> None:
    """Write places by the extension of `path`, whole or not at all.

    Raises:
        InputError: as `check_along_suffix`.
        OutputError: the file cannot be written.
    """
    check_along_suffix(path)
    match path.suffix.lower():
        case ".geojson":
            _write_geojson(path, found)
        case ".gpkg":
            _write_geopackage(path, found)
        case ".csv":
            _write_csv(path, found)
        case _:
            _write_geoparquet(path, found)


def _write_geojson(path: Path, found: AlongStats) -> None:
    """Write RFC 7946, a feature a line."""
    with writing(path) as part, part.open("w", encoding="utf-8") as file:
        file.write('{"type": "FeatureCollection", "features": [\n')
        for number, values in enumerate(found.records()):
            geometry = values.pop(GEOMETRY)
            feature = {"type": "Feature", GEOMETRY: geometry, "properties": values}
            file.write(",\n" * bool(number) + json.dumps(feature, allow_nan=False, default=_iso))
        file.write("\n]}\n")


def _write_csv(path: Path, found: AlongStats) -> None:
    """Write CSV with the geometry as well-known text in the last column."""
    table = found.table
    for number, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            table = table.set_column(number, field.name, pa.array(map(_cell, table[field.name].to_pylist())))
        elif pa.types.is_timestamp(field.type):
            text = pa.compute.strftime(table[field.name], "%Y-%m-%dT%H:%M:%SZ")
            table = table.set_column(number, field.name, text)
    table = table.append_column(WKT, pa.array([shape and shape.wkt() for shape in found.shapes], pa.string()))
    options = pyarrow.csv.WriteOptions(quoting_style="needed", quoting_header="needed")
    with writing(path) as part:
        pyarrow.csv.write_csv(table, part, options)


def _write_geoparquet(path: Path, found: AlongStats) -> None:
    """Write GeoParquet 1.1."""
    column: dict[str, Any] = {"encoding": "WKB", "geometry_types": sorted(_kinds(found)), "crs": PROJJSON}
    bounds = [shape.bounds() for shape in found.shapes if shape]
    if bounds:
        low, high = np.min(bounds, axis=0), np.max(bounds, axis=0)
        column["bbox"] = [*low[:2].tolist(), *high[2:].tolist()]
    geo = {"version": "1.1.0", "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}
    table = _with_wkb(found).replace_schema_metadata({"geo": json.dumps(geo)})
    with writing(path) as part:
        pq.write_table(table, part, compression="zstd")


def _write_geopackage(path: Path, found: AlongStats) -> None:
    """Write a GeoPackage with one layer, by GDAL."""
    pyogrio = _pyogrio()
    kinds = _kinds(found)
    kind = "Unknown" if len(kinds) > 1 else next(iter(kinds), "LineString")
    # GDAL wants the extension, and temporary files of SQLite may lie beside it.
    with output_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.")
    with folder, writing(path) as part:
        file = Path(folder.name) / "part.gpkg"
        pyogrio.write_arrow(
            _with_wkb(found), file, layer=found.kind, driver="GPKG", geometry_name=GEOMETRY, geometry_type=kind, crs=CRS
        )
        file.replace(part)


def _with_wkb(found: AlongStats) -> pa.Table:
    wkb = pa.array([shape and shape.wkb() for shape in found.shapes], pa.binary())
    return found.table.append_column(GEOMETRY, wkb)


def _kinds(found: AlongStats) -> set[str]:
    return {shape.kind for shape in found.shapes if shape}


def _pyogrio() -> Any:
    try:
        import pyogrio
    except ImportError:
        raise InputError("GeoPackage needs pyogrio", "Install it with: pip install 'roadseg[maps]'") from None
    return pyogrio


def _iso(value: date) -> str:
    if not isinstance(value, datetime):
        return value.isoformat()
    return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _cell(text: str | None) -> str | None:
    """Return text that spreadsheets do not take for a formula."""
    return text and one_line(f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text)
