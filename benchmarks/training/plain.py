"""The same training step as in published code: the baseline of the measurements.

Float32, NCHW in memory, batch norm as an operation of its own, all maps at the size of the images and kept (Tsai et
al., CVPR 2018, in the order of the authors' loop).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from training.measures import Laps
from training.setting import ADVERSARIAL_WEIGHTS, SCHEDULE, SEGMENTATION_WEIGHTS

from roadseg.datasets.sampling import Batch
from roadseg.labels.space import IGNORE
from roadseg.models.convolution import Conv2d
from roadseg.models.relu6 import ReLU6
from roadseg.models.vgg16 import VGG16
from roadseg.runtime import seed_torch
from roadseg.training.optimizers import set_rate
from roadseg.training.trainer import Trainer


class PlainStep:
    """Makes steps with the networks and optimizers of a trainer, which it changes to its ways."""

    def __init__(self, trainer: Trainer, laps: Laps) -> None:
        self.segmenter = trainer.method.segmenter
        self.discriminators = list(trainer.method.auxiliary_networks.values())
        self._optimizers = trainer.optimizers.values()
        self._laps = laps
        self._step = 0
        for network in self.networks:
            make_plain(network)

    @property
    def networks(self) -> list[nn.Module]:
        """All that are trained."""
        return [self.segmenter, *self.discriminators]

    def make_step(self, batch: Batch) -> dict[str, float]:
        """Losses by name, unweighted, under the names of our methods."""
        assert batch.target_images is not None
        seed_torch(0, self._step, 0)
        for optimizer in self._optimizers:
            set_rate(optimizer, SCHEDULE.factor(self._step))
            optimizer.zero_grad()
        self._train_discriminators(False)

        source = self._predict(batch.source_images)
        labels = batch.source_labels.long()
        segmentation = [F.cross_entropy(maps, labels, ignore_index=IGNORE) for maps in source]
        _weighted(segmentation, SEGMENTATION_WEIGHTS).backward()  # type: ignore[no-untyped-call]
        self._laps.lap("source")

        target = self._predict(batch.target_images)
        fooling = [self._answer(level, maps, 0.0) for level, maps in enumerate(target)]
        _weighted(fooling, ADVERSARIAL_WEIGHTS).backward()  # type: ignore[no-untyped-call]
        self._laps.lap("target")

        self._train_discriminators(True)
        telling = []
        for level, maps in enumerate(zip(source, target, strict=True)):
            halves = [
                self._answer(level, kept.detach(), domain) / 2 for kept, domain in zip(maps, (0.0, 1.0), strict=True)
            ]
            for half in halves:
                half.backward()  # type: ignore[no-untyped-call]
            telling.append(torch.stack(halves).sum())
        self._laps.lap("discriminator")

        for optimizer in self._optimizers:
            optimizer.step()
        self._laps.lap("optimizer")
        self._step += 1
        by_name = {"segmentation": segmentation, "adversarial": fooling, "discriminator": telling}
        return {
            f"{name}/{level}": loss.item()
            for name, losses in by_name.items()
            for level, loss in zip(("main", "auxiliary"), losses, strict=True)
        }

    def _predict(self, images: Tensor) -> list[Tensor]:
        """Class scores of both levels at the size of the images."""
        logits = self.segmenter(self.segmenter.normalisation(images.contiguous())).logits
        align_corners = self.segmenter.align_corners
        return [
            F.interpolate(level, images.shape[-2:], mode="bilinear", align_corners=align_corners) for level in logits
        ]

    def _answer(self, level: int, maps: Tensor, domain: float) -> Tensor:
        scores = self.discriminators[level](torch.softmax(maps, 1))
        return F.binary_cross_entropy_with_logits(scores, torch.full_like(scores, domain))

    def _train_discriminators(self, on: bool) -> None:
        for discriminator in self.discriminators:
            discriminator.requires_grad_(on)


class _SeparateNorm(nn.BatchNorm2d):
    """Frozen batch norm that says it is being trained, for otherwise convolutions take it in."""

    def forward(self, input: Tensor) -> Tensor:
        """Normalise (N, C, H, W) with the running statistics."""
        return F.batch_norm(input, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)


def make_plain(network: nn.Module) -> None:
    """Undo the measures of our networks that save time and memory; parameters stay."""
    network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    if isinstance(network, VGG16):
        network.recomputed = 0
    for parent in list(network.modules()):
        for name, module in list(parent.named_children()):
            if isinstance(module, Conv2d):
                module.__class__ = nn.Conv2d  # type: ignore[assignment]
            elif isinstance(module, nn.BatchNorm2d):
                module.__class__ = _SeparateNorm
                module.train()
            elif isinstance(module, ReLU6):
                setattr(parent, name, nn.ReLU6(inplace=True))


def _weighted(losses: list[Tensor], weights: tuple[float, ...]) -> Tensor:
    return torch.stack([weight * loss for weight, loss in zip(weights, losses, strict=True)]).sum()
