"""Adversarial adaptation: output space at one or two levels (Tsai et al., CVPR 2018), features, or entropy (AdvEnt)."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Self

import torch
from pydantic import Field
from torch import Tensor, nn

from roadseg.adaptation.loss_verdicts import LossKind
from roadseg.adaptation.losses import (
    SOURCE,
    TARGET,
    Gan,
    adversarial_loss,
    at_least_float32,
    self_information,
)
from roadseg.adaptation.method import Method, MethodOptions, MethodParts, target_of
from roadseg.adaptation.supervision import Supervision
from roadseg.adaptation.term import LABELS, Term
from roadseg.datasets.sampling import Batch
from roadseg.models.discriminator import PatchDiscriminator
from roadseg.models.domain_statistics import statistics_kept
from roadseg.models.network import Prediction, SegmentationNetwork, resized
from roadseg.runtime import Runtime


@dataclass(frozen=True)
class View:
    """Part of a prediction that a discriminator sees."""

    part: Callable[[Prediction], Tensor]
    """Takes maps (N, C, h, w) out of the prediction, which are then resized to the images."""
    shown_as: Callable[[Tensor], Tensor]
    """Transforms the resized maps (N, C, H, W) into the discriminator's input, of the same shape."""


def softmax(logits: Tensor) -> Tensor:
    """Return class probabilities (N, C, H, W)."""
    return torch.softmax(logits, dim=1)


def unchanged(maps: Tensor) -> Tensor:
    """Return the maps themselves."""
    return maps


MAIN = View(lambda prediction: prediction.logits[0], softmax)
AUXILIARY = View(lambda prediction: prediction.logits[1], softmax)
FEATURES = View(lambda prediction: prediction.features, unchanged)
"""Input of the main classifier: the feature-level baseline of the paper."""
MAIN_INFORMATION = View(lambda prediction: prediction.logits[0], self_information)
AUXILIARY_INFORMATION = View(lambda prediction: prediction.logits[1], self_information)
"""Maps of the predictions' entropy: Vu et al., "ADVENT: Adversarial Entropy Minimization", CVPR 2019."""


@dataclass(frozen=True)
class Adversary:
    """A discriminator with its input and its weight in the segmenter's objective."""

    view: View
    discriminator: nn.Module
    """Maps its input to raw scores of any shape."""
    weight: float
    """lambda_adv."""


class Adversarial(Method):
    """Discriminators learn to tell source from target by their view of predictions; the segmenter learns to fool them.

    The objective of the segmenter is L_seg(source) + sum over adversaries of lambda_adv * L_adv(target) (equations 1 to
    5 of the paper); discriminators see the predictions of the same forward passes, made before the segmenter's step.
    During warm-up only the discriminators learn, from the segmenter's predictions as they are.
    """

    class Options(MethodOptions):
        """Adversarial losses and discriminators."""

        weight: Annotated[float, Field(ge=0)] = 0.03
        """lambda_adv of the main level, or of the features; 0.001 as published, for SGD and 150,000 steps."""
        auxiliary_weight: Annotated[float, Field(ge=0)] = 0.006
        """lambda_adv of the auxiliary level; 0.0002 as published."""
        warmup_steps: Annotated[int, Field(ge=0)] = 0
        """Steps at the start, out of `steps`, in which only the discriminators learn and the segmenter stays as it is;
        0 as published, 150 in the short recipes, whose discriminators would else guess for a third of the run."""
        gan: Gan = "vanilla"
        """Form of the adversarial losses."""
        discriminator_width: Annotated[int, Field(gt=0)] = 64
        """Channels of a discriminator's first of five convolutions; the last but one has eight times as many."""
        discriminator_upsample: bool = False
        """Up-sample scores to the size of the maps, as in the paper but not in its published code."""
        discriminator_learning_rate: Annotated[float, Field(gt=0)] = 1e-4
        """Learning rate of Adam for the discriminators."""
        map_stride: Annotated[int, Field(ge=1)] = 1
        """Discriminators see maps of the crop's size divided by this."""

        def check(self, crop: tuple[int, int], steps: int) -> None:
            """Refuse crops of which a discriminator would see less than one patch, and runs of nothing but warm-up.

            Raises:
                ValueError: a side of the maps is under 32 pixels, or no step remains for the segmenter.
            """
            if 0 < steps <= self.warmup_steps:
                raise ValueError(
                    f"adversarial.warmup_steps {self.warmup_steps} leaves the segmenter none of {steps} steps: "
                    "raise steps, or lower it"
                )
            if min(crop) // self.map_stride < PatchDiscriminator.SMALLEST:
                raise ValueError(
                    f"crop {crop} / adversarial.map_stride {self.map_stride} leaves the discriminator under "
                    f"{PatchDiscriminator.SMALLEST} pixels"
                )

    VIEWS: ClassVar[Mapping[str, View]] = {}
    """Views of the discriminators by their names, which logs and checkpoints use."""

    options: Options

    def __init__(
        self,
        segmenter: SegmentationNetwork,
        runtime: Runtime,
        supervision: Supervision,
        adversaries: Mapping[str, Adversary],
        options: Options | None = None,
    ) -> None:
        """Combine a segmenter and adversaries.

        Args:
            segmenter: the network to adapt.
            runtime: where the networks run.
            supervision: supervised loss on the source.
            adversaries: by the names that logs and checkpoints use.
            options: None for the defaults; weights and networks are those of the adversaries.
        """
        super().__init__(segmenter, runtime, supervision, options)
        self.adversaries = dict(adversaries)

    @classmethod
    def build(cls, parts: MethodParts, options: Options) -> Self:
        """Build a discriminator for each view, then the method."""

        def adversary(name: str, view: View) -> Adversary:
            discriminator = PatchDiscriminator(
                parts.segmenter.feature_channels if view is FEATURES else parts.segmenter.num_classes,
                width=options.discriminator_width,
                upsample=options.discriminator_upsample,
            )
            weight = options.auxiliary_weight if name == "auxiliary" else options.weight
            return Adversary(view, parts.runtime.place(discriminator), weight)

        adversaries = {name: adversary(name, view) for name, view in cls.VIEWS.items()}
        return cls(parts.segmenter, parts.runtime, parts.supervision, adversaries, options)

    @property
    def auxiliary_networks(self) -> dict[str, nn.Module]:
        """One discriminator for each adversary, under its name."""
        return {name: adversary.discriminator for name, adversary in self.adversaries.items()}

    @property
    def auxiliary_learning_rate(self) -> float:
        """Learning rate of the discriminators."""
        return self.options.discriminator_learning_rate

    @property
    def loss_kinds(self) -> dict[str, LossKind]:
        """The losses of the supervised levels and of the discriminators, the mean of both domains, and the ratios."""
        kind = LossKind("discriminator", "cross-entropy" if self.options.gan == "vanilla" else "squared-error")
        discriminators = {_discriminator_loss(name): kind for name in self.adversaries}
        ratios = {_gradient_ratio(name): LossKind("gradient-ratio") for name in self.adversaries}
        return self.supervision.kinds(self.segmenter.num_classes) | discriminators | ratios

    @property
    def warmup_steps(self) -> int:
        """Number of steps at the start in which only the discriminators learn."""
        return self.options.warmup_steps

    def warmup_terms(self, batch: Batch) -> Iterator[Term]:
        """Yield two terms for each discriminator, on maps of the segmenter as it is."""
        with torch.no_grad(), statistics_kept(self.segmenter):
            source_maps = self._maps(self.predict_source(batch.source_images))
            target_maps = self._maps(self.predict(target_of(batch)))
        yield from self._discriminator_terms(batch, source_maps, target_maps)

    def terms(self, batch: Batch) -> Iterator[Term]:
        """Yield the segmentation term, the segmenter's adversarial term, then two terms for each discriminator.

        Between terms only the small maps of the predictions are kept; the discriminators' inputs are made from them
        when they are needed.
        """
        self._train_discriminators(False)
        prediction = self.predict_source(batch.source_images)
        source_maps = self._maps(prediction)
        supervised = self.supervision.term(prediction.logits, batch)
        yield supervised._replace(compared={LABELS: supervised.loss})
        del prediction, supervised

        prediction = self.predict(target_of(batch))
        target_maps = self._maps(prediction)
        yield self._fooling_term(prediction, batch)
        del prediction

        yield from self._discriminator_terms(batch, source_maps, target_maps)

    def _discriminator_terms(
        self, batch: Batch, source_maps: Mapping[str, Tensor], target_maps: Mapping[str, Tensor]
    ) -> Iterator[Term]:
        self._train_discriminators(True)
        for name, adversary in self.adversaries.items():
            for domain, maps, images in (
                (SOURCE, source_maps[name], batch.source_images),
                (TARGET, target_maps[name], target_of(batch)),
            ):
                loss = self._loss(adversary, maps, images, domain) * batch.share / 2
                yield Term(loss, {_discriminator_loss(name): loss.detach()})

    def _fooling_term(self, prediction: Prediction, batch: Batch) -> Term:
        losses = {
            name: self._loss(adversary, adversary.view.part(prediction), target_of(batch), SOURCE) * batch.share
            for name, adversary in self.adversaries.items()
        }
        weighted = {name: adversary.weight * losses[name] for name, adversary in self.adversaries.items()}
        return Term(
            torch.stack(list(weighted.values())).sum(),
            {f"adversarial/{name}": loss.detach() for name, loss in losses.items()},
            {_gradient_ratio(name): loss for name, loss in weighted.items()},
        )

    def _maps(self, prediction: Prediction) -> dict[str, Tensor]:
        return {name: adversary.view.part(prediction).detach() for name, adversary in self.adversaries.items()}

    def _loss(self, adversary: Adversary, maps: Tensor, images: Tensor, domain: float) -> Tensor:
        height, width = (side // self.options.map_stride for side in images.shape[-2:])
        shown = adversary.view.shown_as(resized(maps, (height, width), align_corners=self.segmenter.align_corners))
        with self.runtime.autocast():
            scores: Tensor = adversary.discriminator(shown)
        return adversarial_loss(at_least_float32(scores), domain, self.options.gan)

    def _train_discriminators(self, on: bool) -> None:
        for discriminator in self.auxiliary_networks.values():
            discriminator.requires_grad_(on)


class FeatureLevel(Adversarial):
    """Adaptation of the features before the classifier: "feature DA" of the paper, after Hoffman et al. 2016."""

    VIEWS: ClassVar = {"features": FEATURES}


class SingleLevel(Adversarial):
    """Output-space adaptation of the main level."""

    VIEWS: ClassVar = {"main": MAIN}


class MultiLevel(Adversarial):
    """Output-space adaptation of both levels, with a discriminator each."""

    VIEWS: ClassVar = {"main": MAIN, "auxiliary": AUXILIARY}


class AdvEnt(Adversarial):
    """AdvEnt: adaptation of the self-information of both levels, with a discriminator each."""

    VIEWS: ClassVar = {"main": MAIN_INFORMATION, "auxiliary": AUXILIARY_INFORMATION}


def _discriminator_loss(name: str) -> str:
    return f"discriminator/{name}"


def _gradient_ratio(name: str) -> str:
    return f"gradient-ratio/{name}"
