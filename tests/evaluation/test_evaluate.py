"""Scores of segmenters whose answers are known, and the one path from a run to its scores."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from helpers.by_brightness import ByBrightness
from helpers.tiny import CAR, ROAD, SIZE, street, write_streets
from helpers.tiny_sets import make_folder

from roadseg.datasets.catalogue import dataset_kind
from roadseg.datasets.label_files import ReadLabel
from roadseg.errors import DatasetError, InputError
from roadseg.evaluation.evaluate import evaluate, score
from roadseg.inference.engines import load_segmenter
from roadseg.inference.segmenter import Segmenter
from roadseg.labels.catalogue import CITYSCAPES_19, INDIAN_20
from roadseg.labels.space import LabelSpace


class Guess(Segmenter):
    """Answers by a function of images (N, H, W, 3)."""

    name, engine, input_size = "guess", "by hand", SIZE

    def __init__(self, function, label_space=CITYSCAPES_19):
        self.function, self.label_space = function, label_space

    def segment(self, images, tta=None):
        return self.function(images)


def always(train_id):
    return lambda images: np.full(images.shape[:3], train_id, np.uint8)


def truth_teller(images):
    """Knows the toy streets by their colours."""
    labels = np.full(images.shape[:3], 10, np.uint8)
    red, green, blue = (images[..., i].astype(int) for i in range(3))
    labels[(red > 120) & (blue < 100)] = 2
    labels[(red > 160) & (green < 60)] = 13
    labels[(red < 125) & (abs(red - green) < 40)] = 0
    return labels


def test_a_part_of_a_class_counts_as_the_whole(tmp_path):
    """The toy cars become autorickshaws, which the network takes for cars."""
    found = dataset_kind("streets").open(write_streets(tmp_path / "set", 4))
    autorickshaw = INDIAN_20.classes.index("autorickshaw")
    relabelled = replace(found, label_space=INDIAN_20, read_label=Relabelled(found.read_label, CAR, autorickshaw))
    evaluation = score(Guess(truth_teller), relabelled)
    plain = score(Guess(truth_teller), found)
    assert evaluation.classes == CITYSCAPES_19.classes
    assert np.array_equal(evaluation.confusion, plain.confusion)
    assert not any("autorickshaw" in notice for notice in evaluation.notices)
    informed = score(Guess(lambda images: seen(images, autorickshaw), INDIAN_20), relabelled)
    assert informed.classes == INDIAN_20.classes
    assert informed.as_dict()["iou"]["autorickshaw"] > 80
    assert informed.as_dict()["iou"]["car"] is None


def seen(images, car):
    """Tell the truth, with another train id for cars."""
    labels = truth_teller(images)
    return np.where(labels == CAR, np.uint8(car), labels)


@dataclass
class Relabelled:
    """Label maps in which one class has become another."""

    read: ReadLabel
    old: int
    new: int

    def __call__(self, path):
        label = self.read(path)
        return np.where(label == self.old, np.uint8(self.new), label)


@pytest.fixture
def streets(tmp_path):
    return dataset_kind("streets").open(write_streets(tmp_path / "set", 4))


def test_a_good_predictor_scores_high_and_the_absent_classes_are_left_out(streets):
    done = []
    evaluation = score(Guess(truth_teller), streets, on_progress=lambda *state: done.append(state))
    scores = evaluation.as_dict()
    assert (scores["images"], scores["engine"]) == (4, "by hand")
    assert scores["miou"] > 90
    assert scores["iou"]["train"] is None
    assert len(scores["iou"]) == 19
    assert done == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_scores_come_from_counts_summed_over_the_set_not_from_means_of_images(tmp_path):
    streets = dataset_kind("streets").open(write_streets(tmp_path / "set", 2))
    always_road = score(Guess(always(ROAD)), streets)
    road = [int((street(i)[1] == 0).sum()) for i in range(2)]
    pixels = 2 * SIZE[0] * SIZE[1]
    assert always_road.as_dict()["iou"]["road"] == pytest.approx(100 * sum(road) / pixels, abs=0.01)


@pytest.mark.real_data
def test_shared_classes_of_camvid_are_scored_in_its_own_space(real_data):
    camvid = dataset_kind("camvid").open(real_data / "camvid", "val")
    subset = replace(camvid, samples=camvid.samples[:3])
    sky = score(Guess(always(10)), subset)
    labels = np.stack([subset.label(i) for i in range(3)])
    counted = labels != 255
    assert sky.classes == camvid.label_space.classes
    assert sky.as_dict()["iou"]["Sky"] == pytest.approx(100 * (labels == 0).sum() / counted.sum(), abs=0.01)


def test_a_prediction_that_the_truth_has_no_class_for_is_an_error_everywhere(tmp_path):
    streets = dataset_kind("streets").open(write_streets(tmp_path / "set", 1))
    two = LabelSpace("two", ("road", "hovercraft"), ((0, 0, 0), (1, 1, 1)))
    label = street(0)[1]

    def half_hovercraft(images):
        guess = np.zeros(images.shape[:3], np.uint8)
        guess[:, label.shape[0] // 2 :] = 1
        return guess

    evaluation = score(Guess(half_hovercraft, two), streets)
    assert evaluation.classes == ("road",)
    called_road = label[: label.shape[0] // 2] == 0
    assert evaluation.miou == pytest.approx(100 * called_road.sum() / (label == 0).sum(), abs=0.01)


def test_sets_that_cannot_be_scored_are_refused(streets, tmp_path):
    strange = LabelSpace("strange", ("unicorn",), ((1, 2, 3),))
    with pytest.raises(DatasetError, match="share no class"):
        score(Guess(truth_teller, strange), streets)
    frames = dataset_kind("frames").open(tmp_path / "set" / "images")
    with pytest.raises(DatasetError, match="no label maps"):
        score(Guess(truth_teller), frames)


def test_a_class_that_is_only_predicted_lowers_the_others_but_is_not_scored(streets):
    label = street(0)[1]

    def trains_in_the_sky(images):
        guess = truth_teller(images)
        guess[guess == 10] = 16
        return guess

    right = score(Guess(truth_teller), streets).as_dict()["iou"]
    wrong = score(Guess(trains_in_the_sky), streets).as_dict()["iou"]
    assert (label == 10).any()
    assert wrong["train"] is None
    assert wrong["sky"] == 0 < right["sky"]
    assert wrong["road"] == right["road"]


def test_a_mean_over_fewer_classes_comes_from_the_same_predictions(streets):
    def cars_are_road(images):
        guess = truth_teller(images)
        guess[guess == CAR] = ROAD
        return guess

    whole = score(Guess(cars_are_road), streets)
    three = LabelSpace("three", ("sky", "road", "unicorn"), ((0, 0, 0),) * 3)
    part = whole.within(three)
    assert part.classes == ("road", "sky")
    iou = {name: value for name, value in whole.as_dict()["iou"].items() if name in part.classes}
    assert part.as_dict()["iou"] == iou
    assert part.miou == pytest.approx(sum(iou.values()) / 2, abs=0.01)
    assert whole.pixel_accuracy < part.pixel_accuracy
    with pytest.raises(DatasetError, match="shows no class of none"):
        whole.within(LabelSpace("none", ("unicorn",), ((0, 0, 0),)))


def test_images_are_read_ahead_in_order_and_an_unreadable_one_ends_it(streets):
    seen = []

    def remember(images):
        seen.append(images[0])
        return np.zeros(images.shape[:3], np.uint8)

    score(Guess(remember), streets)
    assert all(np.array_equal(image, streets.image(index)) for index, image in enumerate(seen))
    streets.samples[1].image.write_bytes(b"no picture")
    with pytest.raises(DatasetError, match="cannot be read"):
        score(Guess(remember), streets)


def test_classes_of_another_space_are_found_by_what_contains_them(tmp_path):
    streets = dataset_kind("streets").open(write_streets(tmp_path / "set", 2))
    coarse = LabelSpace("coarse", ("ground", "up"), ((0, 0, 0),) * 2, {"road": "ground", "sky": "up", "car": "up"})
    evaluation = score(Guess(truth_teller), streets.in_space(coarse))
    assert evaluation.classes == ("ground", "up")
    sky = LabelSpace("heaven", ("sky",), ((0, 0, 0),))
    assert evaluation.within(sky).classes == ("up",)


def test_of_a_drive_it_is_told_how_steady_predictions_are(tmp_path):
    root = write_streets(tmp_path / "set", 4)
    (root / "dataset.toml").write_text('kind = "streets"\ncontents = "drive of 4 s"\nlabel_space = "cityscapes-19"\n')
    for number in range(1, 4):  # a car that waits
        (root / "images" / f"{number:06}.png").write_bytes((root / "images" / "000000.png").read_bytes())
    drive = dataset_kind("streets").open(root)
    steady = score(Guess(truth_teller), drive).as_dict()
    assert (steady["temporal_consistency"], steady["changed_pixels"]) == (100, 0)
    turn = iter(range(4))

    def flickering(images):
        return np.where(next(turn) % 2, 0, truth_teller(images)).astype(np.uint8)

    flickers = score(Guess(flickering), drive).as_dict()
    assert flickers["temporal_consistency"] < 60 and flickers["changed_pixels"] > 20


def test_images_that_do_not_follow_one_another_have_no_steadiness(streets, tmp_path):
    assert "temporal_consistency" not in score(Guess(truth_teller), streets).as_dict()
    root = write_streets(tmp_path / "drive", 4)
    (root / "dataset.toml").write_text('kind = "streets"\ncontents = "drive of 4 s"\nlabel_space = "cityscapes-19"\n')
    drive = dataset_kind("streets").open(root)
    assert drive.is_video and drive.every(1).is_video and not drive.every(2).is_video
    assert not drive.part(0, 2).is_video


@pytest.mark.parametrize("option", [{"bn_scenes": "indian"}, {"bn_prior": 7}])
def test_how_batch_norm_is_adapted_needs_that_it_is(option, tmp_path):
    streets = f"streets:{write_streets(tmp_path / 'streets', 1)}"
    with pytest.raises(InputError, match=f"{next(iter(option))} says how.*\nGive --adapt-bn"):
        evaluate(ByBrightness(), streets, **option)


@pytest.mark.slow
def test_a_run_and_its_segmenter_have_the_same_scores(tmp_path):
    root = write_streets(tmp_path / "set", 3)
    exact = evaluate("default", f"streets:{root}", device="cpu", input_size=(64, 48))
    assert exact.engine == "torch float32, full size"
    segmenter = load_segmenter("default", device="cpu", engine="exact", input_size=(64, 48))
    assert np.array_equal(evaluate(segmenter, dataset_kind("streets").open(root)).confusion, exact.confusion)
    with pytest.raises(InputError, match="load_segmenter"):
        evaluate(segmenter, f"streets:{root}", input_size=(64, 48))


@pytest.mark.slow
def test_an_engine_scores_what_it_draws(tmp_path):
    streets = dataset_kind("streets").open(write_streets(tmp_path / "set", 3))
    seen = {}
    segmenter = load_segmenter("default", device="cpu", engine="torch", input_size=(64, 48))
    drawn = evaluate("default", streets, device="cpu", engine="torch", input_size=(64, 48))
    kept = score(segmenter, streets, on_image=lambda index, labels, _: seen.update({index: labels}))
    assert drawn.engine in ("torch mixed, half size", "torch float32, half size")
    assert np.array_equal(kept.confusion, drawn.confusion)
    for index in range(3):
        assert np.array_equal(seen[index], segmenter.label(streets.image(index)))
    exact = evaluate("default", streets, device="cpu", input_size=(64, 48))
    assert not np.array_equal(exact.confusion, drawn.confusion)


def test_classes_that_cannot_be_scored_are_named(tmp_path):
    labels = (
        'ignore = 0\n[classes]\nsky = 10\nhouse = 20\nroad = [30, 31]\nvehicle = 1000\n[contains]\nvehicle = ["car"]\n'
    )
    dataset = dataset_kind("folder").open(make_folder(tmp_path, 1, labels=labels))
    evaluation = score(Guess(always(ROAD)), dataset)
    assert evaluation.classes == ("sky", "road", "vehicle")
    assert evaluation.notices == ("house: no such class in cityscapes-19; did you mean building?",)
    assert evaluation.as_dict()["notices"] == list(evaluation.notices)
