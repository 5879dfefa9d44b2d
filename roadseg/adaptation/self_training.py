"""Self-training: a slowly moving teacher labels target images, and the student learns them in mixed pictures.

After Tranheden et al., "DACS: Domain Adaptation via Cross-domain Mixed Sampling", WACV 2021, with the mean teacher of
Tarvainen and Valpola, NeurIPS 2017.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from roadseg.adaptation.loss_verdicts import LossKind
from roadseg.adaptation.losses import resized
from roadseg.adaptation.method import Method, Term
from roadseg.adaptation.mixing import block_mask, class_mask, recoloured
from roadseg.datasets.sampling import Batch
from roadseg.labels.space import IGNORE
from roadseg.models.network import SegmentationNetwork


@dataclass(frozen=True)
class SelfTrainingOptions:
    """How a teacher teaches."""

    weight: float = 1.0
    """Of the loss on mixed pictures."""
    confidence: float = 0.9
    """Pseudo-labels weigh as much as the share of an image's pixels whose probability is at least this."""
    jitter: float = 0.3
    """Strength of the colour changes of mixed pictures."""
    mask_ratio: float = 0.0
    """Share of blocks of the mixed pictures that are hidden from the student."""


MIXED = "mixed/main"
"""What logs call the loss on mixed pictures."""
MASK_BLOCK = 32
"""Side in pixels of what is hidden at once."""


class SelfTraining(Method):
    """Another method, to whose objective the loss on mixed pictures is added."""

    def __init__(self, base: Method, teacher: SegmentationNetwork, options: SelfTrainingOptions) -> None:
        """Teach the segmenter of `base`.

        Args:
            base: the method whose objective this adds to.
            teacher: in evaluation mode, without gradients; the trainer keeps it the average of the segmenter's weights.
            options: how it teaches.
        """
        super().__init__(base.segmenter, base.runtime)
        self.base = base
        self.options = options
        self.teacher = teacher

    @property
    def companions(self) -> dict[str, nn.Module]:
        """Those of the base method."""
        return self.base.companions

    @property
    def loss_kinds(self) -> dict[str, LossKind]:
        """Those of the base method, and of the mixed pictures, whose weights of at most 1 make their loss no larger."""
        return self.base.loss_kinds | {MIXED: LossKind("classifier", answers=self.segmenter.num_classes)}

    def terms(self, batch: Batch) -> Iterator[Term]:
        """Yield the terms of the base method, then that of the mixed pictures."""
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
        """Labels (N, H, W) uint8 and their weights (N, 1, 1) in 0..1."""
        with self.runtime.autocast():
            logits = self.teacher(self.teacher.normalisation(images)).logits[0].float()
        size = images.shape[-2:]
        probability, labels = torch.softmax(resized(logits, size, align_corners=self.teacher.align_corners), dim=1).max(
            dim=1
        )
        sure = (probability >= self.options.confidence).float().mean((1, 2), keepdim=True)
        return labels.to(torch.uint8), sure

    def _mixed(self, batch: Batch, pseudo: Tensor, sure: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Images (N, 3, H, W) uint8, labels (N, H, W) uint8 and weights (N, H, W)."""
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
