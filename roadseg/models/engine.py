"""Engine: a network made ready to run in one program, on one device, in one precision."""

from typing import Literal, Protocol, Self

import torch
from torch import Tensor

from roadseg.models.network import SegmentationNetwork

EnginePrecision = Literal["float32", "mixed", "bfloat16", "float16"]
"""`mixed`: the network's `early` layers in float32, the others in bfloat16, on a GPU in float16."""


class Engine(Protocol):
    """Network that is ready to run; arguments and results are tensors on `device`."""

    @property
    def name(self) -> str:
        """Program and precision, for example `openvino mixed`: different for engines whose labels may differ."""
        ...

    @property
    def device(self) -> torch.device:
        """Device of images and results."""
        ...

    @property
    def batch_size(self) -> int | None:
        """Recommended number of images in a batch; None if it has to be measured."""
        ...

    @property
    def concurrency(self) -> int:
        """Recommended number of concurrent calls; more are allowed."""
        ...

    def scores(self, images: Tensor, size: tuple[int, int]) -> Tensor:
        """Return class scores before the softmax, (N, C, height, width) float32 for `size` = (width, height).

        They are those of the main level, up-sampled bilinearly to `size` as the network's `align_corners` says.

        Args:
            images: (N, 3, H, W) RGB in 0..255, uint8 or float32, N >= 1; fastest with channels last in memory.
            size: (width, height) of the scores.

        Raises:
            torch.OutOfMemoryError: the device's memory is too small for this many images.
        """
        ...

    def labels(self, images: Tensor, size: tuple[int, int]) -> Tensor:
        """Return the class of the highest score, (N, height, width) uint8; arguments and errors as for `scores`."""
        ...


class NetworkEngine(Engine, Protocol):
    """Engine made of a network of roadseg."""

    def running(self, network: SegmentationNetwork) -> Self:
        """Return the same engine for another network, which is left as it is."""
        ...
