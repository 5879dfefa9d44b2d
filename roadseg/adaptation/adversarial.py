"""Adversarial adaptation: of the output space at one level or more (Tsai et al., CVPR 2018), or of the features."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from roadseg.adaptation.loss_verdicts import LossKind
from roadseg.adaptation.losses import SOURCE, TARGET, Gan, adversarial_loss, at_least_float32, resized
from roadseg.adaptation.method import Method, Term
from roadseg.adaptation.source_only import Supervision
from roadseg.datasets.sampling import Batch
from roadseg.models.network import Prediction, SegmentationNetwork
from roadseg.runtime import Runtime


@dataclass(frozen=True)
class View:
    """What a discriminator is shown of a prediction."""

    part: Callable[[Prediction], Tensor]
    """Takes maps (N, C, h, w) out of the prediction, which are then resized to the images."""
    shown_as: Callable[[Tensor], Tensor]
    """Turns the resized maps (N, C, H, W) into what is shown, of the same shape."""


def softmax(logits: Tensor) -> Tensor:
    """Class probabilities (N, C, H, W)."""
    return torch.softmax(logits, dim=1)


def unchanged(maps: Tensor) -> Tensor:
    """The maps themselves."""
    return maps


MAIN = View(lambda prediction: prediction.logits[0], softmax)
AUXILIARY = View(lambda prediction: prediction.logits[1], softmax)
FEATURES = View(lambda prediction: prediction.features, unchanged)
"""What the main classifier sees: the feature-level baseline of the paper."""


@dataclass(frozen=True)
class Adversary:
    """A discriminator, what it is shown, and how much the segmenter cares to fool it."""

    view: View
    discriminator: nn.Module
    """Maps what is shown to raw scores of any shape."""
    weight: float
    """lambda_adv."""


class Adversarial(Method):
    """Discriminators learn to tell source from target by what they are shown; the segmenter learns to fool them.

    The objective of the segmenter is L_seg(source) + sum over adversaries of lambda_adv * L_adv(target) (equations 1 to
    5 of the paper); discriminators see the predictions of the same forward passes, made before the segmenter's step.
    """

    def __init__(
        self,
        segmenter: SegmentationNetwork,
        runtime: Runtime,
        adversaries: Mapping[str, Adversary],
        *,
        segmentation_weights: Sequence[float],
        class_balance: float = 0.0,
        gan: Gan = "vanilla",
        map_stride: int = 1,
    ) -> None:
        """Give adversaries by the names that logs and checkpoints call them by.

        Args:
            segmenter: the network to adapt.
            runtime: where it lies.
            adversaries: `MAIN` alone is the single-level method, `MAIN` and `AUXILIARY` the multi-level one.
            segmentation_weights: of each level's supervised loss, the main level first.
            class_balance: see `roadseg.adaptation.losses.segmentation_loss`.
            gan: form of the adversarial losses.
            map_stride: discriminators see maps at the size of the images divided by this; the paper has 1.
        """
        super().__init__(segmenter, runtime)
        self.adversaries = dict(adversaries)
        self.supervision = Supervision(tuple(segmentation_weights), class_balance, segmenter.align_corners)
        self.gan: Gan = gan
        self.map_stride = map_stride

    @property
    def companions(self) -> dict[str, nn.Module]:
        """One an adversary, under its name."""
        return {name: adversary.discriminator for name, adversary in self.adversaries.items()}

    @property
    def loss_kinds(self) -> dict[str, LossKind]:
        """Of the supervised levels and the discriminators, whose loss is the mean of both domains'."""
        kind = LossKind("discriminator", "cross-entropy" if self.gan == "vanilla" else "squared-error")
        discriminators = {_discriminator_loss(name): kind for name in self.adversaries}
        return self.supervision.kinds(self.segmenter.num_classes) | discriminators

    def terms(self, batch: Batch) -> Iterator[Term]:
        """Yield the segmentation term, the segmenter's adversarial term, then two terms a discriminator.

        Between terms only the small maps of the predictions are kept; what discriminators are shown is made of them
        when it is needed.
        """
        if batch.target_images is None:
            raise ValueError("adversarial adaptation needs target images in the batch")
        self._train_discriminators(False)
        prediction = self.predict_source(batch.source_images)
        source_maps = self._maps(prediction)
        yield self.supervision.term(prediction.logits, batch)
        del prediction

        prediction = self.predict(batch.target_images)
        target_maps = self._maps(prediction)
        yield self._fooling_term(prediction, batch)
        del prediction

        self._train_discriminators(True)
        for name, adversary in self.adversaries.items():
            for domain, maps, images in (
                (SOURCE, source_maps[name], batch.source_images),
                (TARGET, target_maps[name], batch.target_images),
            ):
                loss = self._loss(adversary, maps, images, domain) * batch.share / 2
                yield Term(loss, {_discriminator_loss(name): loss.detach()})

    def _fooling_term(self, prediction: Prediction, batch: Batch) -> Term:
        assert batch.target_images is not None
        losses = {
            name: self._loss(adversary, adversary.view.part(prediction), batch.target_images, SOURCE) * batch.share
            for name, adversary in self.adversaries.items()
        }
        weighted = [adversary.weight * losses[name] for name, adversary in self.adversaries.items()]
        return Term(
            torch.stack(weighted).sum(), {f"adversarial/{name}": loss.detach() for name, loss in losses.items()}
        )

    def _maps(self, prediction: Prediction) -> dict[str, Tensor]:
        return {name: adversary.view.part(prediction).detach() for name, adversary in self.adversaries.items()}

    def _loss(self, adversary: Adversary, maps: Tensor, images: Tensor, domain: float) -> Tensor:
        height, width = (side // self.map_stride for side in images.shape[-2:])
        shown = adversary.view.shown_as(resized(maps, (height, width), align_corners=self.segmenter.align_corners))
        with self.runtime.autocast():
            scores: Tensor = adversary.discriminator(shown)
        return adversarial_loss(at_least_float32(scores), domain, self.gan)

    def _train_discriminators(self, on: bool) -> None:
        for discriminator in self.companions.values():
            discriminator.requires_grad_(on)


def _discriminator_loss(name: str) -> str:
    return f"discriminator/{name}"
