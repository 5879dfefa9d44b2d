"""Learning from synthetic data: which network learns from which loss, and towards which answer."""

import math
from collections import Counter

import pytest
import torch
from helpers.toy_segmenter import CLASSES, toy_batch, toy_method
from torch import nn

from roadseg.adaptation.lsd import SOURCE, TARGET, LearningFromSynthetic
from roadseg.adaptation.supervision import Supervision
from roadseg.models import resnet101
from roadseg.models.build import build_model
from roadseg.models.reconstruction import Generator, ImageDiscriminator, ImageScores
from roadseg.runtime import start
from roadseg.training.optimizers import OptimizerOptions, Schedule, auxiliary_optimizer, segmenter_optimizer
from roadseg.training.trainer import Trainer

TERMS = ("segmenter", "segmenter", "generator", "generator", "discriminator", "discriminator")
"""Network that each loss term trains; two terms, one per domain, for each."""


class Answering(nn.Module):
    """A discriminator that gives one answer, all but certain, whatever it is shown, and knows no class."""

    def __init__(self, answer):
        super().__init__()
        self.scores = nn.Parameter(20 * nn.functional.one_hot(torch.tensor(answer), 4).float())

    def forward(self, images):
        patches = torch.ones((len(images), 1, 4, 4))
        return ImageScores(patches * self.scores.view(1, 4, 1, 1), patches.expand(-1, CLASSES, -1, -1))


def values(method):
    summed = Counter()
    for term in method.terms(toy_batch()):
        assert term.loss.isfinite()
        summed.update({name: value.item() for name, value in term.values.items()})
    return summed


def test_every_loss_wants_the_published_answer():
    certain, wrong = pytest.approx(0, abs=1e-6), pytest.approx(20, abs=1e-3)
    for answer in range(4):
        method = toy_method("lsd")
        method.discriminator = Answering(answer)
        losses = values(method)
        for domain, other in ((SOURCE, TARGET), (TARGET, SOURCE)):
            # Features are to paint real images of the other domain, the generator real ones of their own.
            assert losses[f"adversarial/{domain.name}"] == (certain if answer == other.real else wrong)
            assert losses[f"generator/{domain.name}"] == (certain if answer == domain.real else wrong)
            # The discriminator is right about one of a domain's two kinds of image, or about none.
            half_right = answer in (domain.real, domain.generated)
            assert losses[f"discriminator/{domain.name}"] == pytest.approx(20 if half_right else 40, abs=1e-3)
        assert losses["classes/real"] == pytest.approx(math.log(CLASSES))
        assert losses["classes/generated"] == pytest.approx(math.log(CLASSES))


def test_each_network_learns_from_its_own_terms_and_features_learn_through_the_other_two():
    method = toy_method("lsd")
    networks = {"segmenter": method.segmenter, **method.auxiliary_networks}
    for number, (owner, term) in enumerate(zip(TERMS, method.terms(toy_batch()), strict=True)):
        for network in networks.values():
            network.zero_grad(set_to_none=True)
        term.loss.backward()
        reached = {name for name, one in networks.items() if any(p.grad is not None for p in one.parameters())}
        assert reached == {owner}
        if number == 1:
            # No label of the target: what reaches the features came through generator and discriminator.
            assert method.segmenter.stem.weight.grad.abs().sum() > 0
            assert all(head.weight.grad is None for head in method.segmenter.heads)


def test_a_generator_is_told_to_repeat_the_image():
    method = toy_method("lsd")
    method.generator = nn.Identity()
    with torch.no_grad():
        method.segmenter.stem.weight.copy_(torch.eye(3).view(3, 3, 1, 1))
        method.segmenter.stem.bias.fill_(0.25)
    losses = values(method)
    assert losses["reconstruction/source"] == pytest.approx(0.25)
    assert losses["reconstruction/target"] == pytest.approx(0.25)


def test_the_segmenters_loss_is_weighed_as_documented():
    method = toy_method("lsd")
    source, *_ = method.terms(toy_batch())
    method.options = method.options.model_copy(update={"adversarial_weight": 0.0})
    supervised, *further = method.terms(toy_batch())
    added = values(toy_method("lsd"))
    assert supervised.loss.item() == pytest.approx(
        (supervised.values["segmentation/main"] + 0.1 * supervised.values["segmentation/auxiliary"]).item()
    )
    expected = 0.5 * (added["adversarial/source"] + added["classes/generated"])
    assert (source.loss - supervised.loss).item() == pytest.approx(expected, rel=1e-4)
    generator = further[1].values
    assert further[1].loss.item() == pytest.approx(
        (
            0.1 * generator["generator/source"]
            + generator["classes/generated"]
            + 2 * generator["reconstruction/source"]
        ).item()
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fast", "vgg16", "resnet101"])
def test_it_goes_with_the_features_of_every_network(name, monkeypatch):
    monkeypatch.setattr(resnet101, "STAGES", tuple(stage._replace(blocks=1) for stage in resnet101.STAGES))
    torch.manual_seed(0)
    segmenter = build_model(name, CLASSES, pretrained=False)
    method = LearningFromSynthetic(
        segmenter,
        start("cpu"),
        Supervision((1.0, 0.1)[: segmenter.levels], 0.0, segmenter.align_corners),
        Generator(segmenter.feature_channels, width=4),
        ImageDiscriminator(CLASSES, width=4),
    )
    optimizers = {"segmenter": segmenter_optimizer(segmenter, OptimizerOptions("sgd", 1e-3, 1.0, 0.0))}
    optimizers |= {key: auxiliary_optimizer(one.parameters(), 1e-3) for key, one in method.auxiliary_networks.items()}
    trainer = Trainer(method, optimizers, schedule=Schedule(10))
    before = {key: [p.clone() for p in one.parameters()] for key, one in method.auxiliary_networks.items()}
    losses = trainer.make_step(toy_batch())
    assert all(loss.isfinite() for loss in losses.values())
    for key, network in method.auxiliary_networks.items():
        changed = [not torch.equal(a, b) for a, b in zip(before[key], network.parameters(), strict=True)]
        assert all(changed)


def test_images_are_eight_times_the_size_of_features_and_judged_by_patches_of_eight():
    images = Generator(5, width=2)(torch.randn(1, 5, 3, 4))
    assert images.shape == (1, 3, 24, 32)
    assert 0 < images.min() < images.max() < 1
    scores = ImageDiscriminator(7, width=2)(images)
    assert (scores.domains.shape, scores.classes.shape) == ((1, 4, 3, 4), (1, 7, 3, 4))
