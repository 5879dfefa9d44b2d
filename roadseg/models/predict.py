"""Labels from pixels with a network, shared by training, evaluation and inference."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from roadseg.models.network import Prediction, SegmentationNetwork
from roadseg.runtime import Runtime, to_host


def to_tensor(images: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Move RGB images (N, H, W, 3) uint8 to `device` as (N, 3, H, W) uint8, channels last in memory."""
    pixels = torch.from_numpy(np.ascontiguousarray(images))
    if device.type == "cuda":
        pixels = pixels.pin_memory()  # CUDA copies from other memory only while the program waits
    return pixels.permute(0, 3, 1, 2).to(device, non_blocking=True)


@torch.inference_mode()
def predict(
    network: SegmentationNetwork, images: NDArray[np.uint8], size: tuple[int, int], runtime: Runtime
) -> NDArray[np.uint8]:
    """Label RGB images.

    Args:
        network: on the runtime's device.
        images: (N, H, W, 3) uint8 RGB.
        size: (width, height) of the label maps.
        runtime: device and precision.

    Returns:
        (N, height, width) uint8 train ids of the classes with the highest `class_scores`.
    """
    return to_numpy(labels_of(class_scores(network, to_tensor(images, runtime.device), size, runtime)))


@torch.inference_mode()
def class_scores(
    network: SegmentationNetwork, images: Tensor, size: tuple[int, int], runtime: Runtime, *, exact_start: bool = False
) -> Tensor:
    """Return the scores of the main level before the softmax, up-sampled bilinearly.

    Args:
        network: on the runtime's device.
        images: (N, 3, H, W) RGB in 0..255 of any type, on that device.
        size: (width, height) of the scores.
        runtime: supplies the precision.
        exact_start: True computes the network's `early` layers in float32 in any case.

    Returns:
        (N, C, height, width) float32.
    """
    logits = outputs(network, images, runtime, exact_start=exact_start).logits[0]
    return resized_scores(logits.float(), size, align_corners=network.align_corners)


@torch.inference_mode()
def outputs(network: SegmentationNetwork, images: Tensor, runtime: Runtime, *, exact_start: bool = False) -> Prediction:
    """Return the complete prediction of a network, in the precision of `runtime`; arguments as for `class_scores`."""
    with (replace(runtime, precision="float32") if exact_start else runtime).autocast():
        early = network.early(network.normalisation(images))
    with runtime.autocast():
        return network.late(early)


def resized_scores(scores: Tensor, size: tuple[int, int], *, align_corners: bool) -> Tensor:
    """Scale class scores (N, C, h, w) bilinearly to (N, C, height, width) for `size` = (width, height)."""
    return F.interpolate(scores, size=size[::-1], mode="bilinear", align_corners=align_corners)


def labels_of(scores: Tensor) -> Tensor:
    """Return the class of the highest score: (N, C, H, W) -> train ids (N, H, W) uint8."""
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
    """Return the values as an array in CPU memory."""
    return to_host(tensor).numpy()
