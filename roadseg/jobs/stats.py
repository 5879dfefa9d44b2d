"""The job of `roadseg stats`: class statistics of all videos in overlay folders, as tables."""

from collections.abc import Callable, Sequence
from pathlib import Path

from roadseg.evaluation.score_tables import write_tables
from roadseg.overlay.totals import OverlayStats, overlay_stats
from roadseg.report.stats_tables import stats_tables


def stats(
    folders: Sequence[str | Path],
    *,
    out: str | Path | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> OverlayStats:
    """Add up what videos show: classes by share of the frame and seconds, over all, by time of day and by video.

    Args:
        folders: folders of `roadseg overlay`, searched at any depth.
        out: file for the tables, .md, .csv or .json; None writes none.
        on_progress: called with (videos done, videos in all).

    Returns:
        The statistics.

    Raises:
        InputError: a folder is missing or has no finished results, a file cannot be read, or label spaces differ.
        OutputError: `out` cannot be written.
    """
    found = overlay_stats([Path(folder) for folder in folders], on_progress=on_progress)
    if out is not None:
        write_tables(Path(out), stats_tables(found), found.as_dict())
    return found
