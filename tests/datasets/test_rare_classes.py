"""Rare-class sampling: the published formula, counts that are kept, and batches that show the drawn images."""

import math
import os

import cv2
import numpy as np
import pytest
import torch
from helpers.tiny import BUILDING, CAR, RECIPE, ROAD, SIZE, SKY, street, write_streets

from roadseg.datasets.catalogue import dataset_kind
from roadseg.datasets.class_counts import class_counts
from roadseg.datasets.rare_classes import RareClasses
from roadseg.datasets.sampling import load_batches
from roadseg.datasets.transforms import MIN_CROP_SHARE, CropTransform
from roadseg.errors import DatasetError
from roadseg.labels.catalogue import SYNTHIA_16
from roadseg.training.build import build_batches
from roadseg.training.callbacks import Callbacks
from roadseg.training.recipe import resolve


def counts(*pictures):
    """(N, 256) of dictionaries {train id: pixels}."""
    table = np.zeros((len(pictures), 256), np.int64)
    for row, picture in zip(table, pictures, strict=True):
        row[list(picture)] = list(picture.values())
    return table


@pytest.mark.parametrize("temperature", [1.0, 0.1, 1e-5])
def test_classes_are_drawn_by_the_published_formula(temperature):
    rare = RareClasses.of(counts({0: 600, 2: 100, 255: 300}, {0: 1000, 1: 300}), temperature)
    shares = np.array([1600, 300, 100]) / 2000
    likelihoods = [math.exp((shares[2] - share) / temperature) for share in shares]
    assert rare.probabilities[:3] == pytest.approx(np.array(likelihoods) / sum(likelihoods))
    assert not rare.probabilities[3:].any()
    assert [pictures.tolist() for pictures in rare.images[:4]] == [[0, 1], [1], [0], []]


def test_an_image_of_a_few_pixels_of_a_class_is_none_of_it_and_its_class_is_not_drawn_for_it():
    rare = RareClasses.of(counts({0: 99_900, 1: 100}, {0: 50_000, 1: 50_000}, {0: 99_999, 2: 1}), 0.01)
    assert rare.images[1].tolist() == [1]
    assert rare.probabilities[2] == 0
    drawn = [rare.draw(np.random.default_rng(seed)) for seed in range(50)]
    assert set(drawn) == {(1, 1)}
    with pytest.raises(DatasetError, match="none of the network's classes"):
        RareClasses.of(counts({255: 100}, {}), 0.01)


@pytest.fixture
def source(tmp_path):
    """Toy streets of which the third alone has a car."""
    root = write_streets(tmp_path / "source", 6)
    for index in range(6):
        if index != 2:
            _, label = street(index)
            cv2.imwrite(str(root / "labels" / f"{index:06}.png"), np.where(label == CAR, ROAD, label))
    return root


def test_counts_are_those_of_the_label_maps_in_the_networks_classes(source, tmp_path):
    dataset = dataset_kind("streets").open(source)
    counted = class_counts(dataset, tmp_path / "kept")
    assert counted.shape == (6, 256)
    assert counted[:, [ROAD, BUILDING, SKY, CAR]].sum() == 6 * SIZE[0] * SIZE[1]
    assert np.flatnonzero(counted[:, CAR]).tolist() == [2]
    in_synthia = class_counts(dataset.in_space(SYNTHIA_16), tmp_path / "kept")
    assert (in_synthia[:, SYNTHIA_16.classes.index("sky")] == counted[:, SKY]).all()


def test_labels_are_counted_once_and_again_when_they_change(source, tmp_path):
    counting = []

    def count():
        counting.clear()
        return class_counts(
            dataset_kind("streets").open(source), tmp_path / "kept", lambda *done: counting.append(done)
        )

    before = sorted(source.rglob("*"))
    first = count()
    assert counting == [(done, 6) for done in range(1, 7)]
    assert (count() == first).all()
    assert counting == []
    (kept,) = (tmp_path / "kept").iterdir()
    kept.write_bytes(kept.read_bytes()[:100])
    assert (count() == first).all()
    assert counting
    changed = source / "labels" / "000000.png"
    cv2.imwrite(str(changed), np.full(SIZE[::-1], SKY, np.uint8))
    os.utime(changed, (1, 1))
    assert count()[0, SKY] == SIZE[0] * SIZE[1]
    assert sorted(source.rglob("*")) == before


def batches(source, data, **changes):
    recipe = resolve(
        {**RECIPE, "source": str(source), "method": "source-only", "rare_class_temperature": 0.01, **changes}, origin=""
    )
    return build_batches(recipe, data, Callbacks())


def shows_a_car(labels):
    return (labels == CAR).float().mean((1, 2)) >= MIN_CROP_SHARE * 0.9  # resizing moves borders


def test_what_is_rare_is_seen_often_and_batches_depend_on_seed_and_step_alone(source, tmp_path):
    rare = batches(source, tmp_path)
    in_order = [batch.source_labels for batch in load_batches(rare, 0, 20, workers=0)]
    assert shows_a_car(torch.cat(in_order)).float().mean() > 0.9
    plain = batches(source, tmp_path, rare_class_temperature=0.0)
    assert shows_a_car(torch.cat([plain[step].source_labels for step in range(20)])).float().mean() < 0.3
    again = [batch.source_labels for batch in load_batches(batches(source, tmp_path), 13, 20, workers=1)]
    differing = {step: int((in_order[step] != labels).sum()) for step, labels in enumerate(again, 13)}
    assert differing == dict.fromkeys(range(13, 20), 0), "pixels that differ in batches of another process, by step"
    shares = [rare.for_process(rank, 2)[3].source_labels for rank in range(2)]
    assert torch.equal(torch.cat(shares), in_order[3])
    other = batches(source, tmp_path, seed=1)
    assert not torch.equal(other[0].source_labels, in_order[0])


def test_crops_are_tried_until_one_shows_the_class():
    label = np.zeros((100, 100), np.uint8)
    label[:20, :20] = 1
    image = np.zeros((100, 100, 3), np.uint8)
    transform = CropTransform((100, 100), (40, 40), scale=(1.0, 1.0), jitter=0)
    seeds = range(200)

    def shown(wanted):
        crops = [transform(image, label, np.random.default_rng(seed), shown=wanted)[1] for seed in seeds]
        return np.mean([np.mean(crop == 1) >= MIN_CROP_SHARE for crop in crops])

    alone = shown(None)
    assert 0.05 < alone < 0.2
    assert shown(1) == pytest.approx(1 - (1 - alone) ** 10, abs=0.12)
    assert shown(0) == alone
