"""Neighbours across domains: of streets that are rendered in both looks, it is known which they should be."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.tiny import write_streets

from roadseg.datasets.rendered import describe, write_street
from roadseg.errors import DatasetError
from roadseg.models.weights import MODEL_FILE, load_model, save_model
from roadseg.retrieval.neighbours import checked_pair, find_neighbours, open_images
from roadseg.runtime import start
from roadseg.streets import render
from roadseg.streets.looks import LOOKS
from roadseg.streets.presets import DEFAULT_SCENES, mixture
from roadseg.streets.render import render_street

STREETS, SIZE, SEED = 12, (160, 120), 1
SCENES = mixture(DEFAULT_SCENES)


@pytest.fixture(scope="module")
def looks(tmp_path_factory):
    root = tmp_path_factory.mktemp("looks")
    for look in LOOKS:
        describe(root / look, "stills", seed=SEED, size=SIZE, look=look, scenes=SCENES)
        for index in range(STREETS):
            write_street(
                root / look, index, *render_street(SEED, index, size=SIZE, look=look, scenes=SCENES, shared=True)
            )
    return root


@pytest.fixture(scope="module")
def result(looks):
    """Neighbours by the default network, which sees images as they are instead of enlarged to its own input size."""
    network, card = load_model(Path("default"))
    save_model(looks / "run" / MODEL_FILE, network, card.model_copy(update={"input_size": SIZE}))
    pair = checked_pair(open_images(str(looks / "game")), open_images(str(looks / "target")), 5, paired=True)
    return find_neighbours(looks / "run", pair, 5, looks / "out", start("cpu"))


@pytest.mark.slow
@pytest.mark.parametrize("descriptor", ["features", "layout"])
def test_a_street_finds_itself_in_the_other_look(result, descriptor):
    for direction in result.descriptors[descriptor].directions:
        assert direction.recall(1) > 40  # by chance 100 / 12
        assert direction.recall(5) > 70  # by chance 500 / 12
        assert direction.neighbours.indices.shape == (STREETS, 5)
        assert (np.diff(direction.neighbours.distances, axis=1) >= 0).all()


@pytest.mark.slow
def test_looks_are_told_apart_and_more_so_by_features_than_by_layout(result):
    features, layout = (result.descriptors[descriptor].mixing for descriptor in ("features", "layout"))
    # By guessing 50 and 1: weights that know textures and faults of cameras see looks less, and their labels hardly do.
    assert features.classifier_accuracy > 70
    assert features.neighbours < min(1, layout.neighbours)


def test_both_looks_show_the_same_streets_with_their_own_cameras(monkeypatch):
    seen = []
    nothing = np.zeros((2, *SIZE[::-1], 3), np.uint8)
    monkeypatch.setattr(render, "render_scene", lambda *drawn: (seen.append(drawn), nothing)[1])
    monkeypatch.setattr(render, "texture_bank", lambda *key: SimpleNamespace(key=key, grain=None))
    monkeypatch.setattr(render.sensor, "develop", lambda image, *_: image)
    for shared in (True, False):
        seen.clear()
        for look in LOOKS:
            render_street(SEED, 0, size=SIZE, look=look, scenes=SCENES, shared=shared)
        (game, game_camera, _, game_bank), (target, target_camera, _, target_bank) = seen
        assert (game.street == target.street and game.objects == target.objects) is shared
        assert (game_bank.key == target_bank.key) is shared
        assert game_camera != target_camera
        assert game.atmosphere != target.atmosphere


def test_only_names_tell_what_is_paired(tmp_path):
    root = write_streets(tmp_path / "streets", 6)
    streets = open_images(str(root))
    assert streets.label_space is not None  # a folder of rendered streets is known as such
    (tmp_path / "streets" / "dataset.toml").unlink()
    pictures = open_images(str(root))
    assert len(pictures) == 12  # images of any kind, label maps too
    with pytest.raises(DatasetError, match="the same name as one of the target"):
        checked_pair(streets, pictures, 5, paired=True)
    assert not checked_pair(streets, pictures, 5, paired=False).paired
