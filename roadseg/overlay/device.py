"""Overlay of frames on the device of the network: they travel there, and come back drawn.

upload -> RGB at the input size -> labels -> colours blended into the planes -> download

With smoothing over time, whose optical flow is found on the CPU, they travel twice: for the scores, and to be drawn on.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TypeGuard

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from roadseg.inference.engine_segmenter import EngineSegmenter
from roadseg.inference.planes import PlaneLayout, to_grey, to_rgb
from roadseg.inference.segmenter import Segmenter
from roadseg.labels.space import IGNORE, LabelMap
from roadseg.models.tta import NO_TTA, SCORE_STRIDE, TTA, coarse_size
from roadseg.overlay.device_draw import DeviceDrawing
from roadseg.overlay.draw import Overlay
from roadseg.overlay.masking import Mask
from roadseg.video.frame import Frame


class DeviceOverlay:
    """Labels and drawing for frames of one video; may be called from several threads.

    Frames and labels are those of the stages on the CPU (`Labeller`, `Overlay`) but for rounding.

    Args:
        segmenter: fitted to the video; its device does all the work.
        overlay: the drawing to do there.
        like: a frame of the video: all have its size, matrix and range.
        seen: (h, w) at the size of label maps, false where a mask leaves the frame out; None for no mask.
        tta: test-time augmentation.
    """

    def __init__(
        self,
        segmenter: EngineSegmenter,
        overlay: Overlay,
        like: Frame,
        seen: NDArray[np.bool_] | None = None,
        tta: TTA = NO_TTA,
    ) -> None:
        self._segmenter = segmenter
        self._layout = PlaneLayout.of(like)
        self._rgb = partial(to_rgb, size=segmenter.input_size, matrix=like.matrix, full_range=like.full_range)
        self._drawn_layout = PlaneLayout.of(overlay.like(like))
        self._drawing = DeviceDrawing(overlay, like, segmenter.device)
        self._unseen = None if seen is None else torch.from_numpy(~seen).to(segmenter.device)
        self._tta = tta
        width, height = coarse_size(segmenter.input_size, SCORE_STRIDE)
        self._score_shape = len(segmenter.label_space), height, width

    def score(self, frames: Sequence[Frame]) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Return what `TemporalSmoother.smooth_grey` takes: class scores (N, C, h, w), grey images (N, 2h, 2w).

        Raises:
            InputError: the device's memory is too small for a single frame.
        """
        rows = self._segmenter.compute(self._scores_of, self._layout.pack(frames, self._segmenter.device), self._tta)
        classes, height, width = self._score_shape
        scores, greys = np.split(rows, [4 * classes * height * width], axis=1)
        return (
            np.ascontiguousarray(scores).view(np.float32).reshape(-1, *self._score_shape),
            greys.reshape(-1, 2 * height, 2 * width),
        )

    @torch.inference_mode()
    def _scores_of(self, block: Tensor) -> Tensor:
        """Take a block of frames; return rows of scores, as bytes, and of the grey image."""
        images = self._rgb(self._layout.planes(block))
        scores = self._segmenter.score_on_device(images, self._tta)
        _, height, width = self._score_shape
        greys = to_grey(images, (2 * width, 2 * height))
        return torch.cat([scores.flatten(1).view(torch.uint8), greys.flatten(1)], 1)

    def draw(self, frames: Sequence[Frame], scores: NDArray[np.float32] | None = None) -> list[tuple[Frame, LabelMap]]:
        """Return copies of the frames with the overlay, and the label maps, `IGNORE` where nothing is seen.

        Args:
            frames: consecutive or not.
            scores: (N, C, h, w) to decide labels from, as `score` returns them; None to label the frames.

        Raises:
            InputError: the device's memory is too small for a single frame.
        """
        room = 0 if scores is None else scores[0].nbytes
        block = self._layout.pack(frames, self._segmenter.device, room)
        if scores is not None:
            block.numpy()[:, -room:] = scores.reshape(len(frames), -1).view(np.uint8)
        rows = self._segmenter.compute(self._work, block, self._tta)
        width, height = self._segmenter.label_size
        drawn = []
        for frame, row in zip(frames, rows, strict=True):
            y, u, v = self._drawn_layout.split(row[: -width * height])
            drawn.append((replace(frame, y=y, u=u, v=v), row[-width * height :].reshape(height, width)))
        return drawn

    @torch.inference_mode()
    def _work(self, block: Tensor) -> Tensor:
        """Take a block of frames; return a block of drawn frames, each with its labels at the end of the row."""
        size = sum(self._layout.sizes)
        planes = self._layout.planes(block[:, :size])
        if block.shape[1] > size:
            # Copied, since numbers of four bytes cannot begin anywhere.
            scores = block[:, size:].clone(memory_format=torch.contiguous_format).view(torch.float32)
            labels = self._segmenter.decide_on_device(scores.view(-1, *self._score_shape))
        else:
            labels = self._segmenter.label_on_device(self._rgb(planes), self._tta)
        if self._unseen is not None:
            labels = labels.masked_fill(self._unseen, IGNORE)
        return torch.cat([part.flatten(1) for part in (*self._drawing.draw(planes, labels), labels)], 1)


def draws_on_device(segmenter: Segmenter) -> TypeGuard[EngineSegmenter]:
    """Return True if frames are scaled and drawn on where the network is: on a GPU."""
    return isinstance(segmenter, EngineSegmenter) and segmenter.device.type == "cuda"


def device_overlay(
    segmenter: EngineSegmenter, overlay: Overlay, like: Frame, mask: Mask | None = None, tta: TTA = NO_TTA
) -> tuple[DeviceOverlay, NDArray[np.bool_] | None]:
    """Return the drawing of an overlay on the segmenter's device for frames like `like`, and where labels are seen."""
    seen = mask.seen_at(segmenter.label_size[::-1]) if mask else None
    return DeviceOverlay(segmenter, overlay, like, seen, tta), seen
