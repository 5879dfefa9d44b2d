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

    The class of the highest of `class_scores` wins.
    """
    return labels_of(class_scores(network, to_tensor(images, runtime.device), size, runtime))


@torch.inference_mode()
def class_scores(network: SegmentationNetwork, images: Tensor, size: tuple[int, int], runtime: Runtime) -> Tensor:
    """Scores before the softmax, (N, C, height, width) float32 for `size` = (width, height).

    Those of the main level, up-sampled bilinearly to `size` as the network's `align_corners` says.

    Args:
        network: on the runtime's device.
        images: (N, 3, H, W) RGB in 0..255 of any type, on that device.
        size: of the scores.
        runtime: gives the precision.
    """
    with runtime.autocast():
        logits = network(network.normalisation(images)).logits[0]
    return F.interpolate(logits.float(), size=size[::-1], mode="bilinear", align_corners=network.align_corners)


def labels_of(scores: Tensor) -> NDArray[np.uint8]:
    """The class of the highest score: (N, C, H, W) -> train ids (N, H, W) uint8."""
    labels: NDArray[np.uint8] = scores.argmax(1).to(torch.uint8).cpu().numpy()
    return labels
