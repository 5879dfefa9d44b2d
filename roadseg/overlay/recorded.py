"""Times of recordings: those of containers, those in names of files, and the time zone in which they are shown."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path, PureWindowsPath

from roadseg.drives.names import parse_name
from roadseg.overlay.frame_table import read_first_fix
from roadseg.overlay.summary import OverlaySummary
from roadseg.positions.zones import zone_at
from roadseg.video.find import video_count

TOLERANCE = timedelta(minutes=2)
"""Difference of clocks that is none: names and containers are written at different moments of a recording."""
QUARTER = timedelta(minutes=15)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Recorded:
    """Begin of a recording in local time."""

    begins: datetime
    """Time 0 of the video, with its zone."""
    zone: str
    """Name of the zone: America/Los_Angeles, UTC+05:30."""
    by_position: bool
    """The clock is that of the positions; otherwise that of the container."""


def recorded(table: Path, summary: OverlaySummary, offset: timedelta | None) -> Recorded | None:
    """Return when a video was recorded: by the UTC of its first position, otherwise by its container.

    Args:
        table: frames of the video.
        summary: its summary.
        offset: local time minus UTC; None for that of the place, or UTC where no position is known.

    Returns:
        None where neither tells it.

    Raises:
        InputError: the table cannot be read.
    """
    zone = timezone(offset or timedelta())
    fix = read_first_fix(table) if summary.position is not None else None
    if fix is not None:
        name = zone_name(offset or timedelta())
        if offset is None:
            place = zone_at(fix.lat, fix.lon, fix.utc)
            zone, name = timezone(timedelta(seconds=place.seconds)), place.name
        return Recorded((EPOCH + timedelta(seconds=fix.utc - fix.seconds)).astimezone(zone), name, True)
    if summary.creation_time is None:
        return None
    return Recorded(summary.creation_time.astimezone(zone), zone_name(offset or timedelta()), False)


def zone_name(offset: timedelta) -> str:
    """Return the name of a time zone: UTC, UTC+05:30."""
    return str(timezone(offset))


def contradictions(summaries: Iterable[OverlaySummary], offset: timedelta) -> list[str]:
    """Return a notice about videos whose names give another time than their containers; none where all agree.

    Cameras write local time into names. Containers should hold UTC, but many cameras write local time there too.

    Args:
        summaries: the videos.
        offset: local time minus UTC.
    """
    apart = []
    for summary in summaries:
        named, stated = parse_name(PureWindowsPath(summary.video)).time, summary.creation_time
        if named is None or stated is None:
            continue
        utc = stated.astimezone(UTC).replace(tzinfo=None)
        # A container may state the end of the recording.
        early, late = utc + offset - timedelta(seconds=summary.duration_seconds) - TOLERANCE, utc + offset + TOLERANCE
        if not early <= named <= late:
            apart.append((summary, named, utc + offset, round((named - utc) / QUARTER) * QUARTER))
    if not apart:
        return []
    summary, named, shown, wanted = apart[0]
    notice = (
        f"{video_count(len(apart))} with another time in the name than in the container: {summary.title} says "
        f"{named:%Y-%m-%d %H:%M}, its container {shown:%Y-%m-%d %H:%M} ({zone_name(offset)})."
    )
    agreed = {each[-1] for each in apart} == {wanted} and timedelta(hours=-12) <= wanted <= timedelta(hours=14)
    return [f"{notice} Hours follow the names with --utc-offset {offset_text(wanted)}." if agreed else notice]


def offset_text(offset: timedelta) -> str:
    """Format an offset as `--utc-offset` takes it: +05:30."""
    minutes = round(offset / timedelta(minutes=1))
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
