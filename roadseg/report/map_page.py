"""Page with a map of places along the road."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from roadseg.along.indices import Index
from roadseg.along.result import AlongStats
from roadseg.errors import InputError
from roadseg.report.basemap import Basemap
from roadseg.report.html import render, template_text
from roadseg.report.map import Measure, Numbers, Plane, Reals, index_measure, listed, map_data, thinned

MAX_PLACES = 20_000
"""Places of a page: it has some 4 MB then."""
POINTS = 60_000
"""Number of points of all lines, beside the ends of each, that are wanted at most."""
SHORTEST_STEP = 1.0
"""Metres between two points of a line, at least."""
MPS_IN_KMH = 3.6
FEW_DRIVES = 12
"""Number of drives up to which their starts and ends are marked."""
KINDS = {"segments": ("segment", "segments"), "grid": ("cell", "cells"), "streets": ("street", "streets")}


def map_html(found: AlongStats, indices: Sequence[Index], basemap: Basemap | None = None) -> str:
    """Return the page as HTML, whole in itself.

    Args:
        found: places with their figures.
        indices: definitions of the indices among them.
        basemap: background.

    Raises:
        InputError: there are too many places, none has a geometry, or the background is too large.
    """
    rows = np.flatnonzero([shape is not None for shape in found.shapes])
    if len(rows) > MAX_PLACES:
        raise InputError(
            f"{len(rows):,} places, more than the {MAX_PLACES:,} of a page", "Give a larger --along or --grid."
        )
    if not len(rows):
        raise InputError("no place has a line to draw: the car only stood", "Leave out --map.")
    plane, points, places = _drawn(found)
    measures = list(_measures(found, rows, indices))
    data = {
        **map_data(
            points,
            places,
            [measure for measure, _ in measures],
            areas=found.kind == "grid",
            ends=_ends(found, rows, places),
        ),
        "facts": _facts(found, rows),
        "overall": listed(np.array([np.nan if mean is None else mean for _, mean in measures])),
        "kind": KINDS[found.kind][0],
        "base": basemap.as_dict(plane, points) if basemap is not None else {},
    }
    return render(
        "map.html",
        script=template_text("map.js") + template_text("map_page.js"),
        map_style=template_text("map.css"),
        found=found,
        kinds=KINDS[found.kind][len(rows) != 1],
        count=len(rows),
        standing=len(found.shapes) - len(rows),
        basemap=basemap.path.name.encode("utf-8", "replace").decode() if basemap is not None else "",
        data=data,
    )


def _drawn(found: AlongStats) -> tuple[Plane, Reals, list[list[tuple[int, int]]]]:
    """Return the projection, all points in metres, and for each place its parts among them."""
    shapes = [shape for shape in found.shapes if shape is not None]
    every = np.concatenate([part for shape in shapes for part in shape.parts])
    plane = Plane.around(every[:, 1], every[:, 0])
    spacing = max(SHORTEST_STEP, found.metres / POINTS)
    points, places, count = [], [], 0
    for shape in shapes:
        parts = []
        for degrees in shape.parts:
            part = plane.project(degrees[:, 1], degrees[:, 0])
            part = part if shape.ring else part[thinned(part, spacing)]
            points.append(part)
            parts.append((count, count + len(part)))
            count += len(part)
        places.append(parts)
    return plane, np.concatenate(points), places


def _ends(found: AlongStats, rows: Numbers, places: Sequence[Sequence[tuple[int, int]]]) -> list[tuple[int, int]]:
    """Return the first and last point of each drive; none where there are many, or places are of no drive."""
    if found.kind != "segments" or found.drives > FEW_DRIVES:
        return []
    drives = found.table["drive"].to_numpy(zero_copy_only=False)[rows]
    found_at = [np.flatnonzero(drives == drive) for drive in dict.fromkeys(drives.tolist())]
    return [(places[at[0]][0][0], places[at[-1]][-1][1] - 1) for at in found_at]


def _measures(found: AlongStats, rows: Numbers, indices: Sequence[Index]) -> Iterator[tuple[Measure, float | None]]:
    """Yield indices, classes, the largest first, and the speed, with their values over all places.

    Those by distance, or by time where a figure is given by time alone.
    """
    by_name = {index.name: index for index in indices}
    classes = []
    for column, overall in found.overall.items():
        base, _, way = column.rpartition("_by_")
        if overall is None or (way.startswith("time") and f"{base}_by_distance" in found.overall):
            continue
        values = found.values(column)[rows]
        if base in by_name:
            one = index_measure(column, by_name[base], values, "metres" if way == "distance" else way)
            yield one, overall * (1.0 if by_name[base].denominator else 100.0)
        elif overall > 0:
            name = base.replace("_", " ")
            classes.append((overall, Measure(column, name, "Classes", "% of the frame", 100.0 * values)))
    for overall, measure in sorted(classes, key=lambda each: -each[0]):
        yield measure, 100.0 * overall
    speed = MPS_IN_KMH * found.values("speed_mps")[rows]
    mean = MPS_IN_KMH * found.metres / found.seconds if found.seconds else None
    yield Measure("speed", "Speed", "Motion", "km/h", speed), mean


def _facts(found: AlongStats, rows: Numbers) -> dict[str, dict[str, Any]]:
    """Return the columns that are no figures: numbers as they are, others as numbers of texts."""
    table = found.table.take(rows)
    facts: dict[str, dict[str, Any]] = {}
    for name in table.column_names:
        if name in found.overall or name == "speed_mps":
            continue
        kind = table.schema.field(name).type
        if pa.types.is_integer(kind) or pa.types.is_floating(kind):
            facts[name] = {"texts": None, "values": listed(found.values(name)[rows], decimals=2)}
            continue
        values = [_text(value) for value in table[name].to_pylist()]
        texts = list(dict.fromkeys(values))
        places = {text: place for place, text in enumerate(texts)}
        facts[name] = {"texts": texts, "values": [places[text] for text in values]}
    return facts


def _text(value: Any) -> str | None:
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds").removesuffix("+00:00")
    return None if value is None else str(value)
