"""Sample images with the network's labels at several steps of training, as thumbnails in the run folder."""

import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import nn

from roadseg.datasets.transforms import resized_image
from roadseg.files import writing
from roadseg.labels.space import LabelSpace
from roadseg.models.network import SegmentationNetwork
from roadseg.models.predict import predict
from roadseg.runtime import Runtime

IMAGES = 3
"""Number of sample images."""
TIMES = 10
"""Times that they are labelled in a run, besides once before the first step."""
LEAST_STEPS = 10
"""Smallest number of steps in between."""
WIDTH = 320
"""Width of a thumbnail in pixels."""
OPACITY = 0.6
"""Opacity of the class colours on the image."""
QUALITY = 80
"""Quality of JPEG files."""
_NAME = re.compile(r"(source|target|\d{6,})-(\d+)\.jpg")


def steps_between_samples(steps: int) -> int:
    """Return the steps between samples of a run of so many steps; a resumed run gets the same."""
    return max(LEAST_STEPS, -(-steps // TIMES))


@dataclass(frozen=True)
class KeptSamples:
    """Thumbnails on disk."""

    domain: str
    """Domain of the images: source or target."""
    images: list[Path]
    labelled: dict[int, list[Path]]
    """Labelled images by the step after which they were labelled, in the order of steps and of `images`."""

    @classmethod
    def of(cls, folder: Path) -> "KeptSamples":
        """Find the thumbnails of a folder, which may be missing; incomplete steps are left out."""
        found: dict[str, list[tuple[int, Path]]] = defaultdict(list)
        for path in folder.glob("*.jpg"):
            if named := _NAME.fullmatch(path.name):
                found[named[1]].append((int(named[2]), path))
        kept = {name: [path for _, path in sorted(files)] for name, files in found.items()}
        domain = "target" if "target" in kept else "source"
        images = kept.pop(domain, [])
        whole = {int(step): files for step, files in kept.items() if len(files) == len(images)}
        return cls(domain, images, dict(sorted(whole.items())))


def drop_samples(folder: Path, after: int) -> None:
    """Remove images labelled after the step `after`, since those steps will be made again."""
    for step, files in KeptSamples.of(folder).labelled.items():
        if step > after:
            for path in files:
                path.unlink()


class Samples:
    """Labels sample images with a network in training, which it leaves unchanged."""

    def __init__(
        self,
        network: SegmentationNetwork,
        space: LabelSpace,
        images: NDArray[np.uint8],
        runtime: Runtime,
        folder: Path,
        *,
        domain: Literal["source", "target"],
    ) -> None:
        """Start a folder of samples.

        Args:
            network: on the runtime's device.
            space: label space that it predicts.
            images: (N, H, W, 3) uint8 RGB, of the network's input size.
            runtime: where it runs.
            folder: for the thumbnails, made if it is missing.
            domain: domain of the images.

        Raises:
            OutputError: it cannot be written to.
        """
        self._network, self._space, self._runtime, self._folder = network, space, runtime, folder
        self._images = images
        height, width = images.shape[1:3]
        self._size = (WIDTH, max(1, round(WIDTH * height / width)))
        self._thumbnails = [resized_image(image, self._size) for image in images]
        for number, thumbnail in enumerate(self._thumbnails):
            self._keep(f"{domain}-{number}", thumbnail)

    def take(self, step: int) -> list[NDArray[np.uint8]]:
        """Label the images, one at a time since training needs the memory, and write thumbnails named by `step`.

        Returns:
            (h, w, 3) uint8 RGB of each thumbnail, with the colours of classes on it.

        Raises:
            OutputError: they cannot be written.
        """
        drawn = []
        with evaluating(self._network):
            for number, (image, thumbnail) in enumerate(zip(self._images, self._thumbnails, strict=True)):
                labels = predict(self._network, image[None], self._size, self._runtime)[0]
                colours = self._space.palette[labels]
                drawn.append(np.asarray(cv2.addWeighted(thumbnail, 1 - OPACITY, colours, OPACITY, 0), np.uint8))
                self._keep(f"{step:06}-{number}", drawn[-1])
        return drawn

    def _keep(self, name: str, rgb: NDArray[np.uint8]) -> None:
        _, data = cv2.imencode(".jpg", np.ascontiguousarray(rgb[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        with writing(self._folder / f"{name}.jpg") as part:
            part.write_bytes(data.tobytes())


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Switch to evaluation mode, then restore each module's mode: some modules stay frozen in training."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
