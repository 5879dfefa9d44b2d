"""Self-training: an exponential-moving-average teacher labels target images, and the student learns mixed images.

After Tranheden et al., "DACS: Domain Adaptation via Cross-domain Mixed Sampling", WACV 2021, with the mean teacher of
Tarvainen and Valpola, NeurIPS 2017.
"""

from collections.abc import Iterator
from typing import Annotated, Self

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from roadseg.adaptation.loss_verdicts import LossKind
from roadseg.adaptation.losses import resized
from roadseg.adaptation.method import Extension, Method, MethodOptions, MethodParts
from roadseg.adaptation.mixing import block_mask, class_mask, recoloured
from roadseg.adaptation.source_only import SourceOnly
from roadseg.adaptation.term import Term
from roadseg.datasets.sampling import Batch
from roadseg.labels.space import IGNORE
from roadseg.models.network import SegmentationNetwork

MIXED = "mixed/main"
"""Log name of the loss on mixed images."""
MASK_BLOCK = 32
"""Side in pixels of a masked block."""


class SelfTraining(Extension):
    """Adds the loss on mixed images to the objective of another method; alone, to that of source-only training."""

    class Options(MethodOptions):
        """Mixed images and their pseudo-labels."""

        weight: Annotated[float, Field(gt=0)] = 1.0
        """Weight of the loss on mixed images."""
        pseudo_label_threshold: Annotated[float, Field(ge=0, le=1)] = 0.9
        """An image's pseudo-labels are weighted by the share of its pixels whose probability is at least this."""
        jitter: Annotated[float, Field(ge=0)] = 0.3
        """Strength of the colour jitter on mixed images."""
        mask_ratio: Annotated[float, Field(ge=0, lt=1)] = 0.0
        """Share of blocks of the mixed images that are masked (Hoyer et al., "MIC", CVPR 2023); 0 for none."""

    needs_teacher = True
    options: Options

    def __init__(self, base: Method, teacher: SegmentationNetwork, options: Options | None = None) -> None:
        """Extend `base`.

        Args:
            base: the method whose objective this adds to.
            teacher: in evaluation mode, without gradients; the trainer keeps it the average of the segmenter's weights.
            options: None for the defaults.
        """
        super().__init__(base, options)
        self.teacher = teacher

    @classmethod
    def build(cls, parts: MethodParts, options: Options) -> Self:
        """Build the method; `parts` has a teacher."""
        assert parts.teacher is not None
        base = parts.base or SourceOnly(parts.segmenter, parts.runtime, parts.supervision)
        return cls(base, parts.teacher, options)

    @property
    def loss_kinds(self) -> dict[str, LossKind]:
        """The losses of the base, and that of the mixed images: weights of at most 1 make it no larger than others."""
        return self.base.loss_kinds | {MIXED: LossKind("classifier", answers=self.segmenter.num_classes)}

    def terms(self, batch: Batch) -> Iterator[Term]:
        """Yield the terms of the base, then that of the mixed images."""
        if batch.target_images is None:
            raise ValueError("self-training needs target images in the batch")
        yield from self.base.terms(batch)
        labels, weights = self._pseudo_labels(batch.target_images)
        images, labels, weights = self._mixed(batch, labels, weights)
        logits = self.predict(images).logits[0]
        losses = F.cross_entropy(
            resized(logits, labels.shape[-2:], align_corners=self.segmenter.align_corners),
            labels.long(),
            ignore_index=IGNORE,
            reduction="none",
        )
        loss = (losses * weights).mean() * batch.share
        yield Term(self.options.weight * loss, {MIXED: loss.detach()})

    @torch.no_grad()
    def _pseudo_labels(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return labels (N, H, W) uint8 and their weights (N, 1, 1) in 0..1."""
        with self.runtime.autocast():
            logits = self.teacher(self.teacher.normalisation(images)).logits[0].float()
        size = images.shape[-2:]
        probability, labels = torch.softmax(resized(logits, size, align_corners=self.teacher.align_corners), dim=1).max(
            dim=1
        )
        sure = (probability >= self.options.pseudo_label_threshold).float().mean((1, 2), keepdim=True)
        return labels.to(torch.uint8), sure

    def _mixed(self, batch: Batch, pseudo: Tensor, sure: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return images (N, 3, H, W) uint8, labels (N, H, W) uint8 and weights (N, H, W)."""
        assert batch.target_images is not None
        pasted = class_mask(batch.source_labels)
        images = torch.where(pasted[:, None], batch.source_images, batch.target_images)
        images = recoloured(images, self.options.jitter)
        if self.options.mask_ratio:
            kept = block_mask(
                len(images),
                (images.shape[2], images.shape[3]),
                block=MASK_BLOCK,
                ratio=self.options.mask_ratio,
                device=images.device,
            )
            images = images * kept
        return (
            images.contiguous(memory_format=torch.channels_last),
            torch.where(pasted, batch.source_labels, pseudo),
            torch.where(pasted, 1.0, sure),
        )
