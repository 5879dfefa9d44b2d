"""Temporal smoothing: class scores averaged over time along the motion, so that labels flicker less."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]

GREY_LEVELS = 24
"""Change of a pixel, after motion compensation, from which it shows something new: it was hidden before."""
WEIGHT = 0.6
"""Default weight of the past: the steadiest labels before accuracy falls, see docs/performance.md."""


@dataclass(frozen=True)
class Memory:
    """State of smoothing: the last frame and its averaged scores."""

    grey: NDArray[np.uint8]
    """(2h, 2w) the last frame."""
    scores: Scores
    """(h, w, C) its averaged scores."""

    def write(self, path: Path) -> None:
        """Write an NPZ file."""
        with path.open("wb") as file:
            np.savez(file, grey=self.grey, scores=self.scores)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file of `write`."""
        with np.load(path) as arrays:
            return cls(arrays["grey"], arrays["scores"])


class TemporalSmoother:
    """Exponential average of class scores over the frames of a video, moved along by optical flow.

    The flow is OpenCV's dense inverse search (Kroeger et al., ECCV 2016), from each frame to the one before, at twice
    the resolution of the scores. Where the frame before, moved so, does not look like this one (something came into
    view, or the flow is wrong), the past does not count.

    Args:
        weight: weight of the past, 0 (none) to below 1; scores of n frames ago count weight ** n.
    """

    def __init__(self, weight: float) -> None:
        if not 0 <= weight < 1:
            raise ValueError(f"weight must be at least 0 and below 1, got {weight}")
        self.memory: Memory | None = None
        """State after the last frame; None before the first. Set it to continue from an earlier state."""
        self._weight = weight

    def smooth(self, image: NDArray[np.uint8], scores: Scores) -> Scores:
        """Average the scores of the next frame with earlier scores.

        Args:
            image: (H, W, 3) uint8 RGB, of any size.
            scores: (C, h, w) float32, covering the whole frame.

        Returns:
            (C, h, w) float32.
        """
        size = (2 * scores.shape[2], 2 * scores.shape[1])
        return self.smooth_grey(_resized(np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8), size), scores)

    def smooth_grey(self, grey: NDArray[np.uint8], scores: Scores) -> Scores:
        """Do what `smooth` does for an image that is grey already, (2h, 2w) uint8."""
        channels_last: Scores = np.ascontiguousarray(scores.transpose(1, 2, 0))
        if self.memory is not None and self.memory.scores.shape == channels_last.shape:
            moved, trust = self._moved(self.memory, grey)
            # (1 - k) * now + k * past, with k = 0 where the past is not known
            channels_last = channels_last + (self._weight * trust)[..., None] * (moved - channels_last)
        self.memory = Memory(grey, channels_last)
        return channels_last.transpose(2, 0, 1)

    def _moved(self, before: Memory, grey: NDArray[np.uint8]) -> tuple[Scores, NDArray[np.float32]]:
        """Return the last scores at the new places of their objects, and the trust in them, (h, w) in 0..1."""
        height, width = before.scores.shape[:2]
        # A new object each time: a used one differs from a new one by rounding.
        search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        flow = np.asarray(search.calc(grey, before.grey, np.zeros((*grey.shape, 2), np.float32)), np.float32)
        looks = cv2.remap(before.grey, *_places(flow), cv2.INTER_LINEAR, borderValue=0)
        unlike = _resized(np.asarray(cv2.absdiff(looks, grey), np.uint8), (width, height)).astype(np.float32)
        halved = np.asarray(cv2.resize(flow, (width, height), interpolation=cv2.INTER_AREA), np.float32)
        columns, rows = _places(halved * np.float32(0.5))
        inside = (columns >= 0) & (columns <= width - 1) & (rows >= 0) & (rows <= height - 1)
        trust = np.where(inside, np.clip(1 - unlike / GREY_LEVELS, 0, 1), 0).astype(np.float32)
        moved = cv2.remap(before.scores, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(moved, np.float32), trust


def _places(flow: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the columns and rows that a flow (h, w, 2) in pixels leads to."""
    rows, columns = np.indices(flow.shape[:2], np.float32)
    return columns + flow[..., 0], rows + flow[..., 1]


def _resized(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
