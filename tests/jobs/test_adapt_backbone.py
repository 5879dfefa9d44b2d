"""Networks with a backbone of transformers in all methods, and without its folder afterwards."""

import shutil
from dataclasses import replace

import pytest
import torch
from helpers.foreign_folders import backbone
from helpers.tiny import ONE_VIEW, street, toy_recipe

from roadseg.adaptation.methods import METHODS
from roadseg.errors import InputError, RecipeError, WeightsError
from roadseg.inference.engines import load_segmenter
from roadseg.jobs.adapt import adapt
from roadseg.models.build import build_model
from roadseg.models.frozen_norm import folded
from roadseg.training.build import build_batches, build_trainer, label_targets
from roadseg.training.callbacks import Callbacks

pytestmark = [pytest.mark.extra("transformers"), pytest.mark.slow]
KINDS = ("mit", "swin", "dinov2", "resnet")


def small_recipe(data, **changes):
    """The toy recipe with smaller images, since the head is as wide as for a large backbone."""
    return toy_recipe(data, size=(64, 48), pseudo_labels=ONE_VIEW, **changes)


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    return {kind: backbone(kind, tmp_path_factory.mktemp(kind)) for kind in KINDS}


@pytest.fixture(scope="module")
def start(names, data, tmp_path_factory):
    """A run without a target, to start from."""
    run = tmp_path_factory.mktemp("runs") / "start"
    adapt(run, recipe=small_recipe(data, model=names["mit"], init="imagenet", method="source-only", steps=1, target=""))
    return run


@pytest.mark.parametrize("method", METHODS)
def test_two_steps_of_each_method(method, names, start, data, tmp_path):
    recipe = small_recipe(data, model=names["mit"], init=str(start), method=method, steps=2)
    trainer, batches = build_trainer(recipe), build_batches(recipe, tmp_path, Callbacks())
    labeller = load_segmenter(start, device="cpu", engine="torch")
    if labelled := label_targets(recipe, trainer.method, labeller, tmp_path / "labels", Callbacks()):
        batches = replace(batches, targets=labelled, pseudo_labelled=True)
    for step in range(2):
        losses = trainer.make_step(batches[step])
        assert "segmentation/main" in losses and all(loss.isfinite() for loss in losses.values())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(96, 64), (97, 65)])
def test_maps_of_each_backbone(kind, size, names):
    network = build_model(names[kind], 5).eval()
    images = torch.randn(2, 3, *size[::-1])
    with torch.inference_mode():
        prediction, plain = network(images), folded(network)(images)
    stride = 14 if kind == "dinov2" else 4
    rows, columns = prediction.features.shape[-2:]
    assert abs(rows - size[1] / stride) <= 1 and abs(columns - size[0] / stride) <= 1
    assert [tuple(level.shape) for level in prediction.logits] == [(2, 5, rows, columns)] * 2
    assert torch.allclose(prediction.logits[0], plain.logits[0], atol=1e-5)
    trunk, heads = network.parameter_groups()
    assert {id(p) for p in trunk} == {id(p) for p in network.backbone.parameters()}
    assert heads


def test_a_run_needs_no_folder(data, tmp_path):
    name = backbone("swin", tmp_path / "swin")
    adapt(tmp_path / "run", recipe=small_recipe(data, model=name, init="imagenet", steps=2))
    image, _ = street(0)
    before = load_segmenter(tmp_path / "run", device="cpu", engine="torch").label(image)
    shutil.rmtree(tmp_path / "swin")
    usual = load_segmenter(tmp_path / "run", device="cpu")  # by OpenVINO, if that is installed
    assert not usual.notices and (usual.label(image) == before).mean() > 0.8
    after = load_segmenter(tmp_path / "run", device="cpu", engine="torch")
    assert (after.label(image) == before).all()


def test_batch_norm_is_adapted_where_there_is_some(names, data, tmp_path):
    recipe = small_recipe(data, model=names["resnet"], init="imagenet", steps=1, adapt_bn=True)
    assert adapt(tmp_path / "run", recipe=recipe).steps == 1
    with pytest.raises(InputError, match="no batch norm to adapt"):
        adapt(tmp_path / "none", recipe=small_recipe(data, model=names["mit"], init="imagenet", steps=1, adapt_bn=True))


def test_batch_norm_keeps_its_statistics(names):
    network = build_model(names["resnet"], 5).train()
    before = network.state_dict()["backbone.model.embedder.embedder.normalization.running_mean"].clone()
    network(torch.randn(2, 3, 64, 64))
    assert torch.equal(network.state_dict()["backbone.model.embedder.embedder.normalization.running_mean"], before)


def test_what_is_no_backbone_is_refused(names, data, tmp_path):
    for name, said in (("hf:", "unknown model"), ("resnet18", "unknown model")):
        with pytest.raises(RecipeError, match=said):
            small_recipe(data, model=name)
    with pytest.raises(WeightsError, match="cannot be loaded"):
        build_model(f"hf:{tmp_path}", 5)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(WeightsError, match="'bert' is not a backbone"):
        build_model(f"hf:{tmp_path}", 5)
    (tmp_path / "config.json").write_text('{"model_type": "swin"}')
    with pytest.raises(WeightsError, match="has no weights"):
        build_model(f"hf:{tmp_path}", 5)
    with pytest.raises(WeightsError, match="the recipe wants hf:"):
        adapt(tmp_path / "run", recipe=small_recipe(data, model=names["mit"], init="default"))
