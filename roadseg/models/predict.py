"""From pixels to labels with a network: the one way that training, evaluation and inference share."""

from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from roadseg.models.network import Prediction, SegmentationNetwork
from roadseg.runtime import Runtime


def to_tensor(images: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Move RGB images (N, H, W, 3) uint8 to `device` as (N, 3, H, W) uint8, channels last in memory."""
    pixels = torch.from_numpy(np.ascontiguousarray(images))
    if device.type == "cuda":
        pixels = pixels.pin_memory()  # from other memory, CUDA copies while the program waits
    return pixels.permute(0, 3, 1, 2).to(device, non_blocking=True)


@torch.inference_mode()
def predict(
    network: SegmentationNetwork, images: NDArray[np.uint8], size: tuple[int, int], runtime: Runtime
) -> NDArray[np.uint8]:
    """Label RGB images (N, H, W, 3) uint8: train ids (N, height, width) uint8 for `size` = (width, height).

    The class of the highest of `class_scores` wins.
    """
    return to_numpy(labels_of(class_scores(network, to_tensor(images, runtime.device), size, runtime)))


@torch.inference_mode()
def class_scores(
    network: SegmentationNetwork, images: Tensor, size: tuple[int, int], runtime: Runtime, *, exact_start: bool = False
) -> Tensor:
    """Scores before the softmax, (N, C, height, width) float32 for `size` = (width, height).

    Those of the main level, up-sampled bilinearly to `size` as the network's `align_corners` says.

    Args:
        network: on the runtime's device.
        images: (N, 3, H, W) RGB in 0..255 of any type, on that device.
        size: of the scores.
        runtime: gives the precision.
        exact_start: whether the network's `early` layers are computed in float32 all the same.
    """
    logits = outputs(network, images, runtime, exact_start=exact_start).logits[0]
    return resized_scores(logits.float(), size, align_corners=network.align_corners)


@torch.inference_mode()
def outputs(network: SegmentationNetwork, images: Tensor, runtime: Runtime, *, exact_start: bool = False) -> Prediction:
    """All that a network gives, in the precision of `runtime`; arguments as for `class_scores`."""
    with nullcontext() if exact_start else runtime.autocast():
        early = network.early(network.normalisation(images))
    with runtime.autocast():
        return network.late(early)


def resized_scores(scores: Tensor, size: tuple[int, int], *, align_corners: bool) -> Tensor:
    """Scale class scores (N, C, h, w) bilinearly to (N, C, height, width) for `size` = (width, height)."""
    return F.interpolate(scores, size=size[::-1], mode="bilinear", align_corners=align_corners)


def labels_of(scores: Tensor) -> Tensor:
    """The class of the highest score: (N, C, H, W) -> train ids (N, H, W) uint8."""
    return scores.argmax(1).to(torch.uint8)


def upsampled_labels(scores: Tensor, size: tuple[int, int]) -> Tensor:
    """Scale scores (N, C, h, w) bilinearly, align_corners off, and return the highest class: (N, height, width) uint8.

    It works class by class: scores of all classes at the size of a large image would take gigabytes.
    """
    highest = resized_scores(scores[:, :1], size, align_corners=False)[:, 0]
    labels = torch.zeros_like(highest, dtype=torch.uint8)
    for train_id in range(1, scores.shape[1]):
        here = resized_scores(scores[:, train_id : train_id + 1], size, align_corners=False)[:, 0]
        labels[here > highest] = train_id
        torch.maximum(highest, here, out=highest)
    return labels


def to_numpy(tensor: Tensor) -> NDArray[Any]:
    """The same values as an array in the memory of the CPU."""
    return tensor.cpu().numpy()
