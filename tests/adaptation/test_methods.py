"""Inputs, losses and frozen parameters of each method; losses on numbers that can be checked by hand."""

import math
import weakref
from collections import Counter

import pytest
import torch
from helpers.toy_segmenter import ADVERSARIAL, METHODS, toy_batch, toy_method
from torch import nn

from roadseg.adaptation.losses import SOURCE, TARGET, adversarial_loss, segmentation_loss
from roadseg.adaptation.source_only import SourceOnly
from roadseg.adaptation.supervision import Supervision
from roadseg.adaptation.target_labels import TargetLabels
from roadseg.datasets.sampling import Batch
from roadseg.models.domain_statistics import keep_source_statistics
from roadseg.runtime import start


@pytest.fixture
def batch():
    return toy_batch()


def count(labels):
    return torch.bincount(labels.flatten(), minlength=256)


def gradients(module):
    return [None if p.grad is None else p.grad.clone() for p in module.parameters()]


def test_source_only_never_forwards_a_target_image(batch):
    method = toy_method("source-only")
    terms = list(method.terms(batch))
    assert len(terms) == len(method.segmenter.shown) == 1
    assert torch.equal(method.segmenter.shown[0], method.segmenter.normalisation(batch.source_images))


def test_the_supervised_term_weighs_its_levels(batch):
    (term,) = toy_method("source-only").terms(batch)
    main, auxiliary = term.values["segmentation/main"], term.values["segmentation/auxiliary"]
    assert term.loss.item() == pytest.approx((main + 0.1 * auxiliary).item())


def test_a_level_without_a_weight_is_left_alone(batch):
    segmenter = toy_method("source-only").segmenter
    method = SourceOnly(segmenter, start("cpu"), Supervision((1.0,), 0.0, False))
    (term,) = method.terms(batch)
    term.loss.backward()
    assert list(term.values) == ["segmentation/main"]
    assert gradients(segmenter.heads[1]) == [None, None]


@pytest.mark.parametrize("name", METHODS)
def test_the_graph_of_a_forward_pass_is_gone_before_the_next(name, batch):
    method = toy_method(name)
    outputs = []

    def before(module, inputs):
        assert all(output() is None for output in outputs)

    method.segmenter.register_forward_pre_hook(before)
    method.segmenter.register_forward_hook(lambda module, inputs, output: outputs.append(weakref.ref(output.features)))
    for term in method.terms(batch):
        term.loss.backward()
    assert len(outputs) == {"source-only": 1, "self-training": 3}.get(name, 2)
    assert all(output() is None for output in outputs)


def test_pseudo_labels_teach_as_labels_do_by_their_weight(batch):
    method = toy_method("pseudo-labels", class_balance=0.5)
    source, target = method.terms(batch)
    as_source = Batch.whole(batch.target_images, batch.target_labels, None)
    (alone,) = toy_method("source-only", class_balance=0.5).terms(as_source)
    assert target.loss.item() == pytest.approx(0.5 * alone.loss.item())
    assert target.values["pseudo-labels/main"].item() == pytest.approx(alone.values["segmentation/main"].item())
    assert set(source.values) == {"segmentation/main", "segmentation/auxiliary"}


class NormalisedStem(nn.Sequential):
    """Batch norm before the toy's stem."""

    @property
    def weight(self):
        return self[1].weight


@pytest.mark.parametrize("name", [name for name in METHODS if name != "target-labels"])
def test_labels_of_people_are_a_term_beside_those_of_any_method(name, batch):
    torch.manual_seed(0)
    alone = list(toy_method(name).terms(batch))
    torch.manual_seed(0)
    base = toy_method(name)
    method = TargetLabels(base, 0.5)
    *before, added = method.terms(batch)
    assert [term.loss.item() for term in before] == [term.loss.item() for term in alone]
    labelled = Batch.whole(batch.annotated_images, batch.annotated_labels, None)
    (expected,) = toy_method("source-only").terms(labelled)
    assert added.loss.item() == pytest.approx(0.5 * expected.loss.item())
    assert set(added.values) == {"target-labels/main", "target-labels/auxiliary"}
    assert method.auxiliary_networks == base.auxiliary_networks


@pytest.mark.parametrize("name", METHODS)
def test_source_images_are_normalised_by_the_statistics_of_the_source(name, batch):
    """The large source variance makes source images uniform here, and no others."""
    method = toy_method(name)
    method.segmenter.stem = NormalisedStem(nn.BatchNorm2d(3).eval(), method.segmenter.stem)
    keep_source_statistics(method.segmenter)
    method.segmenter.stem[0].source_var.fill_(1e12)
    seen = []
    method.segmenter.stem[0].register_forward_hook(lambda norm, inputs, output: seen.append(output.abs().max() < 1e-3))
    for term in method.terms(batch):
        term.loss.backward()
    of_source = 2 if name == "feature-distance" else 1
    of_target = {"source-only": 0, "feature-distance": 0, "self-training": 2}.get(name, 1)
    assert seen == [True] * of_source + [False] * of_target
    assert torch.equal(method.segmenter.stem[0].running_var, torch.ones(3))


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_the_segmenter_learns_from_its_terms_alone_and_discriminators_from_theirs(name, batch):
    method = toy_method(name)
    terms = method.terms(batch)
    next(terms).loss.backward()
    supervised = gradients(method.segmenter.stem)
    next(terms).loss.backward()
    fooled = gradients(method.segmenter.stem)
    assert all(not torch.equal(a, b) for a, b in zip(supervised, fooled, strict=True))
    assert all(g is None for d in method.auxiliary_networks.values() for g in gradients(d))
    for term in terms:
        term.loss.backward()
    assert all(torch.equal(a, b) for a, b in zip(fooled, gradients(method.segmenter.stem), strict=True))
    assert all(g is not None for d in method.auxiliary_networks.values() for g in gradients(d))


@pytest.mark.parametrize(
    ("name", "reached"),
    [("feature", []), ("single-level", [0]), ("multi-level", [0, 1]), ("advent", [0])],
)
def test_only_what_a_discriminator_sees_is_adapted(name, reached, batch):
    method = toy_method(name)
    terms = method.terms(batch)
    next(terms)
    fooling = next(terms)
    fooling.loss.backward()
    assert list(fooling.values) == [f"adversarial/{level}" for level in METHODS[name]]
    assert [i for i, head in enumerate(method.segmenter.heads) if head.weight.grad is not None] == reached
    assert all(gradient.abs().sum() > 0 for gradient in gradients(method.segmenter.stem))


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_warm_up_shows_discriminators_what_training_shows_them_and_leaves_the_segmenter_alone(name, batch):
    method = toy_method(name)
    method.segmenter.stem = NormalisedStem(nn.BatchNorm2d(3), method.segmenter.stem)
    before = {key: value.clone() for key, value in method.segmenter.state_dict().items()}
    warmup = list(method.warmup_terms(batch))
    assert all(torch.equal(value, before[key]) for key, value in method.segmenter.state_dict().items())
    _, _, *discriminators = method.terms(batch)
    assert [term.values for term in warmup] == [term.values for term in discriminators]
    for term in warmup:
        term.loss.backward()
    assert all(gradient is None for gradient in gradients(method.segmenter))
    assert all(g is not None for d in method.auxiliary_networks.values() for g in gradients(d))


def shown_to_discriminators(method, batch):
    seen = []
    for discriminator in method.auxiliary_networks.values():
        discriminator.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].detach()))
    list(method.terms(batch))
    return seen


def test_discriminators_see_softmax_maps_of_the_chosen_size(batch):
    seen = shown_to_discriminators(toy_method("multi-level", map_stride=2), batch)
    assert {tuple(maps.shape) for maps in seen} == {(2, 4, 16, 16)}
    assert all(torch.allclose(maps.sum(1), torch.ones(2, 16, 16)) for maps in seen)


def test_the_feature_level_discriminator_sees_what_the_classifier_sees_at_the_size_of_the_images(batch):
    method = toy_method("feature")
    stem = method.segmenter.stem
    fooling, source, target = shown_to_discriminators(method, batch)
    with torch.no_grad():
        for maps, images in (
            (fooling, batch.target_images),
            (source, batch.source_images),
            (target, batch.target_images),
        ):
            assert torch.allclose(maps, stem(images / 255), atol=1e-6)


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_an_indifferent_discriminator_costs_log_two(name, batch):
    method = toy_method(name)
    for discriminator in method.auxiliary_networks.values():
        for parameter in discriminator.parameters():
            nn.init.zeros_(parameter)
    values = Counter()
    for term in method.terms(batch):
        values.update({key: value.item() for key, value in term.values.items()})
    for level in METHODS[name]:
        assert values[f"adversarial/{level}"] == pytest.approx(math.log(2))
        assert values[f"discriminator/{level}"] == pytest.approx(math.log(2))


@pytest.mark.parametrize("gan", ["vanilla", "least-squares"])
def test_adversarial_losses_prefer_the_right_answer(gan):
    certain_target = torch.full((2, 1, 3, 3), 4.0 if gan == "vanilla" else 1.0)
    assert adversarial_loss(certain_target, TARGET, gan) < 0.02
    assert adversarial_loss(certain_target, SOURCE, gan) >= 1.0


def test_segmentation_loss_ignores_255_and_survives_a_label_map_of_nothing_else():
    logits = torch.tensor([[2.0, -1.0], [0.5, 0.0]]).view(1, 2, 1, 2)
    labels = torch.tensor([[[0, 255]]], dtype=torch.uint8)
    expected = -math.log(math.exp(2.0) / (math.exp(2.0) + math.exp(0.5)))
    assert segmentation_loss(logits, labels, count(labels)).item() == pytest.approx(expected)
    ignored = torch.full_like(labels, 255)
    assert segmentation_loss(logits, ignored, count(ignored)).item() == 0.0


def test_class_balance_moves_weight_from_common_to_rare_classes():
    logits = torch.tensor([[0.0, 0.0, 0.0, 2.0], [0.0, 0.0, 0.0, 0.0]]).view(1, 2, 1, 4)
    labels = torch.tensor([[[0, 0, 0, 1]]], dtype=torch.uint8)
    easy, hard = math.log(2), math.log(math.exp(2) + 1)
    for balance, rare_share in ((0.0, 1 / 4), (0.5, 1 / (1 + math.sqrt(3))), (1.0, 1 / 2)):
        loss = segmentation_loss(logits, labels, count(labels), class_balance=balance)
        assert loss.item() == pytest.approx((1 - rare_share) * easy + rare_share * hard)
