import pytest
import torch

from roadseg.errors import WeightsError
from roadseg.models.build import build_model
from roadseg.models.weights import MODEL_FILE, ModelCard, load_model, save_model

CARD = ModelCard(
    model="fast",
    levels=2,
    labels="cityscapes-19",
    input_size=(96, 64),
    method="multi-level",
    source="streets",
    target="somewhere",
    steps=7,
    seed=3,
    scores={"camvid": 50.5},
)


def test_a_saved_model_comes_back_whole(tmp_path):
    network = build_model("fast", 19, pretrained=False).eval()
    save_model(tmp_path / MODEL_FILE, network, CARD)
    for path in (tmp_path, tmp_path / MODEL_FILE):
        loaded, card = load_model(path)
        assert card == CARD
        images = torch.randn(1, 3, 64, 96)
        with torch.inference_mode():
            assert torch.equal(loaded(images).logits[0], network(images).logits[0])


def test_a_model_comes_back_with_its_options(tmp_path):
    options = {"aspp": "two-branch", "batch_norm": "batch-statistics"}
    network = build_model("resnet101", 19, levels=1, pretrained=False, **options)
    save_model(
        tmp_path / MODEL_FILE, network, CARD.model_copy(update={"model": "resnet101", "levels": 1, "options": options})
    )
    loaded, _ = load_model(tmp_path)
    assert (loaded.levels, loaded.options) == (1, options)


def test_what_is_no_model_is_refused_clearly(tmp_path):
    with pytest.raises(WeightsError, match="no trained model here"):
        load_model(tmp_path)
    (tmp_path / MODEL_FILE).write_bytes(b"this is not a safetensors file")
    with pytest.raises(WeightsError, match="not a model written by roadseg"):
        load_model(tmp_path)


def test_weights_of_another_network_are_refused(tmp_path):
    save_model(tmp_path / MODEL_FILE, build_model("fast", 5, pretrained=False), CARD)
    with pytest.raises(WeightsError, match="does not fit"):
        load_model(tmp_path)
