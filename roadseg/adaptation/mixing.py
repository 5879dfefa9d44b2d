"""Images that the student of self-training sees: mixed, recoloured, blurred, with hidden blocks.

Random numbers are drawn on the CPU, so that they are the same on every device, and nothing waits for the device.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from roadseg.labels.space import IGNORE

RECOLOURED = 0.8
"""Share of images whose colours change: Tranheden et al., "DACS", WACV 2021, as the blur."""
BLUR = (0.15, 1.15)
"""Bounds of the standard deviation of the blur, in pixels."""
BLUR_RADIUS = 4
"""Radius of the blur's kernel in pixels: over three times the largest standard deviation."""


def class_mask(labels: Tensor) -> Tensor:
    """Choose half of the classes of each label map, rounded up: Olsson et al., "ClassMix", WACV 2021.

    Args:
        labels: (N, H, W) uint8 train ids; ignored pixels count as a class, so that whole objects are pasted.

    Returns:
        (N, H, W) bool, true on the chosen classes' pixels.
    """
    pixels = labels.flatten(1).long()
    ranks = torch.rand((len(labels), IGNORE + 1)).to(labels.device, non_blocking=True)
    present = torch.zeros_like(ranks, dtype=torch.bool).scatter_(1, pixels, True)
    place = ranks.masked_fill(~present, 1).argsort(1).argsort(1)  # in a random order of the classes that are present
    chosen = place < (present.sum(1, keepdim=True) + 1) // 2
    return chosen.gather(1, pixels).view(labels.shape)


def block_mask(count: int, size: tuple[int, int], *, block: int, ratio: float, device: torch.device) -> Tensor:
    """Choose square blocks to hide: Hoyer et al., "MIC", CVPR 2023.

    Args:
        count: images.
        size: (height, width) of the images in pixels.
        block: side of a block in pixels.
        ratio: probability that a block is hidden, 0..1.
        device: location of the result.

    Returns:
        (count, 1, H, W) bool, true where the image is kept.
    """
    rows, columns = (-(-side // block) for side in size)
    kept = torch.rand((count, 1, rows, columns)).to(device, non_blocking=True) >= ratio
    return kept.repeat_interleave(block, 2).repeat_interleave(block, 3)[..., : size[0], : size[1]]


def recoloured(images: Tensor, strength: float) -> Tensor:
    """Vary brightness, contrast, saturation and white balance of four images in five at random.

    Args:
        images: (N, 3, H, W) uint8 RGB.
        strength: largest relative change, 0..1; of the white balance a quarter of it.

    Returns:
        (N, 3, H, W) uint8 RGB.
    """
    strengths = strength * (torch.rand((len(images), 1, 1, 1)) < RECOLOURED)
    draws = ((torch.rand((6, len(images), 1, 1, 1)) * 2 - 1) * strengths).to(images.device, non_blocking=True)
    brightness, contrast, saturation = 1 + draws[0], 1 + draws[1], 1 + draws[2]
    balance = 1 + 0.25 * draws[3:].permute(1, 0, 2, 3, 4).reshape(len(images), 3, 1, 1)
    pixels = images.float() * brightness * balance
    mean = pixels.mean((1, 2, 3), keepdim=True)
    pixels = (pixels - mean) * contrast + mean
    grey = pixels.mean(1, keepdim=True)
    return ((pixels - grey) * saturation + grey).clamp(0, 255).to(torch.uint8)


def blurred(images: Tensor, share: float) -> Tensor:
    """Blur some of the images by a Gaussian of `BLUR` pixels, drawn for each.

    Args:
        images: (N, 3, H, W) uint8 RGB, larger than `BLUR_RADIUS` pixels.
        share: probability that an image is blurred, 0..1.

    Returns:
        (N, 3, H, W) uint8 RGB.
    """
    deviation = torch.empty(len(images)).uniform_(*BLUR) * (torch.rand(len(images)) < share)
    squares = torch.arange(-BLUR_RADIUS, BLUR_RADIUS + 1).square()
    # Clamped, so that the kernel of an image that stays sharp is 1 in the middle and 0 elsewhere.
    kernels = torch.softmax(-squares / (2 * deviation.clamp(min=1e-3)[:, None].square()), dim=1)
    kernels = kernels.repeat_interleave(3, 0).to(images.device, non_blocking=True)  # one for each channel
    planes = F.pad(images.float(), [BLUR_RADIUS] * 4, mode="reflect").flatten(0, 1)[None]
    planes = F.conv2d(planes, kernels[:, None, :, None], groups=len(kernels))
    planes = F.conv2d(planes, kernels[:, None, None, :], groups=len(kernels))
    return planes.view(images.shape).round_().to(torch.uint8)
