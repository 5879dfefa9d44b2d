"""Adaptation by generated images: Sankaranarayanan et al., "Learning from Synthetic Data" (LSD), CVPR 2018.

A generator paints each image anew from its features, a discriminator judges real and painted images. Features from
which the other domain's discriminator label can be painted, and the right classes, are those that domains share.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from roadseg.adaptation.loss_verdicts import LossKind
from roadseg.adaptation.losses import at_least_float32, resized, segmentation_loss
from roadseg.adaptation.method import Method, Term
from roadseg.adaptation.source_only import Supervision
from roadseg.datasets.sampling import Batch
from roadseg.models.network import SegmentationNetwork
from roadseg.models.reconstruction import DOMAINS, ImageScores
from roadseg.runtime import Runtime

GENERATOR_ADV_WEIGHT = 0.1
"""Of the generator's adversarial losses beside that of the classes, as published."""


@dataclass(frozen=True)
class Domain:
    """What the discriminator is to answer for images of a domain, of its four answers."""

    name: str
    real: int
    generated: int


SOURCE, TARGET = Domain("source", 0, 1), Domain("target", 2, 3)


class LearningFromSynthetic(Method):
    """Features F, classifier C, generator G and discriminator D with an auxiliary classifier, each with its losses.

    - D tells real source, generated source, real target and generated target apart, and classifies real source images.
    - G makes images that D takes for real ones of their own domain, that D classifies rightly (source), and that are
      like the originals (L1).
    - F and C learn the source labels; F also makes features whose images D takes for real ones of the *other* domain,
      and classifies rightly (source).

    All see the networks as they were before the step, which the published code lets them make one after the other.
    """

    def __init__(
        self,
        segmenter: SegmentationNetwork,
        runtime: Runtime,
        generator: nn.Module,
        discriminator: nn.Module,
        *,
        segmentation_weights: Sequence[float],
        adv_weight: float,
        reconstruction_weight: float,
        class_balance: float = 0.0,
    ) -> None:
        """Give the networks.

        Args:
            segmenter: F and C; F is what makes its features.
            runtime: where all lie.
            generator: maps features (N, F, h, w) to images (N, 3, any, any), 0..1, which are resized to the originals.
            discriminator: maps images (N, 3, H, W), 0..1, to `roadseg.models.reconstruction.ImageScores`.
            segmentation_weights: of each level's supervised loss, the main level first.
            adv_weight: of F's adversarial losses, and of its classes as D sees them: published with one weight.
            reconstruction_weight: of G's L1 loss.
            class_balance: of the supervised loss, see `roadseg.adaptation.losses.segmentation_loss`.
        """
        super().__init__(segmenter, runtime)
        self.generator = generator
        self.discriminator = discriminator
        self.supervision = Supervision(tuple(segmentation_weights), class_balance, segmenter.align_corners)
        self.adv_weight = adv_weight
        self.reconstruction_weight = reconstruction_weight

    @property
    def companions(self) -> dict[str, nn.Module]:
        """Generator and discriminator."""
        return {"generator": self.generator, "discriminator": self.discriminator}

    @property
    def loss_kinds(self) -> dict[str, LossKind]:
        """Of the supervised levels, and of the discriminator: a domain's real and generated images, of four answers."""
        kind = LossKind("discriminator", answers=DOMAINS, summed=2)
        discriminators = {_discriminator_loss(domain): kind for domain in (SOURCE, TARGET)}
        return self.supervision.kinds(self.segmenter.num_classes) | discriminators

    def terms(self, batch: Batch) -> Iterator[Term]:
        """Yield a term of the segmenter for each domain, then of the generator, then of the discriminator."""
        if batch.target_images is None:
            raise ValueError("learning from synthetic data needs target images in the batch")
        domains = ((SOURCE, batch.source_images), (TARGET, batch.target_images))
        self._train(None)
        term, source_features = self._source_term(batch)
        yield term
        term, target_features = self._target_term(batch.target_images, batch)
        yield term

        self._train(self.generator)
        generated = []
        for (domain, images), features in zip(domains, (source_features, target_features), strict=True):
            term, painted = self._generator_term(domain, images, features, batch)
            generated.append(painted)
            yield term

        self._train(self.discriminator)
        for (domain, images), painted in zip(domains, generated, strict=True):
            yield self._discriminator_term(domain, images, painted, batch)

    def _source_term(self, batch: Batch) -> tuple[Term, Tensor]:
        """Of F and C; and the features, cut from the graph."""
        prediction = self.predict_source(batch.source_images)
        supervised = self.supervision.term(prediction.logits, batch)
        scores = self._judged(self._painted(prediction.features, batch.source_images))
        crossed = self._domain_loss(scores, TARGET.real, batch)
        loss = supervised.loss + self.adv_weight * (crossed + self._class_loss(scores, batch))
        values = {**supervised.values, "adversarial/source": crossed.detach()}
        return Term(loss, values), prediction.features.detach()

    def _target_term(self, images: Tensor, batch: Batch) -> tuple[Term, Tensor]:
        """Of F; and the features, cut from the graph."""
        features = self.predict(images).features
        crossed = self._domain_loss(self._judged(self._painted(features, images)), SOURCE.real, batch)
        return Term(self.adv_weight * crossed, {"adversarial/target": crossed.detach()}), features.detach()

    def _generator_term(self, domain: Domain, images: Tensor, features: Tensor, batch: Batch) -> tuple[Term, Tensor]:
        """Of G; and the images that it made, cut from the graph."""
        painted = self._painted(features, images)
        scores = self._judged(painted)
        adversarial = self._domain_loss(scores, domain.real, batch)
        unlike = F.l1_loss(painted, _unit(images, painted.dtype)) * batch.share
        loss = GENERATOR_ADV_WEIGHT * adversarial + self.reconstruction_weight * unlike
        values = {f"generator/{domain.name}": adversarial, f"reconstruction/{domain.name}": unlike}
        if domain is SOURCE:
            values["classes/generated"] = self._class_loss(scores, batch)
            loss = loss + values["classes/generated"]
        return Term(loss, {name: value.detach() for name, value in values.items()}), painted.detach()

    def _discriminator_term(self, domain: Domain, images: Tensor, painted: Tensor, batch: Batch) -> Term:
        real = self._judged(_unit(images, painted.dtype))
        told_apart = self._domain_loss(real, domain.real, batch)
        told_apart = told_apart + self._domain_loss(self._judged(painted), domain.generated, batch)
        values = {_discriminator_loss(domain): told_apart}
        if domain is SOURCE:
            values["classes/real"] = self._class_loss(real, batch)
        loss = torch.stack(list(values.values())).sum()
        return Term(loss, {name: value.detach() for name, value in values.items()})

    def _painted(self, features: Tensor, images: Tensor) -> Tensor:
        """What G makes of features, of the size of the images that they are of."""
        with self.runtime.autocast():
            painted = at_least_float32(self.generator(features))
        return resized(painted, images.shape[-2:], align_corners=self.segmenter.align_corners)

    def _judged(self, images: Tensor) -> ImageScores:
        with self.runtime.autocast():
            domains, classes = self.discriminator(images)
        return ImageScores(at_least_float32(domains), at_least_float32(classes))

    def _domain_loss(self, scores: ImageScores, wanted: int, batch: Batch) -> Tensor:
        """Cross-entropy with one of the four answers everywhere, as far as these images contribute."""
        answers = torch.full_like(scores.domains[:, 0], wanted, dtype=torch.long)
        return F.cross_entropy(scores.domains, answers) * batch.share

    def _class_loss(self, scores: ImageScores, batch: Batch) -> Tensor:
        return segmentation_loss(scores.classes, batch.source_labels, batch.label_counts)

    def _train(self, trained: nn.Module | None) -> None:
        for network in self.companions.values():
            network.requires_grad_(network is trained)


def _unit(images: Tensor, dtype: torch.dtype) -> Tensor:
    """Pixels (N, 3, H, W) uint8 as 0..1."""
    return images.to(dtype) / 255


def _discriminator_loss(domain: Domain) -> str:
    return f"discriminator/{domain.name}"
