import tomllib
from typing import get_args

import pytest

from roadseg.errors import RecipeError
from roadseg.models.build import MODELS
from roadseg.training.recipe import OPTION_MODELS, AdaptRecipe, parse_overrides, read_recipe, resolve


def test_all_mistakes_are_reported_at_once():
    values = {"target": "x", "stpes": 10, "batch_size": 0, "method": "multilevel", "size": [480]}
    with pytest.raises(RecipeError) as error:
        resolve(values, origin="mine.toml")
    for part in ("mine.toml", "unknown key 'stpes'", "batch_size = 0", "method = 'multilevel'", "size"):
        assert part in error.value.cause
    assert "did you mean 'steps'?" in error.value.cause


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "needs a target"),
        ({"method": "source-only", "fourier_beta": 0.01}, "needs a target"),
        ({"target": "x", "crop": [600, 600]}, "larger than size"),
        ({"target": "x", "crop": [3]}, r'write \[width, height\], each at least 32, or "whole"'),
        ({"target": "x", "crop": "whole"}, r"goes with scale = \[1, 1\]"),
        ({"target": "x", "crop": [400, 300], "target_size": [200, 150]}, r"larger than size \(200, 150\)"),
        (
            {"target": "x", "crop": "whole", "scale": [1, 1], "target_size": [200, 150], "fourier_beta": 0.1},
            "crops of one size",
        ),
        ({"target": ["x", "y", "x"]}, r"\['x', 'y', 'x'\] names a data set twice"),
        ({"target": []}, "target: write one data set, or a list of several"),
        ({"target": ["x", ""]}, "target: write one data set, or a list of several"),
        ({"target": "x", "scenes": "arctic"}, "no scenes called 'arctic'"),
        ({"target": "x", "optimizer": "published-sgd"}, "published-sgd is for resnet101"),
        ({"target": "x", "published": "gta5-cityscapes/multilevel"}, "is no published row; Did you mean"),
        ({"target": "x", "labels": "cityscapes"}, "unknown label space 'cityscapes'"),
        ({"target": "x", "scale": [1.2, 0.8]}, "lower bound comes first"),
        ({"target": "x", "steps": 100, "schedule_steps": 50}, "ends before steps"),
        ({"target": "x", "method": "multi-level", "map_stride": 8}, "under 32 pixels"),
        ({"target": "x", "method": "pseudo-labels", "init": "imagenet"}, "needs an init that can label streets"),
        ({"method": "source-only", "adapt_bn": True}, "adapt_bn needs a target"),
        ({"target": "x", "adapt_bn": True, "model": "vgg16"}, "adapt_bn is for networks with frozen batch norm"),
        ({"target": "x", "method": "self-training", "average_decay": 0}, "average_decay > 0"),
        ({"target": "x", "aspp": "two-branch"}, "aspp is for vgg16 and resnet101, not for model 'fast'"),
        ({"target": "x", "model": "vgg16", "batch_norm": "batch-statistics"}, "batch_norm is for resnet101"),
    ],
)
def test_contradictions_are_refused(values, message):
    with pytest.raises(RecipeError, match=message):
        resolve(values, origin="options")


def test_the_recipe_knows_which_network_has_which_option():
    options = {option for network in MODELS.values() for option in network.OPTIONS}
    assert {o: tuple(n for n, network in MODELS.items() if o in network.OPTIONS) for o in options} == OPTION_MODELS
    for option in options:
        for name in OPTION_MODELS[option]:
            assert set(MODELS[name].OPTIONS[option]) == set(get_args(AdaptRecipe.model_fields[option].annotation))


def test_a_resolved_recipe_survives_the_round_trip_through_toml():
    recipe = resolve({"target": 'a "quoted" name', "steps": 5, "target_size": [320, 240]}, origin="options")
    assert AdaptRecipe.model_validate(tomllib.loads(recipe.as_toml())) == recipe


def test_one_target_or_several_are_kept_as_they_are_written_and_a_list_of_one_is_one():
    for target, targets in (
        ("", ()),
        ("x", ("x",)),
        (["x"], ("x",)),
        (["x", "camvid:y:train"], ("x", "camvid:y:train")),
    ):
        recipe = resolve({"method": "source-only", "target": target}, origin="options")
        assert recipe.targets == targets
        assert AdaptRecipe.model_validate(tomllib.loads(recipe.as_toml())) == recipe
    assert resolve({"target": ["x"]}, origin="options") == resolve({"target": "x"}, origin="options")


def test_overrides_are_toml_values_or_bare_words():
    overrides = parse_overrides(["steps=5", "learning_rate=1e-4", "size=[96, 64]", "method=source-only"])
    assert overrides == {"steps": 5, "learning_rate": 1e-4, "size": [96, 64], "method": "source-only"}
    with pytest.raises(RecipeError, match="--set key=value"):
        parse_overrides(["steps"])


def test_unreadable_files_are_named(tmp_path):
    with pytest.raises(RecipeError, match="no such recipe"):
        read_recipe(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("steps = = 3")
    with pytest.raises(RecipeError, match=r"bad\.toml: not a readable TOML file"):
        read_recipe(tmp_path / "bad.toml")


def test_whole_pictures_have_the_size_of_their_domain():
    values = {"target": "x", "crop": "whole", "scale": [1, 1], "size": [1280, 720], "target_size": [1024, 512]}
    recipe = resolve({**values, "method": "multi-level"}, origin="options")
    assert (recipe.source_crop, recipe.target_crop, recipe.input_size) == ((1280, 720), (1024, 512), (1024, 512))
