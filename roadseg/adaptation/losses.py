"""Losses and views of predictions, as pure functions."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from roadseg.labels.space import IGNORE

Gan = Literal["vanilla", "least-squares"]
SOURCE, TARGET = 0.0, 1.0
"""What the discriminator is to answer, as the published implementation of the paper has it."""


def segmentation_loss(
    logits: Tensor, labels: Tensor, label_counts: Tensor, *, class_balance: float = 0.0, align_corners: bool = False
) -> Tensor:
    """Mean cross-entropy over the pixels of a joint batch that are not ignored, as far as these labels contribute.

    Losses of the parts of a joint batch add up to its mean; it is 0 where all pixels are ignored.

    Args:
        logits: (N, C, h, w), up-sampled bilinearly to the size of the labels.
        labels: (N, H, W) uint8 train ids, 255 where ignored.
        label_counts: (256,) int64 pixels by train id in the labels of the joint batch.
        class_balance: each class's pixels weigh (their share of the joint batch) ** -class_balance: 0 weighs all
            pixels alike, as the paper does, 1 all classes.
        align_corners: see `resized`.
    """
    upsampled = resized(logits, labels.shape[-2:], align_corners=align_corners)
    pixels = label_counts[: logits.shape[1]].to(upsampled.dtype)
    shares = pixels / pixels.sum().clamp(min=1)
    weights = torch.where(pixels > 0, shares.clamp(min=1e-9) ** -class_balance, 0)
    total = F.cross_entropy(upsampled, labels.long(), weight=weights, ignore_index=IGNORE, reduction="sum")
    # Tiny, for a batch in which everything is ignored.
    return total / (weights * pixels).sum().clamp(min=torch.finfo(weights.dtype).tiny)


def adversarial_loss(scores: Tensor, domain: float, gan: Gan) -> Tensor:
    """How far discriminator scores (any shape, raw) are from answering `domain`, mean over all patches.

    Binary cross-entropy on logits for `vanilla` (Goodfellow et al., NeurIPS 2014), squared error for `least-squares`
    (Mao et al., ICCV 2017).
    """
    wanted = torch.full_like(scores, domain)
    if gan == "vanilla":
        return F.binary_cross_entropy_with_logits(scores, wanted)
    return F.mse_loss(scores, wanted)


def resized(maps: Tensor, size: torch.Size | tuple[int, int], *, align_corners: bool = False) -> Tensor:
    """Resize maps (N, C, h, w) bilinearly to `size` = (height, width).

    With `align_corners` the centres of the outermost elements meet, otherwise their outer edges do; the network that
    made the maps knows which fits it, see `roadseg.models.network`.
    """
    return F.interpolate(maps, size=size, mode="bilinear", align_corners=align_corners)


def at_least_float32(values: Tensor) -> Tensor:
    """What came out of mixed precision, precise enough for a loss; float64 stays."""
    return values.to(torch.promote_types(values.dtype, torch.float32))
