import numpy as np
import pytest

from roadseg.inference.confidence import class_confidences, confidence_at, confidences_of
from roadseg.labels.space import IGNORE


def test_confidence_is_the_probability_of_the_class_that_wins():
    scores = np.log(np.array([0.2, 0.7, 0.1], np.float32)).reshape(1, 3, 1, 1)
    assert confidences_of(scores) == pytest.approx(0.7)
    assert confidences_of(scores - 2) == pytest.approx(0.7)  # means of logarithms do not add up to 1


def test_it_has_the_size_of_the_labels_and_none_where_there_is_no_label():
    labels = np.array([[0, 0, 1, 1], [0, 0, 1, IGNORE]], np.uint8)
    found = confidence_at(labels, np.array([[0.2, 0.6]], np.float32))
    assert found.dtype == np.uint8
    # Centres of the cells are at 1/4 and 3/4 of the width: a quarter and three quarters of the way lie between them.
    assert found.tolist() == [[51, 76, 128, 153], [51, 76, 128, 0]]


def test_it_is_averaged_over_the_pixels_of_a_class():
    labels = np.array([[0, 0, 2], [2, 2, IGNORE]], np.uint8)
    confidence = np.array([[255, 0, 51], [102, 153, 0]], np.uint8)
    assert class_confidences(labels, confidence, 3) == pytest.approx([0.5, np.nan, 0.4], nan_ok=True)
