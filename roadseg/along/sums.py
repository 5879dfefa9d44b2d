"""Sums over the frames of one video by place, from its table of frames; memory does not grow with the video."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from roadseg.along.indices import ClassSum
from roadseg.along.lines import Clip
from roadseg.along.places import NOWHERE, Places, Points, Segments
from roadseg.errors import InputError
from roadseg.overlay.frame_table import column_name

Reals = NDArray[np.float64]

ROWS_AT_ONCE = 8192
VERTEX_METRES = 5.0
"""Metres of the way between the corners of a line."""
COLUMNS = ("seconds", "duration_seconds", "utc", "lat", "lon", "heading_deg", "distance_m")


@dataclass(frozen=True)
class Vertices:
    """Corners of the lines that a video drove, V of them in order."""

    row: NDArray[np.int64]
    """(V,) place by its row in the sums."""
    part: NDArray[np.int64]
    """(V,) number of the line between two gaps."""
    lon: Reals
    """(V,) degrees."""
    lat: Reals
    """(V,) degrees."""


@dataclass(frozen=True)
class Sums:
    """Sums at S places, for C classes with `unlabelled` and I indices; a frame counts where it begins."""

    keys: NDArray[np.int64]
    """(S,) places, each once."""
    frames: NDArray[np.int64]
    """(S,) number of frames."""
    seconds: Reals
    """(S,) their durations."""
    metres: Reals
    """(S,) metres driven, each frame until the next."""
    by_time: Reals
    """(S, C) seconds times share of the frame."""
    by_distance: Reals
    """(S, C) metres times share of the frame."""
    seen_seconds: Reals
    """(S, I) seconds with the numerator of an index in sight."""
    seen_metres: Reals
    """(S, I) the same in metres."""
    begins_s: Reals
    """(S,) time of the first frame on the clock of the video."""
    ends_s: Reals
    """(S,) end of the last frame."""
    utc_begins: Reals
    """(S,) seconds since 1970 of the first frame whose time is known; NaN without one."""
    utc_ends: Reals
    """(S,) the same of the last frame."""
    vertices: Vertices
    unplaced: tuple[int, float]
    """Frames without position, and their seconds."""
    outside: tuple[float, float]
    """Metres and seconds at no place, such as far from all streets."""


def sum_video(
    clip: Clip,
    names: Sequence[str],
    places: Places,
    indices: Sequence[ClassSum],
    kept: tuple[float, float],
) -> Sums:
    """Add up the frames of a table by place.

    Args:
        clip: the table, and where it lies on its line.
        names: classes of the table, then `unlabelled`.
        places: division of the ground.
        indices: indices; those that count how often classes are in sight need single frames.
        kept: metres of the line from and to which frames count.

    Raises:
        InputError: the table cannot be read.
    """
    collected = _Collected(len(names), indices, places)
    for rows in _read(clip.table, names):
        known = ~(np.isnan(rows.points.lat) | np.isnan(rows.points.lon) | np.isnan(rows.points.metres))
        counts = rows.begins < (np.inf if clip.until_s is None else clip.until_s)
        collected.unplaced += np.array([(counts & ~known).sum(), rows.durations[counts & ~known].sum()])
        rows.points.metres[:] += clip.offset_m
        inside = known & counts & (rows.points.metres >= kept[0]) & (rows.points.metres <= kept[1])
        collected.add(rows, inside)
    return collected.finish()


@dataclass(frozen=True)
class _Rows:
    """Consecutive rows of a table."""

    begins: Reals
    durations: Reals
    utc: Reals
    points: Points
    pixels: Reals
    """(N, C)."""

    def part(self, chosen: NDArray[np.bool_]) -> "_Rows":
        """Return some of the rows."""
        points = Points(*(values[chosen] for values in vars(self.points).values()))
        return _Rows(self.begins[chosen], self.durations[chosen], self.utc[chosen], points, self.pixels[chosen])


def _read(path: Path, names: Sequence[str]) -> Iterator[_Rows]:
    """Read the rows of a table, some at a time."""
    classes = [f"pixels_{column_name(name)}" for name in names]
    try:
        with pq.ParquetFile(path, pre_buffer=False) as file:
            for batch in file.iter_batches(ROWS_AT_ONCE, columns=[*COLUMNS, *classes], use_threads=False):
                utc = batch["utc"].cast(pa.int64())
                columns = [utc if name == "utc" else batch[name] for name in COLUMNS]
                begins, durations, utc, lat, lon, heading, metres = (
                    column.to_numpy(zero_copy_only=False).astype(np.float64) for column in columns
                )
                pixels = np.empty((len(begins), len(names)))
                for place, name in enumerate(classes):
                    pixels[:, place] = batch[name].to_numpy()
                yield _Rows(begins, durations, utc / 1e6, Points(lat, lon, heading, metres), pixels)
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        raise InputError(
            f"{path}: not a table of frames, or damaged", "Draw the video again with --overwrite."
        ) from error


class _Collected:
    """Sums that grow with rows. The last row waits for the next, since a frame has the metres until there."""

    def __init__(self, classes: int, indices: Sequence[ClassSum], places: Places) -> None:
        self.unplaced = np.zeros(2)
        self._classes, self._indices, self._places = classes, indices, places
        self._waiting: tuple[_Rows, NDArray[np.bool_]] | None = None
        self._runs: list[tuple[NDArray[np.int64], Reals, Reals]] = []
        self._corners: list[tuple[NDArray[np.int64], NDArray[np.int64], Reals, Reals]] = []
        self._outside = np.zeros(2)
        self._before: tuple[int, int] | None = None
        """Place and number of the step of the row before, where the line goes on from it."""
        self._parts = 0

    def add(self, rows: _Rows, inside: NDArray[np.bool_]) -> None:
        """Add the next rows, of which those that are `inside` count."""
        if self._waiting is not None:
            before, was_inside = self._waiting
            rows, inside = _joined(before, rows), np.append(was_inside, inside)
        if len(inside):
            last = np.arange(len(inside)) == len(inside) - 1
            self._waiting = rows.part(last), inside[last]
            self._sum(rows, inside, len(inside) - 1)

    def _sum(self, rows: _Rows, inside: NDArray[np.bool_], count: int) -> None:
        """Add up the first `count` rows; one more, if there is, tells how far the last drives."""
        goes_on = np.append(inside[:-1] & inside[1:], False)[:count]
        driven = np.maximum(0.0, np.diff(rows.points.metres, append=np.nan)[:count])
        metres = np.where(goes_on, driven, 0.0)
        keys = np.full(len(inside), NOWHERE - 1, np.int64)
        if inside.any():
            keys[inside] = self._places.keys(rows.part(inside).points)
        keys, points = keys[:count], rows.points
        away = keys == NOWHERE
        self._outside += metres[away].sum(), rows.durations[:count][away].sum()
        if isinstance(self._places, Segments):
            self._draw(keys, points, goes_on)
        placed = keys > NOWHERE
        if not placed.any():
            return
        pixels = rows.pixels[:count][placed]
        shares = pixels / pixels.sum(axis=1, keepdims=True)
        weights = np.stack([rows.durations[:count][placed], metres[placed]])
        seen = np.stack([index.sees(shares) for index in self._indices], axis=1)
        values = np.concatenate(
            [np.ones((len(shares), 1)), weights.T, *(weight[:, None] * shares for weight in weights)]
            + [weight[:, None] * seen for weight in weights],
            axis=1,
        )
        here = keys[placed]
        starts = np.flatnonzero(np.diff(here, prepend=here[0] - 1))
        begins, utc = rows.begins[:count][placed], rows.utc[:count][placed]
        times = [
            np.minimum.reduceat(begins, starts),
            np.maximum.reduceat(begins + weights[0], starts),
            np.fmin.reduceat(utc, starts),
            np.fmax.reduceat(utc, starts),
        ]
        self._runs.append((here[starts], np.add.reduceat(values, starts), np.stack(times, axis=1)))

    def _draw(self, keys: NDArray[np.int64], points: Points, goes_on: NDArray[np.bool_]) -> None:
        """Keep the corners of the line: ends, borders between places, and one every `VERTEX_METRES`."""
        if not len(keys):
            return
        steps = np.where(keys > NOWHERE, points.metres[: len(keys)] // VERTEX_METRES, -1).astype(np.int64)
        key_before, step_before = self._before or (NOWHERE - 1, -1)
        begins = ~np.append(self._before is not None, goes_on[:-1])
        corners = begins | ~goes_on
        corners |= np.diff(keys, prepend=key_before) != 0
        corners |= np.diff(steps, prepend=step_before) != 0
        corners &= keys > NOWHERE
        parts = self._parts + np.cumsum(begins)
        self._corners.append(
            (keys[corners], parts[corners], points.lon[: len(keys)][corners], points.lat[: len(keys)][corners])
        )
        self._parts = int(parts[-1])
        self._before = (int(keys[-1]), int(steps[-1])) if goes_on[-1] else None

    def finish(self) -> Sums:
        """Add up the last row, and return the sums."""
        if self._waiting is not None:
            self._sum(*self._waiting, 1)
        classes, indices = self._classes, len(self._indices)
        runs = self._runs or [(np.zeros(0, np.int64), np.zeros((0, 3 + 2 * (classes + indices))), np.zeros((0, 4)))]
        keys, values, times = (np.concatenate(column) for column in zip(*runs, strict=True))
        unique, place = np.unique(keys, return_inverse=True)
        sums = np.zeros((len(unique), values.shape[1]))
        np.add.at(sums, place, values)
        ends = np.full((len(unique), 4), np.nan)
        for column, extreme in enumerate((np.fmin, np.fmax, np.fmin, np.fmax)):
            extreme.at(ends[:, column], place, times[:, column])
        frames, seconds, metres = sums[:, :3].T
        by_time, by_distance, seen_seconds, seen_metres = np.split(
            sums[:, 3:], np.cumsum([classes, classes, indices]), axis=1
        )
        return Sums(
            *(unique, frames.astype(np.int64), seconds, metres, by_time, by_distance, seen_seconds, seen_metres),
            *(ends[:, 0], ends[:, 1], ends[:, 2], ends[:, 3], self._vertices(unique)),
            (int(self.unplaced[0]), float(self.unplaced[1])),
            (float(self._outside[0]), float(self._outside[1])),
        )

    def _vertices(self, unique: NDArray[np.int64]) -> Vertices:
        """Return the corners of the lines, by the rows of their places."""
        if not self._corners:
            none = np.zeros(0, np.int64)
            return Vertices(none, none, none.astype(np.float64), none.astype(np.float64))
        keys, parts, lon, lat = (np.concatenate(column) for column in zip(*self._corners, strict=True))
        return Vertices(np.searchsorted(unique, keys), parts, lon, lat)


def _joined(first: _Rows, second: _Rows) -> _Rows:
    points = Points(
        *(np.concatenate(pair) for pair in zip(vars(first.points).values(), vars(second.points).values(), strict=True))
    )
    return _Rows(
        np.append(first.begins, second.begins),
        np.append(first.durations, second.durations),
        np.append(first.utc, second.utc),
        points,
        np.concatenate([first.pixels, second.pixels]),
    )
