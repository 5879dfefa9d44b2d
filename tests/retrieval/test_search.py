"""Neighbours, against a sort of all distances."""

import numpy as np
import pytest
import torch

from roadseg.retrieval import search
from roadseg.retrieval.search import centred, nearest_both_ways

CPU = torch.device("cpu")


def clouds(source=37, target=53, dimensions=6):
    rng = np.random.default_rng(0)
    return tuple(rng.standard_normal((count, dimensions), np.float32) + 3 for count in (source, target))


def sorted_distances(queries, gallery, count):
    distances = 1 - queries.astype(np.float64) @ gallery.T.astype(np.float64)
    order = np.argsort(distances, axis=1)[:, :count]
    return order, np.take_along_axis(distances, order, axis=1)


@pytest.mark.parametrize("rows", [1, 3, 10, 37, 1024])
def test_both_directions_are_exact_in_blocks_of_any_size(rows, monkeypatch):
    monkeypatch.setattr(search, "ROWS", rows)
    source, target = map(centred, clouds())
    done = []
    found = nearest_both_ways(source, target, 5, CPU, on_progress=lambda *state: done.append(state))
    for neighbours, (queries, gallery) in zip(found, ((source, target), (target, source)), strict=True):
        order, distances = sorted_distances(queries, gallery, 5)
        np.testing.assert_array_equal(neighbours.indices, order)
        np.testing.assert_allclose(neighbours.distances, distances, atol=1e-6)
    assert done[-1] == (37, 37)
    assert len(done) == -(-37 // rows)


def test_memory_for_products_is_bounded(monkeypatch):
    monkeypatch.setattr(search, "BLOCK", 53 * 4)
    done = []
    nearest_both_ways(*map(centred, clouds()), 2, CPU, on_progress=lambda *state: done.append(state))
    assert done[0] == (4, 37)


def test_what_a_domain_has_in_common_is_not_compared():
    source, target = clouds()
    moved = centred(target + np.float32([50, 0, 0, 0, 0, 0]))
    np.testing.assert_allclose(moved, centred(target), atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(centred(source), axis=1), 1, atol=1e-5)


def test_all_of_a_set_may_be_asked_for_and_equal_images_have_no_distance():
    source, _ = map(centred, clouds(source=6))
    to_target, to_source = nearest_both_ways(source, source.copy(), 6, CPU)
    np.testing.assert_array_equal(to_target.indices[:, 0], np.arange(6))
    np.testing.assert_array_equal(np.sort(to_source.indices, axis=1), np.tile(np.arange(6), (6, 1)))
    assert (to_target.distances >= 0).all()
    assert to_target.distances[:, 0].max() < 1e-6
