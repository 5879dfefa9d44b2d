"""The job of `roadseg stats`: class statistics of all videos in overlay folders, as tables."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

from roadseg.drives.names import FRONT
from roadseg.errors import InputError
from roadseg.evaluation.score_tables import write_tables
from roadseg.files import write_text
from roadseg.overlay.totals import OverlayStats, overlay_stats
from roadseg.report.stats_tables import stats_csv, stats_tables


def stats(
    folders: Sequence[str | Path],
    *,
    out: str | Path | None = None,
    channel: str = FRONT,
    utc_offset: timedelta | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> OverlayStats:
    """Add up what videos show: classes by share of the frame and seconds, over all, by time of day and by video.

    Args:
        folders: folders of `roadseg overlay`, searched at any depth.
        out: file for the tables, .md, .csv or .json; None writes none. CSV is one table, see docs/architecture.md.
        channel: direction of the cameras whose videos count: `front`, `rear`, `cabin`, ...; channels never mix. It is
            that of the drive, otherwise that in the name of the file as its camera writes it.
        utc_offset: local time minus UTC, for the hours; None for that of the place where positions are known, else UTC.
        on_progress: called with (videos done, videos in all).

    Returns:
        The statistics.

    Raises:
        InputError: the offset is a day or more, a folder is missing or has no finished results, or none of the channel,
            a file cannot be read, or label spaces differ.
        OutputError: `out` cannot be written.
    """
    if utc_offset is not None and abs(utc_offset) >= timedelta(days=1):
        raise InputError(f"utc_offset: {utc_offset}, wanted less than a day", "India has timedelta(hours=5.5).")
    found = overlay_stats(
        [Path(folder) for folder in folders], channel=channel, utc_offset=utc_offset, on_progress=on_progress
    )
    if out is not None and Path(out).suffix == ".csv":
        write_text(Path(out), stats_csv(found))
    elif out is not None:
        write_tables(Path(out), stats_tables(found), found.as_dict())
    return found
