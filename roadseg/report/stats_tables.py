"""Class statistics of many videos as tables, for people and as CSV."""

from collections.abc import Iterator, Sequence

import numpy as np

from roadseg.drives.names import FRONT
from roadseg.evaluation.score_tables import ABSENT, ScoreTable, csv_text
from roadseg.overlay.stats import ClassTotals
from roadseg.overlay.totals import OverlayStats, VideoStats
from roadseg.report.moments import PEOPLE, TRAFFIC, theme_classes
from roadseg.video.find import video_count

COLUMNS = (
    *("group", "name", "recorded", "hour", "group_seconds", "group_frames"),
    *("class", "share", "seen_seconds", "seen_frames", "flicker", "confidence"),
)
"""Columns of the CSV file."""


def stats_tables(stats: OverlayStats, *, classes: int | None = None, videos: int | None = None) -> list[ScoreTable]:
    """Return tables of classes over all videos, by hour where it is known, by drive, and by video without a drive.

    Args:
        stats: statistics of the videos.
        classes: number of classes to list, the largest first; people and vehicles are always listed. None for all that
            occur.
        videos: number of videos, and of drives, to list; None for all.
    """
    shares = sorted(stats.totals.shares(), key=lambda share: -share.share)
    seen = [share.name for share in shares if share.frames]
    names = [name for place, name in enumerate(seen) if classes is None or place < classes or name in _traffic(stats)]
    tables = [_classes(stats, names, len(seen) - len(names))]
    if stats.hours:
        tables.append(_hours(stats, names))
    if stats.drives():
        tables.append(_drives(stats, names, videos))
    if any(not video.drive for video in stats.videos):
        tables.append(_videos(stats, names, videos))
    return tables


def stats_csv(stats: OverlayStats) -> str:
    """Return one table as CSV: rows of classes over `all`, by `hour`, by `drive` and by `video`, see `COLUMNS`."""
    groups: list[tuple[tuple[str, ...], ClassTotals]] = [(("all", "", "", ""), stats.totals)]
    groups += [(("hour", "", "", str(hour)), totals) for hour, totals in stats.hours.items()]
    groups += [(("drive", name, "", ""), totals) for name, totals in stats.drives().items()]
    groups += [
        (("video", video.name, _recorded(video, "%Y-%m-%dT%H:%M:%S%z"), ""), video.totals) for video in stats.videos
    ]
    return csv_text([COLUMNS, *(row for facts, totals in groups for row in _csv_rows(facts, totals))])


def _csv_rows(facts: tuple[str, ...], totals: ClassTotals) -> Iterator[tuple[str, ...]]:
    for share in totals.shares():
        yield (
            *facts,
            *(_digits(totals.seconds), str(totals.frames)),
            *(share.name, _digits(share.share), _digits(share.seconds), str(share.frames)),
            *("" if value is None else _digits(value) for value in (share.flicker, share.confidence)),
        )


def _traffic(stats: OverlayStats) -> set[str]:
    """Return the classes of people and vehicles."""
    space = stats.videos[0].summary.label_space
    themes = theme_classes(space)
    return {space.classes[train_id] for title in (PEOPLE, TRAFFIC) for train_id in themes.get(title, ())}


def _classes(stats: OverlayStats, names: Sequence[str], left_out: int) -> ScoreTable:
    shares = {share.name: share for share in stats.totals.shares()}
    confident = any(share.confidence is not None for share in shares.values())
    rows = tuple(
        (
            *(name, _percent(shares[name].share), f"{shares[name].seconds:.1f}", str(shares[name].frames)),
            ABSENT if (jumps := shares[name].flicker) is None else _percent(jumps),
            *([ABSENT if (sure := shares[name].confidence) is None else _percent(sure)] if confident else []),
        )
        for name in names
    )
    notes = [f"... and {left_out} more: files of --out have all classes."] if left_out else []
    if stats.half_done:
        notes.append(f"Left out: {video_count(stats.half_done)} without a summary (not finished).")
    if stats.repeated:
        notes.append(f"{video_count(stats.repeated)} counted more than once: the folders hold several results of them.")
    notes += stats.overlaps
    if stats.other_channels:
        others = ", ".join(f"{video_count(count)} of {name}" for name, count in stats.other_channels.items())
        notes.append(f"Left out: {others}; channels never mix, --channel NAME counts another.")
    channel = f", channel {stats.channel}" if stats.channel != FRONT or stats.other_channels else ""
    title = f"{video_count(len(stats.videos))}{channel}, {stats.totals.seconds:.1f} s, {stats.totals.frames} frames"
    header = ("class", "share of the frame %", "seen for s", "frames", "flicker %")
    return ScoreTable(title, (*header, "confidence %") if confident else header, rows, tuple(notes))


def _hours(stats: OverlayStats, names: Sequence[str]) -> ScoreTable:
    rows = tuple(
        (f"{hour:02}:00", f"{totals.seconds:.1f}", *_shares(totals, names)) for hour, totals in stats.hours.items()
    )
    notes = []
    for by_position in (True, False):
        times = [one for video in stats.videos if (one := video.recorded) and one.by_position == by_position]
        if not times:
            continue
        zones = " and ".join(dict.fromkeys(one.zone for one in times))
        of = f" of {video_count(len(times))}" if len(times) + stats.timeless < len(stats.videos) else ""
        doubt = "if the camera follows the standard, which is UTC in the file; many write local time"
        notes.append(f"Hours{of} are {zones} {'by the positions' if by_position else doubt}.")
    if stats.timeless:
        notes.append(f"Left out: {video_count(stats.timeless)} without positions or a creation time.")
    return ScoreTable(
        f"By time of day, {_zone(stats)}: share of the frame %", ("hour", "s", *names), rows, (*notes, *stats.notices)
    )


def _drives(stats: OverlayStats, names: Sequence[str], most: int | None) -> ScoreTable:
    drives = stats.drives()
    rows = tuple(
        (name, f"{totals.seconds:.1f}", str(totals.frames), *_shares(totals, names))
        for name, totals in list(drives.items())[:most]
    )
    left = len(drives) - len(rows)
    return ScoreTable(
        "By drive: share of the frame %",
        ("drive", "s", "frames", *names),
        rows,
        (f"... and {left} more",) if left else (),
    )


def _videos(stats: OverlayStats, names: Sequence[str], most: int | None) -> ScoreTable:
    alone = [video for video in stats.videos if not video.drive]
    rows = tuple(
        (
            video.name,
            _recorded(video, "%Y-%m-%d %H:%M") or ABSENT,
            f"{video.totals.seconds:.1f}",
            str(video.totals.frames),
            *_shares(video.totals, names),
        )
        for video in alone[:most]
    )
    left = len(alone) - len(rows)
    recorded = f"recorded, {_zone(stats)}" if any(row[1] != ABSENT for row in rows) else "recorded"
    header = ("video", recorded, "s", "frames", *names)
    return ScoreTable("By video: share of the frame %", header, rows, (f"... and {left} more",) if left else ())


def _recorded(video: VideoStats, form: str) -> str:
    return video.recorded.begins.strftime(form) if video.recorded else ""


def _zone(stats: OverlayStats) -> str:
    """Return the time zone of the hours for a title."""
    return stats.zones[0] if len(stats.zones) == 1 else "local time"


def _shares(totals: ClassTotals, names: Sequence[str]) -> list[str]:
    shares = {share.name: share.share for share in totals.shares()}
    return [_percent(shares[name]) for name in names]


def _percent(share: float) -> str:
    """Format a share in percent with one decimal, or where that says nothing with two digits."""
    return f"{100 * share:.1f}" if share >= 0.001 or not share else _digits(100 * share, 2)


def _digits(value: float, digits: int = 5) -> str:
    """Format a number with this many significant digits, never with an exponent."""
    return np.format_float_positional(value, precision=digits, fractional=False, trim="-")
