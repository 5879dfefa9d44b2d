"""Segmenter of a network of roadseg, whose batch norm can be adapted to images."""

import copy
from typing import Self

import numpy as np
from numpy.typing import NDArray

from roadseg.adaptation.batch_norm import IMAGES, BatchNormAdaptation, Moments, adapted_to, source_moments
from roadseg.adaptation.defaults import AUTO
from roadseg.adaptation.shifts import Descriptions, describe
from roadseg.datasets.streets import STREETS
from roadseg.datasets.transforms import STRIDE
from roadseg.inference.engine_segmenter import EngineSegmenter
from roadseg.inference.scene_choice import KINDS, adapted_if_steadier
from roadseg.models.engine import NetworkEngine
from roadseg.models.network import SegmentationNetwork
from roadseg.models.weights import ModelCard


class NetworkSegmenter(EngineSegmenter):
    """Trained network as a `Segmenter`."""

    def __init__(
        self,
        network: SegmentationNetwork,
        card: ModelCard,
        engine: NetworkEngine,
        name: str,
        *,
        exact: bool = False,
        input_size: tuple[int, int] | None = None,
    ) -> None:
        """Run a network.

        Args:
            network: the network that `engine` runs.
            card: what the network was trained for.
            engine: made for `network`.
            name: distinguishes the weights from others.
            exact: as for `EngineSegmenter`.
            input_size: (width, height) of all images; None for the largest size within that of the card which has their
                shape.
        """
        super().__init__(
            engine,
            name,
            card.label_space,
            input_size or card.input_size,
            size_step=None if input_size else STRIDE,
            exact=exact,
            align_corners=network.align_corners,
        )
        self._source = card.source
        if card.source == STREETS.name:
            self.streets = KINDS
        self._network_engine = engine
        self._network = self._runtime.place(network).eval()
        self._source_moments: dict[tuple[str, tuple[int, int]], list[Moments]] = {}
        """Statistics by scenes and input size; measured once for all videos."""

    def adapted_to(self, images: NDArray[np.uint8], adaptation: BatchNormAdaptation) -> Self:
        """Return a segmenter whose batch norm is adapted to `images`; see `Segmenter.adapted_to`."""
        scenes = adaptation.scenes
        if scenes == AUTO:
            return self._adapted_to_best(images, adaptation.prior)
        key = scenes, self.input_size
        if key not in self._source_moments:
            # The renderer and all data sets take a tenth of a second to import, which others need not wait for.
            from roadseg.datasets.source_images import source_images

            source = source_images(self._source, self.input_size, IMAGES, scenes)
            self._source_moments[key] = source_moments(self._network, source, self._runtime)
        adapted = copy.copy(self)
        adapted._network = adapted_to(self._network, self._source_moments[key], images, self._runtime, adaptation.prior)
        adapted._engine = adapted._network_engine = self._network_engine.running(adapted._network)
        return adapted

    def describe(self, images: NDArray[np.uint8]) -> Descriptions:
        """Describe images by statistics of the first batch norm; see `Segmenter.describe`."""
        return describe(self._network, images, self._runtime)

    def _adapted_to_best(self, images: NDArray[np.uint8], prior: int) -> Self:
        """Adapt from the streets that give the steadiest labels, or not at all; a notice says which."""
        chosen, choice = adapted_if_steadier(self, images, prior, self.streets)
        said = copy.copy(chosen)
        said.notices = (*self.notices, str(choice))
        return said
