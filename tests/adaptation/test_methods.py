"""Methods against a segmenter and discriminators so small that every claim can be checked by hand."""

import math

import pytest
import torch
from torch import nn

from roadseg.adaptation.adversarial import OutputSpaceAdversarial
from roadseg.adaptation.losses import SOURCE, TARGET, adversarial_loss, segmentation_loss
from roadseg.adaptation.source_only import SourceOnly
from roadseg.datasets.sampling import Batch
from roadseg.models.network import Normalisation, Prediction, SegmentationNetwork
from roadseg.runtime import start


class Toy(SegmentationNetwork):
    """Two 1x1 classifiers over the pixels; counts what it is shown."""

    normalisation = Normalisation((0.0,) * 3, (255.0,) * 3)
    feature_channels = 3

    def __init__(self, num_classes=4, *, levels=2, pretrained=False):
        super().__init__(num_classes)
        self.heads = nn.ModuleList(nn.Conv2d(3, num_classes, 1) for _ in range(levels))
        self.shown = []

    def trunk(self):
        return self.heads[1]

    def forward(self, images):
        self.shown.append(images.detach().clone())
        return Prediction(tuple(head(images) for head in self.heads), images)


@pytest.fixture
def batch():
    torch.manual_seed(0)
    return Batch(
        torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8),
        torch.randint(0, 4, (2, 32, 32), dtype=torch.uint8),
        torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8),
    )


def adversarial(segmenter, levels=2, **options):
    torch.manual_seed(1)
    discriminators = [nn.Conv2d(4, 1, 4, stride=4) for _ in range(levels)]
    return OutputSpaceAdversarial(
        segmenter,
        start("cpu"),
        discriminators,
        segmentation_weights=(1.0, 0.1),
        adversarial_weights=(0.5, 0.2)[:levels],
        **options,
    )


def gradients(module):
    return [None if p.grad is None else p.grad.clone() for p in module.parameters()]


def test_source_only_never_forwards_a_target_image(batch):
    segmenter = Toy()
    terms = list(SourceOnly(segmenter, start("cpu"), segmentation_weights=(1.0, 0.1)).terms(batch))
    assert len(terms) == len(segmenter.shown) == 1
    assert torch.equal(segmenter.shown[0], segmenter.normalisation(batch.source_images))


def test_the_supervised_term_weighs_its_levels(batch):
    segmenter = Toy()
    (term,) = SourceOnly(segmenter, start("cpu"), segmentation_weights=(1.0, 0.1)).terms(batch)
    main, auxiliary = term.values["segmentation/main"], term.values["segmentation/auxiliary"]
    assert term.loss.item() == pytest.approx((main + 0.1 * auxiliary).item())


def test_terms_backpropagated_one_by_one_equal_their_sum(batch):
    one_by_one, summed = (adversarial(Toy().requires_grad_(True)) for _ in range(2))
    summed.segmenter.load_state_dict(one_by_one.segmenter.state_dict())
    for term in one_by_one.terms(batch):
        term.loss.backward()
    # Discriminators are frozen while the segmenter's terms are made, so a sum is only comparable for the segmenter.
    terms = summed.terms(batch)
    (next(terms).loss + next(terms).loss).backward()
    for a, b in zip(gradients(one_by_one.segmenter), gradients(summed.segmenter), strict=True):
        assert torch.allclose(a, b, atol=1e-7)


def test_the_segmenter_learns_from_its_terms_alone_and_discriminators_from_theirs(batch):
    method = adversarial(Toy())
    terms = method.terms(batch)
    next(terms).loss.backward()
    supervised = gradients(method.segmenter)
    next(terms).loss.backward()
    fooled = gradients(method.segmenter)
    assert all(not torch.equal(a, b) for a, b in zip(supervised, fooled, strict=True))
    assert all(g is None for d in method.discriminators.values() for g in gradients(d))
    for term in terms:
        term.loss.backward()
    assert all(torch.equal(a, b) for a, b in zip(fooled, gradients(method.segmenter), strict=True))
    assert all(g is not None for d in method.discriminators.values() for g in gradients(d))


def test_single_level_adapts_the_main_prediction_alone(batch):
    method = adversarial(Toy(), levels=1)
    names = [name for term in method.terms(batch) for name in term.values]
    assert names == ["segmentation/main", "segmentation/auxiliary", "adversarial/main", "discriminator/main"]
    terms = method.terms(batch)
    next(terms)
    next(terms).loss.backward()
    assert method.segmenter.heads[0].weight.grad is not None
    assert method.segmenter.heads[1].weight.grad is None


def test_discriminators_see_softmax_maps_of_the_chosen_size(batch):
    method = adversarial(Toy(), map_stride=2)
    seen = []
    for discriminator in method.discriminators.values():
        discriminator.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    list(method.terms(batch))
    assert {tuple(maps.shape) for maps in seen} == {(2, 4, 16, 16)}
    assert all(torch.allclose(maps.sum(1), torch.ones(2, 16, 16)) for maps in seen)


def test_an_indifferent_discriminator_costs_log_two(batch):
    method = adversarial(Toy())
    for discriminator in method.discriminators.values():
        for parameter in discriminator.parameters():
            nn.init.zeros_(parameter)
    values = {name: value.item() for term in method.terms(batch) for name, value in term.values.items()}
    for name in ("adversarial/main", "discriminator/main", "discriminator/auxiliary"):
        assert values[name] == pytest.approx(math.log(2))


@pytest.mark.parametrize("gan", ["vanilla", "least-squares"])
def test_adversarial_losses_prefer_the_right_answer(gan):
    certain_target = torch.full((2, 1, 3, 3), 4.0 if gan == "vanilla" else 1.0)
    assert adversarial_loss(certain_target, TARGET, gan) < 0.02
    assert adversarial_loss(certain_target, SOURCE, gan) >= 1.0


def test_segmentation_loss_ignores_255_and_survives_a_label_map_of_nothing_else():
    logits = torch.tensor([[2.0, -1.0], [0.5, 0.0]]).view(1, 2, 1, 2)
    labels = torch.tensor([[[0, 255]]], dtype=torch.uint8)
    expected = -math.log(math.exp(2.0) / (math.exp(2.0) + math.exp(0.5)))
    assert segmentation_loss(logits, labels).item() == pytest.approx(expected)
    assert segmentation_loss(logits, torch.full_like(labels, 255)).item() == 0.0


def test_class_balance_moves_weight_from_common_to_rare_classes():
    logits = torch.tensor([[0.0, 0.0, 0.0, 2.0], [0.0, 0.0, 0.0, 0.0]]).view(1, 2, 1, 4)
    labels = torch.tensor([[[0, 0, 0, 1]]], dtype=torch.uint8)
    easy, hard = math.log(2), math.log(math.exp(2) + 1)
    for balance, rare_share in ((0.0, 1 / 4), (0.5, 1 / (1 + math.sqrt(3))), (1.0, 1 / 2)):
        loss = segmentation_loss(logits, labels, class_balance=balance)
        assert loss.item() == pytest.approx((1 - rare_share) * easy + rare_share * hard)
