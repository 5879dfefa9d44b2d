"""Finished results of overlays without their videos: tables of frames with positions, and summaries."""

from fractions import Fraction
from pathlib import Path

import numpy as np

from roadseg.labels.catalogue import CITYSCAPES_19
from roadseg.overlay.appearance import DEFAULT_APPEARANCE
from roadseg.overlay.stats import ClassTotals, FrameTable
from roadseg.overlay.summary import OverlayFiles, OverlayJob, OverlaySummary
from roadseg.positions.fixes import Fix
from roadseg.positions.track import Track
from roadseg.video.frame import Frame

METRES_A_DEGREE = 111_319.490793
"""Of longitude on the equator of WGS84."""


def write_table(path: Path, frames, fixes, *, space=CITYSCAPES_19, rate=1, drive=None) -> Path:
    """Write the results of a video that lasts len(frames) / rate seconds; return the path of the table.

    Args:
        path: where, without an extension.
        frames: by frame, a dict of class names and pixels.
        fixes: (seconds, latitude, longitude) of the positions.
        space: classes.
        rate: frames a second.
        drive: place in a drive.
    """
    files = OverlayFiles(path.parent, path.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    track = Track.of([Fix(lat, lon, 1_700_000_000.0 + seconds, seconds) for seconds, lat, lon in fixes])
    totals = ClassTotals(FrameTable.names(space))
    with FrameTable(files.frames, space, Fraction(1, rate), track) as table:
        for index, pixels in enumerate(frames):
            counts = np.zeros(256, np.int64)
            for name, number in pixels.items():
                counts[space.classes.index(name)] = number
            picture = np.zeros((2, 2, 3), np.uint8)
            table.add(Frame.from_rgb(picture, index=index, pts=index, time_base=Fraction(1, rate), duration=1), counts)
            totals.add(np.append(counts[: len(space)], 0)[None], np.array([1 / rate]))
    job = OverlayJob(
        video_fingerprint=str(path),
        segmenter="made",
        label_space=space.name,
        input_size_px=(2, 2),
        appearance=DEFAULT_APPEARANCE,
        frame_rate_hz=None,
        flip=False,
        scales=(),
        smoothing=0,
        batch_norm_prior=None,
        batch_norm_scenes="",
    )
    summary = OverlaySummary(
        video=f"{path.name}.mp4",
        job=job,
        width_px=2,
        height_px=2,
        frames=len(frames),
        frames_declared=None,
        frames_resumed=0,
        duration_seconds=len(frames) / rate,
        creation_time=None,
        classes=totals.shares(),
        colours=list(space.colours),
        contains=dict(space.contains),
        wall_seconds=1,
        frames_per_second=1,
        stages={},
        decoder_events={},
        notices=[],
        versions={},
        **({} if drive is None else {"drive": drive}),
    )
    summary.write(files)
    return files.frames


def along_equator(metres, lon=0.0, lat=0.0):
    """Fixes, one a second, at these metres east of a point."""
    return [(float(second), lat, lon + each / METRES_A_DEGREE) for second, each in enumerate(metres)]
