"""Panels on and below the picture of an overlay: a legend and a title, ready to be put on the planes of frames."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.labels.space import LabelSpace
from roadseg.overlay.text import draw_text, shortened, text_width
from roadseg.video.colour import Matrix, Plane, Real, rgb_to_ycbcr

Pixels = NDArray[np.float32]

GROUND, GROUND_OPACITY = (14, 17, 22), 0.7
TEXT = (246, 246, 248)
SWATCH_RIM, SWATCH_RIM_OPACITY = (255, 255, 255), 0.4  # the colours of cars and trucks are nearly as dark as the ground
LEGEND_SHARE = 0.12
"""Height of a legend, relative to that of the picture, at most."""


class Panel(NamedTuple):
    """Image to put on or below a picture; its height and width are even."""

    rgb: Pixels
    """(H, W, 3) in 0..255."""
    alpha: Pixels
    """(H, W) opacity in 0..1."""

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.alpha.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.alpha.shape[0])


class Legend(NamedTuple):
    """Panel with the names of classes beside their colours."""

    panel: Panel
    named: tuple[str, ...]
    """The classes, in the order of train ids."""


def draw_legend(
    label_space: LabelSpace, named: Sequence[str], width: int, height: int, *, strip: bool = False
) -> Legend | None:
    """Draw the names of classes beside their colours, for a picture of `width` x `height` pixels.

    It takes as few rows as will do, and at most `LEGEND_SHARE` of the height: where there is no room for all classes,
    the last of `named` are left out. Classes stand in the order of train ids.

    Args:
        label_space: gives colours and order.
        named: names of the classes, the most important first.
        width: width of the picture in pixels, even.
        height: height of the picture in pixels.
        strip: an opaque strip as wide as the picture, to be put below; otherwise as small as possible, partly
            transparent and with round corners.

    Returns:
        The legend; None if there is no room for a row, or no class to name.
    """
    size = max(10, round(0.02 * height))
    gap, line, swatch = round(0.6 * size), round(1.4 * size), _even(size)
    most = int((LEGEND_SHARE * height - gap // 2) // line)
    widths = {name: swatch + 2 * gap // 3 + text_width(name, size) + 2 * gap for name in named}
    for kept in range(len(named), 0, -1):
        names = tuple(sorted(named[:kept], key=label_space.classes.index))
        rows = _rows(names, widths, width, most)
        if rows:
            break
    else:
        return None
    lengths = [sum(widths[name] for name in row) for row in rows]
    panel_height = min(_even(len(rows) * line + gap // 2), int(LEGEND_SHARE * height) // 2 * 2)
    canvas = _Canvas(width if strip else _even(max(lengths)), panel_height)
    if strip:
        canvas.fill(GROUND)
    else:
        canvas.box(0, 0, canvas.width, panel_height, size // 2, GROUND, GROUND_OPACITY)
    y = (panel_height - len(rows) * line) // 2 + (line - swatch) // 2
    for row, length in zip(rows, lengths, strict=True):
        x = (canvas.width - length) // 2 + gap
        for name in row:
            colour = label_space.colours[label_space.classes.index(name)]
            canvas.box(x - 1, y - 1, swatch + 2, swatch + 2, swatch // 4 + 1, SWATCH_RIM, SWATCH_RIM_OPACITY)
            canvas.box(x, y, swatch, swatch, swatch // 4, colour, 1.0)
            canvas.text(x + swatch + 2 * gap // 3, y + round(0.5 * swatch + 0.35 * size), name, size, TEXT)
            x += widths[name]
        y += line
    return Legend(canvas.panel, names)


def _rows(names: Sequence[str], widths: Mapping[str, int], width: int, most: int) -> list[list[str]]:
    """Divide names into as few rows as possible, about equally long; return none if they need more than `most`."""
    total = sum(widths[name] for name in names)
    for number in range(1, most + 1):
        for longest in range(-(-total // number), width + 1):
            rows, length = [[names[0]]], widths[names[0]]
            for name in names[1:]:
                length += widths[name]
                if length > longest:
                    rows.append([])
                    length = widths[name]
                rows[-1].append(name)
            if len(rows) <= number:
                return rows
    return []


def draw_title(text: str, width: int, height: int, share: float = 0.035) -> Panel | None:
    """Draw a panel with a line of text, for a picture of `width` x `height` pixels; a long text loses its beginning.

    Args:
        text: the line.
        width: pixels of the picture.
        height: pixels of the picture.
        share: height of the text, relative to that of the picture.

    Returns:
        The panel; None if there is no room for it.
    """
    size = max(10, round(share * height))
    gap = round(0.7 * size)
    panel_height = _even(1.3 * size + gap)
    text = shortened(text, width - 2 * gap, size)
    panel_width = _even(text_width(text, size) + 2 * gap)
    if panel_width > width or panel_height > height:
        return None
    canvas = _Canvas(panel_width, panel_height)
    canvas.box(0, 0, panel_width, panel_height, size // 3, GROUND, GROUND_OPACITY)
    canvas.text(gap, round(0.5 * panel_height + 0.35 * size), text, size, TEXT)
    return canvas.panel


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
    def of(cls, panel: Panel, corner: tuple[int, int], matrix: Matrix, full_range: bool) -> "Patch":
        """Prepare a panel for (top, left) `corner`, which is rounded down to whole chroma samples.

        Args:
            panel: the image.
            corner: place of the panel in the frame, in pixels.
            matrix: matrix of the frames.
            full_range: range of the frames.
        """
        top, left = corner[0] // 2, corner[1] // 2
        rgb, alpha = panel
        weighted = rgb_to_ycbcr(rgb, matrix, full_range) * alpha[..., None]
        clear, half_clear = levels(255 * (1 - alpha)), levels(_halved(255 * (1 - alpha)))
        return cls(
            corners=((2 * top, 2 * left), (top, left), (top, left)),
            colours=(levels(weighted[..., 0]), levels(_halved(weighted[..., 1])), levels(_halved(weighted[..., 2]))),
            clear=(clear, half_clear, half_clear),
        )

    def put_on(self, *planes: Plane) -> None:
        """Draw on the Y', Cb and Cr planes of a frame, in place."""
        for plane, (top, left), colour, clear in zip(planes, self.corners, self.colours, self.clear, strict=True):
            height, width = colour.shape
            below = plane[top : top + height, left : left + width]
            below[:] = cv2.add(cv2.multiply(below, clear, scale=1 / 255), colour)


class _Canvas:
    """Transparent image to draw on."""

    def __init__(self, width: int, height: int) -> None:
        self.rgb: Pixels = np.zeros((height, width, 3), np.float32)
        self.alpha: Pixels = np.zeros((height, width), np.float32)
        self.width = width

    @property
    def panel(self) -> Panel:
        """The drawn image."""
        return Panel(self.rgb, self.alpha)

    def fill(self, colour: tuple[int, ...]) -> None:
        """Cover everything with an opaque colour."""
        self.rgb[:], self.alpha[:] = colour, 1

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


def _halved(plane: NDArray[Real]) -> Pixels:
    """Return the means of 2 x 2 samples."""
    size = (plane.shape[1] // 2, plane.shape[0] // 2)
    return np.asarray(cv2.resize(plane.astype(np.float32), size, interpolation=cv2.INTER_AREA))


def levels(values: NDArray[Real]) -> NDArray[np.uint8]:
    """Return values rounded to whole levels within 0..255."""
    rounded: NDArray[np.uint8] = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return rounded


def _even(length: float) -> int:
    return 2 * round(length / 2)
