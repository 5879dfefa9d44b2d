"""A look at some frames of a video before it is drawn on: the classes that its legend names."""

from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roadseg.inference.label_frames import batches
from roadseg.inference.segmenter import Segmenter
from roadseg.labels.space import LabelSpace
from roadseg.overlay.masking import Mask
from roadseg.overlay.stats import count_pixels
from roadseg.video.interval import WHOLE, Interval
from roadseg.video.sample import timed_frames

EVERY, MOST, ENOUGH = 2.0, 16, 8
"""Seconds between the frames, their largest number, and the number of keyframes that saves decoding a short video."""
LEAST_SHARE = 0.001
"""Share of one of the frames from which on a class is shown: less is an error of the network more often than not."""


def classes_shown(
    video: Path,
    segmenter: Segmenter,
    mask: Mask | None = None,
    *,
    track: int | None = None,
    frame_rate: Fraction | None = None,
    interval: Interval = WHOLE,
) -> tuple[str, ...]:
    """Return the names of the classes in some frames spread over a video, the one with most pixels first.

    Args:
        video: the file.
        segmenter: fitted to the video; augmentation and smoothing would hardly change which classes there are.
        mask: area that is left out; None for none.
        track: see `VideoReader`.
        frame_rate: see `VideoReader`.
        interval: part of the video that is drawn.

    Raises:
        VideoError: the video cannot be read.
    """
    _, images = timed_frames(
        video,
        segmenter.input_size,
        every=EVERY,
        most=MOST,
        enough=ENOUGH,
        track=track,
        frame_rate=frame_rate,
        interval=interval,
    )
    shares = []
    for batch in batches(iter(images), segmenter.batch_size):
        for labels in segmenter.segment(np.stack(batch)):
            seen = mask.seen_at(labels.shape) if mask else None
            counted = count_pixels(labels, seen)
            shares.append(counted / counted.sum())
    largest, total = np.max(shares, axis=0), np.sum(shares, axis=0)
    shown = [train_id for train_id in range(len(segmenter.label_space)) if largest[train_id] >= LEAST_SHARE]
    return tuple(segmenter.label_space.classes[train_id] for train_id in sorted(shown, key=lambda each: -total[each]))


def classes_of_picture(shares: NDArray[np.float64], label_space: LabelSpace) -> list[str]:
    """Return the classes that the legend of a single picture names, the largest first.

    Args:
        shares: (C,) fraction of the picture of each class, 0..1.
        label_space: names the classes.
    """
    return [label_space.classes[index] for index in np.argsort(-shares, kind="stable") if shares[index] >= LEAST_SHARE]
