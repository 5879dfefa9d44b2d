"""HTML page of one video, and of all videos of a folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from roadseg.drives.names import parse_name
from roadseg.overlay.appearance import DEFAULT_APPEARANCE
from roadseg.overlay.stats import ClassShare
from roadseg.overlay.summary import OverlayJob, OverlaySummary
from roadseg.report.basemap import Basemap
from roadseg.report.drive_map import drive_map
from roadseg.report.html import PLOTLY, css_colour, link, render, template_text
from roadseg.report.images import heatmap_image, image_file, jpeg, shown_size
from roadseg.report.moments import moments
from roadseg.report.overlay_results import Results
from roadseg.report.timeline import Series, binned
from roadseg.video.encoders import DEFAULT_ENCODER
from roadseg.video.frame import Frame
from roadseg.video.reader import VideoReader

TIMELINE_POINTS = 1000
MOMENT_WIDTH, MASK_WIDTH = 360, 480
"""Width in pixels of images in the page."""
LEAST_HEAT = 0.0005
"""Share of the frame below which a heat map shows only specks."""
LEAST_GAP = 0.5
"""Seconds between two clips that the chart shows as a gap."""
LEAST_JUDGED = 0.001
"""Share of the frame below which flicker and confidence of a class are not shown."""
MENTIONED = 3
"""Number of classes in the sentence at the top, and for each video of a folder."""
SHOWN_ELSEWHERE = {
    *("video", "network or engine", "label space", "input size"),
    *("choice of --container", "choice of --gps"),
}
"""Values of the job that the page shows elsewhere."""
DEFAULT_CHOICES = {
    "choice of --encoder": DEFAULT_ENCODER,
    **{f"choice of --{name.replace('_', '-')}": value for name, value in vars(DEFAULT_APPEARANCE).items()},
}
"""Values that are not worth a line."""


@dataclass(frozen=True)
class IndexEntry:
    """A video on the page of a folder."""

    name: str
    report: Path
    """Path of its page, relative to the folder."""
    summary: OverlaySummary
    colours: Sequence[tuple[int, int, int]]
    """RGB colours of the classes, then of `unlabelled`."""
    thumbnail: str
    """Image as a `data:` address."""


def report_page(results: Results, *, plotly: str = PLOTLY, basemap: Basemap | None = None) -> str:
    """Return the page of one video, or of one drive, as HTML.

    Args:
        results: results of the video or of the drive.
        plotly: address of the chart library, relative to the page.
        basemap: background of its map.

    Raises:
        VideoError: the overlay cannot be read.
    """
    summary = results.summary
    begin = results.clips[0].zero
    notable = moments(results)
    size = shown_size(results.overlay_aspect_ratio, MOMENT_WIDTH)
    whole = [_frame_at(results, moment.seconds).to_rgb(size) for moment in notable]
    frames = [rgb[: max(1, round(results.picture_share * len(rgb)))] for rgb in whole]  # a legend is too small to read
    found = [{"moment": moment, "image": jpeg(rgb)} for moment, rgb in zip(notable, frames, strict=True)]
    order = _bottom_up(results)
    series = _series(results)
    classes = [
        {
            "id": index,
            "entry": summary.classes[index],
            "colour": css_colour(results.colour(index)),
            "heatmap": _heatmap(results, index),
        }
        for index in order
    ]
    data = {
        "begin": round(begin, 3),
        "end": round(results.end, 3),
        "wall": _wall(summary),
        "clips": [
            {
                "source": link(Path(clip.files.overlay.name)),
                "zero": round(clip.zero, 3),
                "start": round(clip.start, 3),
                "end": round(clip.end, 3),
            }
            for clip in results.clips
        ],
        "seconds": series.seconds.round(3).tolist(),
        "classes": [
            {
                "id": index,
                "name": summary.classes[index].name,
                "colour": css_colour(results.colour(index)),
                "shares": series.shares[:, index].round(4).tolist(),
            }
            for index in order
        ],
        "map": drive_map(results, basemap),
    }
    return render(
        "report.html",
        script=template_text("map.js") + template_text("report.js"),
        map_style=template_text("map.css"),
        name=results.name,
        summary=summary,
        overlay=link(Path(results.files.overlay.name)),
        aspect_ratio=results.aspect_ratio,
        overlay_aspect_ratio=results.overlay_aspect_ratio,
        moment_aspect_ratio=results.overlay_aspect_ratio / results.picture_share,
        begin=begin,
        end=results.end,
        clips=results.clips,
        gaps=_gaps(results),
        mentioned=_largest(summary.classes, MENTIONED),
        classes=sorted(classes, key=lambda shown: -shown["entry"].share),
        qualities=_qualities(summary),
        unseen=[entry.name for entry in summary.classes if not entry.frames and entry.name != "unlabelled"],
        has_heatmaps=results.heatmaps is not None,
        moments=found,
        mask=image_file(results.files.mask_preview, MASK_WIDTH),
        events={_words(name): value for name, value in summary.decoder_events.items() if value},
        options=_options(summary.job),
        stages=_stages(summary),
        plotly=plotly,
        data=data,
    )


def _frame_at(results: Results, seconds: float) -> Frame:
    """Return the frame of the overlay at a time of the page."""
    clip = [clip for clip in results.clips if clip.start <= seconds][-1]
    with VideoReader(clip.files.overlay) as reader:
        return reader.frame_at(seconds - clip.zero)


def _series(results: Results) -> Series:
    """Return the chart's points: of each clip as many as its share of the frames, and nothing in gaps."""
    frames = len(results.seconds)
    seconds, shares = [], []
    bounds = [int(np.searchsorted(results.seconds, clip.start)) for clip in results.clips]
    for number, (clip, first, last) in enumerate(zip(results.clips, bounds, [*bounds[1:], frames], strict=True)):
        part = slice(first, last)
        points = max(1, TIMELINE_POINTS * (last - first) // frames)
        series = binned(results.seconds[part], results.durations[part], results.shares[part], points)
        seconds.append(series.seconds)
        shares.append(series.shares)
        if number + 1 < len(results.clips) and results.clips[number + 1].start - clip.end > LEAST_GAP:
            nothing = np.zeros((1, shares[-1].shape[1]))
            seconds.append(np.array([clip.end, clip.end, results.clips[number + 1].start]))
            shares.append(np.concatenate([series.shares[-1:], nothing, nothing]))
    return Series(np.concatenate(seconds), np.concatenate(shares))


def _gaps(results: Results) -> list[tuple[float, float]]:
    """Return the start and the length of each gap between clips, in seconds."""
    pairs = pairwise(results.clips)
    return [(clip.end, after.start - clip.end) for clip, after in pairs if after.start - clip.end > LEAST_GAP]


def _wall(summary: OverlaySummary) -> int | None:
    """Return the time of day at which a drive begins, in seconds, by its name; None where it does not say."""
    started = parse_name(PurePath(summary.drive.name)).time if summary.drive is not None else None
    return None if started is None else (started.hour * 60 + started.minute) * 60 + started.second


def index_page(entries: Sequence[IndexEntry]) -> str:
    """Return the page of a folder with several videos as HTML."""
    videos = []
    for entry in entries:
        shares = list(zip(entry.summary.classes, entry.colours, strict=True))
        largest = _largest(entry.summary.classes, MENTIONED)
        videos.append(
            {
                "name": entry.name,
                "link": link(entry.report),
                "thumbnail": entry.thumbnail,
                "summary": entry.summary,
                "largest": largest,
                "bar": [(css_colour(colour), share) for share, colour in shares if share.share >= 0.001],
            }
        )
    return render(
        "index.html",
        videos=videos,
        noun="drives" if all(entry.summary.drive for entry in entries) else "videos",
        seconds=sum(entry.summary.duration_seconds for entry in entries),
        frames=sum(entry.summary.frames for entry in entries),
    )


def _bottom_up(results: Results) -> list[int]:
    """Return the classes that occur, from low in the frame to high: stacked, they resemble it."""
    present = [index for index, entry in enumerate(results.summary.classes) if entry.frames]
    heatmaps = results.heatmaps
    if heatmaps is None:
        return present
    rows = [range(heatmaps.shape[1])] * len(heatmaps)
    heights = [
        float((heatmaps[index].sum(axis=1) * rows[index]).sum() / (heatmaps[index].sum() or 1)) for index in present
    ]
    return [index for _, index in sorted(zip(heights, present, strict=True), reverse=True)]


def _heatmap(results: Results, index: int) -> dict[str, Any] | None:
    """Return the heat map of a class as an image, its peak share of time, and its centre in words."""
    if (
        results.heatmaps is None
        or results.summary.classes[index].share < LEAST_HEAT
        or not results.heatmaps[index].any()
    ):
        return None
    seconds, counted = results.heatmaps[index], results.heatmaps.sum(axis=0)
    peak = float((seconds / counted.clip(min=1e-9)).max())
    y, x = (
        float((seconds.sum(axis=other) * [(cell + 0.5) / size for cell in range(size)]).sum() / seconds.sum())
        for other, size in ((1, seconds.shape[0]), (0, seconds.shape[1]))
    )
    row = "top" if y < 1 / 3 else "middle" if y < 2 / 3 else "bottom"
    column = "left" if x < 1 / 3 else "centre" if x < 2 / 3 else "right"
    return {
        "image": heatmap_image(seconds, counted, results.aspect_ratio),
        "peak": peak,
        "where": f"{row} {column}",
    }


def _largest(classes: Sequence[ClassShare], count: int) -> list[ClassShare]:
    return sorted((entry for entry in classes if entry.frames), key=lambda entry: -entry.share)[:count]


def _options(job: OverlayJob) -> dict[str, str]:
    """Return the options that differ from the defaults, by their names for people."""
    given = {}
    for title, value in job.choices().items():
        if title in SHOWN_ELSEWHERE or value in (None, "", (), (1.0,), 0) or value == DEFAULT_CHOICES.get(title):
            continue
        given[title.removeprefix("choice of --").replace("-", " ")] = _option(value)
    return given


def _option(value: object) -> str:
    """Return the value of an option for people."""
    if isinstance(value, dict):
        return "from a file"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if isinstance(value, float):
        return f"{value:g}"
    return "yes" if value is True else _words(str(value))


def _stages(summary: OverlaySummary) -> list[dict[str, Any]]:
    most = max((stage.ms_per_frame for stage in summary.stages.values()), default=0.0) or 1.0
    return [
        {"name": name, "ms": stage.ms_per_frame, "share": stage.ms_per_frame / most}
        for name, stage in summary.stages.items()
    ]


def _qualities(summary: OverlaySummary) -> list[dict[str, Any]]:
    """Return what is known about the labels of each class beside its share, for a table of bars each."""
    large = [entry for entry in sorted(summary.classes, key=lambda entry: -entry.share) if entry.share >= LEAST_JUDGED]
    found = [
        (
            "Flicker",
            "How far the share of a class jumps from frame to frame, relative to it.",
            [(entry.name, entry.flicker) for entry in large if entry.flicker is not None],
        ),
        (
            "Confidence",
            "Mean probability of the labels of a class, by the network itself.",
            [(entry.name, entry.confidence) for entry in large if entry.confidence is not None],
        ),
    ]
    return [{"title": title, "hint": hint, "rows": rows} for title, hint, rows in found if rows]


def _words(name: str) -> str:
    return name.replace("_", " ")
