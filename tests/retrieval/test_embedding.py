"""Vectors of images, against their definitions."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers.tiny import street

from roadseg.evaluation.trained import load_run
from roadseg.inference import engines, torch_engine
from roadseg.inference.self_check import Outcome
from roadseg.models.domain_statistics import batch_norms, keep_source_statistics
from roadseg.models.predict import class_scores, to_tensor
from roadseg.retrieval import embedding
from roadseg.retrieval.embedding import FEATURE_GRID, LAYOUT_GRID, NetworkEmbedder, pooled
from roadseg.runtime import start

CPU = start("cpu")


def small_input(trained):
    return replace(trained, card=trained.card.model_copy(update={"input_size": (96, 64)}))


@pytest.fixture
def trained():
    return small_input(load_run(Path("default")))


@pytest.fixture
def images():
    return np.stack([street(index)[0] for index in range(5)])


@pytest.mark.parametrize("size", [(6, 8), (45, 80), (7, 9), (2, 3)])
def test_pooling_is_adaptive_pooling(size):
    maps = torch.randn(2, 5, *size)
    torch.testing.assert_close(pooled(maps, (3, 4)), F.adaptive_avg_pool2d(maps, (3, 4)))


def test_the_layout_is_what_the_network_sees_where(trained, images):
    embedder = NetworkEmbedder(trained, CPU)
    vectors = embedder.embed(images, "target")
    assert vectors.shape == (5, embedder.lengths.features + embedder.lengths.layout)
    layout = vectors[:, embedder.lengths.features :].reshape(5, 19, *LAYOUT_GRID)
    np.testing.assert_allclose(layout.sum(1), 1, atol=1e-5)
    scores = class_scores(trained.network, to_tensor(images, CPU.device), (12, 8), CPU)
    expected = F.adaptive_avg_pool2d(scores.softmax(1), LAYOUT_GRID).numpy()
    np.testing.assert_allclose(layout, expected, atol=0.05)  # the engine rounds to bfloat16


def test_an_image_has_one_vector_whatever_lies_beside_it(trained, images):
    embedder = NetworkEmbedder(trained, CPU)
    alone = np.concatenate([embedder.embed(images[index : index + 1], "source") for index in range(5)])
    np.testing.assert_allclose(alone, embedder.embed(images, "source"), rtol=0.05, atol=0.05)


def test_each_domain_is_normalised_by_its_own_statistics(trained, images):
    network = trained.network
    keep_source_statistics(network)
    before = NetworkEmbedder(trained, CPU)
    for norm in batch_norms(network):
        norm.running_mean = norm.running_mean + 0.5
    after = NetworkEmbedder(trained, CPU)
    assert before.weights != after.weights
    np.testing.assert_array_equal(after.embed(images, "source"), before.embed(images, "source"))
    assert np.abs(after.embed(images, "target") - before.embed(images, "target")).max() > 0.1


def test_a_precision_that_computes_wrongly_is_replaced_with_one_notice(trained, monkeypatch):
    checked = []

    def check(engine, network, weights):
        checked.append((engine.name, weights))
        return Outcome("" if engine.name == "torch float32" else "computes wrongly")

    monkeypatch.setattr(torch_engine, "cpu_has_bfloat16", lambda: True)
    monkeypatch.setattr(engines, "check_engine", check)
    embedder = NetworkEmbedder(trained, CPU)
    assert {embedder.record(domain)["engine"] for domain in ("source", "target")} == {"torch float32"}
    assert len(set(checked)) == 4  # each domain has its own statistics
    (notice,) = embedder.notices
    assert "'torch mixed' on cpu computes wrongly" in notice and "'torch float32' on cpu is used instead" in notice


def test_wide_features_are_projected_and_keep_their_cosines(trained, images, monkeypatch):
    whole = NetworkEmbedder(trained, CPU)
    monkeypatch.setattr(embedding, "MOST_CHANNELS", 64)
    narrow = NetworkEmbedder(trained, CPU)
    assert narrow.lengths.features == 64 * FEATURE_GRID[0] * FEATURE_GRID[1]

    def cosines(embedder):
        features = embedder.embed(images, "target")[:, : embedder.lengths.features]
        unit = features / np.linalg.norm(features, axis=1, keepdims=True)
        return unit @ unit.T

    np.testing.assert_allclose(cosines(narrow), cosines(whole), atol=0.08)


@pytest.mark.gpu
def test_a_gpu_sees_the_same(trained, images):
    expected = NetworkEmbedder(trained, CPU).embed(images, "target")
    np.testing.assert_allclose(
        NetworkEmbedder(small_input(load_run(Path("default"))), start("cuda")).embed(images, "target"),
        expected,
        rtol=0.05,
        atol=0.1,
    )
