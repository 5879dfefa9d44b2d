from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from helpers.tiny import SIZE, street, write_streets

from roadseg.datasets.catalogue import dataset_kind
from roadseg.datasets.sampling import AdaptationBatches, load_batches
from roadseg.datasets.transforms import CropTransform, resized_label
from roadseg.errors import DatasetError, RecipeError

CROP = CropTransform(size=SIZE, crop=(64, 48))


@pytest.fixture(scope="module")
def batches(tmp_path_factory):
    root = write_streets(tmp_path_factory.mktemp("streets") / "set", 5)
    source, target = dataset_kind("streets").open(root), dataset_kind("frames").open(root / "images")
    return AdaptationBatches(source, (target,), 2, CROP, CROP, seed=1)


def equal(a, b):
    there = [(x, y) for x, y in zip(a, b, strict=True) if (x, y) != (None, None)]
    return all(torch.equal(torch.as_tensor(x), torch.as_tensor(y)) for x, y in there)


def test_a_batch_depends_on_seed_and_step_alone(batches):
    in_order = list(load_batches(batches, 0, 6, workers=0))
    assert all(equal(a, b) for a, b in zip(in_order[3:], load_batches(batches, 3, 6, workers=0), strict=True))
    assert all(equal(a, b) for a, b in zip(in_order, load_batches(batches, 0, 6, workers=2), strict=True))
    assert not equal(in_order[0], in_order[1])


def test_every_image_is_seen_once_an_epoch(batches):
    drawn = [batches._draw(batches.source, 0, number)[0] for step in range(5) for number in batches._numbers(step)]
    assert sorted(drawn[:5]) == sorted(drawn[5:]) == list(range(5))
    assert drawn[:5] != drawn[5:]


def test_batches_have_the_documented_form(batches):
    batch = batches[0]
    assert batch.source_images.shape == batch.target_images.shape == (2, 3, 48, 64)
    assert batch.source_images.dtype == batch.source_labels.dtype == torch.uint8
    assert batch.source_labels.shape == (2, 48, 64)


@pytest.fixture(scope="module")
def flat_targets(tmp_path_factory):
    """Targets of one, three and two images; the grey of each is 10 times its target, plus its place."""
    root = tmp_path_factory.mktemp("targets")
    for target, pictures in enumerate((1, 3, 2)):
        (root / str(target)).mkdir()
        for place in range(pictures):
            grey = np.full((SIZE[1], SIZE[0], 3), 10 * target + place, np.uint8)
            cv2.imwrite(str(root / str(target) / f"{place}.png"), grey)
    return tuple(dataset_kind("frames").open(root / str(target)) for target in range(3))


@pytest.mark.parametrize("batch_size", [1, 2, 3])
def test_targets_take_turns_whatever_their_sizes_and_each_is_gone_through_by_epochs(batches, flat_targets, batch_size):
    plain = replace(batches.target_transform, jitter=0)
    several = replace(batches, targets=flat_targets, batch_size=batch_size, target_transform=plain)
    loaded = load_batches(several, 0, 36 // batch_size, workers=0)
    greys = torch.cat([batch.target_images for batch in loaded]).amax((1, 2, 3))
    assert (greys // 10).tolist() == [0, 1, 2] * 12
    for target, pictures in enumerate((1, 3, 2)):
        seen = (greys[target::3] % 10).view(-1, pictures).sort(dim=1).values
        assert (seen == torch.arange(pictures)).all()


def test_several_targets_are_as_resumable_and_divisible_as_one(batches, flat_targets):
    several = replace(batches, targets=flat_targets, batch_size=5)
    in_order = list(load_batches(several, 0, 6, workers=0))
    assert all(equal(a, b) for a, b in zip(in_order[4:], load_batches(several, 4, 6, workers=1), strict=True))
    shares = [several.for_process(rank, 2)[3].target_images for rank in range(2)]
    assert torch.equal(torch.cat(shares), in_order[3].target_images)


def test_shares_of_processes_make_up_the_joint_batch(batches):
    joint = replace(batches, batch_size=5)
    shares = [joint.for_process(rank, 2)[3] for rank in range(2)]
    assert [(share.first, len(share.source_images)) for share in shares] == [(0, 2), (2, 3)]
    for field in ("source_images", "source_labels", "target_images"):
        assert torch.equal(torch.cat([getattr(share, field) for share in shares]), getattr(joint[3], field))
    assert torch.equal(sum(share.label_counts for share in shares), joint[3].label_counts)
    assert sum(share.share for share in shares) == pytest.approx(1.0)
    assert equal(joint.for_process(0, 1)[3], joint[3])


def test_more_processes_than_images_are_refused(batches):
    with pytest.raises(RecipeError, match="leaves no image for some of 3 processes"):
        batches.for_process(0, 3)


def test_geometry_moves_image_and_label_alike():
    # Without jitter every label has its colour, so the transformed image determines the transformed label.
    image, label = street(0)
    flat = np.zeros_like(image)
    flat[...] = label[..., None] * 10
    transform = CropTransform(size=SIZE, crop=(64, 48), jitter=0)
    for seed in range(20):
        crop, crop_label = transform(flat, label, np.random.default_rng(seed))
        agreement = np.abs(crop[..., 0].astype(int) - crop_label.astype(int) * 10) <= 5
        assert agreement.mean() > 0.9


def test_jitter_changes_colours_but_not_the_geometry_draws():
    image, label = street(0)
    plain, label_plain = CropTransform(SIZE, (64, 48), jitter=0)(image, label, np.random.default_rng(3))
    strong, label_strong = CropTransform(SIZE, (64, 48), jitter=1)(image, label, np.random.default_rng(3))
    assert np.array_equal(label_plain, label_strong)
    assert not np.array_equal(plain, strong)


def test_labels_are_taken_at_the_centres_of_the_new_pixels():
    columns = np.arange(9, dtype=np.uint8)[None].repeat(2, axis=0)
    assert resized_label(columns, (3, 2)).tolist() == [[1, 4, 7]] * 2


def test_mirroring_can_be_left_out():
    image, label = street(0)
    transform = CropTransform(SIZE, SIZE, scale=(1.0, 1.0), jitter=0, horizontal_flip=False)
    for seed in range(8):
        crop, crop_label = transform(image, label, np.random.default_rng(seed))
        assert np.array_equal(crop, image)
        assert np.array_equal(crop_label, label)


def test_alignment_gives_source_crops_the_colours_of_target_crops(batches, tmp_path):
    dark = dataset_kind("frames").open(write_streets(tmp_path / "night", 5, night=True) / "images")
    plain = AdaptationBatches(batches.source, (dark,), 2, CROP, CROP, seed=1)[0]
    aligned = AdaptationBatches(batches.source, (dark,), 2, CROP, CROP, seed=1, fourier_beta=0.02)[0]
    means = [images.float().mean((2, 3)) for images in (aligned.source_images, plain.target_images)]
    assert torch.allclose(*means, atol=8.0)  # clipping to 0..255 moves them
    assert (plain.source_images.float().mean((2, 3)) - means[1]).abs().max() > 20
    assert torch.equal(aligned.source_labels, plain.source_labels)


def test_pseudo_labels_go_with_their_crops_and_are_counted(batches, tmp_path):
    root = write_streets(tmp_path / "set", 5)
    for label in (root / "labels").iterdir():  # images that show the label of every pixel
        cv2.imwrite(str(root / "images" / label.name), cv2.cvtColor(cv2.imread(str(label), 0), cv2.COLOR_GRAY2BGR))
    unchanged = CropTransform(SIZE, (64, 48), scale=(1.0, 1.0), jitter=0)
    without = replace(batches, targets=(dataset_kind("streets").open(root),), target_transform=unchanged)
    batch, plain = (replace(without, pseudo_labelled=on)[3] for on in (True, False))
    assert plain.target_labels is None  # labels that are there are not read
    assert len(plain.counts) == 1
    assert equal(batch[:4], plain[:4])
    assert torch.equal(batch.target_images[:, 0], batch.target_labels)
    assert torch.equal(batch.counts[1], torch.bincount(batch.target_labels.flatten(), minlength=256))
    first, second = batch.parts(2)
    assert torch.equal(torch.cat([first.target_labels, second.target_labels]), batch.target_labels)


def test_labelled_target_images_come_beside_the_rest_and_change_none_of_it(batches, tmp_path):
    labelled = dataset_kind("streets").open(write_streets(tmp_path / "night", 2, night=True))
    with_labels = replace(batches, annotated=labelled, batch_size=3)
    in_order = list(load_batches(with_labels, 0, 6, workers=0))
    assert all(equal(a, b) for a, b in zip(in_order[4:], load_batches(with_labels, 4, 6, workers=2), strict=True))
    plain = replace(batches, batch_size=3)[4]
    assert plain.annotated_images is None
    assert len(plain.counts) == 1
    assert equal(plain[:6], in_order[4][:6])

    joint = in_order[4]
    assert joint.annotated_images.shape == (3, 3, 48, 64)
    assert torch.equal(joint.counts[1], torch.bincount(joint.annotated_labels.flatten(), minlength=256))
    shares = [with_labels.for_process(rank, 2)[4] for rank in range(2)]
    assert torch.equal(torch.cat([share.annotated_labels for share in shares]), joint.annotated_labels)
    assert torch.equal(torch.cat([part.annotated_images for part in joint.parts(2)]), joint.annotated_images)
    drawn = [with_labels._draw(labelled, 1 << 16, number)[0] for number in range(6)]
    assert sorted(drawn[:2]) == sorted(drawn[2:4]) == [0, 1]


@pytest.mark.parametrize("workers", [0, 1])
def test_a_broken_image_is_named_wherever_it_is_read(tmp_path, workers):
    root = write_streets(tmp_path / "set", 2)
    (root / "images" / "000001.png").write_text("no picture")
    batches = AdaptationBatches(dataset_kind("streets").open(root), (), 2, CROP, CROP, seed=1)
    with pytest.raises(DatasetError, match=r"^[^\n]*000001\.png: cannot be read as an image [^\n]*\n"):
        list(load_batches(batches, 0, 1, workers=workers))


def test_a_label_map_of_another_size_is_refused(tmp_path):
    root = write_streets(tmp_path / "set", 1)
    cv2.imwrite(str(root / "labels" / "000000.png"), np.zeros((20, 30), np.uint8))
    batches = AdaptationBatches(dataset_kind("streets").open(root), (), 1, CROP, CROP, seed=1)
    with pytest.raises(DatasetError, match="30"):
        batches[0]
