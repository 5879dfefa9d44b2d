"""The baseline without adaptation, and the supervised part that every method shares."""

from collections.abc import Iterator, Sequence

from torch import Tensor

from roadseg.adaptation.losses import segmentation_loss
from roadseg.adaptation.method import Method, Term
from roadseg.datasets.sampling import Batch
from roadseg.models.network import SegmentationNetwork
from roadseg.runtime import Runtime

LEVEL_NAMES = ("main", "auxiliary")


class SourceOnly(Method):
    """Cross-entropy on labelled source images; never forwards a target image."""

    needs_target = False

    def __init__(
        self, segmenter: SegmentationNetwork, runtime: Runtime, *, segmentation_weights: Sequence[float]
    ) -> None:
        super().__init__(segmenter, runtime)
        self.segmentation_weights = tuple(segmentation_weights)

    def terms(self, batch: Batch) -> Iterator[Term]:
        """Yield the segmentation term."""
        logits = self.predict(batch.source_images).logits
        align_corners = self.segmenter.align_corners
        yield supervised_term(logits, batch.source_labels, self.segmentation_weights, align_corners=align_corners)


def supervised_term(
    logits: Sequence[Tensor], labels: Tensor, weights: Sequence[float], *, align_corners: bool = False
) -> Term:
    """Weighted sum of the levels' segmentation losses; one term, since the levels share a graph."""
    losses = [segmentation_loss(level, labels, align_corners=align_corners) for level in logits]
    loss = losses[0].new_zeros(())
    for level, weight in zip(losses, weights, strict=True):
        loss = loss + weight * level
    return Term(loss, {f"segmentation/{n}": level.detach() for n, level in zip(LEVEL_NAMES, losses, strict=False)})
