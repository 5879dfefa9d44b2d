"""Source-only training: the baseline without adaptation."""

from collections.abc import Iterator

from roadseg.adaptation.method import Method
from roadseg.adaptation.term import Term
from roadseg.datasets.sampling import Batch


class SourceOnly(Method):
    """Cross-entropy on labelled source images; never forwards a target image."""

    uses_target = False

    def terms(self, batch: Batch) -> Iterator[Term]:
        """Yield the segmentation term."""
        yield self.supervision.term(self.predict_source(batch.source_images).logits, batch)
