"""Sums of many videos as one table of places."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from roadseg.along.indices import ClassSum, quotient
from roadseg.along.lines import Clip, Line
from roadseg.along.result import STAMP, unique_names
from roadseg.along.shapes import DECIMALS, Shape, lines
from roadseg.along.sums import Sums
from roadseg.overlay.frame_table import column_name

Reals = NDArray[np.float64]
Numbers = NDArray[np.int64]

JOINED_SECONDS = 10.0
"""Longest time between two clips of a drive over which their line is drawn on."""
SHARE_DECIMALS = 6
SUMS = ("frames", "seconds", "metres", "by_time", "by_distance", "seen_seconds", "seen_metres")
LINE_SHIFT = 40
"""Bits of the number of a segment."""


@dataclass(frozen=True)
class Added:
    """Sums of a clip with the number of its line."""

    line: int
    clip: Clip
    sums: Sums


@dataclass(frozen=True)
class Merged:
    """Sums at P places over all videos, in the order of the places."""

    keys: Numbers
    """(P,) places; of segments the number of the line times 2**40, plus that of the segment."""
    drives: Numbers
    """(P,) number of lines."""
    first: Numbers
    """(P,) number of the clip that came there first."""
    begins_s: Reals
    """(P,) time on its clock."""
    utc: Reals
    """(P, 2) first and last time in seconds since 1970, NaN where unknown."""
    frames: Numbers
    """(P,)."""
    seconds: Reals
    """(P,)."""
    metres: Reals
    """(P,)."""
    by_time: Reals
    """(P, C)."""
    by_distance: Reals
    """(P, C)."""
    seen_seconds: Reals
    """(P, I)."""
    seen_metres: Reals
    """(P, I)."""


def merge(added: Sequence[Added], *, by_line: bool) -> Merged:
    """Add up the sums of clips by place, those of each line by themselves with `by_line`."""
    ids = [one.sums.keys + ((one.line << LINE_SHIFT) if by_line else 0) for one in added]
    sizes = [len(keys) for keys in ids]
    clips = np.repeat(np.arange(len(added)), sizes)
    keys, place = np.unique(np.concatenate(ids), return_inverse=True)
    order = np.argsort(place, kind="stable")
    starts = np.flatnonzero(np.diff(place[order], prepend=-1))

    def together(name: str) -> Any:
        return np.concatenate([getattr(one.sums, name) for one in added])[order]

    on_lines = np.repeat([one.line for one in added], sizes)
    drives = np.unique(np.stack([place, on_lines]), axis=1)[0]
    utc = [np.fmin.reduceat(together("utc_begins"), starts), np.fmax.reduceat(together("utc_ends"), starts)]
    sums = {name: np.add.reduceat(together(name), starts, axis=0) for name in SUMS}
    return Merged(
        keys,
        drives=np.bincount(drives, minlength=len(keys)),
        first=clips[order][starts],
        begins_s=together("begins_s")[starts],
        utc=np.stack(utc, axis=1),
        **sums,
    )


def overall(merged: Merged) -> Merged:
    """Return the sums over all places, as one."""
    sums = {name: getattr(merged, name).sum(axis=0, keepdims=True) for name in SUMS}
    rest = {name: values[:1] for name, values in vars(merged).items() if name not in SUMS}
    return Merged(**rest, **sums)


def shares(merged: Merged, names: Sequence[str], indices: Sequence[ClassSum]) -> dict[str, Reals]:
    """Return indices, then shares of classes, by column: (P,), NaN where they are unknown."""
    ways = {
        "distance": (merged.by_distance, merged.seen_metres, merged.metres),
        "time": (merged.by_time, merged.seen_seconds, merged.seconds),
    }
    found: list[tuple[str, Reals]] = []
    for place, one in enumerate(indices):
        for way, (sums, seen, weights) in ways.items():
            if one.index.weight in (way, "both"):
                found.append((f"{one.index.name}_by_{way}", one.values(sums, seen[:, place], weights)))
    for way, (sums, _, weights) in ways.items():
        for name, values in zip(names, sums.T, strict=True):
            found.append((f"{column_name(name)}_by_{way}", quotient(values, weights)))
    return dict(zip(unique_names([name for name, _ in found]), (values for _, values in found), strict=True))


def figures(merged: Merged, names: Sequence[str], indices: Sequence[ClassSum]) -> dict[str, pa.Array]:
    """Return the columns that all kinds of places have: what is behind figures, indices, then class shares."""
    utc = [pa.array(np.round(1000 * times), from_pandas=True).cast(pa.int64()).cast(STAMP) for times in merged.utc.T]
    behind = {
        "utc_begins": utc[0],
        "utc_ends": utc[1],
        "frames": pa.array(merged.frames),
        "seconds": _rounded(merged.seconds, 3),
        "metres": _rounded(merged.metres, 2),
        "speed_mps": _rounded(quotient(merged.metres, merged.seconds), 2),
    }
    return behind | {name: _rounded(values, SHARE_DECIMALS) for name, values in shares(merged, names, indices).items()}


def segment_columns(
    merged: Merged, added: Sequence[Added], driven: Sequence[Line], length: float
) -> tuple[dict[str, pa.Array], list[Shape | None]]:
    """Return the columns that segments have before their figures, and their geometry."""
    on_lines, numbers = merged.keys >> LINE_SHIFT, merged.keys & ((1 << LINE_SHIFT) - 1)
    ends = np.array([line.metres for line in driven])[on_lines]
    groups, parts, points = _corners(merged, added)
    starts = np.flatnonzero(np.diff(groups, prepend=-1))
    first, last = points[starts], points[np.append(starts[1:], len(groups)) - 1]
    pieces: list[list[Reals]] = [[] for _ in merged.keys]
    borders = np.flatnonzero((np.diff(groups) != 0) | (np.diff(parts) != 0)) + 1
    for group, piece in zip(groups[np.append(0, borders)].tolist(), np.split(points, borders), strict=True):
        pieces[group].append(piece)
    columns = {
        "drive": pa.array([driven[line].name for line in on_lines.tolist()]),
        "segment": pa.array(numbers),
        "from_m": _rounded(length * numbers, 2),
        "to_m": _rounded(np.minimum(length * (numbers + 1), ends), 2),
        "video": pa.array([added[clip].clip.name for clip in merged.first.tolist()]),
        "begins_s": _rounded(merged.begins_s, 3),
    }
    for name, place in (("start", first), ("end", last)):
        columns |= {
            f"{name}_{axis}": _rounded(place[:, number], DECIMALS) for number, axis in enumerate(("lon", "lat"))
        }
    return columns, [lines(each) for each in pieces]


def _corners(merged: Merged, added: Sequence[Added]) -> tuple[Numbers, Numbers, Reals]:
    """Return the corners of all lines: (V,) rows of segments, (V,) number of the part, (V, 2) longitude, latitude.

    Where a line goes on into the next segment, a segment ends with the first corner of the next.
    """
    groups, parts, points = [], [], []
    used, before = 0, None
    for one in added:
        vertices = one.sums.vertices
        if not len(vertices.row):
            continue
        begins, ends = (one.clip.starts_s + times for times in (one.sums.begins_s.min(), one.sums.ends_s.max()))
        goes_on = before is not None and before[0] == one.line and abs(begins - before[1]) <= JOINED_SECONDS
        used += 0 if goes_on else 1
        own = np.searchsorted(merged.keys, one.sums.keys + (one.line << LINE_SHIFT))
        groups.append(own[vertices.row])
        parts.append(vertices.part - vertices.part[0] + used)
        points.append(np.stack([vertices.lon, vertices.lat], axis=1))
        used, before = int(parts[-1][-1]), (one.line, ends)
    row, part, place = (np.concatenate(each) for each in (groups, parts, points))
    borders = np.flatnonzero((np.diff(row) != 0) & (np.diff(part) == 0)) + 1
    return (
        np.insert(row, borders, row[borders - 1]),
        np.insert(part, borders, part[borders]),
        np.insert(place, borders, place[borders], axis=0),
    )


def _rounded(values: NDArray[np.floating[Any]], decimals: int) -> pa.Array:
    """Return a column of rounded numbers; NaN becomes null."""
    return pa.array(np.round(values, decimals) + 0.0, from_pandas=True)
