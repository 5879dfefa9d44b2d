"""A network in two halves, with all that lies between pixels and labels, as modules that other programs can be told of.

The halves meet where `SegmentationNetwork.early` ends, so that each can be run in a precision of its own. They are made
of a network that `roadseg.models.frozen_norm.folded` gave, and used without gradients: then they hold none but plain
operations.
"""

from typing import Literal

from torch import Tensor, nn

from roadseg.models.network import SegmentationNetwork
from roadseg.models.predict import labels_of, resized_scores

Answer = Literal["scores", "labels"]


class EarlyGraph(nn.Module):
    """(N, H, W, 3) RGB in 0..255, uint8 or float32, to what the network's `early` layers make of it."""

    def __init__(self, network: SegmentationNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """(N, H, W, 3) -> float32."""
        return self.network.early(self.network.normalisation(images.permute(0, 3, 1, 2)))


class LateGraph(nn.Module):
    """The rest of the network, up-sampled: class scores (N, C, height, width) or train ids (N, height, width) uint8."""

    def __init__(self, network: SegmentationNetwork, size: tuple[int, int], answer: Answer) -> None:
        """Answer for `size` = (width, height)."""
        super().__init__()
        self.network, self.size, self.answer = network, size, answer

    def forward(self, early: Tensor) -> Tensor:
        """What `EarlyGraph` gave -> scores or labels."""
        logits = self.network.late(early).logits[0]
        scores = resized_scores(logits, self.size, align_corners=self.network.align_corners)
        return labels_of(scores) if self.answer == "labels" else scores
