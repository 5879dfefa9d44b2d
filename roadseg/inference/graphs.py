"""The network as traceable modules, from pixels to labels or scores, for OpenVINO and ONNX.

The two halves meet where `SegmentationNetwork.early` ends, so that each can run in its own precision. Modules are made
of a network that `roadseg.models.frozen_norm.folded` returned, and used without gradients: then they contain only plain
operations.
"""

from typing import Literal

from torch import Tensor, nn

from roadseg.models.network import SegmentationNetwork
from roadseg.models.predict import labels_of, resized_scores

Answer = Literal["scores", "labels"]


class EarlyGraph(nn.Module):
    """First half: (N, H, W, 3) RGB in 0..255, uint8 or float32, to the output of the network's `early` layers."""

    def __init__(self, network: SegmentationNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Map images (N, H, W, 3) to the output of the early layers, float32."""
        return self.network.early(self.network.normalisation(images.permute(0, 3, 1, 2)))


class LateGraph(nn.Module):
    """Second half, up-sampled: class scores (N, C, height, width) or train ids (N, height, width) uint8."""

    def __init__(self, network: SegmentationNetwork, size: tuple[int, int], answer: Answer) -> None:
        """Answer for `size` = (width, height)."""
        super().__init__()
        self.network, self.size, self.answer = network, size, answer

    def forward(self, early: Tensor) -> Tensor:
        """Map the output of `EarlyGraph` to scores or labels."""
        logits = self.network.late(early).logits[0]
        scores = resized_scores(logits, self.size, align_corners=self.network.align_corners)
        return labels_of(scores) if self.answer == "labels" else scores


class ScoreGraph(nn.Module):
    """Whole network: (N, H, W, 3) RGB in 0..255 to class scores (N, C, h, w) at the stride of the network."""

    def __init__(self, network: SegmentationNetwork) -> None:
        super().__init__()
        self.network, self.first = network, EarlyGraph(network)

    def forward(self, images: Tensor) -> Tensor:
        """Map images (N, H, W, 3) to scores."""
        return self.network.late(self.first(images)).logits[0]
