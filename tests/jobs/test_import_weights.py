"""Published weights as ordinary run folders."""

import pytest
import torch
from helpers.tiny import RECIPE

from roadseg.errors import OutputError, WeightsError
from roadseg.evaluation.trained import load_run
from roadseg.inference.engines import load_segmenter
from roadseg.jobs.import_weights import import_weights
from roadseg.models.build import build_model
from roadseg.training.recipe import resolve

SETTINGS = resolve({**RECIPE, "target": "none", "scored_classes": "synthia-13"}, origin="test")


@pytest.fixture(scope="module")
def state():
    return build_model("fast", 19, pretrained=False).state_dict()


def test_a_run_folder_of_a_file(state, tmp_path):
    torch.save({f"module.{name}": value for name, value in state.items()}, tmp_path / "file.pth")
    (tmp_path / "recipe.toml").write_text(SETTINGS.as_toml())
    found = import_weights(tmp_path / "file.pth", tmp_path / "run", recipe=tmp_path / "recipe.toml")
    assert (found.loaded, found.unused, found.levels, found.model) == (len(state), (), 2, "fast")
    assert sorted(path.name for path in found.folder.iterdir()) == ["model.safetensors", "recipe.toml"]
    run = load_run(tmp_path / "run")
    assert run.settings.scored_classes == "synthia-13"
    assert all(torch.equal(value, state[name]) for name, value in run.network.state_dict().items())
    assert load_segmenter(tmp_path / "run", device="cpu").label_space.name == "cityscapes-19"
    with pytest.raises(OutputError, match="not empty"):
        import_weights(tmp_path / "file.pth", tmp_path / "run", recipe=SETTINGS)


@pytest.mark.slow
def test_branches_that_the_published_heads_never_use_are_named_as_in_the_file(tmp_path):
    whole = build_model("vgg16", 19, levels=1, pretrained=False, aspp="four-branch").state_dict()
    names = {name: name.replace(".branches.", ".conv2d_list.") for name in whole}
    torch.save({names[name]: value for name, value in whole.items()}, tmp_path / "vgg.pth")
    keys = {**RECIPE, "target": "none", "model": "vgg16", "aspp": "two-branch", "init": "imagenet"}
    found = import_weights(tmp_path / "vgg.pth", tmp_path / "run", recipe=resolve(keys, origin="test"))
    unused = {f"classifier.conv2d_list.{branch}.{kind}" for branch in (2, 3) for kind in ("weight", "bias")}
    assert (found.levels, set(found.unused), found.loaded) == (1, unused, len(whole) - 4)


def test_missing_and_unknown_tensors_are_errors_and_leave_nothing(state, tmp_path):
    lacking = {name: value for name, value in state.items() if name != "fuse.0.weight"} | {"x.weight": torch.ones(1)}
    torch.save(lacking, tmp_path / "file.pth")
    with pytest.raises(WeightsError, match=r"missing: fuse\.0\.weight; unknown: x\.weight"):
        import_weights(tmp_path / "file.pth", tmp_path / "run", recipe=SETTINGS)
    assert not (tmp_path / "run").exists()


def test_a_bare_file_names_the_command_that_makes_a_run_of_it(state, tmp_path):
    torch.save(state, tmp_path / "file.pth")
    with pytest.raises(WeightsError, match=r"roadseg import \S+file\.pth --recipe RECIPE --out RUN"):
        load_run(tmp_path / "file.pth")
