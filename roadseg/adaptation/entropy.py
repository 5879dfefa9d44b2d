"""Adaptation of the entropy of predictions: Vu et al., "ADVENT: Adversarial Entropy Minimization", CVPR 2019.

A network is sure of itself on the source and unsure on the target. AdvEnt closes that gap by an adversary that sees
where predictions are unsure (`MAIN_INFORMATION`, `AUXILIARY_INFORMATION`), MinEnt by making them sure.
"""

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from roadseg.adaptation.adversarial import View
from roadseg.adaptation.loss_verdicts import LossKind
from roadseg.adaptation.losses import resized
from roadseg.adaptation.method import Method, Term
from roadseg.adaptation.source_only import LEVEL_NAMES, Supervision
from roadseg.datasets.sampling import Batch
from roadseg.models.network import SegmentationNetwork
from roadseg.runtime import Runtime


def self_information(logits: Tensor) -> Tensor:
    """What each class contributes to the entropy of its pixel, -p log p / log C: the paper's self-information.

    Args:
        logits: (N, C, H, W).

    Returns:
        Maps (N, C, H, W), 0..1/(e ln C); they sum up to the pixel's entropy, 0..1.
    """
    log_probabilities = torch.log_softmax(logits, dim=1)
    return -log_probabilities.exp() * log_probabilities / math.log(logits.shape[1])


def entropy_loss(logits: Tensor) -> Tensor:
    """Mean entropy of the pixels' predictions, 0..1 (equation 4 of the paper, by the number of pixels)."""
    return self_information(logits).sum(dim=1).mean()


MAIN_INFORMATION = View(lambda prediction: prediction.logits[0], self_information)
AUXILIARY_INFORMATION = View(lambda prediction: prediction.logits[1], self_information)


class MinimalEntropy(Method):
    """MinEnt: cross-entropy on labelled source images, and predictions on target images made sure of themselves."""

    def __init__(
        self,
        segmenter: SegmentationNetwork,
        runtime: Runtime,
        *,
        segmentation_weights: Sequence[float],
        entropy_weights: Sequence[float],
        class_balance: float = 0.0,
    ) -> None:
        """Give a weight a level for each of the two losses, the main level first; lambda_ent is the paper's 0.001."""
        super().__init__(segmenter, runtime)
        self.supervision = Supervision(tuple(segmentation_weights), class_balance, segmenter.align_corners)
        self.entropy_weights = tuple(entropy_weights)

    @property
    def loss_kinds(self) -> dict[str, LossKind]:
        """Of the supervised levels; an entropy may be anything from 0 to 1."""
        return self.supervision.kinds(self.segmenter.num_classes)

    def terms(self, batch: Batch) -> Iterator[Term]:
        """Yield the segmentation term, then the entropy term."""
        if batch.target_images is None:
            raise ValueError("minimizing entropy needs target images in the batch")
        yield self.supervision.term(self.predict_source(batch.source_images).logits, batch)

        size = batch.target_images.shape[-2:]
        losses = {
            f"entropy/{name}": batch.share
            * entropy_loss(resized(logits, size, align_corners=self.segmenter.align_corners))
            for name, logits, _ in zip(
                LEVEL_NAMES, self.predict(batch.target_images).logits, self.entropy_weights, strict=False
            )
        }
        weighted = [weight * loss for weight, loss in zip(self.entropy_weights, losses.values(), strict=True)]
        yield Term(torch.stack(weighted).sum(), {name: loss.detach() for name, loss in losses.items()})
