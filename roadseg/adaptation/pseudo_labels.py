"""Training on pseudo-labels: labelled source images, and target images with labels that a network gave them.

Zou et al., "Unsupervised Domain Adaptation for Semantic Segmentation via Class-Balanced Self-Training", ECCV 2018; the
labels are made by `roadseg.adaptation.make_pseudo_labels`.
"""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, field_validator

from roadseg.adaptation.loss_verdicts import LossKind
from roadseg.adaptation.make_pseudo_labels import TTA_FOR_LABELS, pseudo_labelled
from roadseg.adaptation.method import Method, MethodOptions, TargetLabelling
from roadseg.adaptation.term import Term
from roadseg.datasets.dataset import ImageDataset
from roadseg.datasets.sampling import Batch
from roadseg.errors import InputError
from roadseg.models.tta import TTA

TARGET_LOSS = "pseudo-labels"
"""Log name of the losses on target images."""


class PseudoLabels(Method):
    """Cross-entropy on source images and on target images, each domain with its own batch-norm statistics."""

    class Options(MethodOptions):
        """Selection and weight of the pseudo-labels."""

        weight: Annotated[float, Field(gt=0)] = 1.0
        """Weight of the loss on target images; the loss on source images has weight 1."""
        keep_ratio: Annotated[float, Field(gt=0, le=1)] = 0.66
        """Share of each class's pixels that keep their pseudo-label: those of the highest confidence."""
        images: Annotated[int, Field(ge=0)] = 0
        """Most images of a target to label and learn from, evenly spread over it; 0 for all."""
        flip: bool = TTA_FOR_LABELS.flip
        """Label by the mean of each image and its mirror image."""
        scales: tuple[float, ...] = TTA_FOR_LABELS.scales
        """Label by the mean over these factors on the input size; `scales = [1]` with `flip = false` is one view."""

        @field_validator("scales")
        @classmethod
        def _possible(cls, scales: tuple[float, ...]) -> tuple[float, ...]:
            try:
                return TTA(scales=scales).scales
            except InputError as error:
                raise ValueError(f"{error.cause}; {error.remedy}") from None

    labels_target = True
    options: Options

    def label_target(self, dataset: ImageDataset, labelling: TargetLabelling) -> ImageDataset:
        """Label the images of a target by the teacher, or by the network that training starts from.

        Raises:
            DatasetError: an image cannot be read.
            OutputError: the folder cannot be written to.
        """
        return pseudo_labelled(
            labelling.labeller,
            labelling.label_space,
            dataset.evenly_spread(self.options.images) if self.options.images else dataset,
            labelling.folder,
            size=labelling.size,
            keep_ratio=self.options.keep_ratio,
            tta=TTA(self.options.flip, self.options.scales),
            resampling=labelling.resampling,
            teacher=labelling.teacher,
            on_progress=labelling.on_progress,
        )

    @property
    def loss_kinds(self) -> dict[str, LossKind]:
        """The losses of the levels in both domains."""
        return self.supervision.kinds(self.segmenter.num_classes, TARGET_LOSS)

    def terms(self, batch: Batch) -> Iterator[Term]:
        """Yield the segmentation term of the source, then that of the target."""
        if batch.target_images is None or batch.target_labels is None or batch.target_label_counts is None:
            raise ValueError("pseudo-labels need labelled target images in the batch")
        yield self.supervision.term(self.predict_source(batch.source_images).logits, batch)
        term = self.supervision.term_of(
            self.predict(batch.target_images).logits, batch.target_labels, batch.target_label_counts, TARGET_LOSS
        )
        yield Term(self.options.weight * term.loss, term.values)
