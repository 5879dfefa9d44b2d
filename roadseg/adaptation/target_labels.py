"""Semi-supervised adaptation: any method, plus a supervised loss on a few labelled images of the target."""

from collections.abc import Iterator

from roadseg.adaptation.loss_verdicts import LossKind
from roadseg.adaptation.method import Extension, Method
from roadseg.adaptation.term import Term
from roadseg.datasets.sampling import Batch

ANNOTATED = "target-labels"
"""Log name of the loss on labelled target images, followed by the level."""


class TargetLabels(Extension):
    """Adds the supervised loss on labelled target images to the objective of another method.

    It is a separate term, not a share of the source's batch: batch norm treats these images as target images, and no
    discriminator takes them for source images.
    """

    def __init__(self, base: Method, weight: float) -> None:
        """Add `weight` times the supervised loss on labelled target images to the objective of `base`."""
        super().__init__(base)
        self.weight = weight

    @property
    def loss_kinds(self) -> dict[str, LossKind]:
        """The losses of the base, and those of the labelled target images."""
        return self.base.loss_kinds | self.supervision.kinds(self.segmenter.num_classes, ANNOTATED)

    def terms(self, batch: Batch) -> Iterator[Term]:
        """Yield the terms of the base, then that of the labelled target images."""
        if batch.annotated_images is None or batch.annotated_labels is None or batch.annotated_label_counts is None:
            raise ValueError("target labels need labelled target images in the batch")
        yield from self.base.terms(batch)
        term = self.supervision.term_of(
            self.predict(batch.annotated_images).logits,
            batch.annotated_labels,
            batch.annotated_label_counts,
            ANNOTATED,
        )
        yield Term(self.weight * term.loss, term.values)
