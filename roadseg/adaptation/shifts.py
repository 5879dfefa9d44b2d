"""Changes of light along a video, found in the statistics of a network's first batch norm.

A frame is described by the mean and the deviation of each channel in front of that layer: brightness, contrast and
colours, at little cost. The distance of two frames is the root mean square, over channels, of the 2-Wasserstein
distance of their normal distributions, in units of the deviation that the layer normalises with. It jumps at a tunnel
and moves at dusk, while the streets that pass by only scatter it.

Scenes are found in two steps. The video is cut where that lowers the squared distances to the mean of each section by
more than a penalty; the best cuts are found together by dynamic programming (Jackson et al., "An algorithm for optimal
partitioning of data on an interval", IEEE Signal Processing Letters, 2005). Then sections that look alike, as before
and behind a tunnel, are joined to one scene. Both steps ask for the same distance, which follows from the scatter of
the video itself.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from roadseg.adaptation.batch_norm import layers_to_adapt, observed
from roadseg.models.domain_statistics import statistics_of_source
from roadseg.models.network import SegmentationNetwork
from roadseg.models.predict import to_numpy, to_tensor
from roadseg.runtime import Runtime

Descriptions = NDArray[np.float32]

MIN_SECONDS, MIN_FRAMES = 5.0, 3
"""Shortest section of a video, in seconds and in described frames."""
SEPARATION = 3.0
"""Distance of the means of two scenes in units of the scatter of frames."""
LEAST = 0.2
"""Smallest distance of two scenes, however little frames scatter: of rendered streets, on which the default weights
were trained, only a quarter lies nearer to the mean of all. What a network has seen so often is no shift."""
MAX_SCENES = 6
"""Largest number of scenes: each takes time and memory."""


class Section(NamedTuple):
    """Consecutive frames of one scene."""

    first: int
    """Number of its first frame."""
    end: int
    """Number of the first frame behind it."""
    scene: int
    """Number of the scene, from 0 in order of appearance; sections that look alike share it."""


class _Described(Exception):  # noqa: N818 - it is no error
    """Ends a forward pass."""


@torch.inference_mode()
def describe(network: SegmentationNetwork, images: NDArray[np.uint8], runtime: Runtime) -> Descriptions:
    """Describe images by their moments in front of the first batch norm; the layers behind it are not run.

    Args:
        network: on the runtime's device; left as it is.
        images: (N, H, W, 3) uint8 RGB of any size, 1 <= N.
        runtime: device; the computation is in float32 at any precision of the runtime.

    Returns:
        (N, F) float32; the distance of two images is the Euclidean distance of their rows.

    Raises:
        InputError: the network has no batch norm.
    """
    layers = layers_to_adapt(network)[:1]
    variance = statistics_of_source(layers[0])[1] + layers[0].eps
    scale = (variance * len(variance)).rsqrt()
    rows: list[Tensor] = []

    def observe(position: int, x: Tensor) -> None:
        mean = x.mean((2, 3))
        deviation = (x - mean[..., None, None]).square_().mean((2, 3)).sqrt_()
        rows.append(torch.cat([mean * scale, deviation * scale], 1))
        raise _Described

    precise = replace(runtime, precision="float32")
    with precise.autocast(), observed(layers, observe):
        for image in images:
            try:
                network(network.normalisation(to_tensor(image[None], precise.device)))
            except _Described:
                continue
    return to_numpy(torch.cat(rows))


def find_sections(descriptions: Descriptions, seconds: Sequence[float]) -> list[Section]:
    """Divide a video where its light changes.

    Args:
        descriptions: (N, F) from `describe`, of frames in order, 1 <= N.
        seconds: times of the frames, ascending.

    Returns:
        Sections in order, from frame 0 to frame N; a video of one light is one section.
    """
    rows = descriptions.astype(np.float64)
    count = len(rows)
    spacing = float(np.median(np.diff(seconds))) if count > 1 else 0.0
    shortest = max(MIN_FRAMES, int(np.ceil(MIN_SECONDS / spacing)) if spacing > 0 else 0)
    if count < 2 * shortest:
        return [Section(0, count, 0)]
    reach = max(LEAST, SEPARATION * _scatter(rows, shortest // 2))
    cuts = _cuts(rows, shortest, shortest * reach**2 / 2)
    scenes = _scenes(rows, cuts, reach)
    begins = [place for place in range(len(scenes)) if not place or scenes[place] != scenes[place - 1]]
    firsts = [cuts[place] for place in begins]
    return [
        Section(first, end, scenes[place])
        for first, end, place in zip(firsts, [*firsts[1:], count], begins, strict=True)
    ]


def _scatter(rows: NDArray[np.float64], apart: int) -> float:
    """Return the usual distance of a frame to the mean of its scene.

    That is the median distance of frames that are `apart` frames apart over the square root of 2: frames that follow
    each other directly are too much alike, and with half the length of the shortest section, most pairs lie in one.
    """
    return float(np.sqrt(np.median(np.square(rows[apart:] - rows[:-apart]).sum(1)) / 2))


def _cuts(rows: NDArray[np.float64], shortest: int, penalty: float) -> list[int]:
    """Return the first rows of the sections that minimise the sum of squared distances to their means, plus `penalty`
    for each section; none is shorter than `shortest`."""
    rows = rows - rows.mean(0)
    sums = np.concatenate([np.zeros((1, rows.shape[1])), rows.cumsum(0)])
    squares = np.concatenate([[0.0], np.square(rows).sum(1).cumsum()])
    best = np.full(len(rows) + 1, np.inf)
    best[0] = 0.0
    begin = np.zeros(len(rows) + 1, np.int64)
    for end in range(shortest, len(rows) + 1):
        starts = np.arange(end - shortest + 1)
        between = np.square(sums[end] - sums[starts]).sum(1) / (end - starts)
        costs = best[starts] + squares[end] - squares[starts] - between + penalty
        begin[end] = costs.argmin()
        best[end] = costs[begin[end]]
    cuts = [int(begin[-1])]
    while cuts[0]:
        cuts.insert(0, int(begin[cuts[0]]))
    return cuts


def _scenes(rows: NDArray[np.float64], cuts: list[int], reach: float) -> list[int]:
    """Return the scene of each section: the two nearest are joined until all are `reach` apart and few enough.

    A scene is where its longest section is; a mean over all would move into the dusk that is joined to a day.
    """
    sections = np.split(rows, cuts[1:])
    means = np.stack([section.mean(0) for section in sections])
    scenes = [[place] for place in range(len(sections))]
    while len(scenes) > 1:
        middles = means[[max(scene, key=lambda place: len(sections[place])) for scene in scenes]]
        pairs = list(combinations(range(len(scenes)), 2))
        distances = [float(np.linalg.norm(middles[one] - middles[other])) for one, other in pairs]
        nearest = int(np.argmin(distances))
        if distances[nearest] >= reach and len(scenes) <= MAX_SCENES:
            break
        one, other = pairs[nearest]
        scenes[one] += scenes.pop(other)
    return [next(number for number, scene in enumerate(scenes) if place in scene) for place in range(len(sections))]
