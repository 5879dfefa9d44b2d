"""Adaptation of batch norm from the kind of streets that makes labels steadier, on a segmenter of the package."""

from types import SimpleNamespace

import numpy as np
import pytest

from roadseg.adaptation.batch_norm import BatchNormAdaptation
from roadseg.inference import scene_choice
from roadseg.inference.engines import load_segmenter
from roadseg.inference.label_free import Measures
from roadseg.inference.scene_choice import SceneChoice

STREETS = np.random.default_rng(0).integers(0, 256, (2, 48, 64, 3), np.uint8)


@pytest.fixture
def small():
    return load_segmenter("default", device="cpu", engine="torch", input_size=(64, 48))


def adapted(small, monkeypatch, *agreements):
    left = list(agreements)
    monkeypatch.setattr(
        scene_choice, "Measures", SimpleNamespace(of=lambda *_: Measures(left.pop(0), 0.1, (1.0, *[0.0] * 18), 0.0))
    )
    return small.adapted_to(STREETS, BatchNormAdaptation(scenes="auto"))


def test_the_kind_with_the_steadiest_labels_is_adapted_from(small, monkeypatch):
    chosen = adapted(small, monkeypatch, 40, 41, 42, 44, 43, 30)
    expected = small.adapted_to(STREETS, BatchNormAdaptation(scenes="indian"))
    assert np.array_equal(chosen.scores(STREETS), expected.scores(STREETS))
    assert "batch norm adapted from streets of indian" in chosen.notices[-1]
    assert small.notices == ()


def test_batch_norm_stays_where_no_kind_makes_labels_steadier(small, monkeypatch):
    chosen = adapted(small, monkeypatch, 40, 39, 38, 40, 30, 30)
    assert np.array_equal(chosen.scores(STREETS), small.scores(STREETS))
    assert "left as it is" in chosen.notices[-1]


def test_the_first_of_equals_is_taken():
    assert SceneChoice(40, {"": 41, "european": 41}).scenes == ""
