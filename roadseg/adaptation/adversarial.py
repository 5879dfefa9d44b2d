"""Adversarial adaptation of the output space: Tsai et al., CVPR 2018, single-level and multi-level."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from roadseg.adaptation.losses import SOURCE, TARGET, Gan, adversarial_loss, at_least_float32, resized
from roadseg.adaptation.method import Method, Term
from roadseg.adaptation.source_only import LEVEL_NAMES, Supervision
from roadseg.datasets.sampling import Batch
from roadseg.models.network import SegmentationNetwork
from roadseg.runtime import Runtime


class OutputSpaceAdversarial(Method):
    """A discriminator a level learns to tell source from target softmax maps; the segmenter learns to fool it.

    The objective of the segmenter is L_seg(source) + sum over levels of lambda_adv * L_adv(target) (equations 1 to 5 of
    the paper); discriminators see the predictions of the same forward passes, made before the segmenter's step.
    """

    needs_target = True

    def __init__(
        self,
        segmenter: SegmentationNetwork,
        runtime: Runtime,
        discriminators: Sequence[nn.Module],
        *,
        segmentation_weights: Sequence[float],
        class_balance: float = 0.0,
        adversarial_weights: Sequence[float],
        gan: Gan = "vanilla",
        map_stride: int = 1,
    ) -> None:
        """Give a segmentation weight a level of the segmenter, the main level first, and a discriminator with its
        lambda_adv for each level that is adapted: the main one alone (single-level), or all (multi-level).

        Discriminators see softmax maps at the size of the images divided by `map_stride`; the paper has 1.
        """
        super().__init__(segmenter, runtime)
        self._discriminators = tuple(discriminators)
        self.supervision = Supervision(tuple(segmentation_weights), class_balance, segmenter.align_corners)
        self.adversarial_weights = tuple(adversarial_weights)
        self.gan: Gan = gan
        self.map_stride = map_stride

    @property
    def discriminators(self) -> dict[str, nn.Module]:
        """One a level, named after it."""
        return dict(zip(LEVEL_NAMES, self._discriminators, strict=False))

    def terms(self, batch: Batch) -> Iterator[Term]:
        """Yield the segmentation term, the segmenter's adversarial term, then a term a discriminator."""
        if batch.target_images is None:
            raise ValueError("adversarial adaptation needs target images in the batch")
        self._train_discriminators(False)
        logits = self.predict(batch.source_images).logits
        source_maps = [self._view(level.detach(), batch.source_images) for level in self._adapted(logits)]
        yield self.supervision.term(logits, batch.source_labels)
        del logits

        logits = self.predict(batch.target_images).logits
        maps = [self._view(level, batch.target_images) for level in self._adapted(logits)]
        target_maps = [level.detach() for level in maps]
        yield self._fooling_term(maps)
        del logits, maps

        self._train_discriminators(True)
        for (name, discriminator), source, target in zip(
            self.discriminators.items(), source_maps, target_maps, strict=True
        ):
            yield self._telling_term(name, discriminator, source, target)

    def _fooling_term(self, target_maps: Sequence[Tensor]) -> Term:
        loss = target_maps[0].new_zeros(())
        values = {}
        for (name, discriminator), maps, weight in zip(
            self.discriminators.items(), target_maps, self.adversarial_weights, strict=True
        ):
            level = adversarial_loss(self._score(discriminator, maps), SOURCE, self.gan)
            loss = loss + weight * level
            values[f"adversarial/{name}"] = level.detach()
        return Term(loss, values)

    def _telling_term(self, name: str, discriminator: nn.Module, source: Tensor, target: Tensor) -> Term:
        on_source = adversarial_loss(self._score(discriminator, source), SOURCE, self.gan)
        on_target = adversarial_loss(self._score(discriminator, target), TARGET, self.gan)
        loss = (on_source + on_target) / 2
        return Term(loss, {f"discriminator/{name}": loss.detach()})

    def _adapted(self, logits: Sequence[Tensor]) -> Sequence[Tensor]:
        return logits[: len(self._discriminators)]

    def _view(self, logits: Tensor, images: Tensor) -> Tensor:
        height, width = (side // self.map_stride for side in images.shape[-2:])
        maps = resized(logits, (height, width), align_corners=self.segmenter.align_corners)
        return torch.softmax(maps, dim=1)

    def _score(self, discriminator: nn.Module, maps: Tensor) -> Tensor:
        with self.runtime.autocast():
            scores: Tensor = discriminator(maps)
        return at_least_float32(scores)

    def _train_discriminators(self, on: bool) -> None:
        for discriminator in self._discriminators:
            discriminator.requires_grad_(on)
