"""Find image regions that never move in a drive: the bonnet of the own car, a date stamp, a logo.

Variance alone does not reveal them: a bonnet mirrors the moving street and the digits of a stamp change, while sky,
smooth tarmac and the dark of night hardly vary. Outlines do: an outline fixed to the camera, or laid over its frames,
stays in the same place in nearly all frames, however much they differ otherwise. Two kinds are searched for, each by
its own criterion:

- A bonnet, or a bar, covers the bottom of the frame. Its upper edge runs from column to column, over at least half the
  width and never too steeply. Colours differ on either side of it, unlike at a scratch in the windscreen.
- A stamp or logo is a small cluster of edges in all directions near the top or the bottom. Lane markings, kerbs and the
  horizon, which may keep their places on a motorway, are long lines of one direction.

While a car stands still, everything satisfies these criteria. Therefore frames that repeat an earlier view do not
count, and nothing is masked if many edges elsewhere are static too, or if the mask would be too large.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.uint8]
Region = NDArray[np.bool_]
Map = NDArray[np.float32]

MIN_DISTINCT = 8
"""Smallest number of different views that allows a decision."""
SAME = 0.8
"""Correlation of the gradients of two frames from which on they count as the same view. Within nine seconds of a
straight motorway most pairs are below 0.7 and neighbours at 0.9; frames of a standing car are at 0.99 unless very
noisy."""
ALWAYS, OFTEN = 0.9, 0.5
"""Shares of the frames that must have an edge: to be static; and beside static edges, to be a changing digit."""
MAX_SHARE = 0.4
"""Largest share of the frame to mask; no bonnet is as large."""
MAX_OVERLAID = 0.12
"""Largest share of the frame for all stamps and logos together: two lines of text from side to side take less."""
MAX_STATIC_ELSEWHERE = 0.12
"""Largest number of static edges outside the mask, as a share of the edges that a frame has there. Measured: at most
0.07 in drives; 0.12 to 0.3 for a car standing beside a busy street, unless noise at night makes most edges."""

EDGE = 3.0
"""Grey levels per pixel that count as an edge: more than in a sky or at the blocks of a video encoder."""

# Bonnets; lengths are shares of the frame height.
STEP = 8.0
"""Smallest difference, in some colour channel, between the means above and below the edge, in levels."""
STEP_REACH = 0.022
HIGHEST = 0.62
"""Highest place where a bonnet may begin, from the top."""
MIN_WIDTH = 0.5
"""Smallest width, as a share of the frame width."""
MIN_PERSISTENCE = 0.8
"""Smallest mean, over the columns, of the share of frames that have the edge there."""
MIN_SUPPORT = 0.8
"""Smallest share of the columns whose persistence is above chance, `FAIR`."""
FAIR = 0.6
MAX_SLOPE = 0.35
"""Largest mean slope over the columns."""

# Stamps and logos; lengths are shares of the frame height.
BAND = 0.22
"""Largest distance from the top or the bottom."""
WINDOW = 0.05
"""Side of the square within which their edges have all directions."""
MIN_ROUNDNESS = 0.15
"""Smallest ratio of the eigenvalues of the structure tensor: 0 for parallel lines, 1 for a circle."""
MIN_DENSITY = 0.12
"""Smallest share of static edges in their box."""
MIN_AREA = 0.0005
"""Smallest area, as a share of the frame."""
GAP = 0.06
"""Largest gap along a line of text."""
MAX_GROWTH = 6
"""Length, in heights of a line of text, by which changing digits may extend it at either end."""


@dataclass(frozen=True)
class StaticRegions:
    """Result of the search."""

    mask: Region
    """(H, W), True where the frame never moves; all False where nothing was found."""
    notice: str
    """Reason why nothing was found, in a sentence; empty where something was found."""


def find_static_regions(frames: Frames) -> StaticRegions:
    """Find bonnet, bar, stamps and logos in frames of a drive.

    Args:
        frames: (N, H, W, 3) uint8 RGB, 1 <= N, spread over the whole drive; sides of a few hundred pixels are best,
            as larger frames take longer and have more noise.

    Returns:
        The mask, or the reason why there is none.
    """
    nothing = np.zeros(frames.shape[1:3], np.bool_)
    chosen = _distinct(frames)
    if len(chosen) < MIN_DISTINCT:
        return StaticRegions(
            nothing, f"only {len(chosen)} of {len(frames)} frames differ enough to find static regions"
        )
    frames = frames[chosen]
    edges = _Edges.of(frames)
    steps = _step_persistence(frames)
    bonnet = _bonnet(steps, without=nothing)
    if not bonnet.any():
        # A stamp on or near its edge may have misled the search.
        bonnet = _bonnet(steps, without=_overlaid(edges, nothing))
    overlaid = _overlaid(edges, bonnet)
    mask = bonnet | overlaid
    if not mask.any():
        return StaticRegions(nothing, "no static region found")
    share = float(mask.mean())
    if share > MAX_SHARE or overlaid.mean() > MAX_OVERLAID:
        return StaticRegions(nothing, f"{share:.0%} of the frame seems static: more than bonnet, stamps and logos take")
    elsewhere = edges.static_share(~_widened(mask, frames.shape[1] // 40))
    if elsewhere > MAX_STATIC_ELSEWHERE:
        return StaticRegions(nothing, f"the car hardly moves: {elsewhere:.0%} of all edges are static")
    return StaticRegions(mask, "")


def _distinct(frames: Frames) -> list[int]:
    """Return the indices of frames (N, H, W, 3) that show something and differ from all chosen before."""
    rows = []
    for frame in frames:
        # Small enough to average out noise.
        gx, gy = _gradient(cv2.resize(frame, (96, 54), interpolation=cv2.INTER_AREA))
        size = np.hypot(gx, gy) + 2
        row = np.concatenate([(gx / size).ravel(), (gy / size).ravel()])
        rows.append(row / (np.linalg.norm(row) or 1))
    similar = np.stack(rows) @ np.stack(rows).T
    chosen: list[int] = []
    for index in range(len(frames)):
        if similar[index, index] > 0 and (similar[index, chosen] < SAME).all():
            chosen.append(index)
    return chosen


def _gradient(frame: Frames) -> tuple[Map, Map]:
    """Return the gradient of the grey levels of an RGB frame (H, W, 3): levels per pixel to the right and down, both
    (H, W)."""
    grey = cv2.GaussianBlur(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32), (0, 0), 0.8)
    kernel = np.array([[-0.5, 0.0, 0.5]], np.float32)
    return (
        np.asarray(cv2.filter2D(grey, cv2.CV_32F, kernel), np.float32),
        np.asarray(cv2.filter2D(grey, cv2.CV_32F, kernel.T), np.float32),
    )


@dataclass(frozen=True)
class _Edges:
    """Places of edges in many frames; all maps are (H, W) float32."""

    persistence: Map
    """Share of the frames with an edge here in its usual direction."""
    right: Map
    down: Map
    """Usual direction as a unit vector (right, down)."""
    usual: Map
    """Share of the frames with an edge here in any direction."""

    @classmethod
    def of(cls, frames: Frames) -> "_Edges":
        """Measure the edges of frames (N, H, W, 3). Gradients are computed twice, which costs less than storing all."""
        right, down = np.zeros((2, *frames.shape[1:3]), np.float32)
        for gx, gy in map(_gradient, frames):
            size = np.hypot(gx, gy) + EDGE
            right += gx / size
            down += gy / size
        length = np.hypot(right, down) + 1e-6
        right, down = right / length, down / length
        persistence, usual = np.zeros((2, *frames.shape[1:3]), np.float32)
        for gx, gy in map(_gradient, frames):
            persistence += gx * right + gy * down >= EDGE
            usual += np.hypot(gx, gy) >= EDGE
        return cls(persistence / len(frames), right, down, usual / len(frames))

    def static_share(self, where: Region) -> float:
        """Return the number of static edges in a region (H, W), as a share of the edges that a frame has there on
        average."""
        return float((self.persistence[where] >= ALWAYS).sum() / max(1.0, float(self.usual[where].sum())))


def _step_persistence(frames: Frames) -> Map:
    """Return (H, W) the share of frames whose colours differ above and below each place, and most so there."""
    height = frames.shape[1]
    reach = max(3, round(STEP_REACH * height))
    side = np.ones(reach, np.float32) / reach
    kernel = np.concatenate([-side, [0], side]).astype(np.float32)[:, None]
    neighbourhood = np.ones((2 * max(2, reach // 2) + 1, 1), np.uint8)
    found = np.zeros(frames.shape[1:3], np.float32)
    for frame in frames:
        smooth = cv2.blur(frame.astype(np.float32), (3, 1))
        step = np.abs(cv2.filter2D(smooth, cv2.CV_32F, kernel, borderType=cv2.BORDER_REPLICATE)).max(axis=2)
        peak = (step >= STEP) & (step >= cv2.dilate(step, neighbourhood))
        found += cv2.dilate(peak.astype(np.uint8), np.ones((3, 1), np.uint8))
    return found / np.float32(len(frames))


def _bonnet(steps: Map, without: Region) -> Region:
    """Return the region (H, W) below the most persistent edge across the bottom of the frame, if there is one.

    Args:
        steps: (H, W) from `_step_persistence`.
        without: (H, W), True where edges belong to something else.
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
    """Return (W,) the row in each column of the path with the largest sum of `gain` (H, W), a row up or down a column.

    The last two rows gain nothing: a path there means that nothing blocks the view.
    """
    gain = gain.copy()
    gain[-2:] = 0
    rows, width = gain.shape
    totals = gain[:, 0]
    came_from = np.zeros((width, rows), np.int64)
    for column in range(1, width):
        padded = np.pad(totals, 1, constant_values=-np.inf)
        # Level comes first, and wins where nothing favours a slope.
        options = np.stack([padded[1:-1], padded[:-2] - 0.05, padded[2:] - 0.05])
        came_from[column] = np.arange(rows) + np.array([0, -1, 1])[options.argmax(axis=0)]
        totals = options.max(axis=0) + gain[:, column]
    path = np.empty(width, np.int64)
    path[-1] = totals.argmax()
    for column in range(width - 1, 0, -1):
        path[column - 1] = came_from[column, path[column]]
    return path


def _overlaid(edges: _Edges, bonnet: Region) -> Region:
    """Return (H, W) the boxes of stamps and logos outside the bonnet."""
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
    """Return (H, W) how evenly the directions of the edges of `where` around each pixel are spread, 0 to 1."""
    side = max(5, round(WINDOW * where.shape[0])) | 1
    xx, yy, xy = (
        cv2.blur(np.where(where, product, 0), (side, side))
        for product in (edges.right**2, edges.down**2, edges.right * edges.down)
    )
    half, spread = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    return np.asarray((half - spread) / (half + spread + 1e-6), np.float32)


def _boxes(heaps: Region) -> Iterator[tuple[slice, slice]]:
    """Yield rows and columns of clusters that are connected across gaps, wider gaps along lines than between them."""
    height = heaps.shape[0]
    across, between = max(3, round(GAP * height)) | 1, max(3, round(GAP * height / 3)) | 1
    padded = np.pad(heaps.astype(np.uint8), across)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, np.ones((between, across), np.uint8))
    _, _, boxes, _ = cv2.connectedComponentsWithStats(closed[across:-across, across:-across])
    for left, top, wide, high, _ in boxes[1:].tolist():
        yield slice(top, top + high), slice(left, left + wide)


def _with_outline(static: Region, rows: slice, columns: slice) -> tuple[slice, slice]:
    """Return the box, grown to the static edges within half a window: the straight end of a stroke is not round."""
    reach = max(5, round(WINDOW * static.shape[0])) // 2
    top, left = max(0, rows.start - reach), max(0, columns.start - reach)
    near_rows, near_columns = np.nonzero(static[top : rows.stop + reach, left : columns.stop + reach])
    return (
        slice(top + int(near_rows.min()), top + int(near_rows.max()) + 1),
        slice(left + int(near_columns.min()), left + int(near_columns.max()) + 1),
    )


def _grown(columns: slice, often: Region, height: int) -> slice:
    """Return the columns of a line of text and of the digits that continue it to the left and right, in its rows (h,
    W)."""
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
