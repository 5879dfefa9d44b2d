"""What never moves in the pictures of a drive: the own car's bonnet, a date stamp, a logo.

Variance alone does not tell: a bonnet mirrors the moving street, the digits of a stamp change, while sky, smooth tarmac
and the dark of night hardly vary. Outlines tell: those of what is fixed to the camera, or laid over its picture, are at
the same place in nearly all pictures, however much they differ otherwise. Two kinds are looked for, each by what else
is known of it:

- a bonnet, or a bar, covers the bottom of the picture: its upper edge runs from column to column, over half the width
  at least, none too steeply, and on either side of it colours differ, which they do not at a scratch in the windscreen;
- a stamp or logo is a small heap of edges in all directions near the top or the bottom. Lane markings, kerbs and the
  horizon, which may keep their places on a motorway, are long lines of one direction.

Where a car stands still all of this holds of everything. Hence pictures that show the same as others do not count, and
if edges remain static elsewhere too, or too much would be masked, nothing is.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Pictures = NDArray[np.uint8]
Region = NDArray[np.bool_]
Map = NDArray[np.float32]

MIN_DISTINCT = 8
"""Pictures that show different things, of which fewer tell nothing."""
SAME = 0.8
"""Correlation of the gradients of two pictures from which on they show the same. Within nine
seconds of a straight motorway it is below 0.7 for most pairs, 0.9 for neighbours; of a car that stands, 0.99 unless its
pictures are very noisy."""
ALWAYS, OFTEN = 0.9, 0.5
"""Share of the pictures in which an edge has to be to be static; and beside static edges, for digits that change."""
MAX_SHARE = 0.4
"""Of the picture; no bonnet is as large as this."""
MAX_OVERLAID = 0.12
"""Of the picture, by all stamps and logos together: two lines of text from side to side take less."""
MAX_STATIC_ELSEWHERE = 0.12
"""Static edges outside the mask, as a share of the edges that a picture has there: at most 0.07 in drives that
were measured, of a car beside a busy street 0.12 to 0.3, unless noise at night makes most edges."""

EDGE = 3.0
"""Grey levels a pixel that make an edge: more than what a sky has, and blocks of a video encoder."""

# A bonnet; lengths are shares of the picture's height.
STEP = 8.0
"""Levels, in some colour, between the means above and below its edge."""
STEP_REACH = 0.022
HIGHEST = 0.62
"""It begins below this share of the height."""
MIN_WIDTH = 0.5
"""Of the picture's."""
MIN_PERSISTENCE = 0.8
"""Mean over its columns of the share of pictures that have the edge there."""
MIN_SUPPORT = 0.8
"""Share of its columns whose persistence is above that of chance, `FAIR`."""
FAIR = 0.6
MAX_SLOPE = 0.35
"""Mean over its columns."""

# Stamps and logos; lengths are shares of the picture's height.
BAND = 0.22
"""They are this near to the top or to the bottom."""
WINDOW = 0.05
"""Within squares of this size their edges have all directions."""
MIN_ROUNDNESS = 0.15
"""Ratio of the eigenvalues of the structure tensor: 0 for parallel lines, 1 for a circle."""
MIN_DENSITY = 0.12
"""Share of static edges in their box."""
MIN_AREA = 0.0005
"""Of the picture."""
GAP = 0.06
"""Across which, along a line of text, parts are one."""
MAX_GROWTH = 6
"""Heights of a line of text by which it may go on at either end in digits that change."""


@dataclass(frozen=True)
class StaticRegions:
    """What was found."""

    mask: Region
    """(H, W) true where the picture never moves; all false where nothing was found."""
    notice: str
    """Why nothing was found, in a sentence; empty where something was."""


def find_static_regions(pictures: Pictures) -> StaticRegions:
    """Find bonnet, bar, stamps and logos in pictures of a drive.

    Args:
        pictures: (N, H, W, 3) uint8 RGB, 1 <= N, from all over the drive; meant for sides of some hundred pixels, as
            finer pictures take longer and have more noise.
    """
    nothing = np.zeros(pictures.shape[1:3], np.bool_)
    chosen = _distinct(pictures)
    if len(chosen) < MIN_DISTINCT:
        return StaticRegions(
            nothing, f"only {len(chosen)} of {len(pictures)} pictures differ enough to tell what never moves"
        )
    pictures = pictures[chosen]
    edges = _Edges.of(pictures)
    steps = _step_persistence(pictures)
    bonnet = _bonnet(steps, without=nothing)
    if not bonnet.any():
        # A stamp across its edge, or near it, may have led astray.
        bonnet = _bonnet(steps, without=_overlaid(edges, nothing))
    overlaid = _overlaid(edges, bonnet)
    mask = bonnet | overlaid
    if not mask.any():
        return StaticRegions(nothing, "nothing found that never moves")
    share = float(mask.mean())
    if share > MAX_SHARE or overlaid.mean() > MAX_OVERLAID:
        return StaticRegions(
            nothing, f"{share:.0%} of the picture seems never to move: more than bonnet, stamps and logos take"
        )
    elsewhere = edges.static_share(~_widened(mask, pictures.shape[1] // 40))
    if elsewhere > MAX_STATIC_ELSEWHERE:
        return StaticRegions(nothing, f"the car hardly moves: {elsewhere:.0%} of all edges stay where they are")
    return StaticRegions(mask, "")


def _distinct(pictures: Pictures) -> list[int]:
    """Which of the pictures (N, H, W, 3) show something, and differ from all chosen before."""
    rows = []
    for picture in pictures:
        # So small that noise averages out.
        gx, gy = _gradient(cv2.resize(picture, (96, 54), interpolation=cv2.INTER_AREA))
        size = np.hypot(gx, gy) + 2
        row = np.concatenate([(gx / size).ravel(), (gy / size).ravel()])
        rows.append(row / (np.linalg.norm(row) or 1))
    similar = np.stack(rows) @ np.stack(rows).T
    chosen: list[int] = []
    for index in range(len(pictures)):
        if similar[index, index] > 0 and (similar[index, chosen] < SAME).all():
            chosen.append(index)
    return chosen


def _gradient(picture: Pictures) -> tuple[Map, Map]:
    """Of the grey levels of an RGB picture (H, W, 3), levels a pixel to the right and down, (H, W) float32 each."""
    grey = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 0.8)
    kernel = np.array([[-0.5, 0.0, 0.5]], np.float32)
    return (
        np.asarray(cv2.filter2D(grey, cv2.CV_32F, kernel), np.float32),
        np.asarray(cv2.filter2D(grey, cv2.CV_32F, kernel.T), np.float32),
    )


@dataclass(frozen=True)
class _Edges:
    """Where edges are in many pictures; (H, W) float32 each."""

    persistence: Map
    """Share of the pictures with an edge here in the usual direction."""
    right: Map
    down: Map
    """The usual direction, of length 1."""
    usual: Map
    """Share of the pictures with an edge here in any direction."""

    @classmethod
    def of(cls, pictures: Pictures) -> "_Edges":
        """Gradients are made twice, which takes less than keeping those of all pictures."""
        right, down = np.zeros((2, *pictures.shape[1:3]), np.float32)
        for gx, gy in map(_gradient, pictures):
            size = np.hypot(gx, gy) + EDGE
            right += gx / size
            down += gy / size
        length = np.hypot(right, down) + 1e-6
        right, down = right / length, down / length
        persistence, usual = np.zeros((2, *pictures.shape[1:3]), np.float32)
        for gx, gy in map(_gradient, pictures):
            persistence += gx * right + gy * down >= EDGE
            usual += np.hypot(gx, gy) >= EDGE
        return cls(persistence / len(pictures), right, down, usual / len(pictures))

    def static_share(self, where: Region) -> float:
        """Static edges there, as a share of the edges that a picture has there on average."""
        return float((self.persistence[where] >= ALWAYS).sum() / max(1.0, float(self.usual[where].sum())))


def _step_persistence(pictures: Pictures) -> Map:
    """(H, W) share of pictures in which colours above and below differ, and most so here."""
    height = pictures.shape[1]
    reach = max(3, round(STEP_REACH * height))
    side = np.ones(reach, np.float32) / reach
    kernel = np.concatenate([-side, [0], side]).astype(np.float32)[:, None]
    neighbourhood = np.ones((2 * max(2, reach // 2) + 1, 1), np.uint8)
    found = np.zeros(pictures.shape[1:3], np.float32)
    for picture in pictures:
        smooth = cv2.blur(picture.astype(np.float32), (3, 1))
        step = np.abs(cv2.filter2D(smooth, cv2.CV_32F, kernel, borderType=cv2.BORDER_REPLICATE)).max(axis=2)
        peak = (step >= STEP) & (step >= cv2.dilate(step, neighbourhood))
        found += cv2.dilate(peak.astype(np.uint8), np.ones((3, 1), np.uint8))
    return found / np.float32(len(pictures))


def _bonnet(steps: Map, without: Region) -> Region:
    """What is below the most persistent edge across the bottom of the picture, if it is one; (H, W).

    Args:
        steps: (H, W) of `_step_persistence`.
        without: (H, W) where edges are those of something else.
    """
    height, width = steps.shape
    top = round(HIGHEST * height)
    persistence = np.asarray(np.where(without, FAIR, steps)[top:], np.float32)
    path = _best_path(persistence - np.float32(FAIR))
    under = path < len(persistence) - 2
    if under.mean() < MIN_WIDTH:
        return np.zeros_like(without)
    counted = under & ~without[top + path, np.arange(width)]
    along = persistence[path, np.arange(width)][counted]
    slope = np.abs(np.diff(path))[under[1:]].mean()
    if not along.size or along.mean() < MIN_PERSISTENCE or (along > FAIR).mean() < MIN_SUPPORT or slope > MAX_SLOPE:
        return np.zeros_like(without)
    return np.asarray((np.arange(height)[:, None] >= top + path) & under, np.bool_)


def _best_path(gain: Map) -> NDArray[np.int64]:
    """(W,) the row in each column along which `gain` (H, W) adds up to most, a row up or down a column at most.

    The two last rows gain nothing: a path there says that nothing is in the way of the view.
    """
    gain = gain.copy()
    gain[-2:] = 0
    rows, width = gain.shape
    totals = gain[:, 0]
    came_from = np.zeros((width, rows), np.int64)
    for column in range(1, width):
        padded = np.pad(totals, 1, constant_values=-np.inf)
        # Going on level comes first, and wins where nothing speaks for a slope.
        options = np.stack([padded[1:-1], padded[:-2] - 0.05, padded[2:] - 0.05])
        came_from[column] = np.arange(rows) + np.array([0, -1, 1])[options.argmax(axis=0)]
        totals = options.max(axis=0) + gain[:, column]
    path = np.empty(width, np.int64)
    path[-1] = totals.argmax()
    for column in range(width - 1, 0, -1):
        path[column - 1] = came_from[column, path[column]]
    return path


def _overlaid(edges: _Edges, bonnet: Region) -> Region:
    """Boxes (H, W) of stamps and logos outside the bonnet."""
    height, width = bonnet.shape
    band = np.zeros_like(bonnet)
    depth = round(BAND * height)
    band[:depth] = band[-depth:] = True
    allowed = band & ~_widened(bonnet, max(2, height // 80))
    static = (edges.persistence >= ALWAYS) & allowed
    heaps = static & (_roundness(edges, static) >= MIN_ROUNDNESS)
    found = np.zeros_like(bonnet)
    for heap in _boxes(heaps):
        rows, columns = _with_outline(static, *heap)
        inside = static[rows, columns]
        if inside.size < MIN_AREA * height * width or inside.mean() < MIN_DENSITY:
            continue
        columns = _grown(columns, (edges.persistence >= OFTEN)[rows], rows.stop - rows.start)
        margin = max(1, height // 180)
        found[
            max(0, rows.start - margin) : rows.stop + margin, max(0, columns.start - margin) : columns.stop + margin
        ] = True
    return found & ~bonnet


def _roundness(edges: _Edges, where: Region) -> Map:
    """(H, W) how evenly edges of `where` around each pixel have all directions, 0..1."""
    side = max(5, round(WINDOW * where.shape[0])) | 1
    xx, yy, xy = (
        cv2.blur(np.where(where, product, 0), (side, side))
        for product in (edges.right**2, edges.down**2, edges.right * edges.down)
    )
    half, spread = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    return np.asarray((half - spread) / (half + spread + 1e-6), np.float32)


def _boxes(heaps: Region) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of what is connected across gaps, wider ones along lines than between them."""
    height = heaps.shape[0]
    across, between = max(3, round(GAP * height)) | 1, max(3, round(GAP * height / 3)) | 1
    padded = np.pad(heaps.astype(np.uint8), across)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, np.ones((between, across), np.uint8))
    _, _, boxes, _ = cv2.connectedComponentsWithStats(closed[across:-across, across:-across])
    for left, top, wide, high, _ in boxes[1:].tolist():
        yield slice(top, top + high), slice(left, left + wide)


def _with_outline(static: Region, rows: slice, columns: slice) -> tuple[slice, slice]:
    """The box, grown to the static edges within half a window of it: the straight end of a stroke is not round."""
    reach = max(5, round(WINDOW * static.shape[0])) // 2
    top, left = max(0, rows.start - reach), max(0, columns.start - reach)
    near_rows, near_columns = np.nonzero(static[top : rows.stop + reach, left : columns.stop + reach])
    return (
        slice(top + int(near_rows.min()), top + int(near_rows.max()) + 1),
        slice(left + int(near_columns.min()), left + int(near_columns.max()) + 1),
    )


def _grown(columns: slice, often: Region, height: int) -> slice:
    """The columns of a line of text and of the digits that go on to its left and right, in its rows (h, W)."""
    start, stop = columns.start, columns.stop
    if stop - start < 2 * height:
        return columns
    inked = often.mean(axis=0) >= 0.15
    for position in range(stop, min(len(inked), stop + MAX_GROWTH * height)):
        if inked[position] and position - stop <= height:
            stop = position + 1
    for position in range(start - 1, max(-1, start - 1 - MAX_GROWTH * height), -1):
        if inked[position] and start - position <= height:
            start = position
    return slice(start, stop)


def _widened(region: Region, by: int) -> Region:
    return np.asarray(cv2.dilate(region.astype(np.uint8), np.ones((2 * by + 1, 2 * by + 1), np.uint8)), np.bool_)
