"""Judging without labels: steadiness over views, drift, collapsed classes."""

import numpy as np
import pytest

from roadseg.inference.label_free import EVIDENCE, LabelFreeVerdict, Measures, judge
from roadseg.inference.segmenter import Segmenter
from roadseg.labels.catalogue import label_space

CLASSES = label_space("camvid-11")


class Answers(Segmenter):
    """Segmenter whose class at each place is given by a function of the grey image (h, w) on the coarse grid."""

    name = "answers"
    label_space = CLASSES
    input_size = (64, 48)

    def __init__(self, answer):
        self._answer = answer

    @property
    def batch_size(self):
        return 1

    def segment(self, images, tta=None):
        return self.scores(images).argmax(1).astype(np.uint8)

    def scores(self, images, tta=None):
        classes = np.stack([self._answer(image[::8, ::8, 0]) for image in images])
        likely = np.arange(len(CLASSES))[None, :, None, None] == classes[:, None]
        rest = 0.1 / (len(CLASSES) - 1)
        return np.log(np.where(likely, 0.9, rest)).astype(np.float32)


def by_brightness(grey):
    return grey // 128


def by_column(grey):
    return np.broadcast_to(np.arange(grey.shape[1]) < 3, grey.shape).astype(int)


def images():
    blocks = np.random.default_rng(0).integers(0, 256, (2, 6, 8, 3), np.uint8)
    return blocks.repeat(8, axis=1).repeat(8, axis=2)


def test_answers_that_follow_the_image_agree_in_all_views_and_others_do_not():
    steady, unsteady = (Measures.of(Answers(answer), images()) for answer in (by_brightness, by_column))
    assert steady.agreement == steady.pixel_agreement == 100
    # The mirror image has 3 of 8 columns at the other end: IoU 0 and 2/8; two views in three are not mirrored.
    expected = 100 * np.mean([(2 * 3) / (2 * 3 + 6), (2 * 5 + 2) / (2 * 5 + 8)])
    assert unsteady.agreement == pytest.approx(expected)
    assert unsteady.pixel_agreement == pytest.approx(100 * (2 + 2 * 8) / (3 * 8))
    certain = -(0.9 * np.log(0.9) + 0.1 * np.log(0.01)) / np.log(11)
    assert steady.entropy == unsteady.entropy == pytest.approx(certain, abs=1e-4)
    assert unsteady.shares == pytest.approx([5 / 8, 3 / 8, *[0] * 9])


def test_the_steadier_segmenter_is_the_better_one():
    assert judge(Answers(by_column), Answers(by_brightness), images()).outcome == "better"
    assert judge(Answers(by_brightness), Answers(by_column), images()).outcome == "worse"
    same = judge(Answers(by_brightness), Answers(by_brightness), images())
    assert (same.outcome, same.drift, same.collapsed) == ("unclear", 0, ())


def test_a_class_that_vanishes_is_worse_however_steady_the_rest():
    shares = (0.5, 0.3, 0.2, *[0.0] * 8)
    before = Measures(40, 0.2, shares, 70)
    after = Measures(60, 0.1, (0.7, 0.29, 0.01, *[0.0] * 8), 80)
    verdict = LabelFreeVerdict(before, after, CLASSES)
    assert verdict.outcome == "worse"
    assert verdict.collapsed == (CLASSES.classes[2],)
    assert verdict.drift == pytest.approx(0.2)
    assert "hardly seen any more: Pole" in str(verdict)
    told = verdict.as_dict()
    assert (told["agreement"], told["pixel_agreement"]) == ([40, 60], [70, 80])
    assert told["evidence"] == EVIDENCE["worse"]


@pytest.mark.parametrize(("pixels", "outcome"), [(71, "better"), (69, "worse"), (70.9, "unclear"), (69.1, "unclear")])
def test_the_share_of_pixels_decides_and_not_the_mean_over_classes(pixels, outcome):
    shares = (1.0, *[0.0] * 10)
    verdict = LabelFreeVerdict(Measures(40, 0.2, shares, 70), Measures(40, 0.2, shares, pixels), CLASSES)
    assert verdict.outcome == outcome
    rare = LabelFreeVerdict(Measures(40, 0.2, shares, 70), Measures(30, 0.2, shares, pixels), CLASSES)
    assert rare.outcome == outcome
