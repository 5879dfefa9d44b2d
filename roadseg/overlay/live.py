"""Overlays of a live source: the newest frame is labelled and drawn, and how late it is shown is counted."""

import time
from collections import deque
from dataclasses import dataclass

import numpy as np

from roadseg.inference.segmenter import Segmenter
from roadseg.overlay.appearance import Appearance
from roadseg.overlay.draw import Overlay
from roadseg.overlay.look import LEAST_SHARE
from roadseg.overlay.stats import count_pixels
from roadseg.video.frame import Frame

RECENT_SECONDS = 3.0
"""Time over which frames per second are counted."""


@dataclass(frozen=True)
class LiveStatus:
    """Speed of a live look so far."""

    frames: int = 0
    """Frames shown."""
    dropped: int = 0
    """Frames of the source that were dropped for newer ones."""
    frames_per_second: float = 0.0
    """Frames shown in the last seconds."""
    latency_seconds: float = 0.0
    """Time from the arrival of the last frame to its picture; what camera and network took before is not known."""
    median_latency_seconds: float = 0.0
    """Median of the last hundred."""
    worst_latency_seconds: float = 0.0
    """Longest of all but the first, for which engines start."""


class LiveMeter:
    """Counter of the frames that are shown."""

    def __init__(self) -> None:
        self.status = LiveStatus()
        """Speed so far."""
        self._shown: deque[float] = deque()
        self._latencies: deque[float] = deque(maxlen=100)

    def count(self, arrived: float, dropped: int) -> LiveStatus:
        """Count a frame that is shown now.

        Args:
            arrived: time of its arrival by `time.monotonic`.
            dropped: number of frames before it that were not shown.
        """
        now, before = time.monotonic(), self.status
        self._shown.append(now)
        while now - self._shown[0] > RECENT_SECONDS:
            self._shown.popleft()
        span = now - self._shown[0]
        latency = now - arrived
        self._latencies.append(latency)
        self.status = LiveStatus(
            frames=before.frames + 1,
            dropped=before.dropped + dropped,
            frames_per_second=(len(self._shown) - 1) / span if span else 0.0,
            latency_seconds=latency,
            median_latency_seconds=float(np.median(self._latencies)),
            worst_latency_seconds=max(before.worst_latency_seconds, latency) if before.frames else 0.0,
        )
        return self.status


class LiveOverlay:
    """Drawing of labels on one frame after the other. The legend names each class from when it is first seen.

    Args:
        segmenter: labels the frames.
        appearance: what is shown.

    Raises:
        InputError: the appearance names a class that the label space does not have.
    """

    def __init__(self, segmenter: Segmenter, appearance: Appearance) -> None:
        appearance.check(segmenter.label_space)
        self._segmenter = segmenter
        self._fitted = segmenter
        self._shape = (0, 0)
        self._appearance = appearance
        self._named: tuple[str, ...] = ()
        self._overlay = Overlay(segmenter.label_space, appearance, self._named)

    def draw(self, frame: Frame) -> Frame:
        """Return a frame with its labels drawn on it."""
        if self._shape != (frame.width, frame.height):
            self._shape = frame.width, frame.height
            self._fitted = self._segmenter.fitted(frame.width / frame.height)
        labels = self._fitted.segment(np.stack([frame.to_rgb(self._fitted.input_size)]))[0]
        self._name(count_pixels(labels))
        return self._overlay.draw(frame, labels)

    def _name(self, counts: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> None:
        space = self._segmenter.label_space
        shares = counts[: len(space)] / counts.sum()
        new = [space.classes[index] for index in np.argsort(-shares, kind="stable") if shares[index] >= LEAST_SHARE]
        if added := [name for name in new if name not in self._named]:
            self._named += tuple(added)
            self._overlay = Overlay(space, self._appearance, self._named)
