"""Mixing of two domains, on clouds whose distance is known."""

import numpy as np
import pytest

from roadseg.evaluation.domain_mixing import RIDGE, _ridge, domain_mixing


def cloud(count, *, away=0.0, dimensions=8, seed=0):
    vectors = np.random.default_rng(seed).standard_normal((count, dimensions))
    vectors[:, 0] += away
    return vectors


def test_one_cloud_twice_is_mixed():
    mixing = domain_mixing(cloud(300), cloud(200, seed=1))
    assert mixing.neighbours == pytest.approx(1, abs=0.1)
    assert mixing.classifier_accuracy == pytest.approx(50, abs=8)


def test_two_clouds_apart_are_told_apart():
    mixing = domain_mixing(cloud(60, away=20), cloud(90, away=-20, seed=1))
    assert mixing.neighbours == 0
    assert mixing.classifier_accuracy == 100


def test_mixing_falls_with_the_distance_whatever_the_sizes():
    near, far = (domain_mixing(cloud(80, away=away), cloud(400, seed=1)) for away in (0.5, 3.0))
    assert near.neighbours > far.neighbours
    assert near.classifier_accuracy < far.classifier_accuracy


def test_more_features_than_images_are_no_proof_of_a_difference():
    mixing = domain_mixing(cloud(40, dimensions=200), cloud(40, dimensions=200, seed=1))
    assert mixing.classifier_accuracy < 70


def test_too_few_images_are_refused():
    with pytest.raises(ValueError, match="3 and 40 vectors are too few"):
        domain_mixing(cloud(3), cloud(40))


@pytest.mark.parametrize("shape", [(12, 40), (40, 12)])
def test_both_systems_of_the_ridge_regression_have_its_solution(shape):
    x, y = np.random.default_rng(0).standard_normal(shape), np.random.default_rng(1).standard_normal(shape[0])
    coefficients = _ridge(x, y)
    assert RIDGE * coefficients == pytest.approx(x.T @ (y - x @ coefficients))
