"""MinEnt: target predictions of low entropy. Vu et al., "ADVENT: Adversarial Entropy Minimization", CVPR 2019.

A network is confident on the source and unsure on the target; MinEnt makes it confident on both. AdvEnt, which
shows the entropy to a discriminator instead, is in `roadseg.adaptation.adversarial`. The class-ratio prior of the
paper, which keeps predictions from collapsing to common classes, is missing, as in the published code.
"""

from collections.abc import Iterator
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from roadseg.adaptation.losses import self_information
from roadseg.adaptation.method import Method, MethodOptions, target_of
from roadseg.adaptation.supervision import LEVEL_NAMES
from roadseg.adaptation.term import Term
from roadseg.datasets.sampling import Batch
from roadseg.models.network import resized


class MinEnt(Method):
    """Cross-entropy on labelled source images, and the mean entropy of predictions on target images."""

    class Options(MethodOptions):
        """Weights of the entropy."""

        weight: Annotated[float, Field(ge=0)] = 0.001
        """lambda_ent of the main level."""
        auxiliary_weight: Annotated[float, Field(ge=0)] = 0.0002
        """lambda_ent of the auxiliary level."""

    options: Options

    def terms(self, batch: Batch) -> Iterator[Term]:
        """Yield the segmentation term, then the entropy term."""
        yield self.supervision.term(self.predict_source(batch.source_images).logits, batch)

        weights, images = (self.options.weight, self.options.auxiliary_weight), target_of(batch)
        size = images.shape[-2:]
        losses = {
            f"entropy/{name}": batch.share
            * entropy_loss(resized(logits, size, align_corners=self.segmenter.align_corners))
            for name, logits, _ in zip(LEVEL_NAMES, self.predict(images).logits, weights, strict=False)
        }
        weighted = [weight * loss for weight, loss in zip(weights, losses.values(), strict=True)]
        yield Term(torch.stack(weighted).sum(), {name: loss.detach() for name, loss in losses.items()})


def entropy_loss(logits: Tensor) -> Tensor:
    """Return the mean entropy of the pixels' predictions, 0..1 (equation 4 of the paper over the pixel count)."""
    return self_information(logits).sum(dim=1).mean()
