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

from roadseg.labels.palettes import recoloured
from roadseg.labels.space import IGNORE, LabelMap, LabelSpace
from roadseg.overlay.appearance import DEFAULT_APPEARANCE, Appearance, train_ids
from roadseg.overlay.edges import fitted_to_picture
from roadseg.overlay.layout import Layout
from roadseg.overlay.mosaic import pixelated
from roadseg.overlay.panels import levels
from roadseg.video.colour import Matrix, Plane, rgb_to_ycbcr
from roadseg.video.frame import Frame


class Overlay:
    """Drawing of label maps of one label space on frames.

    Args:
        label_space: gives the colours and the names in the legend.
        appearance: what is shown.
        named: classes that the legend names if they are drawn, the most important first; None for all.

    Raises:
        InputError: the appearance names a class that the label space does not have.
    """

    def __init__(
        self, label_space: LabelSpace, appearance: Appearance = DEFAULT_APPEARANCE, named: Sequence[str] | None = None
    ) -> None:
        self.label_space = recoloured(label_space, appearance.palette)
        self.opacity = appearance.opacity if appearance.style != "contour" else 0.0
        self.fits_edges = appearance.fit_edges
        self.has_contours = appearance.style != "fill"
        drawn = train_ids(label_space, "classes", appearance.classes) or range(len(label_space))
        self.drawn: NDArray[np.uint8] = np.full(256, IGNORE, np.uint8)
        """(256,) label value -> train id, or `IGNORE` for what is not drawn."""
        self.drawn[list(drawn)] = drawn
        shown = label_space.classes if named is None else tuple(named)
        self._named = tuple(name for name in shown if label_space.classes.index(name) in drawn)
        self.hidden: NDArray[np.uint8] = np.zeros(256, np.uint8)
        """(256,) label value -> 1 for what is pixelated, 0 for the rest."""
        self.hidden[train_ids(label_space, "blur", appearance.blur)] = 1
        self._appearance = appearance
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
        frame = layout.fitted(frame)
        luma = frame.y
        if self._appearance.blur:
            frame = pixelated(frame, np.asarray(cv2.LUT(labels, self.hidden), np.uint8))
        labels = np.asarray(cv2.LUT(labels, self.drawn), np.uint8)
        if self.fits_edges:
            labels = fitted_to_picture(labels, luma)
        gaps = bool((labels == IGNORE).any())  # asked here, where the map is small
        large = enlarge(labels, frame.width)
        size, half = (frame.width, frame.height), (frame.u.shape[1], frame.u.shape[0])
        small = _nearest(large, half)
        lines = half_lines = None
        if self.has_contours:
            lines = outlines(_nearest(large, size))
            half_lines = _nearest(lines, half)
        y_table, u_table, v_table = self.tables(frame.matrix, frame.full_range)
        y = self._blend(frame.y, large, lines, y_table, gaps)
        u = self._blend(frame.u, small, half_lines, u_table, gaps)
        v = self._blend(frame.v, small, half_lines, v_table, gaps)
        y, u, v = layout.compose((frame.y, frame.u, frame.v), (y, u, v))
        return replace(frame, y=y, u=u, v=v)

    def _blend(
        self, plane: Plane, labels: LabelMap, lines: Plane | None, table: NDArray[np.uint8], gaps: bool
    ) -> Plane:
        """Blend the values of `table` (256,) for labels into a copy of `plane`; where `lines` are, they cover it.

        Labels are scaled to the plane. `gaps` says that some are `IGNORE`.
        """
        size = plane.shape[1], plane.shape[0]
        colours = _nearest(np.asarray(cv2.LUT(labels, table), np.uint8), size)
        if self.opacity:
            blended = np.asarray(cv2.addWeighted(plane, 1 - self.opacity, colours, self.opacity, 0), np.uint8)
            if gaps:
                cv2.copyTo(plane, _nearest((labels == IGNORE).view(np.uint8), size), blended)
        else:
            blended = plane.copy()
        if lines is not None:
            cv2.copyTo(colours, lines, blended)
        return blended

    def _make_tables(self, matrix: Matrix, full_range: bool) -> NDArray[np.uint8]:
        """Return Y', Cb and Cr of every label value, (3, 256) uint8."""
        return np.ascontiguousarray(levels(rgb_to_ycbcr(self.label_space.palette, matrix, full_range).T))

    def _make_layout(self, width: int, height: int, matrix: Matrix, full_range: bool) -> Layout:
        return Layout.of(self._appearance, self.label_space, self._named, (width, height), matrix, full_range)


def enlarge(labels: LabelMap, width: int) -> LabelMap:
    """Double the size of a label map until it is more than half of `width` pixels wide, rounding its outlines.

    Each doubling by nearest neighbour is followed by a 3 x 3 median. Where two classes meet, a median is the majority,
    which turns stairs into slopes and leaves alone even lines that are one label wide.
    """
    while 2 * labels.shape[1] <= width:
        doubled = _nearest(labels, (2 * labels.shape[1], 2 * labels.shape[0]))
        labels = np.asarray(cv2.medianBlur(doubled, 3), np.uint8)
    return labels


def outlines(labels: LabelMap) -> Plane:
    """Return where regions of a label map (h, w) end, for lines on both sides: (h, w) uint8, other than 0 on lines."""
    size = 2 * line_width(labels.shape[0]) + 1
    lines = cv2.morphologyEx(labels, cv2.MORPH_GRADIENT, np.ones((size, size), np.uint8))
    return np.asarray(np.where(labels == IGNORE, np.uint8(0), lines), np.uint8)


def line_width(height: int) -> int:
    """Return the width of a contour inside its region in pixels, for a picture of this height."""
    return max(1, round(height / 360))


def _nearest(plane: Plane, size: tuple[int, int]) -> Plane:
    if plane.shape == size[::-1]:
        return plane
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)
