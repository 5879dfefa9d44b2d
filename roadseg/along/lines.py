"""Driven lines: the tables of a drive, one after the other, with the metres that lie before each."""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from roadseg.errors import InputError
from roadseg.files import resolved
from roadseg.labels.space import LabelSpace
from roadseg.overlay.files import FRAMES_SUFFIX
from roadseg.overlay.frame_table import POSITION_COLUMNS, known_row
from roadseg.overlay.overlaps import counted_until, overlap_notices
from roadseg.overlay.summary import OverlaySummary
from roadseg.overlay.totals import finished_tables, read_summary
from roadseg.positions.geodesy import distance
from roadseg.video.find import ClipPlace

REMEDY = "Draw the video again with --overwrite."
PLACE = ("lat", "lon", "distance_m")


@dataclass(frozen=True)
class Ends:
    """First and last known position of a table."""

    first: tuple[float, float]
    """(latitude, longitude) in degrees."""
    last: tuple[float, float]
    begins_m: float
    """`distance_m` of the first."""
    ends_m: float


@dataclass(frozen=True)
class Clip:
    """A table of frames on a driven line."""

    table: Path
    name: str
    """Name of its results, below the folder that all results have in common."""
    frames: int
    seconds: float
    """Sum of the durations of its frames."""
    starts_s: float
    """Start on the clock of the drive."""
    ends: Ends | None
    """None where no frame has a position."""
    until_s: float | None = None
    """Time of the video from which the next clip of the drive counts, where they overlap; None for its whole."""
    offset_m: float = 0.0
    """Added to `distance_m`, it gives metres along the line."""


@dataclass(frozen=True)
class Line:
    """The way of one drive, or of one video that belongs to none."""

    name: str
    """Name of the drive, or of the results of the video."""
    clips: tuple[Clip, ...]
    metres: float
    """Length; gaps count as the straight line across."""


@dataclass(frozen=True)
class Lines:
    """Driven lines below some folders."""

    lines: tuple[Line, ...]
    space: LabelSpace
    half_done: int
    """Number of tables without a summary, which are left out."""
    other_channels: dict[str, int]
    """Number of videos of each other channel, which are left out."""
    repeated: int
    """Number of results whose video, or track of it, has another counted result."""
    notices: tuple[str, ...]
    """Sentences about clips that overlap."""


def driven_lines(folders: Sequence[Path], channel: str, on_progress: Callable[[int, int], None]) -> Lines:
    """Find the overlays below folders, at any depth, and order those of a drive along its line.

    Args:
        folders: output folders of `roadseg overlay`, or folders above them.
        channel: direction of the cameras that count; channels never mix.
        on_progress: called with (tables done, tables in all).

    Raises:
        InputError: a folder is missing or has no finished table, none of this channel, a table or summary cannot be
            read, they do not belong together, or label spaces differ.
    """
    tables, half_done = finished_tables(folders)
    common = Path(os.path.commonpath([resolved(table).parent for table in tables]))
    counted: list[tuple[Path, OverlaySummary]] = []
    space: LabelSpace | None = None
    others: Counter[str] = Counter()
    seen = set()
    for done, table in enumerate(tables, start=1):
        summary = read_summary(table)
        on_progress(done, len(tables))
        if summary.channel != channel:
            others[summary.channel] += 1
            continue
        if space is None:
            first, space = table, summary.label_space
        if (summary.label_space.name, summary.label_space.classes) != (space.name, space.classes):
            raise InputError(
                f"{table} counts classes of {summary.label_space.name}, but {first} those of {space.name}",
                "Give folders of one label space at a time.",
            )
        counted.append((table, summary))
        seen.add((summary.job.video_fingerprint, summary.job.track))
    if space is None:
        raise InputError(
            f"{', '.join(map(str, folders))}: no results of the channel {channel!r}",
            f"There are {', '.join(f'{count} of {name!r}' for name, count in others.items())}: give --channel.",
        )
    ends = counted_until(counted)
    drives: dict[tuple[Path, str], list[tuple[ClipPlace | None, Clip]]] = {}
    for table, summary in counted:
        place = summary.drive
        name = str(resolved(table).relative_to(common)).removesuffix(FRAMES_SUFFIX)
        clip = Clip(
            *(table, name, summary.frames, summary.duration_seconds),
            starts_s=place.start_s if place else 0.0,
            ends=read_ends(table, summary.frames, ends.get(table)),
            until_s=ends.get(table),
        )
        key = (table.parent, place.name) if place else (table, name)
        drives.setdefault(key, []).append((place, clip))
    lines = []
    for (_, name), placed in drives.items():
        placed.sort(key=lambda entry: (entry[0].clip if entry[0] else 0, entry[1].name))
        lines.append(_line(name, [clip for _, clip in placed]))
    return Lines(
        tuple(lines), space, half_done, dict(others), len(counted) - len(seen), tuple(overlap_notices(counted, ends))
    )


def read_ends(table: Path, frames: int, until: float | None = None) -> Ends | None:
    """Read the first and the last known position of a table; only the row groups that have them are read.

    Args:
        table: the Parquet file.
        frames: number of frames by its summary.
        until: time of the video before which they are; None for its whole.

    Raises:
        InputError: it cannot be read, or has another number of frames.
    """
    try:
        with pq.ParquetFile(table, pre_buffer=False) as file:
            if file.metadata.num_rows != frames:
                raise InputError(
                    f"{table} has {file.metadata.num_rows} frames, but its summary counts {frames}", REMEDY
                )
            if not set(POSITION_COLUMNS) <= set(file.schema_arrow.names):
                return None
            first, last = (known_row(file, PLACE, last=way, until=until) for way in (False, True))
    except (OSError, ValueError, pa.ArrowException) as error:
        raise InputError(f"{table}: not a table of frames, or damaged", REMEDY) from error
    if first is None or last is None:
        return None
    return Ends(first[:2], last[:2], first[2], last[2])


def _line(name: str, clips: Sequence[Clip]) -> Line:
    """Return the line through some clips in the order of time."""
    placed, metres = [], 0.0
    before: tuple[float, float] | None = None
    for clip in clips:
        ends = clip.ends
        if ends is None:
            placed.append(clip)
            continue
        if before is not None:
            metres += float(distance(*(np.array(degrees) for degrees in (*ends.first, *before))))
        placed.append(replace(clip, offset_m=metres - ends.begins_m))
        metres += ends.ends_m - ends.begins_m
        before = ends.last
    return Line(name, tuple(placed), metres)
