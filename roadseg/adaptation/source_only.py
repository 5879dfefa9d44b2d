"""The baseline without adaptation, and the supervised part that every method shares."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from roadseg.adaptation.loss_verdicts import LossKind
from roadseg.adaptation.losses import segmentation_loss
from roadseg.adaptation.method import Method, Term
from roadseg.datasets.sampling import Batch
from roadseg.models.network import SegmentationNetwork
from roadseg.runtime import Runtime

LEVEL_NAMES = ("main", "auxiliary")
SEGMENTATION = "segmentation"
"""What logs call the losses on labelled source images."""


class SourceOnly(Method):
    """Cross-entropy on labelled source images; never forwards a target image."""

    def __init__(
        self,
        segmenter: SegmentationNetwork,
        runtime: Runtime,
        *,
        segmentation_weights: Sequence[float],
        class_balance: float = 0.0,
    ) -> None:
        super().__init__(segmenter, runtime)
        self.supervision = Supervision(tuple(segmentation_weights), class_balance, segmenter.align_corners)

    @property
    def loss_kinds(self) -> dict[str, LossKind]:
        """Of its levels."""
        return self.supervision.kinds(self.segmenter.num_classes)

    def terms(self, batch: Batch) -> Iterator[Term]:
        """Yield the segmentation term."""
        yield self.supervision.term(self.predict_source(batch.source_images).logits, batch)


@dataclass(frozen=True)
class Supervision:
    """How labelled source images teach the segmenter."""

    level_weights: tuple[float, ...]
    """Weight of each level's loss, the main level first; levels beyond these are left untrained."""
    class_balance: float
    """See `roadseg.adaptation.losses.segmentation_loss`."""
    align_corners: bool
    """Of the segmenter."""

    def kinds(self, classes: int, *names: str) -> dict[str, LossKind]:
        """How to read the losses that `term`, and `term_of` under the other `names`, give for so many classes."""
        return {
            f"{name}/{level_name}": LossKind("classifier", answers=classes)
            for name in (SEGMENTATION, *names)
            for level_name, _ in zip(LEVEL_NAMES, self.level_weights, strict=False)
        }

    def term(self, logits: Sequence[Tensor], batch: Batch) -> Term:
        """Weighted sum of the levels' segmentation losses on the source."""
        return self.term_of(logits, batch.source_labels, batch.label_counts, SEGMENTATION)

    def term_of(self, logits: Sequence[Tensor], labels: Tensor, label_counts: Tensor, name: str) -> Term:
        """Weighted sum of the levels' losses on images with `labels`; one term, since the levels share a graph.

        Args:
            logits: a level each, see `Prediction`.
            labels: (N, H, W) uint8 train ids.
            label_counts: (256,) pixels by train id in the joint batch.
            name: what logs call the losses.
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
