"""Polygons around the regions of a label map, for programs that take no masks.

Holes become part of the outline, to which a line leads there and back: programs that fill by the even-odd rule, as all
that are named in the tests do, leave them out.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.labels.space import LabelMap, LabelSpace

SCALE = 2
"""Outlines are traced on an enlarged map, through points 1/4 of a pixel inside the borders of pixels. Both readers that
take the pixels whose centre is inside and those that cut coordinates to whole numbers get the region back exactly."""


@dataclass(frozen=True)
class Region:
    """Connected pixels of one class; those that touch at a corner are connected."""

    train_id: int
    outline: NDArray[np.float64]
    """(N, 2) x and y in pixels, from the upper left corner of the image; N is at least 4."""
    area: int
    """Number of pixels."""
    box: tuple[int, int, int, int]
    """Left, top, width and height in pixels."""


def regions(label: LabelMap, space: LabelSpace) -> Iterator[Region]:
    """Yield the regions of a label map, by train id; pixels without a label belong to none."""
    for train_id in np.unique(label[label < len(space)]).tolist():
        mask = (label == train_id).astype(np.uint8)
        _, numbers, found, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
        large = mask.repeat(SCALE, 0).repeat(SCALE, 1)
        loops, parents = _loops(large)
        holes: dict[int, list[int]] = {index: [] for index, parent in enumerate(parents) if parent < 0}
        for index, parent in enumerate(parents):
            if parent >= 0:
                holes[parent].append(index)
        for outer, inside in holes.items():
            outline = _with_holes(loops[outer], [loops[index] for index in inside], large)
            x, y = loops[outer][0] // SCALE
            left, top, width, height, area = found[numbers[y, x]].tolist()
            corners = (outline[_corners(outline)] + 0.5) / SCALE
            yield Region(train_id, corners, area, (left, top, width, height))


def _loops(mask: NDArray[np.uint8]) -> tuple[list[NDArray[np.int64]], list[int]]:
    """Return the borders (N, 2) of regions and holes, all through pixels of regions, and the region around each hole.

    The second list has -1 for borders of regions.
    """
    found, hierarchy = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    loops = [loop.reshape(-1, 2).astype(np.int64) for loop in found]
    return loops, hierarchy.reshape(-1, 4)[:, 3].tolist()


def _with_holes(outer: NDArray[np.int64], holes: list[NDArray[np.int64]], mask: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return one outline of a region: from the leftmost pixel of a hole, a line leads left to the next border."""
    if not holes:
        return outer
    loops = [outer, *(np.roll(hole, -int(hole[:, 0].argmin()), axis=0) for hole in holes)]
    begins = [-1, *(int(hole[0, 0]) for hole in loops[1:])]
    places: dict[tuple[int, int], tuple[int, int]] = {}  # the leftmost loop at a pixel, so all lines lead to the outer
    for number in sorted(range(len(loops)), key=begins.__getitem__, reverse=True):
        places |= {(x, y): (number, index) for index, (x, y) in enumerate(loops[number].tolist())}
    lines: dict[int, dict[int, list[int]]] = {number: {} for number in range(len(loops))}
    for number, (hole, begin) in enumerate(zip(loops[1:], begins[1:], strict=True), start=1):
        row = mask[hole[0, 1], :begin]
        gaps = np.flatnonzero(row == 0)
        loop, index = places[int(gaps[-1]) + 1 if gaps.size else 0, int(hole[0, 1])]
        lines[loop].setdefault(index, []).append(number)
    whole = dict(enumerate(loops))
    for number in sorted(range(len(loops)), key=begins.__getitem__, reverse=True):  # those inside before those around
        parts, done = [], 0
        for index in sorted(lines[number]):
            for other in lines[number][index]:
                parts += [loops[number][done : index + 1], whole[other], whole[other][:1]]
                done = index
        whole[number] = np.concatenate([*parts, loops[number][done:]])
    return whole[0]


def _corners(outline: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which points (N,) are not between others on a straight line."""
    before, after = outline - np.roll(outline, 1, axis=0), np.roll(outline, -1, axis=0) - outline
    across = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    corners: NDArray[np.bool_] = (across != 0) | ((before * after).sum(axis=1) <= 0)
    return corners
