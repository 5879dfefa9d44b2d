"""Table of the frames of a video: a Parquet row per frame, written and read in groups."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq
from numpy.typing import NDArray

from roadseg.errors import InputError
from roadseg.labels.space import LabelSpace
from roadseg.overlay.heatmaps import METADATA_KEY, Grid, HeatMaps
from roadseg.positions.track import Positions, Track
from roadseg.video.frame import Frame

ROWS_A_GROUP = 1024
"""Frames held in memory before they are written as a Parquet row group, and when they are read again."""
COLUMNS = (
    "fraction_CLASS: share of the frame, 0..1, without masked areas; pixels_CLASS: pixels of the label map, not of the "
    "video: for these multiply fraction_CLASS by its width and height; confidence_CLASS: mean probability of its labels"
)
"""Description of the columns in the metadata of tables, for programs and people that find one alone."""
POSITION_COLUMNS = {
    "utc": pa.timestamp("us", tz="UTC"),
    "lat": pa.float64(),
    "lon": pa.float64(),
    "speed_mps": pa.float32(),
    "heading_deg": pa.float32(),
    "distance_m": pa.float64(),
}
"""Columns of the place of a frame, with their types; null where it is unknown."""
UNLABELLED = "unlabelled"
"""Name for pixels without a class; it comes after all classes."""


class FrameTable:
    """Parquet table with one row per frame; memory does not grow with the video.

    Columns: `index`; `pts`, in ticks of the time base in the file's metadata; `seconds` and `duration_seconds`;
    `decode_error`, whether the decoder met errors on the way to this frame; `utc`, `lat`, `lon` (WGS84), `speed_mps`,
    `heading_deg` (clockwise from north) and `distance_m` (driven since the first position of the video), null where
    unknown; for every class `fraction_NAME`, of the
    frame, in 0..1, and `pixels_NAME`, in pixels of the label map, not of the video; the same for `unlabelled`. Masked
    areas do not count: the fractions of a frame add up to 1. With confidences, `confidence_NAME` of every class is the
    mean probability of its labels, 0..1, null where it has none. Blanks in class names become underscores. The metadata
    of the file has heat maps of the frames that were added with a grid, see `read_heatmaps`.

    Args:
        path: the Parquet file, complete once the context is left.
        label_space: classes that are counted.
        time_base: seconds per tick of the frames.
        track: positions of the video; None leaves their columns empty.
        confidence: the table has columns of confidences.
    """

    def __init__(
        self,
        path: Path,
        label_space: LabelSpace,
        time_base: Fraction,
        track: Track | None = None,
        *,
        confidence: bool = False,
    ) -> None:
        self.label_space = label_space
        self._track = Track.of([]) if track is None else track
        self._rows: list[tuple[int, int, float, float, bool]] = []
        self._pixels: list[NDArray[np.int64]] = []
        self._confidences: list[NDArray[np.float64]] = []
        self._heatmaps: HeatMaps | None = None
        self._schema = _schema(
            self.names(label_space),
            {"time_base": str(time_base), "label_space": label_space.name, "columns": COLUMNS},
            label_space.classes if confidence else (),
        )
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")

    @staticmethod
    def names(label_space: LabelSpace) -> tuple[str, ...]:
        """Return the names that pixels are counted by: the classes, then `unlabelled`."""
        return *label_space.classes, UNLABELLED

    def add(
        self,
        frame: Frame,
        counts: NDArray[np.int64],
        grid: Grid | None = None,
        *,
        decode_error: bool = False,
        confidences: NDArray[np.float64] | None = None,
    ) -> None:
        """Add the next frame.

        Args:
            frame: gives index and time.
            counts: (256,) as `count_pixels` gives them.
            grid: its labels on a coarse grid, for the heat maps; all grids of a table have the same shape.
            decode_error: the decoder met errors on the way to this frame.
            confidences: (C,) of its classes, NaN where unknown, for a table with confidences.
        """
        classes = len(self.label_space)
        pixels = np.append(counts[:classes], counts[classes:].sum())
        self._rows.append((frame.index, frame.pts, frame.seconds, frame.duration_seconds, decode_error))
        self._pixels.append(pixels)
        if confidences is not None:
            self._confidences.append(confidences)
        if grid is not None:
            self._heatmaps = self._heatmaps or HeatMaps.empty(classes, grid)
            self._heatmaps.add(grid, frame.duration)
        if len(self._rows) == ROWS_A_GROUP:
            self._flush()

    def _flush(self) -> None:
        if not self._rows:
            return
        pixels = np.stack(self._pixels)
        fractions = pixels / pixels.sum(axis=1, keepdims=True)
        rows = list(zip(*self._rows, strict=True))
        position = _position_columns(self._track.at(np.array(rows[2])))
        sure = [pa.array(column, pa.float32(), from_pandas=True) for column in np.array(self._confidences).T]
        columns = [*rows, *position, *fractions.T, *pixels.T, *sure]
        arrays = [pa.array(column, field.type) for column, field in zip(columns, self._schema, strict=True)]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
        self._rows.clear()
        self._pixels.clear()
        self._confidences.clear()

    def __enter__(self) -> "FrameTable":
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        try:
            if kind is None:
                self._flush()
                if self._heatmaps is not None:
                    self._writer.add_key_value_metadata(self._heatmaps.metadata())
        finally:
            self._writer.close()


@dataclass(frozen=True)
class FrameRows:
    """Rows of a table for consecutive frames."""

    seconds: NDArray[np.float64]
    """(N,) presentation times."""
    durations: NDArray[np.float64]
    """(N,) durations in seconds."""
    pixels: NDArray[np.int64]
    """(N, C) pixel counts by frame and name."""
    confidences: NDArray[np.float64] | None = None
    """(N, C) mean confidence by frame and name, NaN where unknown; None in a table without."""

    def part(self, chosen: NDArray[np.bool_]) -> "FrameRows":
        """Return the chosen rows."""
        sure = None if self.confidences is None else self.confidences[chosen]
        return FrameRows(self.seconds[chosen], self.durations[chosen], self.pixels[chosen], sure)


def read_frames(path: Path, names: Sequence[str]) -> Iterator[FrameRows]:
    """Read the rows of a table, `ROWS_A_GROUP` at a time; memory does not grow with the video.

    Args:
        path: the Parquet file.
        names: classes and `unlabelled`, all or some of those in the table.

    Raises:
        InputError: it cannot be read, or does not have these columns.
    """
    columns = ["seconds", "duration_seconds", *(f"pixels_{column_name(name)}" for name in names)]
    try:
        # Most tables are small: threads and reading ahead cost more there than they save.
        with pq.ParquetFile(path, pre_buffer=False) as file:
            wanted = [f"confidence_{column_name(name)}" for name in names]
            sure = [name for name in wanted if name in file.schema_arrow.names]
            for batch in file.iter_batches(ROWS_A_GROUP, columns=columns + sure, use_threads=False):
                seconds, durations, *pixels = (batch[column].to_numpy() for column in columns)
                confidences = None
                if sure:
                    confidences = np.full((len(seconds), len(names)), np.nan)
                    confidences[:, [name in sure for name in wanted]] = np.stack(
                        [batch[column].to_numpy(zero_copy_only=False) for column in sure], axis=1
                    )
                yield FrameRows(seconds, durations, np.stack(pixels, axis=1).astype(np.int64), confidences)
    except (OSError, KeyError, pa.ArrowException) as error:
        raise _unreadable(path) from error


def known_row(
    file: pq.ParquetFile, columns: Sequence[str], *, last: bool = False, until: float | None = None
) -> tuple[Any, ...] | None:
    """Return these columns of the first or last row of a table in which they are known; None without one.

    Only the row groups up to it are read.

    Args:
        file: an open table.
        columns: names of columns; the first decides which row groups are read.
        last: the last row in place of the first.
        until: time in seconds before which the frame begins; None for any.

    Raises:
        ValueError: the table has no such columns.
    """
    place = file.schema_arrow.names.index(columns[0])
    groups = range(file.num_row_groups)
    for group in reversed(groups) if last else groups:
        about = file.metadata.row_group(group).column(place).statistics
        if about is not None and not about.num_values:
            continue
        wanted = list(columns) if until is None else [*columns, "seconds"]
        rows = file.read_row_group(group, columns=wanted, use_threads=False).drop_null()
        if until is not None:
            rows = rows.filter(pa.compute.less(rows["seconds"], until))
        if len(rows):
            (row,) = rows.slice(len(rows) - 1 if last else 0, 1).to_pylist()
            return tuple(row[name] for name in columns)
    return None


class FirstFix(NamedTuple):
    """First frame of a table whose time and place are known."""

    utc: float
    """Seconds since 1970-01-01."""
    lat: float
    """Degrees north."""
    lon: float
    """Degrees east."""
    seconds: float
    """Time of the video."""


def read_first_fix(path: Path) -> FirstFix | None:
    """Read the first frame whose time and place are known; None without one.

    Raises:
        InputError: the table cannot be read.
    """
    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            if not set(POSITION_COLUMNS) <= set(file.schema_arrow.names):
                return None
            row = known_row(file, FirstFix._fields)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise _unreadable(path) from error
    return None if row is None else FirstFix(row[0].timestamp(), *row[1:])


def read_positions(path: Path) -> Positions:
    """Read the positions of a table, NaN where they are unknown.

    Args:
        path: the Parquet file.

    Raises:
        InputError: it cannot be read.
    """
    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            count = file.metadata.num_rows
            there = [name for name in POSITION_COLUMNS if name in file.schema_arrow.names]
            rows = file.read(columns=there, use_threads=False)
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path) from error
    columns = {name: np.full(count, np.nan) for name in POSITION_COLUMNS}
    for name in there:
        values = rows[name].cast(pa.int64()) if name == "utc" else rows[name]
        columns[name] = values.cast(pa.float64()).to_numpy()
    return Positions(**{**columns, "utc": columns["utc"] / 1e6})


@dataclass(frozen=True)
class TableExtent:
    """Size of a table of frames, and the time that it covers."""

    frames: int
    begins: tuple[float, float] | None
    """Seconds at which the first and the last frame begin; None where the file does not state them."""


def read_extent(path: Path) -> TableExtent:
    """Read the extent of a table from the end of its file: no row is read.

    Args:
        path: the Parquet file.

    Raises:
        InputError: it cannot be read.
    """
    try:
        about = pq.read_metadata(path)
        place = about.schema.names.index("seconds")
        times = [about.row_group(group).column(place).statistics for group in range(about.num_row_groups)]
    except (OSError, ValueError, pa.ArrowException) as error:
        raise _unreadable(path) from error
    if not times or not all(group is not None and group.has_min_max for group in times):
        return TableExtent(about.num_rows, None)
    return TableExtent(about.num_rows, (min(group.min for group in times), max(group.max for group in times)))


def read_heatmaps(path: Path) -> NDArray[np.float64] | None:
    """Read the heat maps of a table: the time for which each class is seen in each cell, over all frames.

    Args:
        path: the Parquet file.

    Returns:
        (C + 1, rows, `roadseg.overlay.heatmaps.COLUMNS`) seconds, classes first, then `unlabelled`; 0 where a mask
        leaves the frame out. None if the table has no heat maps.

    Raises:
        InputError: it cannot be read.
    """
    try:
        metadata = pq.read_metadata(path).metadata
        heatmaps = HeatMaps.of_metadata(metadata)
        return None if heatmaps is None else heatmaps.seconds(Fraction(metadata[b"time_base"].decode()))
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        raise _unreadable(path) from error


def join_frames(parts: Sequence[Path], path: Path) -> None:
    """Join consecutive tables of frames into one, and add up their heat maps.

    Args:
        parts: at least one table; all have the same label space, time base and grid size.
        path: the Parquet file to write.
    """
    if len(parts) == 1:
        shutil.copyfile(parts[0], path)
        return
    schema = pq.read_schema(parts[0])
    kept = {key: value for key, value in schema.metadata.items() if key != METADATA_KEY}
    heatmaps = None
    with pq.ParquetWriter(path, schema.with_metadata(kept), compression="zstd") as joined:
        for part in parts:
            with pq.ParquetFile(part) as file:
                joined.write_table(file.read())
                more = HeatMaps.of_metadata(file.metadata.metadata)
            if heatmaps is not None and more is not None:
                heatmaps.ticks += more.ticks
            heatmaps = heatmaps or more
        if heatmaps is not None:
            joined.add_key_value_metadata(heatmaps.metadata())


def _position_columns(positions: Positions) -> list[pa.Array]:
    """Return the columns of places, in the order of `POSITION_COLUMNS`."""
    utc = [None if np.isnan(seconds) else round(1e6 * seconds) for seconds in positions.utc.tolist()]
    others = (positions.lat, positions.lon, positions.speed_mps, _single(positions.heading_deg), positions.distance_m)
    values = [pa.array(utc, pa.int64()), *(pa.array(column, from_pandas=True) for column in others)]
    return [column.cast(kind) for column, kind in zip(values, POSITION_COLUMNS.values(), strict=True)]


def _single(headings: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return headings in single precision, still below 360 after rounding."""
    rounded = headings.astype(np.float32)
    return np.where(rounded >= 360, np.float32(0), rounded)


def _unreadable(path: Path) -> InputError:
    return InputError(f"{path}: not a table of frames, or damaged", "Draw the video again with --overwrite.")


def column_name(name: str) -> str:
    """Return the name of a class as columns have it, with underscores for blanks."""
    return name.replace(" ", "_")


def _schema(names: Sequence[str], metadata: dict[str, str], confident: Sequence[str] = ()) -> pa.Schema:
    columns = [column_name(name) for name in names]
    return pa.schema(
        [
            ("index", pa.int64()),
            ("pts", pa.int64()),
            ("seconds", pa.float64()),
            ("duration_seconds", pa.float64()),
            ("decode_error", pa.bool_()),
            *POSITION_COLUMNS.items(),
            *((f"fraction_{column}", pa.float32()) for column in columns),
            *((f"pixels_{column}", pa.int32()) for column in columns),
            *((f"confidence_{column_name(name)}", pa.float32()) for name in confident),
        ],
        metadata=metadata,
    )
