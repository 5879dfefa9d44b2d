"""Shares of classes in a video: counts of pixels, and their sums over time."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.labels.space import LabelMap

STEADY_SECONDS = 0.11
"""Longest duration of a frame, and of that before it, whose flicker is counted: things move during longer ones."""


@dataclass(frozen=True)
class ClassShare:
    """Share of one class in a video."""

    name: str
    share: float
    """Fraction of the counted pixels, 0..1, averaged over time: every frame counts for as long as it is shown."""
    frames: int
    """Frames with at least one pixel of the class in the label map."""
    seconds: float
    """Total duration of those frames."""
    flicker: float | None = None
    """Mean distance of its share in a frame from the mean of the frame before and the one after, relative to its mean
    share: 0 where it changes evenly. None where it is never seen, and without frames of at most `STEADY_SECONDS`."""
    confidence: float | None = None
    """Mean probability of its labels over its pixels and over time, 0..1; None where it was not asked for."""


def count_pixels(labels: LabelMap, seen: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
    """Count each value of a label map (h, w) uint8, or of its part where `seen` (h, w) is true: (256,) int64."""
    where = None if seen is None else seen.view(np.uint8)
    return cv2.calcHist([labels], [0], where, [256], [0, 256]).ravel().astype(np.int64)


class ClassTotals:
    """Class shares summed over frames, each weighted by its duration.

    Args:
        names: the classes, then `unlabelled`.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.frames = 0
        """Frames so far."""
        self.seconds = 0.0
        """Their total duration."""
        self._fractions = np.zeros(len(names))
        self._steady_fractions = np.zeros(len(names))
        self._jumps = np.zeros(len(names))
        self._last = np.zeros((0, len(names)))
        """Fractions of the last two frames."""
        self._last_steady = np.zeros(0)
        """Their durations, 0 for those whose flicker is not counted."""
        self._last_duration = 0.0
        self._sure_fractions = np.zeros(len(names))
        """Fractions of frames whose confidence is known."""
        self._confidences = np.zeros(len(names))
        self._present_frames = np.zeros(len(names), np.int64)
        self._present_seconds = np.zeros(len(names))

    def add(
        self,
        pixels: NDArray[np.int64],
        durations: NDArray[np.float64],
        confidences: NDArray[np.float64] | None = None,
    ) -> None:
        """Add frames that follow those before.

        Args:
            pixels: (N, C) by frame and name; every frame has some.
            durations: (N,) how long each is shown, in seconds.
            confidences: (N, C) mean probability of the labels of a name, 0..1, NaN where unknown; None for unknown.
        """
        present, fractions = pixels > 0, pixels / pixels.sum(axis=1, keepdims=True)
        self.frames += len(pixels)
        self.seconds += float(durations.sum())
        self._fractions += durations @ fractions
        # The way to a frame is as long as the frame before: both are to be short.
        ways = np.append(self._last_duration, durations)
        steady = np.where(np.maximum(ways[:-1], ways[1:]) <= STEADY_SECONDS, durations, 0.0)
        self._steady_fractions += steady @ fractions
        joined, weights = np.concatenate([self._last, fractions]), np.append(self._last_steady, steady)
        jumps = np.abs(joined[1:-1] - (joined[:-2] + joined[2:]) / 2)
        self._jumps += weights[1:-1] @ jumps
        self._last, self._last_steady, self._last_duration = joined[-2:], weights[-2:], float(ways[-1])
        self._present_frames += present.sum(axis=0)
        self._present_seconds += durations @ present
        if confidences is not None:
            self._sure_fractions += durations @ np.where(np.isnan(confidences), 0.0, fractions)
            self._confidences += durations @ (fractions * np.nan_to_num(confidences))

    @classmethod
    def of(cls, shares: Sequence[ClassShare], frames: int, seconds: float) -> "ClassTotals":
        """Return the totals that gave these shares.

        Args:
            shares: as `shares` returned them.
            frames: number of frames.
            seconds: their total duration.
        """
        totals = cls([share.name for share in shares])
        totals.frames, totals.seconds = frames, seconds
        totals._fractions += np.array([share.share for share in shares]) * seconds
        flicker = np.array([0.0 if share.flicker is None else share.flicker for share in shares])
        totals._steady_fractions += totals._fractions * [share.flicker is not None for share in shares]
        totals._jumps += flicker * totals._steady_fractions
        sure = np.array([0.0 if share.confidence is None else share.confidence for share in shares])
        totals._sure_fractions += totals._fractions * [share.confidence is not None for share in shares]
        totals._confidences += sure * totals._sure_fractions
        totals._present_frames += np.array([share.frames for share in shares])
        totals._present_seconds += np.array([share.seconds for share in shares])
        return totals

    def include(self, other: "ClassTotals") -> None:
        """Add the frames that `other` counts, by the same names."""
        self.frames += other.frames
        self.seconds += other.seconds
        self._fractions += other._fractions
        self._steady_fractions += other._steady_fractions
        self._jumps += other._jumps
        self._sure_fractions += other._sure_fractions
        self._confidences += other._confidences
        self._present_frames += other._present_frames
        self._present_seconds += other._present_seconds

    def shares(self) -> list[ClassShare]:
        """Return one entry for each name, in their order; shares add up to 1 once there is a frame."""
        shares = self._fractions / (self.seconds or 1)
        return [
            ClassShare(
                *(name, float(share), int(frames), float(seconds)),
                flicker=round(float(jumps / steady), 6) if steady else None,
                confidence=round(float(sums / sure), 6) if sure else None,
            )
            for name, share, frames, seconds, jumps, steady, sums, sure in zip(
                *(self.names, shares, self._present_frames, self._present_seconds),
                *(self._jumps, self._steady_fractions, self._confidences, self._sure_fractions),
                strict=True,
            )
        ]
