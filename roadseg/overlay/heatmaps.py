"""Heat maps: how long each class is seen in each cell of a coarse grid over the frame."""

import io
from base64 import b64decode, b64encode
from collections.abc import Mapping
from fractions import Fraction
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from roadseg.labels.space import LabelMap

COLUMNS = 64
"""Cells across the frame; the number of rows keeps the aspect ratio of the label map."""
MASKED = -1
"""Value of grid cells that a mask leaves out."""
METADATA_KEY = b"heatmaps"
"""Key of the heat maps in the metadata of a Parquet file."""

Grid = NDArray[np.int16]
"""(rows, `COLUMNS`) train id at the centre of each cell, `IGNORE`, or `MASKED`."""


def sample_grid(labels: LabelMap, seen: NDArray[np.bool_] | None = None) -> Grid:
    """Sample a label map (h, w) uint8 at the centres of the cells; `MASKED` where `seen` (h, w) is false."""
    height, width = labels.shape
    rows = max(1, round(COLUMNS * height / width))
    cells = np.ix_(_centres(rows, height), _centres(COLUMNS, width))
    grid = labels[cells].astype(np.int16)
    if seen is not None:
        grid[~seen[cells]] = MASKED
    return grid


def _centres(cells: int, pixels: int) -> NDArray[np.int64]:
    return (2 * np.arange(cells) + 1) * pixels // (2 * cells)


class HeatMaps:
    """Time for which each class is seen in each cell, as sums of ticks: exact, in any order of the frames.

    Args:
        ticks: (C + 1, rows, `COLUMNS`) int64: classes first, then pixels without a class; 0 in masked cells.
    """

    def __init__(self, ticks: NDArray[np.int64]) -> None:
        self.ticks = ticks
        self._cells = np.arange(ticks[0].size)

    @classmethod
    def empty(cls, classes: int, grid: Grid) -> "HeatMaps":
        """Return heat maps without a frame, for grids of the shape of `grid`."""
        return cls(np.zeros((classes + 1, *grid.shape), np.int64))

    def add(self, grid: Grid, ticks: int) -> None:
        """Add a frame that is shown for `ticks`."""
        seen = grid.ravel() != MASKED
        labels = np.minimum(grid.ravel(), len(self.ticks) - 1)
        self.ticks.reshape(len(self.ticks), -1)[labels[seen], self._cells[seen]] += ticks

    def seconds(self, time_base: Fraction) -> NDArray[np.float64]:
        """Return the sums in seconds, (C + 1, rows, `COLUMNS`)."""
        return self.ticks.astype(np.float64) * float(time_base)

    def metadata(self) -> dict[bytes, bytes]:
        """Return metadata for a Parquet file: an .npz archive with the array `ticks`, in Base64."""
        archive = io.BytesIO()
        np.savez_compressed(archive, ticks=self.ticks)
        return {METADATA_KEY: b64encode(archive.getvalue())}

    @classmethod
    def of_metadata(cls, metadata: Mapping[bytes, bytes]) -> "HeatMaps | None":
        """Read heat maps from the metadata of a Parquet file; None if there are none.

        Raises:
            ValueError: they are damaged.
        """
        if METADATA_KEY not in metadata:
            return None
        try:
            with np.load(io.BytesIO(b64decode(metadata[METADATA_KEY]))) as archive:
                return cls(archive["ticks"])
        except (OSError, EOFError, KeyError, BadZipFile) as error:
            raise ValueError("damaged heat maps") from error
