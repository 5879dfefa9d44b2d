"""Pictures that are part source, part target, and changed in colour, for a student to be consistent on."""

import torch
from torch import Tensor

from roadseg.labels.space import IGNORE


def class_mask(labels: Tensor) -> Tensor:
    """Choose half of the classes of each label map, rounded up: Olsson et al., "ClassMix", WACV 2021.

    Args:
        labels: (N, H, W) uint8 train ids; ignored pixels are a class like others, so that whole things are pasted.

    Returns:
        (N, H, W) bool, true on the chosen classes' pixels.
    """
    chosen = torch.zeros((len(labels), IGNORE + 1), dtype=torch.bool, device=labels.device)
    for place, label in enumerate(labels):
        present = torch.unique(label).long()
        order = torch.randperm(len(present)).to(present.device)
        chosen[place, present[order[: (len(present) + 1) // 2]]] = True
    return chosen.gather(1, labels.flatten(1).long()).view(labels.shape)


def block_mask(count: int, size: tuple[int, int], *, block: int, ratio: float, device: torch.device) -> Tensor:
    """Hide a share `ratio` of square blocks: Hoyer et al., "MIC", CVPR 2023.

    Returns:
        (count, 1, H, W) bool, true where the picture is kept, for `size` = (height, width).
    """
    rows, columns = (-(-side // block) for side in size)
    kept = torch.rand((count, 1, rows, columns)).to(device) >= ratio
    return kept.repeat_interleave(block, 2).repeat_interleave(block, 3)[..., : size[0], : size[1]]


def recoloured(images: Tensor, strength: float) -> Tensor:
    """Vary brightness, contrast, saturation and white balance of each RGB picture (N, 3, H, W) uint8 at random."""
    draws = (torch.rand((6, len(images), 1, 1, 1)) * 2 - 1).to(images.device) * strength
    brightness, contrast, saturation = 1 + draws[0], 1 + draws[1], 1 + draws[2]
    balance = 1 + 0.25 * draws[3:].permute(1, 0, 2, 3, 4).reshape(len(images), 3, 1, 1)
    pixels = images.float() * brightness * balance
    mean = pixels.mean((1, 2, 3), keepdim=True)
    pixels = (pixels - mean) * contrast + mean
    grey = pixels.mean(1, keepdim=True)
    return ((pixels - grey) * saturation + grey).clamp(0, 255).to(torch.uint8)
