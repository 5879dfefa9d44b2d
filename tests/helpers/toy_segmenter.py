"""A segmenter and discriminators so small that every claim about methods and training can be checked by hand."""

import torch
from torch import nn

from roadseg.adaptation.adversarial import AUXILIARY, FEATURES, MAIN, MAIN_INFORMATION, Adversarial, Adversary
from roadseg.adaptation.feature_distance import FeatureDistance
from roadseg.adaptation.lsd import LearningFromSynthetic
from roadseg.adaptation.minent import MinEnt
from roadseg.adaptation.pseudo_labels import PseudoLabels
from roadseg.adaptation.self_training import SelfTraining
from roadseg.adaptation.source_only import SourceOnly
from roadseg.adaptation.supervision import Supervision
from roadseg.adaptation.target_labels import TargetLabels
from roadseg.datasets.sampling import Batch
from roadseg.models.network import Normalisation, Prediction, SegmentationNetwork
from roadseg.models.reconstruction import ImageDiscriminator
from roadseg.runtime import start

CLASSES = 4
METHODS = {
    "source-only": (),
    "feature": ("features",),
    "single-level": ("main",),
    "multi-level": ("main", "auxiliary"),
    "advent": ("information",),
    "minent": (),
    "lsd": (),
    "pseudo-labels": (),
    "self-training": (),
    "feature-distance": (),
    "target-labels": (),
}
"""Methods, and the names of their adversaries."""
ADVERSARIAL = tuple(name for name, adversaries in METHODS.items() if adversaries)
VIEWS = {"main": (MAIN, CLASSES, 0.5), "auxiliary": (AUXILIARY, CLASSES, 0.2), "features": (FEATURES, 3, 0.5)}
VIEWS["information"] = (MAIN_INFORMATION, CLASSES, 0.5)
"""Adversaries: view, its channels, weight."""


class Toy(SegmentationNetwork):
    """Two 1x1 classifiers over a pointwise stem; counts what it is shown."""

    normalisation = Normalisation((0.0,) * 3, (255.0,) * 3)
    feature_channels = 3

    def __init__(self, num_classes=CLASSES, *, levels=2, pretrained=False, dropout=0.0):
        super().__init__(num_classes)
        self.dropout = nn.Dropout(dropout)
        self.stem = nn.Conv2d(3, 3, 1)
        self.heads = nn.ModuleList(nn.Conv2d(3, num_classes, 1) for _ in range(levels))
        self.shown = []

    def trunk(self):
        return self.stem

    def forward(self, images):
        self.shown.append(images.detach().clone())
        features = self.stem(images.to(self.stem.weight.dtype))
        return Prediction(tuple(head(self.dropout(features)) for head in self.heads), features)


def toy_method(name, *, precision="float32", dtype=torch.float32, class_balance=0.0, dropout=0.0, **options):
    """A method with drawn weights, the same at every call."""
    torch.manual_seed(1)
    runtime, segmenter = start("cpu", precision), Toy(dropout=dropout).to(dtype)
    supervision = Supervision((1.0, 0.1), class_balance, segmenter.align_corners)
    source_only = SourceOnly(segmenter, runtime, supervision)
    if name == "source-only":
        return source_only
    if name == "pseudo-labels":
        return PseudoLabels(segmenter, runtime, supervision, PseudoLabels.Options(weight=0.5))
    if name == "minent":
        return MinEnt(segmenter, runtime, supervision, MinEnt.Options(weight=0.5, auxiliary_weight=0.2))
    if name == "lsd":
        generator = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.Sigmoid()).to(dtype)
        discriminator = ImageDiscriminator(CLASSES, width=2).to(dtype)
        weights = LearningFromSynthetic.Options(adversarial_weight=0.5, reconstruction_weight=2.0)
        return LearningFromSynthetic(segmenter, runtime, supervision, generator, discriminator, weights)
    if name == "self-training":
        return SelfTraining(source_only, SelfTraining.Options(pseudo_label_threshold=0.3, mask_ratio=0.5, mask_block=8))
    if name == "feature-distance":
        method = FeatureDistance(source_only, [2, 3], FeatureDistance.Options(weight=0.5, least_share=0.2))
        with torch.no_grad():
            method._reference.stem.weight += 0.1  # as if some steps had been made since
        return method
    if name == "target-labels":
        return TargetLabels(source_only, 0.5)
    adversaries = {
        level: Adversary(view, nn.Conv2d(channels, 1, 4, stride=4).to(dtype), weight)
        for level, (view, channels, weight) in VIEWS.items()
        if level in METHODS[name]
    }
    return Adversarial(segmenter, runtime, supervision, adversaries, Adversarial.Options(**options))


def toy_batch(count=2, *, seed=0):
    """Noise with labels, of which the fourth class is rare and some pixels are ignored, in some images more."""
    draw = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 12, (count, 32, 32), dtype=torch.uint8, generator=draw).clamp(max=CLASSES).flip(0)
    labels = torch.where(labels == CLASSES, torch.arange(count).view(-1, 1, 1) % CLASSES, labels).to(torch.uint8)
    ignored = torch.rand((count, 32, 32), generator=draw) < torch.linspace(0.1, 0.9, count).view(-1, 1, 1)
    labels[ignored] = 255
    pictures = [torch.randint(0, 256, (count, 3, 32, 32), dtype=torch.uint8, generator=draw) for _ in range(3)]
    source, target, annotated = pictures
    return Batch.whole(source, labels, target, labels.roll(5, 1), (annotated, labels.roll(9, 2)))
