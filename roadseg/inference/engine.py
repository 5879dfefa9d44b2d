"""What an engine is: a network made ready to run in one program, on one device, in one precision."""

from typing import Literal, Protocol, Self

import torch
from torch import Tensor

from roadseg.models.network import SegmentationNetwork

EnginePrecision = Literal["float32", "mixed", "bfloat16", "float16"]
"""`mixed`: the network's `early` layers in float32, the others in bfloat16, on a GPU in float16."""


class Engine(Protocol):
    """Runs a network. What it is given and gives are tensors on `device`."""

    @property
    def name(self) -> str:
        """Program and precision, for example `openvino mixed`: unequal for engines whose labels may differ."""
        ...

    @property
    def device(self) -> torch.device:
        """Where pictures are expected."""
        ...

    @property
    def batch_size(self) -> int | None:
        """How many pictures are best given at once where there are many; None: it takes a trial to tell."""
        ...

    @property
    def concurrency(self) -> int:
        """From how many threads it is best called at the same time; it may be called from more."""
        ...

    def scores(self, images: Tensor, size: tuple[int, int]) -> Tensor:
        """Class scores before the softmax, (N, C, height, width) float32 for `size` = (width, height).

        Those of the main level, up-sampled bilinearly to `size` as the network's `align_corners` says.

        Args:
            images: (N, 3, H, W) RGB in 0..255, uint8 or float32, best channels last in memory; 1 <= N.
            size: of the scores.

        Raises:
            torch.OutOfMemoryError: the device's memory is too small for so many.
        """
        ...

    def labels(self, images: Tensor, size: tuple[int, int]) -> Tensor:
        """Train ids of the highest of `scores`, (N, height, width) uint8; arguments and errors as for those."""
        ...

    def running(self, network: SegmentationNetwork) -> Self:
        """The same engine for another network, which is left as it is."""
        ...
