"""A few pictures as the network labels them in the course of training, kept as thumbnails in the run folder."""

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

PICTURES = 3
TIMES = 10
"""Looks at them in a whole run, beside the one before the first step."""
LEAST_STEPS = 10
"""Between two looks."""
WIDTH = 320
"""Pixels across a thumbnail."""
OPACITY = 0.6
"""Of the colours of classes on the picture."""
QUALITY = 80
"""Of JPEG."""
_NAME = re.compile(r"(source|target|\d{6,})-(\d+)\.jpg")


def steps_between_looks(steps: int) -> int:
    """How often a run of so many steps is looked at: a function of these alone, so that a resumed run does the same."""
    return max(LEAST_STEPS, -(-steps // TIMES))


@dataclass(frozen=True)
class KeptSamples:
    """Thumbnails on disk."""

    domain: str
    """Which domain the pictures are of: source or target."""
    pictures: list[Path]
    labelled: dict[int, list[Path]]
    """By the step after which they were labelled, in the order of steps; pictures in their own order."""

    @classmethod
    def of(cls, folder: Path) -> "KeptSamples":
        """What a folder holds; nothing where it is not there. Steps of which a picture is missing are left out."""
        found: dict[str, list[tuple[int, Path]]] = defaultdict(list)
        for path in folder.glob("*.jpg"):
            if named := _NAME.fullmatch(path.name):
                found[named[1]].append((int(named[2]), path))
        kept = {name: [path for _, path in sorted(files)] for name, files in found.items()}
        domain = "target" if "target" in kept else "source"
        pictures = kept.pop(domain, [])
        whole = {int(step): files for step, files in kept.items() if len(files) == len(pictures)}
        return cls(domain, pictures, dict(sorted(whole.items())))


def drop_samples(folder: Path, after: int) -> None:
    """Remove what was labelled after the step `after`, since those steps will be made again."""
    for step, files in KeptSamples.of(folder).labelled.items():
        if step > after:
            for path in files:
                path.unlink()


class Samples:
    """Labels pictures with a network that is being trained, and leaves no trace in it."""

    def __init__(
        self,
        network: SegmentationNetwork,
        space: LabelSpace,
        pictures: NDArray[np.uint8],
        runtime: Runtime,
        folder: Path,
        *,
        domain: Literal["source", "target"],
    ) -> None:
        """Begin a folder of samples.

        Args:
            network: on the runtime's device.
            space: what it predicts.
            pictures: (N, H, W, 3) uint8 RGB, of the network's input size.
            runtime: where it runs.
            folder: for the thumbnails, made if it is missing.
            domain: of the pictures.

        Raises:
            OutputError: it cannot be written to.
        """
        self._network, self._space, self._runtime, self._folder = network, space, runtime, folder
        self._pictures = pictures
        height, width = pictures.shape[1:3]
        self._size = (WIDTH, max(1, round(WIDTH * height / width)))
        self._thumbnails = [resized_image(picture, self._size) for picture in pictures]
        for number, thumbnail in enumerate(self._thumbnails):
            self._keep(f"{domain}-{number}", thumbnail)

    def take(self, step: int) -> list[NDArray[np.uint8]]:
        """Label the pictures, one at a time since training needs the memory, and keep them under the number of `step`.

        Returns:
            (h, w, 3) uint8 RGB of each thumbnail, with the colours of classes on it.

        Raises:
            OutputError: they cannot be written.
        """
        drawn = []
        with evaluating(self._network):
            for number, (picture, thumbnail) in enumerate(zip(self._pictures, self._thumbnails, strict=True)):
                labels = predict(self._network, picture[None], self._size, self._runtime)[0]
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
    """Evaluation mode, after which every module is in the mode in which it was: some stay frozen in training."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
