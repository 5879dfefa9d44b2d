"""Rules that select frames of a video: by time, by change of scene, and never the same view twice."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.video.frame import Frame, Moment
from roadseg.video.reader import VideoReader

THUMBNAIL = (32, 18)
"""(width, height): cells large enough to average out noise of sensor and codec."""

MIN_CHANGE = 2.0
"""Mean difference in luma levels below which two views count as the same. Measured on dashcams: 3.8 to 20 within a
second of driving, below 1 when standing still."""

SCENE_CHANGE = 0.15
"""Share of the luma histogram that must have changed. Measured: one frame in 3 s of driving through a town, and each
cut of an edited video."""


class AtIntervals:
    """Selects the frames shown `offset` seconds after the first frame and every `step` seconds from then on."""

    def __init__(self, step: Fraction, offset: Fraction = Fraction(0)) -> None:
        self._step = step
        self._offset = offset
        self._due: Fraction | None = None

    def wants(self, frame: Frame | Moment) -> bool:
        """Return True if a due time falls into the time that this frame is shown; call it for every frame, in order."""
        if self._due is None:
            self._due = frame.pts * frame.time_base + self._offset
        ticks, tick = frame.pts + frame.duration, frame.time_base
        # end <= due, in whole numbers: fractions would take ten times as long, for every frame of a video.
        if ticks * tick.numerator * self._due.denominator <= self._due.numerator * tick.denominator:
            return False
        end = ticks * tick
        # The next due time after `end`, even if this frame covers several.
        self._due += -((self._due - end) // self._step) * self._step
        return True


def frames_every(video: VideoReader, step: Fraction) -> Iterator[Frame]:
    """Yield the first frame and those shown every `step` seconds from then on; each lasts until the next."""
    intervals, end = AtIntervals(step), 0

    def is_due(moment: Moment) -> bool:
        nonlocal end
        end = moment.pts + moment.duration
        return intervals.wants(moment)

    held = None
    for frame in video.chosen(is_due):
        if held is not None:
            yield replace(held, duration=frame.pts - held.pts)
        held = frame
    if held is not None:
        yield replace(held, duration=end - held.pts)


class AtSceneChanges:
    """Selects the first frame, and each whose brightness distribution differs from that of the last one selected."""

    def __init__(self) -> None:
        self._last: NDArray[np.float64] | None = None

    def wants(self, frame: Frame) -> bool:
        """Return True if the luma histograms differ: their total variation distance is at least `SCENE_CHANGE`."""
        counts = np.bincount(frame.y[::4, ::4].ravel(), minlength=256).reshape(32, 8).sum(axis=1)
        histogram = counts / counts.sum()
        if self._last is not None and np.abs(histogram - self._last).sum() / 2 < SCENE_CHANGE:
            return False
        self._last = histogram
        return True


class Novelty:
    """Recognises views that differ from the last one kept: a car waiting at a red light records the same view again."""

    def __init__(self, min_change: float = MIN_CHANGE) -> None:
        self._min_change = min_change
        self._last: NDArray[np.int16] | None = None

    def is_new(self, frame: Frame) -> bool:
        """Return True if the frame differs by `min_change` from the last new one, in mean luma levels of thumbnails."""
        if self._min_change <= 0:
            return True
        thumbnail = cv2.resize(frame.y, THUMBNAIL, interpolation=cv2.INTER_AREA).astype(np.int16)
        if self._last is not None and np.abs(thumbnail - self._last).mean() < self._min_change:
            return False
        self._last = thumbnail
        return True
