"""Planes of many frames on the device of a network: upload in one block, conversion to RGB at the network's size.

The same on every device. On CPUs swscale is faster, see `Frame.to_rgb`, which gives the same images to within rounding.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from roadseg.runtime import host_memory
from roadseg.video.colour import Matrix, rgb_to_ycbcr
from roadseg.video.frame import Frame

Planes = tuple[Tensor, Tensor, Tensor]
"""Y' (N, H, W), Cb and Cr (N, ceil(H / 2), ceil(W / 2)), uint8."""


@dataclass(frozen=True)
class PlaneLayout:
    """Size of the planes of a frame, and their order in a row of bytes: Y', Cb, Cr."""

    shapes: tuple[tuple[int, int], ...]
    """(height, width) of each plane."""

    @classmethod
    def of(cls, frame: Frame) -> "PlaneLayout":
        """Return the layout of frames of the size of `frame`."""
        return cls(tuple((plane.shape[0], plane.shape[1]) for plane in (frame.y, frame.u, frame.v)))

    @property
    def sizes(self) -> tuple[int, ...]:
        """Bytes of each plane."""
        return tuple(height * width for height, width in self.shapes)

    def pack(self, frames: Sequence[Frame], device: torch.device, room: int = 0) -> Tensor:
        """Copy frames of this layout into a block in CPU memory that can be moved to `device` at full speed.

        Returns:
            (N, bytes + `room`) uint8; the room at the end of each row is not initialised.
        """
        block = host_memory((len(frames), sum(self.sizes) + room), device)
        for row, frame in zip(block.numpy(), frames, strict=True):
            for place, plane in zip(self.split(row), (frame.y, frame.u, frame.v), strict=True):
                place[:] = plane
        return block

    def split(self, row: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], ...]:
        """Return the planes in a row of a block, as views."""
        ends = np.cumsum(self.sizes)
        return tuple(
            row[end - size : end].reshape(shape) for end, size, shape in zip(ends, self.sizes, self.shapes, strict=True)
        )

    def planes(self, block: Tensor) -> Planes:
        """Return the planes in a block (N, bytes), as views."""
        y, u, v = (
            part.view(-1, *shape)
            for part, shape in zip(torch.split(block, list(self.sizes), 1), self.shapes, strict=True)
        )
        return y, u, v


def to_rgb(planes: Planes, size: tuple[int, int], matrix: Matrix, full_range: bool) -> Tensor:
    """Convert planes to RGB, scaled as `Frame.to_rgb` does.

    Args:
        planes: of N frames.
        size: (width, height) of the result.
        matrix: matrix of the frames.
        full_range: range of the frames.

    Returns:
        (N, 3, height, width) float32, whole numbers in 0..255.
    """
    levels = torch.stack([scaled(plane, size) for plane in planes], 1)
    factors, offsets = _to_rgb_equations(matrix, full_range, levels.device)
    # A product of matrices, not a convolution, which CUDA may compute with ten bits of precision.
    colours = factors @ levels.flatten(2) + offsets
    return colours.round_().clamp_(0, 255).view_as(levels)


def to_grey(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Convert RGB (N, 3, H, W) in 0..255 to grey (N, height, width) uint8 for `size` = (width, height)."""
    red, green, blue = images.float().unbind(1)
    grey = (0.299 * red + 0.587 * green + 0.114 * blue).round_()
    return scaled(grey, size).round_().to(torch.uint8)


def scaled(plane: Tensor, size: tuple[int, int]) -> Tensor:
    """Scale planes (N, H, W) to (N, height, width) float32 for `size` = (width, height).

    A shrunk pixel is the mean of the area that it covers, fractions of pixels included; growing interpolates linearly.
    """
    columns, rows = (
        _weights(side, wanted, plane.device) for side, wanted in zip(plane.shape[:0:-1], size, strict=True)
    )
    return rows @ plane.float() @ columns.T


@cache
def _weights(side: int, wanted: int, device: torch.device) -> Tensor:
    """Return the weight of each of `side` samples in each of `wanted`: (wanted, side) float32, rows add up to 1."""
    with torch.inference_mode(False):
        if wanted >= side:
            steps = torch.eye(side)[None]
            return F.interpolate(steps, size=wanted, mode="linear", align_corners=False)[0].T.contiguous().to(device)
        edges = torch.arange(wanted + 1, dtype=torch.float64)[:, None] * side / wanted
        samples = torch.arange(side)
        overlap = torch.minimum(edges[1:], samples + 1) - torch.maximum(edges[:-1], samples)
        return (overlap.clamp(min=0) * wanted / side).float().to(device)


@cache
def _to_rgb_equations(matrix: Matrix, full_range: bool, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the factors (3, 3) and offsets (3, 1) of R'G'B' = factors x Y'CbCr + offsets."""
    black = rgb_to_ycbcr(np.zeros(3), matrix, full_range)
    factors = np.linalg.inv((rgb_to_ycbcr(np.eye(3), matrix, full_range) - black).T)
    with torch.inference_mode(False):
        offsets = torch.from_numpy(-factors @ black[:, None])
        return torch.from_numpy(factors).float().to(device), offsets.float().to(device)


def enlarged(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Scale maps (N, h, w) to (N, height, width) for `size` = (width, height) by nearest neighbour, as OpenCV does."""
    columns, rows = (_nearest(side, wanted, maps.device) for side, wanted in zip(maps.shape[:0:-1], size, strict=True))
    return maps.index_select(1, rows).index_select(2, columns)


@cache
def _nearest(side: int, wanted: int, device: torch.device) -> Tensor:
    """Return the nearest of `side` samples to each of `wanted`, (wanted,) int64."""
    samples = np.arange(side, dtype=np.float32)[None]
    chosen = np.asarray(cv2.resize(samples, (wanted, 1), interpolation=cv2.INTER_NEAREST_EXACT))[0]
    with torch.inference_mode(False):
        return torch.from_numpy(chosen.astype(np.int64)).to(device)
