"""Safe mIoU against figures worked out by hand from its definition."""

import numpy as np
import pytest

from roadseg.evaluation.safe_iou import ENDANGERED, distance, safe_iou
from roadseg.evaluation.score_tables import evaluation_table
from roadseg.evaluation.scores import Evaluation
from roadseg.labels.catalogue import CITYSCAPES_19, IDD_26


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("car", "car", 0),
        ("car", "autorickshaw", 1 / 3),
        ("bus", "vehicle fallback", 1 / 3),
        ("motorcycle", "bicycle", 1 / 3),
        ("motorcycle", "truck", 2 / 3),
        ("person", "rider", 2 / 3),
        ("person", "motorcycle", 1),
        ("rider", "road", 1),
        ("sky", "car", 1),
    ],
)
def test_distances_in_the_hierarchy(one, other, expected):
    assert distance(one, other) == distance(other, one) == expected


def confusion(classes, *cells):
    counts = np.zeros((len(classes) + 1, len(classes) + 1), np.int64)
    places = (*classes, "")
    for truth, seen, pixels in cells:
        counts[places.index(truth), places.index(seen)] = pixels
    return counts


def test_only_dangerous_errors_cost_more_than_iou():
    classes = ("road", "sidewalk", "person", "rider", "car", "autorickshaw")
    counts = confusion(
        classes,
        ("road", "road", 80),
        ("road", "sidewalk", 10),
        ("road", "car", 10),
        ("sidewalk", "sidewalk", 30),
        ("person", "person", 4),
        ("person", "rider", 3),
        ("person", "road", 2),
        ("person", "", 1),
        ("car", "car", 20),
        ("car", "autorickshaw", 6),
    )
    found = dict(zip(classes, safe_iou(counts, classes), strict=True))
    assert found["road"] == pytest.approx(100 * (80 - 10) / (100 + 82 - 80))
    assert found["sidewalk"] == pytest.approx(100 * 30 / 40)
    assert found["person"] == pytest.approx(100 * (4 - 3 * 2 / 3 - 2 - 1) / 10)
    assert found["car"] == pytest.approx(100 * (20 - 6 / 3) / 36)
    assert np.isnan(found["rider"])
    assert np.isnan(found["autorickshaw"])


def test_a_class_that_is_always_missed_is_below_zero():
    counts = confusion(("road", "person"), ("person", "road", 10), ("road", "road", 10))
    assert safe_iou(counts, ("road", "person")).tolist() == [50, -100]


def test_every_endangered_class_is_one_of_idd():
    assert set(ENDANGERED) <= set(IDD_26.classes)


def test_scores_on_idd_have_it_and_others_do_not():
    counts = confusion(("road", "car"), ("road", "road", 90), ("car", "car", 5), ("car", "road", 5))
    on_idd = Evaluation("idd", IDD_26, ("road", "car"), counts, 1)
    assert on_idd.safe_miou == pytest.approx((100 * 90 / 95 + 0) / 2)
    assert on_idd.as_dict()["safe_miou"] == 47.37
    assert ("safe mean", "47.37") in evaluation_table(on_idd, "IDD").rows
    other = Evaluation("cityscapes", CITYSCAPES_19, ("road", "car"), counts, 1)
    assert other.safe_miou is None
    assert "safe_miou" not in other.as_dict()
    assert all(name != "safe mean" for name, _ in evaluation_table(other, "Cityscapes").rows)
