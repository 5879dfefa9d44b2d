"""The weights that come with the package."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from roadseg.labels.catalogue import CITYSCAPES_19
from roadseg.models.weights import DEFAULT_FILE, load_model, model_file, save_model
from roadseg.streets.render import render_street


def test_default_names_the_weights_that_ship(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert model_file(Path("default")) == DEFAULT_FILE
    (tmp_path / "default").mkdir()
    assert model_file(Path("default")) == Path("default/model.safetensors")


def test_they_are_small_and_load_into_a_network_of_full_precision():
    assert DEFAULT_FILE.stat().st_size < 12e6
    network, card = load_model(DEFAULT_FILE)
    assert (card.model, card.labels, card.source) == ("fast", CITYSCAPES_19.name, "streets")
    assert {value.dtype for value in network.parameters()} == {torch.float32}
    assert all(value.isfinite().all() for value in network.state_dict().values())


@pytest.mark.slow
def test_they_know_a_street_that_they_were_not_trained_on():
    network, card = load_model(DEFAULT_FILE)
    image, truth = render_street(12345, 0, size=card.input_size)
    picture = torch.from_numpy(image).permute(2, 0, 1)[None]
    with torch.no_grad():
        logits = network(network.normalisation(picture)).logits[0]
    labels = torch.nn.functional.interpolate(logits, size=truth.shape, mode="bilinear").argmax(1)[0].numpy()
    known = truth != 255
    assert (labels == truth)[known].mean() > 0.8


def test_half_precision_rounds_and_nothing_else(tmp_path):
    network, card = load_model(DEFAULT_FILE)
    save_model(tmp_path / "model.safetensors", network, card, half=True)
    saved, packaged = load_file(tmp_path / "model.safetensors"), load_file(DEFAULT_FILE)
    assert saved.keys() == packaged.keys()
    assert all(saved[name].dtype == value.dtype and torch.equal(saved[name], value) for name, value in packaged.items())
