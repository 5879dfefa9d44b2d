import numpy as np
import pytest

from roadseg.labels.confusion import confusion_matrix, intersection_over_union, pixel_accuracy

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


@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
@pytest.mark.parametrize("shape", [(0, 4), (1, 1), (3, 5), (2, 37, 16)])
@pytest.mark.parametrize("num_classes", [1, 19, 255])
def test_counts_are_those_of_a_loop_over_pixels(shape, num_classes, dtype):
    rng = np.random.default_rng(0)
    truth, prediction = (rng.choice([0, num_classes - 1, num_classes, 255], shape).astype(dtype) for _ in range(2))
    expected = np.zeros((num_classes, num_classes), np.int64)
    for row, column in zip(truth.flat, prediction.flat, strict=True):
        if max(row, column) < num_classes:
            expected[row, column] += 1
    counts = confusion_matrix(prediction, truth, num_classes)
    assert counts.dtype == np.int64
    assert np.array_equal(counts, expected)


def test_maps_may_be_slices_of_larger_ones():
    assert np.array_equal(
        confusion_matrix(PREDICTION[:, ::2], TRUTH[:, ::2], 3),
        confusion_matrix(PREDICTION[:, ::2].copy(), TRUTH[:, ::2].copy(), 3),
    )


def test_large_maps_are_counted_wholly():
    zeros = np.zeros((1025, 2047), np.uint8)
    assert confusion_matrix(zeros, zeros, 2)[0, 0] == zeros.size


def test_more_classes_than_bytes_can_tell_apart():
    with pytest.raises(ValueError, match="256 classes are more than 255"):
        confusion_matrix(PREDICTION, TRUTH, 256)


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
