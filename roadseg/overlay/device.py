"""Overlay of frames on the device of the network: they travel there once, and come back drawn.

upload -> RGB at the input size -> labels -> colours blended into the planes -> download
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from roadseg.inference.network_segmenter import NetworkSegmenter
from roadseg.inference.planes import PlaneLayout, to_rgb
from roadseg.labels.space import IGNORE, LabelMap
from roadseg.models.tta import NO_TTA, TTA
from roadseg.overlay.device_draw import DeviceDrawing
from roadseg.overlay.draw import Overlay
from roadseg.video.frame import Frame


class DeviceOverlay:
    """Labels and drawing for frames of one video; may be called from several threads.

    Frames and labels are those of the stages on the CPU (`Labeller`, `Overlay`) but for rounding.

    Args:
        segmenter: fitted to the video; its device does all the work.
        overlay: colours, opacity and legend.
        like: a frame of the video: all have its size, matrix and range.
        seen: (h, w) at the size of label maps, false where a mask leaves the frame out; None for no mask.
        tta: test-time augmentation.
    """

    def __init__(
        self,
        segmenter: NetworkSegmenter,
        overlay: Overlay,
        like: Frame,
        seen: NDArray[np.bool_] | None = None,
        tta: TTA = NO_TTA,
    ) -> None:
        self._segmenter = segmenter
        self._layout = PlaneLayout.of(like)
        self._rgb = partial(to_rgb, size=segmenter.input_size, matrix=like.matrix, full_range=like.full_range)
        self._drawing = DeviceDrawing(overlay, like, segmenter.device)
        self._unseen = None if seen is None else torch.from_numpy(~seen).to(segmenter.device)
        self._tta = tta

    def draw(self, frames: Sequence[Frame]) -> list[tuple[Frame, LabelMap]]:
        """Return copies of the frames with the overlay, and the label maps, `IGNORE` where nothing is seen.

        Raises:
            InputError: the device's memory is too small for a single frame.
        """
        rows = self._segmenter.compute(self._work, self._layout.pack(frames, self._segmenter.device), self._tta)
        width, height = self._segmenter.label_size
        drawn = []
        for frame, row in zip(frames, rows, strict=True):
            y, u, v = self._layout.split(row[: -width * height])
            drawn.append((replace(frame, y=y, u=u, v=v), row[-width * height :].reshape(height, width)))
        return drawn

    @torch.inference_mode()
    def _work(self, block: Tensor) -> Tensor:
        """Take a block of frames; return a block of drawn frames, each with its labels at the end of the row."""
        planes = self._layout.planes(block)
        labels = self._segmenter.label_on_device(self._rgb(planes), self._tta)
        if self._unseen is not None:
            labels = labels.masked_fill(self._unseen, IGNORE)
        return torch.cat([part.flatten(1) for part in (*self._drawing.draw(planes, labels), labels)], 1)
