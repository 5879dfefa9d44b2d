"""Folders of transformers: what is read, and what is refused."""

import json
import sys

import numpy as np
import pytest
import torch
from helpers.foreign_folders import eomt, segformer

from roadseg.errors import EngineError, InputError, WeightsError
from roadseg.inference.imported import transformers_folder
from roadseg.inference.imported.transformers_folder import SemanticMap, read_folder

pytestmark = pytest.mark.extra("transformers", "onnx", "onnxruntime", "onnxscript", "scipy")
SIZE = (64, 48)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("segformer")
    segformer(folder)
    return folder


@pytest.fixture
def unexported(monkeypatch):
    """Networks and their sizes in place of their export, which takes seconds."""
    monkeypatch.setattr(transformers_folder, "_exported", lambda folder, graph, size: (graph, size))


def read(folder, wanted=None, usual=SIZE):
    return read_folder(folder, wanted=wanted, usual=usual)


def copied(folder, place, *, without=()):
    place.mkdir()
    for file in folder.iterdir():
        if file.name not in without:
            (place / file.name).write_bytes(file.read_bytes())
    return place


def test_weights_may_be_whole_in_parts_or_a_state_dict(folder, tmp_path, unexported):
    from safetensors.torch import load_file, save_file

    whole = load_file(folder / "model.safetensors")
    parts, pickled = (copied(folder, tmp_path / name, without={"model.safetensors"}) for name in ("parts", "pickled"))
    names = sorted(whole)
    places = {name: f"model-0000{1 + index % 2}-of-00002.safetensors" for index, name in enumerate(names)}
    for place in set(places.values()):
        save_file({name: whole[name] for name in names if places[name] == place}, parts / place)
    (parts / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    torch.save(whole, pickled / "pytorch_model.bin")
    pixels = torch.randn(1, 3, 48, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        results = [read(each)[0](pixels) for each in (folder, parts, pickled)]
    assert results[0].shape == (1, 4, 12, 16)
    assert torch.equal(results[0], results[1]) and torch.equal(results[0], results[2])


def test_scores_of_queries_are_summed_over_their_masks(tmp_path, unexported):
    model = eomt(tmp_path)
    graph, size = read(tmp_path)
    assert size == (64, 64)  # the size of the configuration, as it takes no other
    pixels = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        answer, found = model(pixel_values=pixels), graph(pixels)[0].numpy()
    classes = answer.class_queries_logits[0].softmax(-1).numpy()
    masks = 1 / (1 + np.exp(-answer.masks_queries_logits[0].numpy()))
    expected = sum(classes[query, :4, None, None] * masks[query] for query in range(8))
    np.testing.assert_array_equal(found.argmax(0), expected.argmax(0))
    np.testing.assert_allclose(found, expected / expected.sum(0), atol=1e-6)
    with pytest.raises(WeightsError, match="fails for an image of 64x48"):
        read(tmp_path, wanted=SIZE)


def test_a_network_without_its_head_is_refused(tmp_path, unexported):
    from transformers import SegformerConfig, SegformerForImageClassification

    config = SegformerConfig(hidden_sizes=[8] * 4, num_attention_heads=[1] * 4, depths=[1] * 4, decoder_hidden_size=8)
    SegformerForImageClassification(config).save_pretrained(tmp_path)
    with pytest.raises(WeightsError, match=r"lacks weights of SegformerForSemanticSegmentation: decode_head"):
        read(tmp_path)


def test_other_kinds_of_models_are_refused(tmp_path, unexported):
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(WeightsError, match="'bert' is not a model for semantic segmentation"):
        read(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(WeightsError, match="cannot be loaded"):
        read(tmp_path)
    (tmp_path / "config.json").unlink()
    with pytest.raises(WeightsError, match="cannot be loaded"):
        read(tmp_path)


def test_no_code_of_a_folder_is_run(folder, tmp_path, unexported):
    own = copied(folder, tmp_path / "own")
    (own / "mine.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nraise SystemExit")
    names = {"AutoConfig": "mine.Config", "AutoModelForSemanticSegmentation": "mine.Model"}
    (own / "config.json").write_text(json.dumps({"model_type": "mine", "auto_map": names}))
    with pytest.raises(WeightsError, match="cannot be loaded"):
        read(own)

    class Evil:
        def __reduce__(self):
            return open, (str(tmp_path / "ran"), "w")

    pickled = copied(folder, tmp_path / "pickled", without={"model.safetensors"})
    torch.save({"weight": Evil()}, pickled / "pytorch_model.bin")
    with pytest.raises(WeightsError, match=r"pytorch_model\.bin: cannot be read"):
        read(pickled)
    assert not (tmp_path / "ran").exists()


def test_weights_outside_the_folder_are_refused(folder, tmp_path, unexported):
    place = copied(folder, tmp_path / "place", without={"model.safetensors"})
    (tmp_path / "secret.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    index = {"weight_map": {"weight": "../secret.safetensors"}}
    (place / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(WeightsError, match=r"its index names \.\./secret"):
        read(place)
    (place / "model.safetensors.index.json").unlink()
    with pytest.raises(WeightsError, match=r"has no weights, no model\.safetensors"):
        read(place)


def test_the_missing_package_is_named(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(InputError, match=r"roadseg\[transformers\]"):
        read(folder)


def test_an_export_that_computes_wrongly_is_not_taken(folder, monkeypatch):
    monkeypatch.setattr(transformers_folder, "_difference", lambda *args: "computes wrongly")
    monkeypatch.setattr(transformers_folder, "to_onnx", lambda *args: type("Small", (), {"ByteSize": lambda self: 9})())
    with pytest.raises(EngineError, match="cannot be exported to ONNX: computes wrongly"):
        read(folder)


def test_queries_that_see_nothing_give_no_division_by_zero():
    class Blind(torch.nn.Module):
        def forward(self, pixel_values):
            classes, masks = torch.zeros(1, 2, 4), torch.full((1, 2, 3, 3), -200.0)
            classes[..., -1] = 300
            return Answer(class_queries_logits=classes, masks_queries_logits=masks)

    class Answer(dict):
        __getattr__ = dict.__getitem__

    assert torch.isfinite(SemanticMap(Blind())(torch.zeros(1, 3, 6, 6))).all()
