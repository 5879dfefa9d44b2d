"""Frames on their way between the stages of an overlay, and the stages of a device.

A device draws in one stage, or where scores are needed in two, score and draw, with smoothing over time between them.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from roadseg.inference.confidence import Confidence, confidence_at, confidences_of
from roadseg.inference.label_frames import batches
from roadseg.inference.smoothing import Memory, TemporalSmoother
from roadseg.labels.space import LabelMap
from roadseg.overlay.device import DeviceOverlay
from roadseg.overlay.heatmaps import Grid, sample_grid
from roadseg.overlay.parts import SEGMENT_FRAMES
from roadseg.overlay.stats import count_pixels
from roadseg.video.frame import Frame
from roadseg.video.pipeline import Pipeline, concurrently


class Decoded(NamedTuple):
    """A frame as it comes from the decoder."""

    frame: Frame
    damaged: bool
    """True if the decoder met errors before this frame."""


class Drawn(NamedTuple):
    """A frame that is ready to be encoded."""

    frame: Frame
    """The frame with the overlay."""
    damaged: bool
    """True if the decoder met errors before this frame."""
    labels: LabelMap
    """(h, w) uint8 train ids, as the network decides them, 255 where a mask leaves the frame out."""
    counts: NDArray[np.int64]
    """(256,) number of pixels of each label value."""
    grid: Grid
    """Labels on the grid of the heat maps."""
    memory: Memory | None
    """State of smoothing after the batch of this frame; None without smoothing."""
    confidence: Confidence | None = None
    """Confidence of the labels; None where it is not asked for."""


class Batch(NamedTuple):
    """Consecutive frames on their way to and from a device."""

    items: list[Decoded]
    scores: NDArray[np.float32] | None = None
    """(N, C, h, w) class scores; None where labels alone are asked for."""
    greys: NDArray[np.uint8] | None = None
    """(N, 2h, 2w) the frames in grey."""
    memory: Memory | None = None
    """State of smoothing after the last frame."""

    @property
    def frames(self) -> list[Frame]:
        """The frames alone."""
        return [frame for frame, _ in self.items]


def drawn_on_device(
    decoded: Iterable[Decoded],
    overlay: DeviceOverlay,
    seen: NDArray[np.bool_] | None,
    batch_size: int,
    at_once: int,
    smoothing: float,
    memory: Memory | None,
    confidence: bool,
) -> Pipeline[Drawn]:
    """Return all stages but the last where a device draws; a stage takes `at_once` batches at the same time."""

    def batch(items: Iterator[Decoded]) -> Iterator[Batch]:
        return map(Batch, batches(items, batch_size, SEGMENT_FRAMES))

    def score(batch: Batch) -> Batch:
        scores, greys = overlay.score(batch.frames)
        return batch._replace(scores=scores, greys=greys)

    def smooth(scored: Iterator[Batch]) -> Iterator[Batch]:
        smoother = TemporalSmoother(smoothing)
        smoother.memory = memory
        for items, scores, greys, _ in scored:
            assert scores is not None and greys is not None
            smoothed = [smoother.smooth_grey(*pair) for pair in zip(greys, scores, strict=True)]
            yield Batch(items, np.ascontiguousarray(smoothed), memory=smoother.memory)

    def draw(batch: Batch) -> tuple[Batch, list[tuple[Frame, LabelMap]]]:
        return batch, overlay.draw(batch.frames, batch.scores)

    def count(items: Iterator[Batch]) -> Iterator[Drawn]:
        for batch, drawn in concurrently(draw, at_once)(items):
            coarse = confidences_of(batch.scores) if confidence and batch.scores is not None else None
            for place, ((_, damaged), (frame, labels)) in enumerate(zip(batch.items, drawn, strict=True)):
                counts, grid = count_pixels(labels, seen), sample_grid(labels, seen)
                sure = None if coarse is None else confidence_at(labels, coarse[place])
                yield Drawn(frame, damaged, labels, counts, grid, batch.memory, sure)

    if not smoothing and not confidence:
        return Pipeline("decode", decoded).then("device", lambda items: count(batch(items)))
    scored = Pipeline("decode", decoded).then("score", lambda items: concurrently(score, at_once)(batch(items)))
    return (scored.then("smooth", smooth) if smoothing else scored).then("draw", count)
