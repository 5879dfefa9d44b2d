"""Drawing of label maps on frames that are on a device: `Overlay.draw` for many frames at once, within one level."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from roadseg.inference.planes import Planes, enlarged, scaled
from roadseg.labels.space import IGNORE
from roadseg.overlay.draw import Overlay, line_width
from roadseg.overlay.edges import GROWTH, RADIUS, SMOOTHNESS
from roadseg.overlay.layout import STEPS
from roadseg.overlay.mosaic import LEAST_PART, block_grid
from roadseg.video.frame import Frame


class DeviceDrawing:
    """Drawing of an overlay on frames of one size, matrix and range.

    Args:
        overlay: the drawing to do.
        like: a frame with that size, matrix and range.
        device: location of planes and labels.
    """

    def __init__(self, overlay: Overlay, like: Frame, device: torch.device) -> None:
        def on_device(values: NDArray[np.generic]) -> Tensor:
            return torch.from_numpy(values.astype(np.float32)).to(device)

        colours = overlay.tables(like.matrix, like.full_range)
        opacity = np.where(np.arange(256) < len(overlay.label_space), overlay.opacity, 0)
        self._drawn = torch.from_numpy(overlay.drawn).to(device)
        self._hidden = torch.from_numpy(overlay.hidden).to(device) if overlay.hidden.any() else None
        self._fits_edges = overlay.fits_edges
        self._kept = on_device(1 - opacity)
        self._added = [on_device(opacity * levels) for levels in colours]
        self._colours = [torch.from_numpy(levels).to(device) for levels in colours] if overlay.has_contours else []
        layout = overlay.layout(like)
        self._layout = layout
        ground = layout.ground
        self._ground = None if ground is None else [torch.from_numpy(plane).to(device) for plane in ground]
        self._patches = [
            [
                (corner, on_device(colour), on_device(clear / 255))
                for corner, colour, clear in zip(patch.corners, patch.colours, patch.clear, strict=True)
            ]
            for patch in layout.patches
        ]

    def draw(self, planes: Planes, labels: Tensor) -> Planes:
        """Blend the colours of labels into copies of planes.

        Args:
            planes: of N frames; left as they are.
            labels: (N, h, w) uint8 train ids of the whole frames at any size.
        """
        planes = self._fitted(planes)
        luma = planes[0]
        if self._hidden is not None:
            planes = pixelated(planes, self._hidden[labels.int()])
        y, u, _ = planes
        half = u.shape[2], u.shape[1]
        labels = self._drawn[labels.int()]
        if self._fits_edges:
            labels = fitted_to_picture(labels, luma)
        large = enlarge(labels, y.shape[2])
        small = enlarged(large, half)
        drawn = [
            self._blend(plane, maps, added)
            for plane, maps, added in zip(planes, (large, small, small), self._added, strict=True)
        ]
        if self._colours:
            full = enlarged(large, (y.shape[2], y.shape[1]))
            lines = outlines(full)
            half_lines = enlarged(lines, half)
            drawn = [
                torch.where(where, colours[maps.int()], plane)
                for plane, maps, where, colours in zip(
                    drawn, (full, small, small), (lines, half_lines, half_lines), self._colours, strict=True
                )
            ]
        y, u, v = self._composed(planes, drawn)
        return y, u, v

    def _fitted(self, planes: Planes) -> Planes:
        """Return planes with the size of the picture, as `Layout.fitted`."""
        width, height = self._layout.picture
        sizes = [(-(-width // step), -(-height // step)) for step in STEPS]
        if self._layout.scaled:
            y, u, v = (scaled(plane, size).round_().to(torch.uint8) for plane, size in zip(planes, sizes, strict=True))
        else:
            y, u, v = (plane[:, : size[1], : size[0]] for plane, size in zip(planes, sizes, strict=True))
        return y, u, v

    def _composed(self, plain: Planes, drawn: Sequence[Tensor]) -> Sequence[Tensor]:
        """Return the planes of whole frames, as `Layout.compose`."""
        whole, corners = drawn, self._layout.corners
        if self._ground is not None:
            whole = [plane.repeat(len(part), 1, 1) for plane, part in zip(self._ground, drawn, strict=True)]
            for picture, (top, left) in zip((plain, drawn)[-len(corners) :], corners, strict=True):
                for plane, part, step in zip(whole, picture, STEPS, strict=True):
                    rows, columns = part.shape[1:]
                    plane[:, top // step : top // step + rows, left // step : left // step + columns] = part
        for patch in self._patches:
            for plane, ((top, left), colour, clear) in zip(whole, patch, strict=True):
                height, width = colour.shape
                below = plane[:, top : top + height, left : left + width]
                below.copy_(((below * clear).round_() + colour).clamp_(max=255))
        return whole

    def _blend(self, plane: Tensor, labels: Tensor, added: Tensor) -> Tensor:
        """Return kept x plane + added, where both depend on the label."""
        ids, size = labels.int(), (plane.shape[2], plane.shape[1])
        return (plane * enlarged(self._kept[ids], size)).add_(enlarged(added[ids], size)).round_().to(torch.uint8)


def enlarge(labels: Tensor, width: int) -> Tensor:
    """Double label maps (N, h, w) uint8 until they are more than half of `width` pixels wide, as in `draw`."""
    while 2 * labels.shape[2] <= width:
        labels = _median(enlarged(labels, (2 * labels.shape[2], 2 * labels.shape[1])))
    return labels


def outlines(labels: Tensor) -> Tensor:
    """Return where regions of label maps (N, H, W) uint8 end, as in `draw`: (N, H, W) bool."""
    width = line_width(labels.shape[1])
    values = labels.float()
    highest, lowest = (sign * F.max_pool2d(sign * values, 2 * width + 1, 1, width) for sign in (1, -1))
    return (highest > lowest) & (labels != IGNORE)


def fitted_to_picture(labels: Tensor, y: Tensor) -> Tensor:
    """Return label maps (N, h, w) uint8 of twice the size whose outlines follow luma (N, H, W), as in `edges`."""
    height, width = labels.shape[1:]
    if min(height, width) <= 2 * RADIUS:
        return labels
    size = GROWTH * width, GROWTH * height
    fine = scaled(y, size)
    coarse = scaled(fine, (width, height))
    mean = _mean(coarse)
    scale = 1 / (_mean(coarse * coarse) - mean * mean + SMOOTHNESS)
    best = torch.full_like(fine, -torch.inf)
    fitted = torch.zeros_like(fine, dtype=torch.uint8)
    for label in torch.unique(labels).tolist():
        share = (labels == label).float()
        share_mean = _mean(share)
        slope = (_mean(coarse * share) - mean * share_mean) * scale
        offset = _mean(share_mean - slope * mean)
        answer = scaled(_mean(slope), size) * fine + scaled(offset, size)
        more = answer > best
        best = torch.where(more, answer, best)
        fitted.masked_fill_(more, label)
    return fitted


def _mean(values: Tensor) -> Tensor:
    """Return the mean of the window around each pixel; the border reflects, as in OpenCV."""
    return F.avg_pool2d(F.pad(values, (RADIUS,) * 4, mode="reflect"), 2 * RADIUS + 1, 1)


def pixelated(planes: Planes, hidden: Tensor) -> Planes:
    """Return planes whose blocks are of one colour where `hidden` (N, h, w) is 1, as in `mosaic`."""
    grid = block_grid(planes[0].shape[2], planes[0].shape[1])
    touched = (scaled(hidden, grid) > LEAST_PART).float()
    blocks = F.max_pool2d(touched, 3, 1, 1) > 0
    y, u, v = (_mosaic(plane, blocks, grid) for plane in planes)
    return y, u, v


def _mosaic(plane: Tensor, blocks: Tensor, grid: tuple[int, int]) -> Tensor:
    size = plane.shape[2], plane.shape[1]
    coarse = scaled(plane, grid).round_().to(torch.uint8)
    return torch.where(enlarged(blocks, size), enlarged(coarse, size), plane)


def _median(labels: Tensor) -> Tensor:
    """Return the median of each pixel's 3 x 3 neighbours; beyond the border, pixels repeat.

    It is the median of the largest of three lowest, the median of three medians and the lowest of three largest, all
    by columns (Smith, "Implementing median filters in XC4000E FPGAs", 1996): minima and maxima alone.
    """
    padded = torch.cat([labels[:, :1], labels, labels[:, -1:]], 1)
    lowest, middle, highest = _sorted(padded[:, :-2], padded[:, 1:-1], padded[:, 2:])

    def neighbours(maps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        wide = torch.cat([maps[..., :1], maps, maps[..., -1:]], 2)
        return wide[..., :-2], wide[..., 1:-1], wide[..., 2:]

    return _sorted(_sorted(*neighbours(lowest))[2], _sorted(*neighbours(middle))[1], _sorted(*neighbours(highest))[0])[
        1
    ]


def _sorted(one: Tensor, two: Tensor, three: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the lowest, middle and highest of three tensors, element by element."""
    low, high = torch.minimum(one, two), torch.maximum(one, two)
    rest = torch.minimum(high, three)
    return torch.minimum(low, rest), torch.maximum(low, rest), torch.maximum(high, three)
