"""Seconds that two clips of a drive both have: they count once, in the later clip."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path

from roadseg.overlay.frame_table import FrameRows, read_frames
from roadseg.overlay.stats import ClassTotals
from roadseg.overlay.summary import OverlaySummary

SHORTEST = 1.0
"""Seconds of an overlap, at least: names of clips count whole seconds, and containers round their lengths."""


def counted_until(clips: Iterable[tuple[Path, OverlaySummary]]) -> dict[Path, float]:
    """Return the time of the video at which the next clip of its drive begins, for tables that go on longer.

    From there the later clip counts, as it is shown on the page of the drive and in the joined video.

    Args:
        clips: tables with their summaries; those of no drive overlap with nothing.
    """
    drives: defaultdict[tuple[Path, str, str], list[tuple[float, int, float, Path]]] = defaultdict(list)
    for table, summary in clips:
        if (place := summary.drive) is not None:
            end = place.start_s + summary.begins_seconds + summary.duration_seconds
            drives[table.parent, place.name, place.channel].append((place.start_s, place.clip, end, table))
    return {
        table: following - start
        for placed in drives.values()
        for (start, _, end, table), (following, *_) in pairwise(sorted(placed))
        if end - following > SHORTEST
    }


def overlap_notices(clips: Iterable[tuple[Path, OverlaySummary]], ends: Mapping[Path, float]) -> list[str]:
    """Return a sentence about the seconds that count once; none where nothing overlaps.

    Args:
        clips: tables with their summaries.
        ends: as `counted_until` returns them.
    """
    seconds = sum(
        summary.begins_seconds + summary.duration_seconds - ends[table] for table, summary in clips if table in ends
    )
    return [f"Counted once: {seconds:.1f} s that two clips of a drive both have."] if ends else []


def rows_until(table: Path, names: Iterable[str], until: float | None) -> Iterator[FrameRows]:
    """Yield the rows of a table as `read_frames`, those of frames that begin before `until`; None for all."""
    for rows in read_frames(table, tuple(names)):
        yield rows if until is None else rows.part(rows.seconds < until)


def counted_totals(table: Path, summary: OverlaySummary, ends: Mapping[Path, float]) -> ClassTotals:
    """Return the class totals of a table up to its end in `ends`; rows are read only where it has one.

    Raises:
        InputError: the table cannot be read.
    """
    if table not in ends:
        return summary.totals()
    totals = ClassTotals([entry.name for entry in summary.classes])
    for rows in rows_until(table, totals.names, ends[table]):
        totals.add(rows.pixels, rows.durations, rows.confidences)
    return totals
