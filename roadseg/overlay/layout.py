"""Layout of the frames of an overlay: the picture with the labels, and panels on and below it."""

from dataclasses import dataclass

import numpy as np

from roadseg.labels.space import LabelSpace
from roadseg.overlay.appearance import Appearance
from roadseg.overlay.panels import GROUND, Patch, draw_legend
from roadseg.video.colour import Matrix, Plane, rgb_to_ycbcr

Planes = tuple[Plane, Plane, Plane]
"""Y', Cb and Cr of a frame."""
STEPS = (1, 2, 2)
"""Pixels from one sample of each plane to the next."""


@dataclass(frozen=True)
class Layout:
    """Places of everything in frames of one size, matrix and range."""

    picture: tuple[int, int]
    """(width, height) of the picture in pixels: what is beyond it of an odd frame is cut off."""
    ground: Planes | None
    """Planes of a whole frame with everything beside the picture; None where the picture is everything."""
    patches: tuple[Patch, ...]
    """Panels on the picture."""
    named: tuple[str, ...]
    """Classes that the legend names; empty where there is no legend."""

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
        width, height = size
        below = appearance.legend == "below"
        legend = None
        if appearance.legend != "none":
            legend = draw_legend(label_space, named, width // 2 * 2, height, strip=below)
        if legend is None:
            return cls(size, None, (), ())
        panel, shown = legend
        if not below:
            margin = height // 40
            top = margin if appearance.legend == "top" else height - panel.height - margin
            patch = Patch.of(panel, (max(0, top), (width - panel.width) // 2), matrix, full_range)
            return cls(size, None, (patch,), shown)
        picture = width // 2 * 2, height // 2 * 2
        ground = plain_planes((picture[0], picture[1] + panel.height), GROUND, matrix, full_range)
        Patch.of(panel, (picture[1], 0), matrix, full_range).put_on(*ground)
        return cls(picture, ground, (), shown)

    def compose(self, picture: Planes) -> Planes:
        """Return the planes of a whole frame with this picture; without anything beside it they are the same arrays."""
        if self.ground is None:
            whole = picture
        else:
            y, u, v = (plane.copy() for plane in self.ground)
            whole = y, u, v
            for plane, part, step in zip(whole, picture, STEPS, strict=True):
                rows, columns = self.picture[1] // step, self.picture[0] // step
                plane[:rows, :columns] = part[:rows, :columns]
        for patch in self.patches:
            patch.put_on(*whole)
        return whole


def plain_planes(size: tuple[int, int], rgb: tuple[int, int, int], matrix: Matrix, full_range: bool) -> Planes:
    """Return the planes of a frame of one colour for an even (width, height)."""
    width, height = size
    levels = rgb_to_ycbcr(np.array(rgb), matrix, full_range).round().astype(np.uint8)
    y, u, v = (
        np.full((height // step, width // step), level, np.uint8) for level, step in zip(levels, STEPS, strict=True)
    )
    return y, u, v
