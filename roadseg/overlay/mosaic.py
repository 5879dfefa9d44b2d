"""Mosaics over regions of a frame: people and vehicles that a video is not to show."""

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.overlay.layout import scaled_plane
from roadseg.video.colour import Plane
from roadseg.video.frame import Frame

BLOCKS = 30
"""Blocks from the top of a picture to its bottom: a person as high as a third of the picture is ten blocks high."""
LEAST_PART = 0.001
"""Part of a block from which on it is hidden."""


def pixelated(frame: Frame, hidden: NDArray[np.uint8]) -> Frame:
    """Return a frame whose blocks are of one colour where `hidden` touches them, and in the blocks around.

    Args:
        frame: left as it is.
        hidden: (h, w) 1 where something is to be hidden, 0 elsewhere, of the whole frame at any size.
    """
    if not hidden.any():
        return frame
    grid = block_grid(frame.width, frame.height)
    blocks = (scaled_plane(hidden.astype(np.float32), grid) > LEAST_PART).astype(np.uint8)
    blocks = np.asarray(cv2.dilate(blocks, np.ones((3, 3), np.uint8)), np.uint8)
    y, u, v = (_hidden(plane, blocks) for plane in (frame.y, frame.u, frame.v))
    return replace(frame, y=y, u=u, v=v)


def block_grid(width: int, height: int) -> tuple[int, int]:
    """Return the number of blocks in a row and in a column of a picture of this size."""
    return max(1, round(BLOCKS * width / height)), BLOCKS


def _hidden(plane: Plane, blocks: NDArray[np.uint8]) -> Plane:
    """Return a copy of a plane that has the mean of each block where `blocks` is not 0."""
    size, grid = plane.shape[::-1], blocks.shape[::-1]
    coarse, where = (
        cv2.resize(each, size, interpolation=cv2.INTER_NEAREST_EXACT) for each in (scaled_plane(plane, grid), blocks)
    )
    return np.asarray(cv2.copyTo(coarse, where, plane.copy()), np.uint8)
