import numpy as np
import pytest
import torch
from helpers.tiny import RECIPE, write_streets
from safetensors.torch import save_file
from torch.nn import functional

from roadseg.datasets.catalogue import dataset_kind
from roadseg.errors import WeightsError
from roadseg.evaluation.evaluate import evaluate
from roadseg.evaluation.trained import load_published, load_run
from roadseg.labels.confusion import confusion_matrix, intersection_over_union
from roadseg.models.build import build_model
from roadseg.training.recipe import resolve

MEAN = torch.tensor([104.00698793, 116.66876762, 122.67891434])
"""Mean of B, G, R in the published code."""


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Weights of VGG-16 for the published heads, in a bare file, and the recipe that says so."""
    torch.manual_seed(3)
    network = build_model("vgg16", 19, levels=1, pretrained=False, aspp="two-branch").eval()
    for parameter in network.parameters():
        parameter.data.normal_(0, (2 / parameter[0].numel()) ** 0.5 if parameter.ndim > 1 else 0)
    path = tmp_path_factory.mktemp("weights") / "vgg.pth"
    torch.save(network.state_dict(), path)
    keys = {"model": "vgg16", "aspp": "two-branch", "init": "imagenet", "target": "none", "resampling": "bicubic"}
    keys |= {"size": (64, 48), "target_size": (64, 48)}
    recipe = resolve({**keys, "method": "multi-level", "crop": (32, 32)}, origin="test")
    (path.parent / "recipe.toml").write_text(recipe.as_toml())
    return network, path, recipe


@pytest.mark.slow
def test_published_arithmetic_end_to_end(published, tmp_path):
    """Resize, mean, forward, up-sampling of scores with corners aligned, argmax, counts: each step by hand."""
    network, path, _ = published
    streets = dataset_kind("streets").open(write_streets(tmp_path / "set", 3))
    loaded = []
    options = {"recipe": path.parent / "recipe.toml", "device": "cpu"}
    evaluation = evaluate(path, streets, **options, on_load=loaded.append)
    assert "tensors loaded" in loaded[0]

    confusion, unaligned = np.zeros((2, 19, 19), np.int64)
    for index in range(3):
        image, label = torch.from_numpy(streets.image(index)), streets.label(index)
        small = functional.interpolate(
            image.permute(2, 0, 1)[None], (48, 64), mode="bicubic", antialias=True, align_corners=False
        )
        pixels = small[0].flip(0).float() - MEAN.view(3, 1, 1)
        with torch.inference_mode():
            (logits,) = network(pixels[None]).logits
        for counts, align_corners in ((confusion, True), (unaligned, False)):
            scores = functional.interpolate(logits, label.shape, mode="bilinear", align_corners=align_corners)
            counts += confusion_matrix(scores.argmax(1)[0].numpy(), label, 19)
    # Rounding decides a pixel whose two best scores are equal to 1e-5.
    assert np.abs(evaluation.confusion[:19, :19] - confusion).sum() <= 4
    assert np.abs(unaligned - confusion).sum() > 100
    by_area = evaluate(path, streets, **options, resampling="area")
    assert not np.array_equal(by_area.confusion, evaluation.confusion)
    shown = confusion.sum(1) > 0
    assert evaluation.miou == pytest.approx(100 * intersection_over_union(confusion)[shown].mean(), abs=0.05)


@pytest.mark.slow
def test_bare_weights_may_be_safetensors_and_have_two_heads(published, tmp_path):
    network, _, recipe = published
    save_file(network.state_dict(), tmp_path / "one.safetensors")
    assert load_published(tmp_path / "one.safetensors", recipe)[0].network.levels == 1
    torch.save(build_model("fast", 19).state_dict(), tmp_path / "two.pth")
    fast = resolve({**RECIPE, "target": "none"}, origin="test")
    assert load_published(tmp_path / "two.pth", fast)[0].network.levels == 2


@pytest.mark.slow
def test_weights_that_cannot_be_scored_are_refused(published, tmp_path):
    _, path, recipe = published
    with pytest.raises(WeightsError, match="does not fit"):
        load_published(path, resolve({**RECIPE, "target": "none"}, origin="test"))
    with pytest.raises(WeightsError, match="--recipe"):
        load_run(path)
    with pytest.raises(WeightsError, match="no such file"):
        load_published(tmp_path / "none.pth", recipe)
    (tmp_path / "cut.safetensors").write_bytes(b"1234")
    with pytest.raises(WeightsError, match="cannot be read"):
        load_published(tmp_path / "cut.safetensors", recipe)
