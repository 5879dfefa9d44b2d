"""Class totals of many overlays: over all videos, by video, and by time of day."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from roadseg.drives.names import FRONT
from roadseg.errors import InputError
from roadseg.files import resolved
from roadseg.overlay.files import FRAMES_SUFFIX, OverlayFiles
from roadseg.overlay.frame_table import TableExtent, read_extent
from roadseg.overlay.overlaps import counted_totals, counted_until, overlap_notices, rows_until
from roadseg.overlay.recorded import Recorded, contradictions, recorded
from roadseg.overlay.stats import ClassTotals
from roadseg.overlay.summary import OverlaySummary

HOUR, HOURS = 3600, 24


@dataclass(frozen=True)
class VideoStats:
    """Class totals of one video."""

    name: str
    """Name of its results, below the folder that all results have in common."""
    drive: str
    """Name of the results of its drive, likewise; empty for a video by itself."""
    summary: OverlaySummary
    totals: ClassTotals
    """Up to the next clip of its drive, where the two overlap."""
    recorded: Recorded | None
    """Begin of the recording; None where it is unknown."""

    def as_dict(self) -> dict[str, Any]:
        """Return the facts for JSON."""
        stated, recorded = self.summary.creation_time, self.recorded
        return {
            "name": self.name,
            "drive": self.drive or None,
            "video": self.summary.video,
            "creation_time": stated.isoformat() if stated else None,
            "recorded": recorded.begins.isoformat() if recorded else None,
            "clock": ("positions" if recorded.by_position else "container") if recorded else None,
            **_as_dict(self.totals),
        }


@dataclass(frozen=True)
class OverlayStats:
    """Class totals of one channel of all videos below some folders. Every frame counts for as long as it is shown."""

    label_space: str
    channel: str
    """Direction of the cameras: `front`, `rear`, ..."""
    totals: ClassTotals
    videos: tuple[VideoStats, ...]
    hours: dict[int, ClassTotals]
    """Totals by the hour of recording, 0 to 23; only of videos whose time is known."""
    other_channels: dict[str, int]
    """Number of videos of each other channel, which are left out."""
    half_done: int
    """Number of tables without a summary, which are left out: their jobs are running or were cut off."""
    notices: tuple[str, ...] = ()
    """Sentences about times that contradict each other."""
    overlaps: tuple[str, ...] = ()
    """Sentences about clips of a drive that overlap."""

    @property
    def zones(self) -> tuple[str, ...]:
        """Names of the time zones of the hours."""
        return tuple(dict.fromkeys(video.recorded.zone for video in self.videos if video.recorded))

    @property
    def timeless(self) -> int:
        """Number of videos whose time is unknown."""
        return sum(video.recorded is None for video in self.videos)

    @property
    def repeated(self) -> int:
        """Number of results whose video, or track of it, has another counted result."""
        return len(self.videos) - len(
            {(video.summary.job.video_fingerprint, video.summary.job.track) for video in self.videos}
        )

    def drives(self) -> dict[str, ClassTotals]:
        """Return the totals of each drive by its name."""
        found: dict[str, ClassTotals] = {}
        for video in self.videos:
            if video.drive:
                found.setdefault(video.drive, ClassTotals(video.totals.names)).include(video.totals)
        return found

    def as_dict(self) -> dict[str, Any]:
        """Return the facts for JSON."""
        return {
            "label_space": self.label_space,
            "channel": self.channel,
            "other_channels": self.other_channels,
            "half_done": self.half_done,
            "time_zones": list(self.zones),
            "notices": [*self.notices, *self.overlaps],
            "repeated": self.repeated,
            **_as_dict(self.totals),
            "hours": [{"hour": hour, **_as_dict(totals)} for hour, totals in self.hours.items()],
            "drives": [{"name": name, **_as_dict(totals)} for name, totals in self.drives().items()],
            "videos": [video.as_dict() for video in self.videos],
        }


def overlay_stats(
    folders: Sequence[Path],
    *,
    channel: str = FRONT,
    utc_offset: timedelta | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> OverlayStats:
    """Add up the overlays below `folders`, at any depth, that show one direction: channels never mix.

    A frame belongs to the hour in which it begins, see `roadseg.overlay.recorded`. Seconds that two clips of a drive
    both have count once. A summary has the totals of its table, so the rows of a table are read only where a video goes
    on into another hour or overlaps with the next.

    Args:
        folders: output folders of `roadseg overlay`, or folders above them.
        channel: `front` or another, see `OverlaySummary.channel`.
        utc_offset: local time minus UTC, for the hours; None for that of the place, or UTC where it is unknown.
        on_progress: called after every table with the number of those done and of all.

    Raises:
        InputError: a folder is missing or has no finished table, none of this channel, a table or its summary cannot be
            read, they do not belong together, or label spaces differ.
    """
    tables, half_done = finished_tables(folders)
    common = Path(os.path.commonpath([resolved(table).parent for table in tables]))
    label_space = ""
    videos: list[VideoStats] = []
    hours: dict[int, ClassTotals] = {}
    found = [(table, read_summary(table)) for table in tables]
    others = Counter(summary.channel for _, summary in found if summary.channel != channel)
    counted = [(table, summary) for table, summary in found if summary.channel == channel]
    ends = counted_until(counted)
    for done, (table, summary) in enumerate(counted, start=1):
        place = resolved(table)
        names = [entry.name for entry in summary.classes]
        if not videos:
            first, label_space, totals = table, summary.job.label_space, ClassTotals(names)
        if summary.job.label_space != label_space:
            raise InputError(
                f"{table} counts classes of {summary.job.label_space}, but {first} those of {label_space}",
                "Give folders of one label space at a time.",
            )
        extent = read_extent(table)
        if extent.frames != summary.frames:
            raise InputError(
                f"{table} has {extent.frames} frames, but its summary counts {summary.frames}",
                "Draw the video again with --overwrite.",
            )
        drive = str(place.parent.relative_to(common)) if summary.drive else ""
        drive = summary.drive.name if summary.drive and drive == "." else drive
        time = recorded(table, summary, utc_offset)
        video = VideoStats(_name(place, common), drive, summary, counted_totals(table, summary, ends), time)
        totals.include(video.totals)
        for hour, part in _by_hour(table, video, extent, ends.get(table)):
            hours.setdefault(hour, ClassTotals(names)).include(part)
        videos.append(video)
        on_progress(done, len(counted))
    if not videos:
        raise InputError(
            f"{', '.join(map(str, folders))}: no results of the channel {channel!r}",
            f"There are {', '.join(f'{count} of {name!r}' for name, count in others.items())}: give --channel.",
        )
    by_container = [video.summary for video in videos if video.recorded and not video.recorded.by_position]
    return OverlayStats(
        *(label_space, channel, totals, tuple(videos), dict(sorted(hours.items())), dict(others), half_done),
        tuple(contradictions(by_container, utc_offset or timedelta())),
        tuple(overlap_notices(counted, ends)),
    )


def finished_tables(folders: Sequence[Path], *, required: bool = True) -> tuple[list[Path], int]:
    """Find the tables below `folders` that have a summary, each once; return them and the number without one.

    Raises:
        InputError: a folder is missing or, if tables are `required`, there is none that is finished.
    """
    found: dict[Path, Path] = {}
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder", "Give the --out of `roadseg overlay`, or a folder above it.")
        found |= {resolved(table): table for table in sorted(folder.rglob(f"*{FRAMES_SUFFIX}"))}
    tables = [table for table in found.values() if OverlayFiles.of_table(table).summary.exists()]
    if required and not tables:
        half = f", only {len(found)} that are half done" if found else ""
        raise InputError(
            f"{', '.join(map(str, folders))}: no finished results of `roadseg overlay`{half}",
            "Draw on videos first: roadseg overlay VIDEO --out DIR",
        )
    return tables, len(found) - len(tables)


def _name(place: Path, common: Path) -> str:
    return str(place.relative_to(common)).removesuffix(FRAMES_SUFFIX)


def read_summary(table: Path) -> OverlaySummary:
    """Read the summary beside a table.

    Raises:
        InputError: it cannot be read.
    """
    path = OverlayFiles.of_table(table).summary
    try:
        return OverlaySummary.model_validate_json(path.read_bytes())
    except ValidationError:
        raise InputError(
            f"{path}: not written by this version of roadseg", "Draw the video again with --overwrite."
        ) from None


def _by_hour(
    table: Path, video: VideoStats, extent: TableExtent, until: float | None
) -> Iterator[tuple[int, ClassTotals]]:
    """Yield hours of the day with the totals of frames that begin in them; nothing where the time is unknown."""
    if video.recorded is None:
        return
    start = video.recorded.begins
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    offset = (start - midnight).total_seconds()
    if extent.begins is not None:
        first, last = ((offset + seconds) // HOUR for seconds in extent.begins)
        if first == last:
            yield int(first % HOURS), video.totals
            return
    names = video.totals.names
    for rows in rows_until(table, names, until):
        hours = (offset + rows.seconds) // HOUR % HOURS
        for hour in np.unique(hours):
            part, within = ClassTotals(names), rows.part(hours == hour)
            part.add(within.pixels, within.durations, within.confidences)
            yield int(hour), part


def _as_dict(totals: ClassTotals) -> dict[str, Any]:
    return {
        "frames": totals.frames,
        "seconds": totals.seconds,
        "classes": [dict(vars(share)) for share in totals.shares()],
    }
