"""Drawing of label maps on frames: class colours blended into the Y'CbCr planes, and a legend.

No RGB image is made. Blending is linear, and so is the conversion from R'G'B' to Y'CbCr: blending the planes with the
colours' Y', Cb and Cr gives the same as blending in RGB, at a fraction of the cost.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.labels.space import LabelMap, LabelSpace
from roadseg.overlay.text import draw_text, shortened, text_width
from roadseg.video.colour import Matrix, Plane, Real, rgb_to_ycbcr
from roadseg.video.frame import Frame

Pixels = NDArray[np.float32]


class Overlay:
    """Drawing of label maps of one label space on frames.

    Args:
        label_space: gives the colours and the names in the legend.
        opacity: weight of the class colour, 0 (the plain frame) to 1 (only colours).
        legend: show the names of all classes beside their colours at the bottom of the frame. It is left out where it
            would hide more than a quarter of the frame.
    """

    def __init__(self, label_space: LabelSpace, *, opacity: float = 0.5, legend: bool = True) -> None:
        if not 0 <= opacity <= 1:
            raise ValueError(f"opacity must be within 0..1, got {opacity}")
        self.label_space = label_space
        self.opacity = opacity
        self.legend = legend
        self.tables = lru_cache(self._make_tables)
        self.patch = lru_cache(self._make_patch)

    def draw(self, frame: Frame, labels: LabelMap) -> Frame:
        """Blend the colours of `labels` into a copy of `frame`.

        Args:
            frame: left as it is.
            labels: (h, w) uint8 train ids of the whole frame at any size. Where they are `IGNORE`, or an id beyond the
                classes, the frame stays as it is.
        """
        large = enlarge(labels, frame.width)
        small = _nearest(large, (frame.u.shape[1], frame.u.shape[0]))
        y_table, u_table, v_table = self.tables(frame.matrix, frame.full_range)
        y = self._blend(frame.y, large, y_table)
        u = self._blend(frame.u, small, u_table)
        v = self._blend(frame.v, small, v_table)
        patch = self.patch(frame.width, frame.height, frame.matrix, frame.full_range)
        if patch is not None:
            patch.put_on(y, u, v)
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
        return np.ascontiguousarray(_levels(rgb_to_ycbcr(self.label_space.palette, matrix, full_range).T))

    def _make_patch(self, width: int, height: int, matrix: Matrix, full_range: bool) -> "Patch | None":
        panel = draw_legend(self.label_space, width, height) if self.legend else None
        if panel is None:
            return None
        left = (width - panel[1].shape[1]) // 2
        top = height - panel[1].shape[0] - height // 40
        return Patch.of(*panel, (max(0, top), left), matrix, full_range)


def enlarge(labels: LabelMap, width: int) -> LabelMap:
    """Double the size of a label map until it is more than a quarter of `width` pixels wide, rounding its outlines.

    Each doubling by nearest neighbour is followed by a 3 x 3 median. Where two classes meet, a median is the majority,
    which turns stairs into slopes and leaves alone even lines that are one label wide.
    """
    while 4 * labels.shape[1] <= width:
        doubled = _nearest(labels, (2 * labels.shape[1], 2 * labels.shape[0]))
        labels = np.asarray(cv2.medianBlur(doubled, 3), np.uint8)
    return labels


@dataclass(frozen=True)
class Patch:
    """Partly transparent image, ready to be put on the planes of frames of one size and one matrix."""

    corners: tuple[tuple[int, int], ...]
    """(top, left) in samples of each plane."""
    colours: tuple[Plane, ...]
    """Y', Cb and Cr, each multiplied by the opacity."""
    clear: tuple[Plane, ...]
    """255 where the frame shows unchanged, 0 where it is hidden, for each plane."""

    @classmethod
    def of(cls, rgb: Pixels, alpha: Pixels, corner: tuple[int, int], matrix: Matrix, full_range: bool) -> "Patch":
        """Prepare an image for (top, left) `corner`, which is rounded down to whole chroma samples.

        Args:
            rgb: (H, W, 3) in 0..255, H and W even.
            alpha: (H, W) opacity in 0..1.
            corner: place of the image in the frame, in pixels.
            matrix: matrix of the frames.
            full_range: range of the frames.
        """
        top, left = corner[0] // 2, corner[1] // 2
        weighted = rgb_to_ycbcr(rgb, matrix, full_range) * alpha[..., None]
        clear, half_clear = _levels(255 * (1 - alpha)), _levels(_halved(255 * (1 - alpha)))
        return cls(
            corners=((2 * top, 2 * left), (top, left), (top, left)),
            colours=(_levels(weighted[..., 0]), _levels(_halved(weighted[..., 1])), _levels(_halved(weighted[..., 2]))),
            clear=(clear, half_clear, half_clear),
        )

    def put_on(self, *planes: Plane) -> None:
        """Draw on the Y', Cb and Cr planes of a frame, in place."""
        for plane, (top, left), colour, clear in zip(planes, self.corners, self.colours, self.clear, strict=True):
            height, width = colour.shape
            below = plane[top : top + height, left : left + width]
            below[:] = cv2.add(cv2.multiply(below, clear, scale=1 / 255), colour)


PANEL, PANEL_OPACITY = (14, 17, 22), 0.7
TEXT = (246, 246, 248)
SWATCH_RIM, SWATCH_RIM_OPACITY = (255, 255, 255), 0.4  # the colours of cars and trucks are nearly as dark as the panel
LARGEST_PART = 1 / 4


def draw_legend(label_space: LabelSpace, width: int, height: int) -> tuple[Pixels, Pixels] | None:
    """Draw a panel with all class names beside their colours, for frames of `width` x `height` pixels.

    Returns:
        (H, W, 3) RGB in 0..255 and (H, W) opacity in 0..1, H and W even; None if it would hide more than a quarter.
    """
    size = max(10, round(0.02 * height))
    gap, line, swatch = round(0.75 * size), round(1.55 * size), _even(1.05 * size)
    names = [swatch + gap // 2 + text_width(name, size) for name in label_space.classes]
    for rows in range(1, len(names) + 1):
        columns = [max(names[first : first + rows]) + 2 * gap for first in range(0, len(names), rows)]
        panel_width, panel_height = _even(sum(columns) + gap), _even(rows * line + 1.4 * gap)
        if panel_width <= 0.97 * width:
            break
    if panel_width > width or panel_width * panel_height > LARGEST_PART * width * height:
        return None

    canvas = _Canvas(panel_width, panel_height)
    canvas.box(0, 0, panel_width, panel_height, size // 2, PANEL, PANEL_OPACITY)
    for position, (name, colour) in enumerate(zip(label_space.classes, label_space.colours, strict=True)):
        column, row = divmod(position, rows)
        x = round(1.5 * gap) + sum(columns[:column])
        y = round(0.7 * gap) + row * line + (line - swatch) // 2
        canvas.box(x - 1, y - 1, swatch + 2, swatch + 2, swatch // 4 + 1, SWATCH_RIM, SWATCH_RIM_OPACITY)
        canvas.box(x, y, swatch, swatch, swatch // 4, colour, 1.0)
        canvas.text(x + swatch + gap // 2, y + round(0.5 * swatch + 0.35 * size), name, size, TEXT)
    return canvas.rgb, canvas.alpha


def draw_title(text: str, width: int, height: int) -> tuple[Pixels, Pixels] | None:
    """Draw a panel with a line of text, for frames of `width` x `height` pixels; a long text loses its beginning.

    Returns:
        (H, W, 3) RGB in 0..255 and (H, W) opacity in 0..1, H and W even; None if there is no room for it.
    """
    size = max(10, round(0.035 * height))
    gap = round(0.7 * size)
    panel_height = _even(1.3 * size + gap)
    text = shortened(text, width - 2 * gap, size)
    panel_width = _even(text_width(text, size) + 2 * gap)
    if panel_width > width or panel_height > height:
        return None
    canvas = _Canvas(panel_width, panel_height)
    canvas.box(0, 0, panel_width, panel_height, size // 3, PANEL, PANEL_OPACITY)
    canvas.text(gap, round(0.5 * panel_height + 0.35 * size), text, size, TEXT)
    return canvas.rgb, canvas.alpha


class _Canvas:
    """Transparent image to draw on."""

    def __init__(self, width: int, height: int) -> None:
        self.rgb: Pixels = np.zeros((height, width, 3), np.float32)
        self.alpha: Pixels = np.zeros((height, width), np.float32)

    def box(self, x: int, y: int, width: int, height: int, radius: int, colour: tuple[int, ...], alpha: float) -> None:
        """Draw a filled box with rounded corners; its edges are smooth, because it is drawn four times as large."""
        coverage = np.zeros((4 * height, 4 * width), np.uint8)
        right, bottom, r = 4 * width - 1, 4 * height - 1, 4 * radius
        cv2.rectangle(coverage, (r, 0), (right - r, bottom), 255, cv2.FILLED)
        cv2.rectangle(coverage, (0, r), (right, bottom - r), 255, cv2.FILLED)
        for centre in ((r, r), (right - r, r), (r, bottom - r), (right - r, bottom - r)):
            cv2.circle(coverage, centre, r, 255, cv2.FILLED)
        self._over(_halved(_halved(coverage)), (x, y), colour, alpha)

    def text(self, x: int, baseline: int, text: str, size: int, colour: tuple[int, ...]) -> None:
        """Draw a line of text, `size` pixels high."""
        top, bottom = max(0, baseline - 2 * size), min(baseline + size, self.alpha.shape[0])
        coverage = np.zeros((bottom - top, self.alpha.shape[1], 3), np.uint8)
        draw_text(coverage, text, (x, baseline - top), size, (255, 255, 255))
        self._over(coverage[..., 0], (0, top), colour, 1.0)

    def _over(self, coverage: NDArray[Real], place: tuple[int, int], colour: tuple[int, ...], alpha: float) -> None:
        """Porter and Duff's "over", "Compositing digital images", 1984: `coverage` in 0..255, at (x, y) `place`."""
        (x, y), (height, width) = place, coverage.shape
        rgb, below = self.rgb[y : y + height, x : x + width], self.alpha[y : y + height, x : x + width]
        source: Pixels = coverage.astype(np.float32) * np.float32(alpha / 255)
        total = source + below * (1 - source)
        share = np.divide(source, total, out=np.zeros_like(source), where=total > 0)[..., None]
        rgb += share * (np.asarray(colour, np.float32) - rgb)
        below[:] = total


def _nearest(plane: Plane, size: tuple[int, int]) -> Plane:
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)


def _halved(plane: NDArray[Real]) -> Pixels:
    """Return the means of 2 x 2 samples."""
    size = (plane.shape[1] // 2, plane.shape[0] // 2)
    return np.asarray(cv2.resize(plane.astype(np.float32), size, interpolation=cv2.INTER_AREA))


def _levels(values: NDArray[Real]) -> NDArray[np.uint8]:
    levels: NDArray[np.uint8] = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return levels


def _even(length: float) -> int:
    return 2 * round(length / 2)
