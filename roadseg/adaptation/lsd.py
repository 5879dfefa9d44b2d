"""Adaptation by generated images: Sankaranarayanan et al., "Learning from Synthetic Data" (LSD), CVPR 2018.

A generator reconstructs each image from its features; a discriminator scores real and generated images. The features
learn to be those that both domains share: images generated from them pass for real images of the other domain, with
the right classes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Self

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from roadseg.adaptation.loss_verdicts import LossKind
from roadseg.adaptation.losses import at_least_float32, segmentation_loss
from roadseg.adaptation.method import Method, MethodOptions, MethodParts, target_of
from roadseg.adaptation.supervision import Supervision
from roadseg.adaptation.term import Term
from roadseg.datasets.sampling import Batch
from roadseg.models.network import SegmentationNetwork, resized
from roadseg.models.reconstruction import DOMAINS, Generator, ImageDiscriminator, ImageScores
from roadseg.runtime import Runtime

GENERATOR_ADV_WEIGHT = 0.1
"""Weight of the generator's adversarial losses; that of the classes is 1, as published."""


@dataclass(frozen=True)
class Domain:
    """Correct answers of the discriminator for the images of a domain, out of four."""

    name: str
    real: int
    generated: int


SOURCE, TARGET = Domain("source", 0, 1), Domain("target", 2, 3)


class LearningFromSynthetic(Method):
    """Features F, classifier C, generator G and discriminator D with an auxiliary classifier, each with its losses.

    - D distinguishes real source, generated source, real target and generated target, and classifies real sources.
    - G generates images that D takes for real ones of their own domain, that D classifies correctly (source), and that
      resemble the originals (L1).
    - F and C learn the source labels; F also computes features whose images D takes for real ones of the *other*
      domain, and classifies correctly (source).

    All losses use the networks as they were before the step; the published code updates one network after the other.
    """

    class Options(MethodOptions):
        """Weights and networks."""

        adversarial_weight: Annotated[float, Field(ge=0)] = 0.001
        """Weight of the adversarial losses of the features, and of the classes in generated images."""
        reconstruction_weight: Annotated[float, Field(ge=0)] = 1.0
        """Weight of the L1 loss of generated images."""
        width: Annotated[int, Field(gt=0)] = 64
        """Channels of the narrowest layers of generator and discriminator; all other layers scale with it."""
        learning_rate: Annotated[float, Field(gt=0)] = 1e-4
        """Learning rate of Adam for generator and discriminator."""

    options: Options

    def __init__(
        self,
        segmenter: SegmentationNetwork,
        runtime: Runtime,
        supervision: Supervision,
        generator: nn.Module,
        discriminator: nn.Module,
        options: Options | None = None,
    ) -> None:
        """Combine the networks.

        Args:
            segmenter: F and C; F computes its features.
            runtime: where all networks run.
            supervision: supervised loss on the source.
            generator: maps features (N, F, h, w) to images (N, 3, any, any), 0..1, which are resized to the originals.
            discriminator: maps images (N, 3, H, W), 0..1, to `roadseg.models.reconstruction.ImageScores`.
            options: None for the defaults.
        """
        super().__init__(segmenter, runtime, supervision, options)
        self.generator = generator
        self.discriminator = discriminator

    @classmethod
    def build(cls, parts: MethodParts, options: Options) -> Self:
        """Build generator and discriminator, then the method."""
        segmenter, place = parts.segmenter, parts.runtime.place
        generator = place(Generator(segmenter.feature_channels, width=options.width))
        discriminator = place(ImageDiscriminator(segmenter.num_classes, width=options.width))
        return cls(segmenter, parts.runtime, parts.supervision, generator, discriminator, options)

    @property
    def auxiliary_networks(self) -> dict[str, nn.Module]:
        """Generator and discriminator."""
        return {"generator": self.generator, "discriminator": self.discriminator}

    @property
    def auxiliary_learning_rate(self) -> float:
        """Learning rate of generator and discriminator."""
        return self.options.learning_rate

    @property
    def loss_kinds(self) -> dict[str, LossKind]:
        """The losses of the supervised levels and of the discriminator, summed over real and generated images."""
        kind = LossKind("discriminator", answers=DOMAINS, summed=2)
        discriminators = {_discriminator_loss(domain): kind for domain in (SOURCE, TARGET)}
        return self.supervision.kinds(self.segmenter.num_classes) | discriminators

    def terms(self, batch: Batch) -> Iterator[Term]:
        """Yield the segmenter's terms, one for each domain, then the generator's, then the discriminator's."""
        domains = ((SOURCE, batch.source_images), (TARGET, target_of(batch)))
        self._train(None)
        term, source_features = self._source_term(batch)
        yield term
        term, target_features = self._target_term(batch)
        yield term

        self._train(self.generator)
        generated = []
        for (domain, images), features in zip(domains, (source_features, target_features), strict=True):
            term, fake = self._generator_term(domain, images, features, batch)
            generated.append(fake)
            yield term

        self._train(self.discriminator)
        for (domain, images), fake in zip(domains, generated, strict=True):
            yield self._discriminator_term(domain, images, fake, batch)

    def _source_term(self, batch: Batch) -> tuple[Term, Tensor]:
        """Return the term of F and C, and the features, detached."""
        prediction = self.predict_source(batch.source_images)
        supervised = self.supervision.term(prediction.logits, batch)
        scores = self._scored(self._generated(prediction.features, batch.source_images))
        crossed = self._domain_loss(scores, TARGET.real, batch)
        loss = supervised.loss + self.options.adversarial_weight * (crossed + self._class_loss(scores, batch))
        values = {**supervised.values, "adversarial/source": crossed.detach()}
        return Term(loss, values), prediction.features.detach()

    def _target_term(self, batch: Batch) -> tuple[Term, Tensor]:
        """Return the term of F, and the features, detached."""
        images = target_of(batch)
        features = self.predict(images).features
        crossed = self._domain_loss(self._scored(self._generated(features, images)), SOURCE.real, batch)
        term = Term(self.options.adversarial_weight * crossed, {"adversarial/target": crossed.detach()})
        return term, features.detach()

    def _generator_term(self, domain: Domain, images: Tensor, features: Tensor, batch: Batch) -> tuple[Term, Tensor]:
        """Return the term of G, and the generated images, detached."""
        fake = self._generated(features, images)
        scores = self._scored(fake)
        adversarial = self._domain_loss(scores, domain.real, batch)
        unlike = F.l1_loss(fake, _unit(images, fake.dtype)) * batch.share
        loss = GENERATOR_ADV_WEIGHT * adversarial + self.options.reconstruction_weight * unlike
        values = {f"generator/{domain.name}": adversarial, f"reconstruction/{domain.name}": unlike}
        if domain is SOURCE:
            values["classes/generated"] = self._class_loss(scores, batch)
            loss = loss + values["classes/generated"]
        return Term(loss, {name: value.detach() for name, value in values.items()}), fake.detach()

    def _discriminator_term(self, domain: Domain, images: Tensor, fake: Tensor, batch: Batch) -> Term:
        real = self._scored(_unit(images, fake.dtype))
        confusion = self._domain_loss(real, domain.real, batch)
        confusion = confusion + self._domain_loss(self._scored(fake), domain.generated, batch)
        values = {_discriminator_loss(domain): confusion}
        if domain is SOURCE:
            values["classes/real"] = self._class_loss(real, batch)
        loss = torch.stack(list(values.values())).sum()
        return Term(loss, {name: value.detach() for name, value in values.items()})

    def _generated(self, features: Tensor, images: Tensor) -> Tensor:
        """Generate images from features, at the size of the original images."""
        with self.runtime.autocast():
            fake = at_least_float32(self.generator(features))
        return resized(fake, images.shape[-2:], align_corners=self.segmenter.align_corners)

    def _scored(self, images: Tensor) -> ImageScores:
        with self.runtime.autocast():
            domains, classes = self.discriminator(images)
        return ImageScores(at_least_float32(domains), at_least_float32(classes))

    def _domain_loss(self, scores: ImageScores, wanted: int, batch: Batch) -> Tensor:
        """Return these images' contribution to the cross-entropy with one of the four answers everywhere."""
        answers = torch.full_like(scores.domains[:, 0], wanted, dtype=torch.long)
        return F.cross_entropy(scores.domains, answers) * batch.share

    def _class_loss(self, scores: ImageScores, batch: Batch) -> Tensor:
        return segmentation_loss(scores.classes, batch.source_labels, batch.label_counts)

    def _train(self, trained: nn.Module | None) -> None:
        for network in self.auxiliary_networks.values():
            network.requires_grad_(network is trained)


def _unit(images: Tensor, dtype: torch.dtype) -> Tensor:
    """Scale pixels (N, 3, H, W) uint8 to 0..1."""
    return images.to(dtype) / 255


def _discriminator_loss(domain: Domain) -> str:
    return f"discriminator/{domain.name}"
