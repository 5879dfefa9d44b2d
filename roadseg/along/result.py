"""Class shares and indices of places along the road: a table with a geometry for each row."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from roadseg.along.shapes import Shape

STAMP = pa.timestamp("ms", tz="UTC")
"""Type of times in tables."""


@dataclass(frozen=True)
class AlongStats:
    """Class shares along the road, a row for each place: a segment of a drive, a cell of a grid or a street."""

    kind: str
    """`segments`, `grid` or `streets`."""
    label_space: str
    table: pa.Table
    """Facts by place without geometry; docs/indices.md lists the columns."""
    shapes: tuple[Shape | None, ...]
    """Geometry of each row; None where a car only stood."""
    indices: tuple[str, ...]
    """Names of the indices."""
    overall: dict[str, float | None]
    """Indices and class shares over all places, by column."""
    drives: int
    videos: int
    metres: float
    """Metres driven that are in the table."""
    seconds: float
    """Duration of the frames that are in the table."""
    frames: int
    """Number of these frames."""
    unplaced_frames: int
    """Frames without a position: in no row."""
    unplaced_seconds: float
    """Their duration."""
    notices: tuple[str, ...] = field(default=())
    """Losses and assumptions, each in a sentence."""

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield the rows as dicts by column, with an object of GeoJSON, or None, as `geometry`."""
        shapes = iter(self.shapes)
        for batch in self.table.to_batches(1024):
            for values in batch.to_pylist():
                shape = next(shapes)
                yield {**values, "geometry": shape and shape.geojson()}

    def as_dict(self) -> dict[str, Any]:
        """Return the facts for JSON without those of places."""
        facts = {name: value for name, value in vars(self).items() if name not in ("table", "shapes")}
        return {**facts, "places": len(self.shapes)}

    def values(self, column: str) -> NDArray[np.float64]:
        """Return a column of numbers; NaN where it is null: (P,)."""
        return np.asarray(self.table[column].to_numpy(), np.float64)


def unique_names(names: Sequence[str]) -> list[str]:
    """Return names of columns that also differ where capitals do not count, as in SQL, numbered where they do not."""
    taken: set[str] = set()
    found = []
    for name in names:
        free, number = name, 1
        while free.lower() in taken:
            number += 1
            free = f"{name}_{number}"
        taken.add(free.lower())
        found.append(free)
    return found
