"""Drawing of label maps on frames: class colours blended into the Y'CbCr planes.

No RGB image is made. Blending is linear, and so is the conversion from R'G'B' to Y'CbCr: blending the planes with the
colours' Y', Cb and Cr gives the same as blending in RGB, at a fraction of the cost.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.labels.space import IGNORE, LabelMap, LabelSpace
from roadseg.overlay.appearance import DEFAULT_APPEARANCE, Appearance
from roadseg.overlay.layout import Layout
from roadseg.overlay.panels import levels
from roadseg.video.colour import Matrix, Plane, rgb_to_ycbcr
from roadseg.video.frame import Frame


class Overlay:
    """Drawing of label maps of one label space on frames.

    Args:
        label_space: gives the colours and the names in the legend.
        appearance: what is shown.
        named: classes that the legend names, the most important first; None for all.
    """

    def __init__(
        self, label_space: LabelSpace, appearance: Appearance = DEFAULT_APPEARANCE, named: Sequence[str] | None = None
    ) -> None:
        self.label_space = label_space
        self.opacity = appearance.opacity
        self._appearance = appearance
        self._named = label_space.classes if named is None else tuple(named)
        self.tables = lru_cache(self._make_tables)
        self._layout = lru_cache(self._make_layout)

    def layout(self, frame: Frame) -> Layout:
        """Return the layout of frames of the size, matrix and range of `frame`."""
        return self._layout(frame.width, frame.height, frame.matrix, frame.full_range)

    def like(self, frame: Frame) -> Frame:
        """Return a frame of the size that `draw` gives frames like `frame`."""
        return self.draw(frame, np.full((1, 1), IGNORE, np.uint8))

    def draw(self, frame: Frame, labels: LabelMap) -> Frame:
        """Blend the colours of `labels` into a copy of `frame`, and put the panels on and below it.

        Args:
            frame: left as it is.
            labels: (h, w) uint8 train ids of the whole frame at any size. Where they are `IGNORE`, or an id beyond the
                classes, the frame stays as it is.
        """
        layout = self.layout(frame)
        large = enlarge(labels, frame.width)
        small = _nearest(large, (frame.u.shape[1], frame.u.shape[0]))
        y_table, u_table, v_table = self.tables(frame.matrix, frame.full_range)
        y = self._blend(frame.y, large, y_table)
        u = self._blend(frame.u, small, u_table)
        v = self._blend(frame.v, small, v_table)
        y, u, v = layout.compose((y, u, v))
        return replace(frame, y=y, u=u, v=v)

    def _blend(self, plane: Plane, labels: LabelMap, table: NDArray[np.uint8]) -> Plane:
        """Blend the value of `table` (256,) for each label into a copy of `plane`; labels are scaled to the plane."""
        size = (plane.shape[1], plane.shape[0])
        blended = _nearest(np.asarray(cv2.LUT(labels, table), np.uint8), size)
        cv2.addWeighted(plane, 1 - self.opacity, blended, self.opacity, 0, dst=blended)
        unknown = labels >= len(self.label_space)
        if unknown.any():
            cv2.copyTo(plane, _nearest(unknown.view(np.uint8), size), blended)
        return blended

    def _make_tables(self, matrix: Matrix, full_range: bool) -> NDArray[np.uint8]:
        """Return Y', Cb and Cr of every label value, (3, 256) uint8."""
        return np.ascontiguousarray(levels(rgb_to_ycbcr(self.label_space.palette, matrix, full_range).T))

    def _make_layout(self, width: int, height: int, matrix: Matrix, full_range: bool) -> Layout:
        return Layout.of(self._appearance, self.label_space, self._named, (width, height), matrix, full_range)


def enlarge(labels: LabelMap, width: int) -> LabelMap:
    """Double the size of a label map until it is more than a quarter of `width` pixels wide, rounding its outlines.

    Each doubling by nearest neighbour is followed by a 3 x 3 median. Where two classes meet, a median is the majority,
    which turns stairs into slopes and leaves alone even lines that are one label wide.
    """
    while 4 * labels.shape[1] <= width:
        doubled = _nearest(labels, (2 * labels.shape[1], 2 * labels.shape[0]))
        labels = np.asarray(cv2.medianBlur(doubled, 3), np.uint8)
    return labels


def _nearest(plane: Plane, size: tuple[int, int]) -> Plane:
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)
