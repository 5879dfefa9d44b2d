"""From pixels to labels with a network: the one way that training, evaluation and inference share."""

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from roadseg.models.network import SegmentationNetwork
from roadseg.runtime import Runtime


def to_tensor(images: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Move RGB images (N, H, W, 3) uint8 to `device` as (N, 3, H, W) uint8, channels last in memory."""
    return torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).to(device, non_blocking=True)


@torch.inference_mode()
def predict(
    network: SegmentationNetwork, images: NDArray[np.uint8], size: tuple[int, int], runtime: Runtime
) -> NDArray[np.uint8]:
    """Label RGB images (N, H, W, 3) uint8: train ids (N, height, width) uint8 for `size` = (width, height).

    Scores of the main level are up-sampled bilinearly to `size`, as the network's `align_corners` says, then the
    highest wins.
    """
    pixels = network.normalisation(to_tensor(images, runtime.device))
    with runtime.autocast():
        logits = network(pixels).logits[0]
    scores = F.interpolate(logits.float(), size=size[::-1], mode="bilinear", align_corners=network.align_corners)
    labels: NDArray[np.uint8] = scores.argmax(1).to(torch.uint8).cpu().numpy()
    return labels
