import json

import pytest
import torch
from safetensors.torch import save_file

from roadseg.errors import InputError, WeightsError
from roadseg.inference.engines import load_segmenter
from roadseg.models.build import build_model
from roadseg.models.weights import MODEL_FILE, ModelCard, load_model, load_weights, save_model

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


@pytest.mark.slow
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


def test_one_bit_of_a_weight_that_changed_is_noticed(tmp_path):
    path = tmp_path / MODEL_FILE
    save_model(path, build_model("fast", 19, pretrained=False), CARD)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(WeightsError, match="its weights are damaged: they have another checksum"):
        load_model(path)


def test_weights_of_another_network_are_refused(tmp_path):
    save_model(tmp_path / MODEL_FILE, build_model("fast", 5, pretrained=False), CARD)
    with pytest.raises(WeightsError, match="does not fit"):
        load_model(tmp_path)


def spoiled(change):
    """Weights of a network with one tensor changed."""
    state = build_model("fast", 19, pretrained=False).state_dict()
    name = next(name for name in state if name.endswith("running_var"))
    state[name] = change(state[name])
    return name, state


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda value: value * float("nan"), "not finite"),
        (lambda value: value / 0, "not finite"),
        (lambda value: value.double() * 1e300, "not finite"),
        (lambda value: -value, "variances that have no root"),
        (lambda value: value.long(), "not floating-point numbers"),
        (lambda value: value.bool(), "not floating-point numbers"),
        (lambda value: value.to(torch.complex64), "not floating-point numbers"),
    ],
)
def test_weights_that_label_every_pixel_alike_are_refused(tmp_path, change, message):
    name, state = spoiled(change)
    torch.save(state, tmp_path / "published.pth")
    save_file(state, tmp_path / MODEL_FILE, metadata={"roadseg": CARD.model_dump_json()})
    network = build_model("fast", 19, pretrained=False)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    for load, file in (
        (lambda path: load_weights(network, path), "published.pth"),
        (lambda path: load_weights(network, path), MODEL_FILE),
        (load_model, MODEL_FILE),
    ):
        with pytest.raises(WeightsError, match=rf"{file}: these weights are .*{message}.*: {name}\n"):
            load(tmp_path / file)
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


def test_counters_may_be_of_any_kind(tmp_path):
    state = build_model("fast", 19, pretrained=False).state_dict()
    counters = {name: value.float() for name, value in state.items() if name.endswith("num_batches_tracked")}
    assert counters
    load_weights(build_model("fast", 19, pretrained=False), state | counters)


@pytest.mark.parametrize("size", [(0, 64), (-96, 64), (96, 10**6), (31, 64), (96,), ("a", 64)])
def test_a_card_has_an_input_size_that_recipes_allow(tmp_path, size):
    described = json.loads(CARD.model_dump_json()) | {"input_size": size}
    save_file({"a": torch.zeros(1)}, tmp_path / MODEL_FILE, metadata={"roadseg": json.dumps(described)})
    with pytest.raises(WeightsError, match=r"model.safetensors: its description is wrong: input_size.*\nGive a run"):
        load_model(tmp_path)


@pytest.mark.parametrize("text", ["[" * 200_000, "{}", "null", "no JSON", '{"model": NaN}'])
def test_a_card_that_is_none_is_refused(tmp_path, text):
    save_file({"a": torch.zeros(1)}, tmp_path / MODEL_FILE, metadata={"roadseg": text})
    with pytest.raises(WeightsError, match=r"not a model written by roadseg|its description is wrong") as error:
        load_model(tmp_path)
    assert str(error.value).count("\n") == 1


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"labels": "mars-3"}, "unknown label space 'mars-3'"),
        ({"model": "unet"}, "unknown model 'unet'"),
        ({"levels": 3}, "a network has 1 or 2 levels, not 3"),
        ({"options": {"aspp": "two-branch"}}, "model 'fast' has no option 'aspp'"),
    ],
)
def test_a_card_that_no_network_fits_is_refused_by_the_name_of_its_file(tmp_path, change, cause):
    described = json.loads(CARD.model_dump_json()) | change
    save_file({"a": torch.zeros(1)}, tmp_path / MODEL_FILE, metadata={"roadseg": json.dumps(described)})
    with pytest.raises(WeightsError) as error:
        load_model(tmp_path)
    assert error.value.cause == f"{tmp_path / MODEL_FILE}: its description is wrong: {cause}"
    assert error.value.remedy


def test_input_sizes_that_are_given_have_the_same_bounds():
    with pytest.raises(InputError, match=r"input size 1000000x64: sides have 32 to 8192 pixels\n"):
        load_segmenter("default", device="cpu", input_size=(10**6, 64))
