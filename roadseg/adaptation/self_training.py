"""Self-training: an exponential-moving-average teacher labels target images, and the student learns mixed images.

After Tranheden et al., "DACS: Domain Adaptation via Cross-domain Mixed Sampling", WACV 2021, with the mean teacher of
Tarvainen and Valpola, NeurIPS 2017, the settings of Hoyer et al., "DAFormer", CVPR 2022, and the masked images of Hoyer
et al., "MIC: Masked Image Consistency", CVPR 2023.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Self

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from roadseg.adaptation.loss_verdicts import LossKind
from roadseg.adaptation.method import Extension, Method, MethodOptions, MethodParts, target_of
from roadseg.adaptation.mixing import block_mask, blurred, class_mask, recoloured
from roadseg.adaptation.source_only import SourceOnly
from roadseg.adaptation.term import Term
from roadseg.datasets.sampling import Batch
from roadseg.labels.space import IGNORE
from roadseg.models.average import WeightAverage
from roadseg.models.domain_statistics import domains_differ
from roadseg.models.network import SegmentationNetwork, resized

STUDENT, MASKED = "student/main", "masked/main"
"""Log names of the losses on the student's images and on masked target images."""


class SelfTraining(Extension):
    """Adds losses with labels of a teacher to the objective of another method; alone, to that of source-only training.

    Source pixels are pasted onto target images only where one batch norm serves both domains: statistics of the target
    are not what the network learned to normalise source pixels with. Where each domain has its own, the student learns
    whole target images.
    """

    class Options(MethodOptions):
        """Images of the student, and labels of the teacher."""

        weight: Annotated[float, Field(gt=0)] = 1.0
        """Weight of the loss on the student's images: mixed ones, or target images where each domain has a batch norm
        of its own; 1 as published."""
        teacher_decay: Annotated[float, Field(ge=0, lt=1)] = 0.999
        """Decay of the teacher, an exponential moving average of the weights that is their plain mean at first: 0.999
        in DAFormer and MIC, 0.99 in DACS."""
        pseudo_label_threshold: Annotated[float, Field(ge=0, le=1)] = 0.968
        """An image's pseudo-labels are weighted by the share of its pixels whose probability is at least this; 0.968 as
        published."""
        ignore_top: Annotated[float, Field(ge=0, lt=1)] = 0.0
        """Share of a target crop's height, from the top, whose pseudo-labels weigh nothing; 15/512 in DAFormer."""
        ignore_bottom: Annotated[float, Field(ge=0, lt=1)] = 0.0
        """The same from the bottom, for a bonnet that is always in view; 120/512 in DAFormer."""
        jitter: Annotated[float, Field(ge=0)] = 0.2
        """Strength of the colour jitter on four in five of the student's images: 0.2 in DAFormer and MIC, 0.25 in
        DACS."""
        blur: Annotated[float, Field(ge=0, le=1)] = 0.5
        """Share of the student's images that are blurred, by 0.15 to 1.15 pixels; 0.5 as published."""
        mask_ratio: Annotated[float, Field(ge=0, lt=1)] = 0.0
        """Share of blocks that are hidden in a second loss, on target images; 0.7 in MIC, 0 for no such loss."""
        mask_block: Annotated[int, Field(gt=0)] = 64
        """Side of a hidden block in pixels; 64 in MIC."""
        mask_weight: Annotated[float, Field(gt=0)] = 1.0
        """Weight of the loss on masked images; 1 in MIC."""

        def check(self, crop: tuple[int, int], steps: int) -> None:
            """Refuse crops that one block would hide, and labels that are all ignored.

            Raises:
                ValueError: a side of the crops is no longer than a block, or no row is left.
            """
            if self.mask_ratio and min(crop) <= self.mask_block:
                raise ValueError(
                    f"crop {crop} is within one block of self_training.mask_block {self.mask_block}: lower it"
                )
            if self.ignore_top + self.ignore_bottom >= 1:
                raise ValueError("self_training.ignore_top and ignore_bottom leave no row: lower one")

    keeps_target_colours = True
    options: Options

    def __init__(self, base: Method, options: Options | None = None) -> None:
        """Extend `base`, with a teacher that starts as a copy of its segmenter.

        Args:
            base: the method whose objective this adds to.
            options: None for the defaults.
        """
        super().__init__(base, options)
        self._teacher = WeightAverage(base.segmenter, self.options.teacher_decay)

    @classmethod
    def build(cls, parts: MethodParts, options: Options) -> Self:
        """Build the method on its base, or on source-only training where `parts` has none."""
        return cls(parts.base or SourceOnly(parts.segmenter, parts.runtime, parts.supervision), options)

    @property
    def teacher(self) -> WeightAverage[SegmentationNetwork]:
        """Average of the segmenter's weights that labels target images."""
        return self._teacher

    @property
    def loss_kinds(self) -> dict[str, LossKind]:
        """The losses of the base, and those with the teacher's labels: weights of at most 1 make them no larger."""
        kind = LossKind("classifier", answers=self.segmenter.num_classes)
        return self.base.loss_kinds | {STUDENT: kind} | ({MASKED: kind} if self.options.mask_ratio else {})

    def terms(self, batch: Batch) -> Iterator[Term]:
        """Yield the terms of the base, that of the student's images and, if there are some, that of masked images."""
        yield from self.base.terms(batch)
        target = target_of(batch)
        pseudo, sure = self._pseudo_labels(target)
        pasted = torch.zeros_like(pseudo, dtype=torch.bool) if self._keeps_apart else class_mask(batch.source_labels)
        images = self._seen(torch.where(pasted[:, None], batch.source_images, target))
        labels, weights = torch.where(pasted, batch.source_labels, pseudo), torch.where(pasted, 1.0, sure)
        yield self._term(images, labels, weights * batch.share, STUDENT, self.options.weight)
        if self.options.mask_ratio:
            images = self._masked(self._seen(target))
            yield self._term(images, pseudo, sure * batch.share, MASKED, self.options.mask_weight)

    @cached_property
    def _keeps_apart(self) -> bool:
        """True if nothing is pasted; known from the first step on, since batch norm is adapted after `__init__`."""
        return domains_differ(self.segmenter)

    @torch.no_grad()
    def _pseudo_labels(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return the teacher's labels (N, H, W) uint8 and their weights (N, H, W) in 0..1."""
        teacher = self._teacher.network
        with self.runtime.autocast():
            logits = teacher(teacher.normalisation(images)).logits[0].float()
        scores = resized(logits, images.shape[-2:], align_corners=teacher.align_corners)
        probability, labels = torch.softmax(scores, dim=1).max(dim=1)
        sure = (probability >= self.options.pseudo_label_threshold).float().mean((1, 2), keepdim=True)
        weights = sure.repeat(1, *labels.shape[1:])
        height = labels.shape[1]
        weights[:, : round(height * self.options.ignore_top)] = 0
        weights[:, height - round(height * self.options.ignore_bottom) :] = 0
        return labels.to(torch.uint8), weights

    def _seen(self, images: Tensor) -> Tensor:
        """Change colours and blur, and normalise: (N, 3, H, W) uint8 to the segmenter's input of the same shape."""
        images = blurred(recoloured(images, self.options.jitter), self.options.blur)
        return self.segmenter.normalisation(images.contiguous(memory_format=torch.channels_last))

    def _masked(self, images: Tensor) -> Tensor:
        """Hide blocks of normalised images: they are 0, which is the mean colour."""
        height, width = images.shape[-2:]
        return images * block_mask(
            len(images),
            (height, width),
            block=self.options.mask_block,
            ratio=self.options.mask_ratio,
            device=images.device,
        )

    def _term(self, images: Tensor, labels: Tensor, weights: Tensor, name: str, weight: float) -> Term:
        """Return `weight` times the mean over all pixels of the weighted cross-entropy on normalised images."""
        logits = resized(
            self.predict_normalised(images).logits[0], labels.shape[-2:], align_corners=self.segmenter.align_corners
        )
        losses = F.cross_entropy(logits, labels.long(), ignore_index=IGNORE, reduction="none")
        loss = (losses * weights).mean()
        return Term(weight * loss, {name: loss.detach()})
