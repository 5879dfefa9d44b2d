"""Labels of the teacher, their weight, and mixed images."""

import pytest
import torch
from helpers.toy_segmenter import toy_batch, toy_method

from roadseg.adaptation.mixing import block_mask, class_mask, recoloured
from roadseg.adaptation.self_training import SelfTraining
from roadseg.models.average import WeightAverage

IGNORED = 255


def terms(method, batch):
    return list(method.terms(batch))


def with_options(**options):
    return taught(toy_method("source-only"), **options)


def taught(base, **options):
    return SelfTraining(base, WeightAverage(base.segmenter, 0.9).network, SelfTraining.Options(**options))


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


def test_recolouring_changes_images_apart_and_not_at_all_at_strength_0():
    images = torch.randint(60, 190, (1, 3, 8, 8), dtype=torch.uint8).expand(2, 3, 8, 8)
    assert torch.equal(recoloured(images, 0.0), images)
    changed = recoloured(images, 0.5)
    assert changed.dtype == torch.uint8
    assert not torch.equal(changed[0], changed[1])


def test_the_student_is_shown_source_where_source_is_pasted_and_target_elsewhere():
    method, batch = with_options(jitter=0.0), toy_batch()
    terms(method, batch)
    mixed = method.segmenter.shown[1] * 255
    from_source = (mixed.round() == batch.source_images).all(1)
    from_target = (mixed.round() == batch.target_images).all(1)
    assert (from_source | from_target).all()
    assert from_source.any() and from_target.any()


def test_pseudo_labels_are_the_teachers_and_weigh_as_much_as_it_is_sure():
    method, batch = with_options(pseudo_label_threshold=0.312), toy_batch()
    labels, weights = method._pseudo_labels(batch.target_images)
    with torch.no_grad():
        probabilities = method.teacher(batch.target_images / 255).logits[0].softmax(1)
    assert torch.equal(labels, probabilities.argmax(1).to(torch.uint8))
    sure = (probabilities.amax(1) >= 0.312).float().mean((1, 2))
    assert torch.allclose(weights.flatten(), sure)
    assert sure.min() > 0 and sure.max() < 1


def test_a_teacher_that_is_never_sure_teaches_source_pixels_alone():
    batch = toy_batch()
    unsure, sure = (with_options(pseudo_label_threshold=threshold) for threshold in (1.0, 0.0))
    for method in (unsure, sure):
        torch.manual_seed(0)
        *_, mixed = terms(method, batch)
        method.loss = mixed.loss.item()
    assert 0 < unsure.loss < sure.loss


def test_it_goes_with_an_adversarial_method():
    method = taught(toy_method("multi-level"))
    values = [set(term.values) for term in terms(method, toy_batch())]
    assert values[-1] == {"mixed/main"}
    assert {"adversarial/main", "adversarial/auxiliary"} in values
    assert set(method.auxiliary_networks) == {"main", "auxiliary"}
