"""The weights that come with the package."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from roadseg.labels.catalogue import CITYSCAPES_19, INDIAN_20
from roadseg.models.names import PACKAGED
from roadseg.models.weights import load_model, model_file, packaged_file, save_model
from roadseg.streets.render import render_street

SPACES = {"default": CITYSCAPES_19, "indian": INDIAN_20}


@pytest.fixture(params=PACKAGED)
def name(request):
    return request.param


def test_a_name_stands_for_weights_that_ship_unless_a_folder_has_it(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    assert model_file(Path(name)) == packaged_file(name)
    (tmp_path / name).mkdir()
    assert model_file(Path(name)) == Path(name, "model.safetensors")


def test_they_are_small_and_load_into_a_network_of_full_precision(name):
    assert packaged_file(name).stat().st_size < 12e6
    network, card = load_model(name)
    assert (card.model, card.labels, card.source) == ("fast", SPACES[name].name, "streets")
    assert {value.dtype for value in network.parameters()} == {torch.float32}
    assert all(value.isfinite().all() for value in network.state_dict().values())


@pytest.mark.slow
def test_they_know_a_street_that_they_were_not_trained_on(name):
    network, card = load_model(name)
    image, truth = render_street(0, 0, size=card.input_size)
    picture = torch.from_numpy(image).permute(2, 0, 1)[None]
    with torch.no_grad():
        logits = network(network.normalisation(picture)).logits[0]
    labels = torch.nn.functional.interpolate(logits, size=truth.shape, mode="bilinear").argmax(1)[0].numpy()
    known = truth != 255
    assert (labels == truth)[known].mean() > 0.8


def test_half_precision_rounds_and_nothing_else(tmp_path, name):
    network, card = load_model(name)
    save_model(tmp_path / "model.safetensors", network, card, half=True)
    saved, packaged = load_file(tmp_path / "model.safetensors"), load_file(packaged_file(name))
    assert saved.keys() == packaged.keys()
    assert all(saved[name].dtype == value.dtype and torch.equal(saved[name], value) for name, value in packaged.items())
