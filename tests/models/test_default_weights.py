"""The weights that come with the package."""

from pathlib import Path

import torch

from roadseg.label_spaces import CITYSCAPES_19
from roadseg.models.weights import DEFAULT_FILE, load_model, model_file, save_model


def test_default_names_the_weights_that_ship(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert model_file(Path("default")) == DEFAULT_FILE
    (tmp_path / "default").mkdir()
    assert model_file(Path("default")) == Path("default/model.safetensors")


def test_they_are_small_and_load_into_a_network_of_full_precision():
    assert DEFAULT_FILE.stat().st_size < 12e6
    network, card = load_model(DEFAULT_FILE)
    assert (card.model, card.labels) == ("fast", CITYSCAPES_19.name)
    assert {value.dtype for value in network.parameters()} == {torch.float32}
    assert all(value.isfinite().all() for value in network.state_dict().values())


def test_they_know_a_road_under_the_sky():
    """A horizon in grey and blue: enough to tell trained weights from drawn ones."""
    network, card = load_model(DEFAULT_FILE)
    width, height = card.input_size
    picture = torch.full((1, 3, height, width), 105, dtype=torch.uint8)
    picture[:, :, : height // 2] = torch.tensor([140, 180, 230], dtype=torch.uint8).view(1, 3, 1, 1)
    with torch.no_grad():
        labels = network(network.normalisation(picture)).logits[0].argmax(1)[0]
    rows, columns = labels.shape
    assert labels[rows // 8, columns // 2] == CITYSCAPES_19.classes.index("sky")
    assert labels[-2, columns // 2] == CITYSCAPES_19.classes.index("road")


def test_half_precision_rounds_and_nothing_else(tmp_path):
    network, card = load_model(DEFAULT_FILE)
    save_model(tmp_path / "model.safetensors", network, card, half=True)
    assert (tmp_path / "model.safetensors").read_bytes() == DEFAULT_FILE.read_bytes()
