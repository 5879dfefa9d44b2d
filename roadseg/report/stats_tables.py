"""Class statistics of many videos as tables."""

from collections.abc import Sequence

from roadseg.evaluation.score_tables import ABSENT, ScoreTable
from roadseg.overlay.stats import ClassTotals
from roadseg.overlay.totals import OverlayStats, VideoStats
from roadseg.video.find import video_count


def stats_tables(stats: OverlayStats, *, classes: int | None = None, videos: int | None = None) -> list[ScoreTable]:
    """Return tables of classes over all videos, by hour where it is known, and by video.

    Args:
        stats: statistics of the videos.
        classes: number of classes to list, the largest first; None for all that occur.
        videos: number of videos to list; None for all.
    """
    shares = sorted(stats.totals.shares(), key=lambda share: -share.share)
    names = [share.name for share in shares if share.frames][:classes]
    tables = [_classes(stats, names)]
    if stats.hours:
        tables.append(_hours(stats, names))
    tables.append(_videos(stats.videos, names, videos))
    return tables


def _classes(stats: OverlayStats, names: Sequence[str]) -> ScoreTable:
    shares = {share.name: share for share in stats.totals.shares()}
    rows = tuple(
        (name, _percent(shares[name].share), f"{shares[name].seconds:.1f}", str(shares[name].frames)) for name in names
    )
    notes = []
    if stats.half_done:
        notes.append(f"Left out: {video_count(stats.half_done)} without a summary (not finished).")
    if stats.repeated:
        notes.append(f"{video_count(stats.repeated)} counted more than once: the folders hold several results of them.")
    title = f"{video_count(len(stats.videos))}, {stats.totals.seconds:.1f} s, {stats.totals.frames} frames"
    return ScoreTable(title, ("class", "share of the frame %", "seen for s", "frames"), rows, tuple(notes))


def _hours(stats: OverlayStats, names: Sequence[str]) -> ScoreTable:
    rows = tuple(
        (f"{hour:02}:00", f"{totals.seconds:.1f}", *_shares(totals, names)) for hour, totals in stats.hours.items()
    )
    notes = ["Hours are UTC if the camera follows the standard; many write local time."]
    if stats.timeless:
        notes.append(f"Left out: {video_count(stats.timeless)} without a creation time.")
    return ScoreTable("By time of day: share of the frame %", ("hour", "s", *names), rows, tuple(notes))


def _videos(videos: Sequence[VideoStats], names: Sequence[str], most: int | None) -> ScoreTable:
    rows = tuple(
        (
            video.name,
            _recorded(video),
            f"{video.totals.seconds:.1f}",
            str(video.totals.frames),
            *_shares(video.totals, names),
        )
        for video in videos[:most]
    )
    left = len(videos) - len(rows)
    header = ("video", "recorded", "s", "frames", *names)
    return ScoreTable("By video: share of the frame %", header, rows, (f"... and {left} more",) if left else ())


def _recorded(video: VideoStats) -> str:
    time = video.summary.creation_time
    return f"{time:%Y-%m-%d %H:%M}" if time else ABSENT


def _shares(totals: ClassTotals, names: Sequence[str]) -> list[str]:
    shares = {share.name: share.share for share in totals.shares()}
    return [_percent(shares[name]) for name in names]


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
