"""Layout of the frames of an overlay: the picture with labels, the plain one beside it, panels on and below them."""

from dataclasses import dataclass, replace
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.labels.space import LabelSpace
from roadseg.overlay.appearance import Appearance
from roadseg.overlay.panels import GROUND, Panel, Patch, draw_legend, draw_title
from roadseg.video.colour import Matrix, Plane, rgb_to_ycbcr
from roadseg.video.frame import Frame

Level = TypeVar("Level", np.uint8, np.float32)
Planes = tuple[Plane, Plane, Plane]
"""Y', Cb and Cr of a frame."""
GAP = 4
"""Pixels between pictures side by side; even."""
STEPS = (1, 2, 2)
"""Pixels from one sample of each plane to the next."""


@dataclass(frozen=True)
class Layout:
    """Places of everything in frames of one size, matrix and range."""

    picture: tuple[int, int]
    """(width, height) in pixels that frames are scaled or cut to."""
    scaled: bool
    """True if they are scaled, False if at most the last row and column of an odd frame are cut off."""
    ground: Planes | None
    """Planes of a whole frame with everything beside the pictures; None where one picture is everything."""
    corners: tuple[tuple[int, int], ...]
    """(top, left) in pixels, even, of the plain picture, if it is shown, and of the one with labels."""
    patches: tuple[Patch, ...]
    """Panels on the pictures."""
    named: tuple[str, ...]
    """Classes that the legend names; empty where there is no legend."""
    line_room: tuple[int, int, int, int]
    """Top and left in pixels of a line of text below a title, then width and height of a picture for it."""

    @classmethod
    def of(
        cls,
        appearance: Appearance,
        label_space: LabelSpace,
        named: tuple[str, ...],
        size: tuple[int, int],
        matrix: Matrix,
        full_range: bool,
    ) -> "Layout":
        """Return the layout of an overlay.

        Args:
            appearance: says what is shown.
            label_space: gives names and colours.
            named: classes that the legend names, the most important first.
            size: (width, height) of the video in pixels.
            matrix: matrix of the frames.
            full_range: range of the frames.
        """
        legend, title, below = None, None, appearance.legend == "below"
        scaled = appearance.height is not None
        height = _even(appearance.height or size[1])
        width = _even(size[0] * height / size[1]) if scaled else _even(size[0])
        corners = ((0, 0), (0, width + GAP)) if appearance.side_by_side else ((0, 0),)
        across = corners[-1][1] + width
        if appearance.legend != "none":
            legend = draw_legend(label_space, named, across, height, strip=below)
        strip = legend.panel if legend and below else None
        patches: list[tuple[Panel, tuple[int, int]]] = []
        margin = height // 40
        if appearance.title:
            title = draw_title(appearance.title, width - 2 * margin, height - 2 * margin)
        if title:
            patches.append((title, (margin, margin)))
        if legend and not below:
            panel = legend.panel
            top = height - panel.height - margin
            if appearance.legend == "top":
                top = margin + (title.height + margin if title else 0)
            patches.append((panel, (max(0, top), (across - panel.width) // 2)))
        upper = [panel.height + margin for panel, corner in patches if corner[0] < height // 4]
        line_room = margin + sum(upper), margin, width - 2 * margin, height - 2 * margin - sum(upper)
        ground = None
        if strip or appearance.side_by_side:
            ground = plain_planes((across, height + (strip.height if strip else 0)), GROUND, matrix, full_range)
        if strip and ground:
            Patch.of(strip, (height, 0), matrix, full_range).put_on(*ground)
        return cls(
            picture=(width, height) if scaled or ground else size,
            scaled=scaled,
            ground=ground,
            corners=corners,
            patches=tuple(Patch.of(panel, corner, matrix, full_range) for panel, corner in patches),
            named=legend.named if legend else (),
            line_room=line_room,
        )

    def fitted(self, frame: Frame) -> Frame:
        """Return a frame with the size of the picture."""
        if self.scaled:
            return scaled_frame(frame, self.picture)
        if (frame.width, frame.height) == self.picture:
            return frame
        width, height = self.picture
        rows, columns = height // 2, width // 2
        return replace(frame, y=frame.y[:height, :width], u=frame.u[:rows, :columns], v=frame.v[:rows, :columns])

    def compose(self, plain: Planes, drawn: Planes) -> Planes:
        """Return the planes of a whole frame.

        Args:
            plain: planes of a fitted frame.
            drawn: the same with labels; may be changed.
        """
        whole = drawn
        if self.ground is not None:
            y, u, v = (plane.copy() for plane in self.ground)
            whole = y, u, v
            for picture, (top, left) in zip((plain, drawn)[-len(self.corners) :], self.corners, strict=True):
                for plane, part, step in zip(whole, picture, STEPS, strict=True):
                    rows, columns = part.shape
                    plane[top // step : top // step + rows, left // step : left // step + columns] = part
        for patch in self.patches:
            patch.put_on(*whole)
        return whole


def scaled_frame(frame: Frame, size: tuple[int, int]) -> Frame:
    """Scale a frame to an even (width, height), each plane by itself."""
    half = size[0] // 2, size[1] // 2
    return replace(frame, y=scaled_plane(frame.y, size), u=scaled_plane(frame.u, half), v=scaled_plane(frame.v, half))


def scaled_plane(plane: NDArray[Level], size: tuple[int, int]) -> NDArray[Level]:
    """Scale (H, W) to (width, height): means of areas where it shrinks, linear between samples where it grows."""
    method = cv2.INTER_AREA if size[1] < plane.shape[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(plane, size, interpolation=method), plane.dtype)


def _even(length: float) -> int:
    return max(2, int(length // 2) * 2)


def plain_planes(size: tuple[int, int], rgb: tuple[int, int, int], matrix: Matrix, full_range: bool) -> Planes:
    """Return the planes of a frame of one colour for an even (width, height)."""
    width, height = size
    levels = rgb_to_ycbcr(np.array(rgb), matrix, full_range).round().astype(np.uint8)
    y, u, v = (
        np.full((height // step, width // step), level, np.uint8) for level, step in zip(levels, STEPS, strict=True)
    )
    return y, u, v
