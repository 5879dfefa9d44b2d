"""Labels of the teacher and their weight, and what the student sees: mixed images, or masked images of the target."""

import pytest
import torch
from helpers.toy_segmenter import CLASSES, toy_batch, toy_method
from torch import nn

from roadseg.adaptation.mixing import block_mask, blurred, class_mask, recoloured
from roadseg.adaptation.self_training import SelfTraining
from roadseg.models.domain_statistics import keep_source_statistics
from roadseg.models.network import Normalisation

IGNORED = 255
UNCHANGED = {"jitter": 0.0, "blur": 0.0}


def terms(method, batch):
    torch.manual_seed(0)
    return list(method.terms(batch))


def with_options(**options):
    return SelfTraining(toy_method("source-only"), SelfTraining.Options(**options))


def test_half_of_the_classes_of_each_image_are_pasted_whole():
    labels = torch.tensor([[[0, 0, 1], [2, 2, 1]], [[3, 3, 3], [IGNORED] * 3]], dtype=torch.uint8)
    seen = set()
    for _ in range(40):
        mask = class_mask(labels)
        for label, chosen in zip(labels, mask, strict=True):
            inside, outside = set(label[chosen].tolist()), set(label[~chosen].tolist())
            assert not inside & outside
            assert len(inside) == (len(inside | outside) + 1) // 2
        seen.add(tuple(sorted(set(labels[0][mask[0]].tolist()))))
    assert seen == {(0, 1), (0, 2), (1, 2)}


def test_blocks_are_hidden_whole_and_as_often_as_asked():
    kept = block_mask(200, (48, 50), block=16, ratio=0.7, device=torch.device("cpu"))
    assert kept.shape == (200, 1, 48, 50)
    assert torch.equal(kept[..., :16, :16], kept[..., :1, :1].expand(-1, -1, 16, 16))
    assert kept.float().mean().item() == pytest.approx(0.3, abs=0.05)


def test_recolouring_changes_four_images_in_five_apart_and_none_at_strength_0():
    images = torch.randint(60, 190, (1, 3, 8, 8), dtype=torch.uint8).expand(200, 3, 8, 8)
    assert torch.equal(recoloured(images, 0.0), images)
    changed = recoloured(images, 0.5)
    assert changed.dtype == torch.uint8
    assert (changed != images).flatten(1).any(1).float().mean().item() == pytest.approx(0.8, abs=0.08)
    assert len(changed.flatten(1).unique(dim=0)) > 150


def test_blur_is_gaussian_of_a_width_drawn_for_each_image_and_leaves_others_as_they_are():
    point = torch.zeros((60, 3, 21, 21), dtype=torch.uint8)
    point[:, :, 10, 10] = 255
    torch.manual_seed(0)
    images = blurred(point, 0.5)
    sharp = (images == point).flatten(1).all(1)
    assert 0.35 < sharp.float().mean() < 0.75  # a few are blurred by too little to be seen
    peaks = images[~sharp, 0, 10, 10].float()
    assert peaks.min() < 50 and peaks.max() > 150
    assert torch.equal(images, images.transpose(2, 3)) and torch.equal(images, images.flip(3))
    assert torch.equal(blurred(torch.full((2, 3, 9, 9), 77, dtype=torch.uint8), 1.0).unique(), torch.tensor([77]))


def test_the_student_is_shown_source_where_source_is_pasted_and_target_elsewhere():
    method, batch = with_options(**UNCHANGED), toy_batch()
    terms(method, batch)
    mixed = method.segmenter.shown[1] * 255
    from_source = (mixed.round() == batch.source_images).all(1)
    from_target = (mixed.round() == batch.target_images).all(1)
    assert (from_source | from_target).all()
    assert from_source.any() and from_target.any()


def test_the_teacher_sees_the_target_as_it_is_and_the_student_in_other_colours():
    method, batch = with_options(jitter=0.5, blur=1.0), toy_batch()
    terms(method, batch)
    (seen,) = method.teacher.network.shown
    assert torch.equal(seen * 255, batch.target_images.float())
    assert not torch.equal((method.segmenter.shown[1] * 255).round(), batch.target_images.float())


def test_pseudo_labels_are_the_teachers_and_weigh_as_much_as_it_is_sure():
    method, batch = with_options(pseudo_label_threshold=0.312, ignore_top=0.25, ignore_bottom=0.125), toy_batch()
    labels, weights = method._pseudo_labels(batch.target_images)
    with torch.no_grad():
        probabilities = method.teacher.network(batch.target_images / 255).logits[0].softmax(1)
    assert torch.equal(labels, probabilities.argmax(1).to(torch.uint8))
    sure = (probabilities.amax(1) >= 0.312).float().mean((1, 2))
    assert sure.min() > 0 and sure.max() < 1
    assert torch.allclose(weights[:, 8:28], sure.view(-1, 1, 1).expand(-1, 20, 32))
    assert not weights[:, :8].any() and not weights[:, 28:].any()


def test_a_teacher_that_is_never_sure_teaches_source_pixels_alone():
    unsure, sure = (terms(with_options(pseudo_label_threshold=least), toy_batch())[-1].loss for least in (1.0, 0.0))
    assert 0 < unsure < sure


def test_masked_target_images_are_a_second_loss_and_hidden_pixels_have_the_mean_colour():
    options = {**UNCHANGED, "pseudo_label_threshold": 0.0, "mask_ratio": 0.5, "mask_block": 8}
    method, batch = with_options(**options, mask_weight=3.0), toy_batch()
    method.segmenter.normalisation = Normalisation((100.0, 110.0, 120.0), (50.0,) * 3)
    *_, mixed, masked = terms(method, batch)
    shown = method.segmenter.shown[2]
    hidden = (shown == 0).all(1)
    normalised = method.segmenter.normalisation(batch.target_images)
    assert torch.equal(shown, normalised * ~hidden[:, None])
    assert 0.2 < hidden.float().mean() < 0.8
    labels, _ = method._pseudo_labels(batch.target_images)
    expected = nn.functional.cross_entropy(method.segmenter(shown).logits[0], labels.long())
    assert masked.loss.item() == pytest.approx(3 * expected.item(), rel=1e-5)
    assert masked.values["masked/main"].item() == pytest.approx(expected.item(), rel=1e-5)
    assert mixed.values.keys() == {"student/main"}


def test_where_each_domain_has_its_own_batch_norm_nothing_is_pasted():
    base, batch = toy_method("source-only"), toy_batch()
    base.segmenter.norm = nn.BatchNorm2d(CLASSES)
    keep_source_statistics(base.segmenter)
    method = SelfTraining(base, SelfTraining.Options(**UNCHANGED, pseudo_label_threshold=0.0))
    base.segmenter.norm.running_mean.add_(1)
    *_, student = terms(method, batch)
    assert torch.equal((base.segmenter.shown[1] * 255).round(), batch.target_images.float())
    assert student.loss > 0


def test_batch_norm_that_could_be_adapted_and_was_not_is_one_for_both_domains():
    base, batch = toy_method("source-only"), toy_batch()
    base.segmenter.norm = nn.BatchNorm2d(CLASSES)
    keep_source_statistics(base.segmenter)
    terms(SelfTraining(base, SelfTraining.Options(**UNCHANGED)), batch)
    assert not torch.equal((base.segmenter.shown[1] * 255).round(), batch.target_images.float())


def test_it_goes_with_an_adversarial_method():
    method = SelfTraining(toy_method("multi-level"))
    values = [set(term.values) for term in terms(method, toy_batch())]
    assert values[-1] == {"student/main"}
    assert {"adversarial/main", "adversarial/auxiliary"} in values
    assert set(method.auxiliary_networks) == {"main", "auxiliary"}
