"""Supervised loss on labelled images: the part that every method shares."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from roadseg.adaptation.loss_verdicts import LossKind
from roadseg.adaptation.losses import segmentation_loss
from roadseg.adaptation.term import Term
from roadseg.datasets.sampling import Batch

LEVEL_NAMES = ("main", "auxiliary")
"""Levels of the networks that are trained, each with a head, by the names in logs."""
SEGMENTATION = "segmentation"
"""Log name of the losses on labelled source images."""


@dataclass(frozen=True)
class Supervision:
    """Weights and settings of the supervised loss."""

    level_weights: tuple[float, ...]
    """Weight of each level's loss, the main level first; levels beyond these are left untrained."""
    class_balance: float
    """See `roadseg.adaptation.losses.segmentation_loss`."""
    align_corners: bool
    """Value that the segmenter's logits are up-sampled with, see `SegmentationNetwork`."""

    def kinds(self, classes: int, *names: str) -> dict[str, LossKind]:
        """Return the interpretation of the losses of `term`, and of those of `term_of` under the other `names`.

        Args:
            classes: number of classes that the segmenter predicts.
            names: log names given to `term_of`.
        """
        return {
            f"{name}/{level_name}": LossKind("classifier", answers=classes)
            for name in (SEGMENTATION, *names)
            for level_name, _ in zip(LEVEL_NAMES, self.level_weights, strict=False)
        }

    def term(self, logits: Sequence[Tensor], batch: Batch) -> Term:
        """Return the weighted sum of the levels' segmentation losses on the source images of a batch."""
        return self.term_of(logits, batch.source_labels, batch.label_counts, SEGMENTATION)

    def term_of(self, logits: Sequence[Tensor], labels: Tensor, label_counts: Tensor, name: str) -> Term:
        """Return the weighted sum of the levels' losses on labelled images; one term, since the levels share a graph.

        Args:
            logits: one tensor a level, see `Prediction`.
            labels: (N, H, W) uint8 train ids.
            label_counts: (256,) pixels by train id in the joint batch.
            name: log name of the losses.
        """
        losses = {
            f"{name}/{level_name}": segmentation_loss(
                level,
                labels,
                label_counts,
                class_balance=self.class_balance,
                align_corners=self.align_corners,
            )
            for level_name, level, _ in zip(LEVEL_NAMES, logits, self.level_weights, strict=False)
        }
        weighted = [weight * loss for weight, loss in zip(self.level_weights, losses.values(), strict=True)]
        return Term(torch.stack(weighted).sum(), {key: loss.detach() for key, loss in losses.items()})
