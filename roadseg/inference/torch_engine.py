"""The segmenter on PyTorch: CUDA, MPS or CPU by one path."""

import copy
import hashlib
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from roadseg.inference.batch_norm import PICTURES, BatchNormAdaptation, Moments, adapted_to, source_moments
from roadseg.inference.pictures import source_pictures
from roadseg.inference.segmenter import Segmenter
from roadseg.inference.views import ONE_VIEW, Views, predict_views
from roadseg.models.network import SegmentationNetwork
from roadseg.models.weights import ModelCard, load_model
from roadseg.runtime import DeviceName, Precision, Runtime, start

LABEL_STRIDE = 2
"""Labels are decided at half the input size: finer costs four times as much, coarser shows as blocks."""


class TorchSegmenter:
    """A trained network as a `Segmenter`."""

    def __init__(self, network: SegmentationNetwork, card: ModelCard, runtime: Runtime, name: str) -> None:
        self.name = name
        self.label_space = card.label_space
        self.input_size = card.input_size
        self._source = card.source
        self._runtime = runtime
        self._network = runtime.place(network).eval()
        self._source_moments: dict[str, list[Moments]] = {}
        """By scenes; measured once for all videos."""

    def segment(self, images: NDArray[np.uint8], views: Views = ONE_VIEW) -> NDArray[np.uint8]:
        """Label RGB images (N, H, W, 3) uint8: train ids uint8 at half their size."""
        height, width = images.shape[1:3]
        size = (-(-width // LABEL_STRIDE), -(-height // LABEL_STRIDE))
        return predict_views(self._network, images, size, self._runtime, views)

    def adapted_to(self, images: NDArray[np.uint8], adaptation: BatchNormAdaptation) -> Self:
        """A segmenter whose batch norm is adapted to `images`, as `Segmenter.adapted_to` says."""
        scenes = adaptation.scenes
        if scenes not in self._source_moments:
            pictures = source_pictures(self._source, self.input_size, PICTURES, scenes)
            self._source_moments[scenes] = source_moments(self._network, pictures, self._runtime)
        adapted = copy.copy(self)
        adapted._network = adapted_to(
            self._network, self._source_moments[scenes], images, self._runtime, adaptation.prior
        )
        return adapted


def load_segmenter(
    run: Path,
    *,
    device: DeviceName = "auto",
    precision: Precision | None = None,
    input_size: tuple[int, int] | None = None,
) -> Segmenter:
    """Load the segmenter of a run folder or of a `model.safetensors`.

    Args:
        run: which weights.
        device: where they run.
        precision: bfloat16 on the CPU and float16 on a GPU unless it is named.
        input_size: (width, height) that pictures are scaled to; by default what the network was trained for.

    Raises:
        WeightsError: there is no readable model.
        InputError: the device is not there.
    """
    runtime = start(device)
    if precision is None:
        precision = "bfloat16" if runtime.device.type == "cpu" else "float16"
    network, card = load_model(run)
    card = card.model_copy(update={"input_size": input_size or card.input_size})
    name = f"{card.model} {card.method} {weights_digest(network)}"
    return TorchSegmenter(network, card, Runtime(runtime.device, precision), name)


def weights_digest(network: SegmentationNetwork) -> str:
    """12 hex digits that tell one set of weights from another, of the same network or not."""
    digest = hashlib.sha256()
    for value in network.state_dict().values():
        digest.update(value.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]
