"""Training on pseudo-labels: labelled source images, beside target images with the labels that a network gave them.

Zou et al., "Unsupervised Domain Adaptation for Semantic Segmentation via Class-Balanced Self-Training", ECCV 2018; how
the labels are made is in `roadseg.adaptation.make_pseudo_labels`.
"""

from collections.abc import Iterator, Sequence

from roadseg.adaptation.loss_verdicts import LossKind
from roadseg.adaptation.method import Method, Term
from roadseg.adaptation.source_only import Supervision
from roadseg.datasets.sampling import Batch
from roadseg.models.network import SegmentationNetwork
from roadseg.runtime import Runtime

TARGET_LOSS = "pseudo-labels"
"""What logs call the losses on target images."""


class PseudoLabels(Method):
    """Cross-entropy on source images and on target images, each domain by its own statistics of batch norm."""

    def __init__(
        self,
        segmenter: SegmentationNetwork,
        runtime: Runtime,
        *,
        segmentation_weights: Sequence[float],
        target_weight: float = 1.0,
        class_balance: float = 0.0,
    ) -> None:
        """Give weights.

        Args:
            segmenter: the network to adapt.
            runtime: where it lies.
            segmentation_weights: of each level's supervised loss, the main level first.
            target_weight: of the target's loss beside that of the source.
            class_balance: of both, see `roadseg.adaptation.losses.segmentation_loss`.
        """
        super().__init__(segmenter, runtime)
        self.supervision = Supervision(tuple(segmentation_weights), class_balance, segmenter.align_corners)
        self.target_weight = target_weight

    @property
    def loss_kinds(self) -> dict[str, LossKind]:
        """Of the levels in both domains."""
        return self.supervision.kinds(self.segmenter.num_classes, TARGET_LOSS)

    def terms(self, batch: Batch) -> Iterator[Term]:
        """Yield the source's segmentation term, then the target's."""
        if batch.target_images is None or batch.target_labels is None or batch.target_label_counts is None:
            raise ValueError("pseudo-labels need labelled target images in the batch")
        yield self.supervision.term(self.predict_source(batch.source_images).logits, batch)
        term = self.supervision.term_of(
            self.predict(batch.target_images).logits, batch.target_labels, batch.target_label_counts, TARGET_LOSS
        )
        yield Term(self.target_weight * term.loss, term.values)
