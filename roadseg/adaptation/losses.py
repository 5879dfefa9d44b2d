"""Losses and transformed predictions, as pure functions."""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from roadseg.labels.space import IGNORE
from roadseg.models.network import resized

Gan = Literal["vanilla", "least-squares"]
SOURCE, TARGET = 0.0, 1.0
"""Correct answers of a discriminator, as in the published implementation of the paper."""


def segmentation_loss(
    logits: Tensor, labels: Tensor, label_counts: Tensor, *, class_balance: float = 0.0, align_corners: bool = False
) -> Tensor:
    """Return these labels' contribution to a joint batch's mean cross-entropy over all pixels that are not ignored.

    Losses of the parts of a joint batch add up to its mean. The loss is 0 where all pixels are ignored.

    Args:
        logits: (N, C, h, w), up-sampled bilinearly to the size of the labels.
        labels: (N, H, W) uint8 train ids, 255 where ignored.
        label_counts: (256,) int64 pixels by train id in the labels of the joint batch.
        class_balance: pixels of a class are weighted by (the class's share of the joint batch) ** -class_balance:
            0 weights all pixels alike, as the paper does, 1 all classes.
        align_corners: see `roadseg.models.network.resized`.

    Returns:
        Scalar of the dtype of the logits.
    """
    upsampled = resized(logits, labels.shape[-2:], align_corners=align_corners)
    pixels = label_counts[: logits.shape[1]].to(upsampled.dtype)
    shares = pixels / pixels.sum().clamp(min=1)
    weights = torch.where(pixels > 0, shares.clamp(min=1e-9) ** -class_balance, 0)
    total = F.cross_entropy(upsampled, labels.long(), weight=weights, ignore_index=IGNORE, reduction="sum")
    # Clamped, for a batch in which all pixels are ignored.
    return total / (weights * pixels).sum().clamp(min=torch.finfo(weights.dtype).tiny)


def adversarial_loss(scores: Tensor, domain: float, gan: Gan) -> Tensor:
    """Return the mean distance of discriminator scores from the answer `domain`.

    Args:
        scores: raw scores of any shape, one a patch.
        domain: `SOURCE` or `TARGET`.
        gan: binary cross-entropy on logits for `vanilla` (Goodfellow et al., NeurIPS 2014), squared error for
            `least-squares` (Mao et al., ICCV 2017).
    """
    wanted = torch.full_like(scores, domain)
    if gan == "vanilla":
        return F.binary_cross_entropy_with_logits(scores, wanted)
    return F.mse_loss(scores, wanted)


def at_least_float32(values: Tensor) -> Tensor:
    """Convert float16 and bfloat16 values to float32, precise enough for a loss; float64 stays."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def self_information(logits: Tensor) -> Tensor:
    """Return each class's contribution to the entropy of its pixel, -p log p / log C (Vu et al., "ADVENT", CVPR 2019).

    Args:
        logits: (N, C, H, W).

    Returns:
        Maps (N, C, H, W) in 0..1/(e ln C); they add up to the pixel's entropy, 0..1.
    """
    log_probabilities = torch.log_softmax(logits, dim=1)
    return -log_probabilities.exp() * log_probabilities / math.log(logits.shape[1])
