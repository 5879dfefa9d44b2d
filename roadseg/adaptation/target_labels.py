"""Semi-supervised adaptation: any method, and beside it a few pictures of the target that people have labelled."""

from collections.abc import Iterator

from torch import nn

from roadseg.adaptation.loss_verdicts import LossKind
from roadseg.adaptation.method import Method, Term
from roadseg.adaptation.source_only import Supervision
from roadseg.datasets.sampling import Batch

ANNOTATED = "target-labels"
"""What logs call the loss on labelled target images, by level."""


class TargetLabels(Method):
    """Another method, to whose objective the supervised loss on labelled target images is added.

    It is a term of its own rather than a share of the source's batch: these images are of the target to batch norm,
    and no discriminator is told that they are of the source.
    """

    def __init__(self, base: Method, supervision: Supervision, weight: float) -> None:
        """Add to the objective of `base` this supervision by labels, times `weight`."""
        super().__init__(base.segmenter, base.runtime)
        self.base = base
        self.supervision = supervision
        self.weight = weight

    @property
    def companions(self) -> dict[str, nn.Module]:
        """Those of the base method."""
        return self.base.companions

    @property
    def loss_kinds(self) -> dict[str, LossKind]:
        """Those of the base method, and of the labelled target images."""
        return self.base.loss_kinds | self.supervision.kinds(self.segmenter.num_classes, ANNOTATED)

    def terms(self, batch: Batch) -> Iterator[Term]:
        """Yield the terms of the base method, then that of the labelled target images."""
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
