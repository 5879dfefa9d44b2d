"""Image embeddings: the network's features and its class probabilities, each averaged over a coarse grid.

A grid keeps the layout of the street: one mean over the whole image separates streets far worse, see
docs/experiments.md.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from roadseg.datasets.transforms import Resampling
from roadseg.evaluation.trained import TrainedNetwork, load_run
from roadseg.inference.engines import sound_torch_engine, weights_digest
from roadseg.inference.imported.card import imported_folder, read_card
from roadseg.inference.imported.load import load_imported
from roadseg.inference.torch_engine import TorchEngine
from roadseg.labels.space import LabelSpace
from roadseg.models.domain_statistics import source_statistics
from roadseg.models.fitting import FittingBatches
from roadseg.runtime import DeviceName, Runtime, generator

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


class Embedder(Protocol):
    """A network that turns images into vectors."""

    input_size: tuple[int, int]
    """(width, height) of images."""
    resampling: Resampling
    """Filter that resizes images to the input size."""
    weights: str
    """Hexadecimal digits that identify the weights."""
    label_space: LabelSpace
    notices: tuple[str, ...]
    """Notices about engines that were replaced, each a sentence."""
    batch_size: int
    """Recommended number of images in a batch."""
    lengths: Lengths

    def record(self, domain: Domain) -> dict[str, Any]:
        """Return everything that the vectors of a domain depend on, except the images; for JSON."""
        ...

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
        ...


def open_embedder(run: Path, runtime: Runtime) -> Embedder:
    """Return the embedder of a run, on the device of `runtime`.

    Raises:
        WeightsError: there is no readable model.
        EngineError: it gives wrong results on that device.
    """
    folder = imported_folder(run)
    return NetworkEmbedder(load_run(run), runtime) if folder is None else ImportedEmbedder(folder, runtime)


class NetworkEmbedder:
    """A network of roadseg that turns images into vectors.

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
        self.label_space = trained.card.label_space
        with source_statistics(network):
            source, notices = sound_torch_engine(network, f"{self.weights} of the source", runtime)
        target, more = sound_torch_engine(network, self.weights, runtime)
        self.notices = tuple(dict.fromkeys(notices + more))
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
        """See `Embedder.record`."""
        return {**_record(self, self._engines[domain].name), "batch_norm": domain, "feature_grid": list(FEATURE_GRID)}

    def embed(self, images: NDArray[np.uint8], domain: Domain) -> NDArray[np.float32]:
        """See `Embedder.embed`."""
        return self._batches.compute(partial(self._vectors, self._engines[domain]), images)

    @torch.inference_mode()
    def _vectors(self, engine: TorchEngine, images: Tensor) -> Tensor:
        prediction = engine.outputs(images)
        features = pooled(prediction.features.float(), FEATURE_GRID)
        if self._projection is not None:
            features = torch.einsum("nfij,fc->ncij", features, self._projection)
        layout = pooled(prediction.logits[0].float().softmax(1), LAYOUT_GRID)
        return torch.cat([features.flatten(1), layout.flatten(1)], 1)


class ImportedEmbedder:
    """An imported network, which has class probabilities and no features."""

    resampling: Resampling = "area"

    def __init__(self, folder: Path, runtime: Runtime) -> None:
        """Load an imported network.

        Raises:
            WeightsError: it is damaged.
            InputError: it gives labels alone, or does not run on the device of `runtime`.
        """
        device: DeviceName = "cuda" if runtime.device.type == "cuda" else "cpu"
        self._segmenter = load_imported(folder, device=device)
        self.input_size, self.label_space = self._segmenter.input_size, self._segmenter.label_space
        self.weights, self.notices = read_card(folder).sha256[:12], self._segmenter.notices
        self.batch_size = self._segmenter.batch_size
        self.lengths = Lengths(0, len(self.label_space) * LAYOUT_GRID[0] * LAYOUT_GRID[1])

    def record(self, domain: Domain) -> dict[str, Any]:
        """See `Embedder.record`."""
        return _record(self, self._segmenter.engine)

    def embed(self, images: NDArray[np.uint8], domain: Domain) -> NDArray[np.float32]:
        """See `Embedder.embed`; the same for both domains."""
        probabilities = torch.from_numpy(self._segmenter.scores(images)).exp()
        return pooled(probabilities, LAYOUT_GRID).flatten(1).numpy()


def _record(embedder: Embedder, engine: str) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "weights": embedder.weights,
        "engine": engine,
        "input_size": list(embedder.input_size),
        "resampling": embedder.resampling,
        "label_space": embedder.label_space.name,
        "layout_grid": list(LAYOUT_GRID),
    }


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
