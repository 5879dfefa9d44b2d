import numpy as np
import pytest

from roadseg.evaluation.confusion import confusion_matrix, intersection_over_union, pixel_accuracy

TRUTH = np.array([[0, 0, 1, 1], [1, 255, 255, 0]], np.uint8)
PREDICTION = np.array([[0, 1, 1, 1], [1, 0, 2, 0]], np.uint8)


def test_counts_by_truth_and_prediction():
    assert confusion_matrix(PREDICTION, TRUTH, 3).tolist() == [[2, 1, 0], [0, 3, 0], [0, 0, 0]]


def test_counts_of_parts_add_up_to_the_whole():
    whole = confusion_matrix(PREDICTION, TRUTH, 3)
    parts = [confusion_matrix(p, t, 3) for p, t in zip(PREDICTION, TRUTH, strict=True)]
    assert np.array_equal(whole, sum(parts))


def test_negative_and_large_ids_count_nowhere():
    truth, prediction = np.array([-1, 7, 0, 0]), np.array([0, 0, -1, 9])
    assert confusion_matrix(prediction, truth, 2).sum() == 0


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="same shape"):
        confusion_matrix(PREDICTION[:1], TRUTH, 3)


def test_iou_of_absent_and_of_only_predicted_classes():
    confusion = np.array([[8, 2, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [1, 0, 0, 9]])
    iou = intersection_over_union(confusion)
    assert iou[[0, 1, 3]] == pytest.approx([8 / 11, 0.0, 0.9])
    assert np.isnan(iou[2])


def test_pixel_accuracy():
    assert pixel_accuracy(confusion_matrix(PREDICTION, TRUTH, 3)) == pytest.approx(5 / 6)
    assert np.isnan(pixel_accuracy(np.zeros((2, 2), np.int64)))
