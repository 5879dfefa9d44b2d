"""Image embeddings: the network's features and its class probabilities, each averaged over a coarse grid.

A grid keeps the layout of the street: one mean over the whole image separates streets far worse, see
docs/experiments.md.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from roadseg.evaluation.trained import TrainedNetwork
from roadseg.inference.engines import sound_torch_engine, weights_digest
from roadseg.inference.torch_engine import TorchEngine
from roadseg.models.domain_statistics import source_statistics
from roadseg.models.fitting import FittingBatches
from roadseg.runtime import Runtime, generator

Domain = Literal["source", "target"]
FEATURE_GRID, LAYOUT_GRID = (3, 4), (6, 8)
"""(rows, columns) of cells."""
MOST_CHANNELS = 128
"""Wider features are projected at random to this many channels: cosines stay within some hundredths, see Johnson and
Lindenstrauss, "Extensions of Lipschitz mappings into a Hilbert space", 1984. For 100,000 images, 2,048 channels would
fill 10 GB."""
GPU_BATCH_SIZE = 16
"""Batch size for an engine that does not name one."""
FORMAT = 1
"""Version of the vectors; raise it whenever the same network and image give other vectors."""


@dataclass(frozen=True)
class Lengths:
    """Lengths of the two vectors of an image."""

    features: int
    layout: int


class Embedder:
    """A trained network that turns images into vectors.

    It runs in torch's usual precision, or in float32 where that is wrong on this machine. Each domain is normalised by
    its own batch-norm statistics, as in training.
    """

    def __init__(self, trained: TrainedNetwork, runtime: Runtime) -> None:
        """Take a trained network to the device of `runtime`.

        Raises:
            EngineError: torch gives wrong results on that device.
        """
        network = trained.network
        self.input_size, self.resampling = trained.card.input_size, trained.settings.resampling
        self.weights = weights_digest(network)
        """12 hex digits that identify the weights."""
        self.label_space = trained.card.label_space
        with source_statistics(network):
            source, notices = sound_torch_engine(network, f"{self.weights} of the source", runtime)
        target, more = sound_torch_engine(network, self.weights, runtime)
        self.notices = tuple(dict.fromkeys(notices + more))
        """Notices about engines that were replaced, each a sentence."""
        self._engines: dict[Domain, TorchEngine] = {"source": source, "target": target}
        self._batches = FittingBatches(runtime)
        self.batch_size = source.batch_size or GPU_BATCH_SIZE
        channels = network.feature_channels
        self._projection = _projection(channels).to(runtime.device) if channels > MOST_CHANNELS else None
        self.lengths = Lengths(
            min(channels, MOST_CHANNELS) * FEATURE_GRID[0] * FEATURE_GRID[1],
            len(self.label_space) * LAYOUT_GRID[0] * LAYOUT_GRID[1],
        )

    def record(self, domain: Domain) -> dict[str, Any]:
        """Return everything that the vectors of a domain depend on, except the images; for JSON."""
        return {
            "format": FORMAT,
            "weights": self.weights,
            "engine": self._engines[domain].name,
            "input_size": list(self.input_size),
            "resampling": self.resampling,
            "batch_norm": domain,
            "label_space": self.label_space.name,
            "feature_grid": list(FEATURE_GRID),
            "layout_grid": list(LAYOUT_GRID),
        }

    def embed(self, images: NDArray[np.uint8], domain: Domain) -> NDArray[np.float32]:
        """Embed a batch: features, then layout, in one vector for each image.

        Features are the mean input of the main classifier over each cell of `FEATURE_GRID`, (channels, rows, columns)
        flattened. Layout is the mean probability of each class, 0..1, over each cell of `LAYOUT_GRID`, (classes, rows,
        columns) flattened.

        Args:
            images: (N, H, W, 3) uint8 RGB, H and W as `input_size` says.
            domain: whose batch-norm statistics to use.

        Returns:
            (N, features + layout) float32, see `lengths`.

        Raises:
            InputError: the device's memory is too small for one image.
        """
        return self._batches.compute(partial(self._vectors, self._engines[domain]), images)

    @torch.inference_mode()
    def _vectors(self, engine: TorchEngine, images: Tensor) -> Tensor:
        prediction = engine.outputs(images)
        features = pooled(prediction.features.float(), FEATURE_GRID)
        if self._projection is not None:
            features = torch.einsum("nfij,fc->ncij", features, self._projection)
        layout = pooled(prediction.logits[0].float().softmax(1), LAYOUT_GRID)
        return torch.cat([features.flatten(1), layout.flatten(1)], 1)


def pooled(maps: Tensor, grid: tuple[int, int]) -> Tensor:
    """Average maps over the cells of a grid: (N, C, H, W) float32 -> (N, C, rows, columns).

    The same as adaptive average pooling, as matrix products: those exist for all sizes on every device.
    """
    down, across = (
        F.adaptive_avg_pool1d(torch.eye(size)[None], cells)[0].to(maps.device)
        for size, cells in zip(maps.shape[2:], grid, strict=True)
    )
    return down.T @ (maps @ across)


def _projection(channels: int) -> Tensor:
    directions = generator(channels).standard_normal((channels, MOST_CHANNELS), np.float32)
    return torch.from_numpy(directions / np.float32(np.sqrt(MOST_CHANNELS)))
