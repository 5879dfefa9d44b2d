import math
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import get_args

import pytest
from helpers.bombs import sparse

from roadseg.errors import RecipeError
from roadseg.models.build import MODELS
from roadseg.training.recipe import OPTION_MODELS, AdaptRecipe, neutral_keys, resolve
from roadseg.training.recipe_files import find_recipe, packaged_recipes, read_recipe
from roadseg.training.recipe_values import RENAMED, parse_overrides, recipe_values


def test_all_mistakes_are_reported_at_once():
    values = {"target": "x", "stpes": 10, "batch_size": 0, "method": "multilevel", "size": [480]}
    with pytest.raises(RecipeError) as error:
        resolve(values, origin="mine.toml")
    for part in ("mine.toml", "unknown key 'stpes'", "batch_size = 0", "unknown method 'multilevel'", "size"):
        assert part in error.value.cause
    assert "did you mean 'steps'?" in error.value.cause


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "needs a target"),
        ({"method": "source-only", "fourier_beta": 0.01}, "needs a target"),
        ({"target": "x", "crop": [600, 600]}, "larger than size"),
        ({"target": "x", "crop": [3]}, r'write \[width, height\], each 32 to 8192, or "whole"'),
        ({"target": "x", "crop": "whole"}, r"goes with scale = \[1, 1\]"),
        ({"target": "x", "crop": [400, 300], "target_size": [200, 150]}, r"larger than size \(200, 150\)"),
        (
            {"target": "x", "crop": "whole", "scale": [1, 1], "target_size": [200, 150], "fourier_beta": 0.1},
            "crops of one size",
        ),
        ({"target": "x", "size": [10**6, 480]}, r"size.0 = 1000000: .*less than or equal to 8192"),
        ({"target": "x", "learning_rate": math.inf}, "learning_rate = inf: Input should be a finite number"),
        ({"target": "x", "weight_decay": math.nan}, "weight_decay = nan: Input should be a finite number"),
        ({"target": "x", "lsd": {"learning_rate": math.inf}}, r"lsd\.learning_rate = inf: .*finite number"),
        ({"target": "x", "steps": True}, "steps: true and false are not values of this key"),
        ({"target": "x", "scale": [True, 1.2]}, "scale: true and false are not values"),
        ({"target": "x", "crop": [True, 200]}, "crop: true and false are not values"),
        ({"target": "x", "lsd": {"width": True}}, r"lsd\.width: true and false are not values"),
        ({"target": "x", "seed": 1 << 70}, "seed = 1180591620717411303424: "),
        ({"target": ["x", "y", "x"]}, r"\['x', 'y', 'x'\] names a data set twice"),
        ({"target": []}, "target: write one data set, or a list of several"),
        ({"target": ["x", ""]}, "target: write one data set, or a list of several"),
        ({"target": "x", "scenes": "arctic"}, "no scenes called 'arctic'"),
        ({"target": "x", "optimizer": "published-sgd"}, "published-sgd is for resnet101"),
        ({"target": "x", "published": "gta5-cityscapes/multilevel"}, "is not a published row; Did you mean"),
        ({"target": "x", "labels": "cityscapes"}, "unknown label space 'cityscapes'"),
        ({"target": "x", "scale": [1.2, 0.8]}, "lower bound comes first"),
        ({"target": "x", "steps": 100, "schedule_steps": 50}, "ends before steps"),
        ({"target": "x", "method": "multi-level", "adversarial": {"map_stride": 8}}, "under 32 pixels"),
        (
            {"target": "x", "method": "multi-level", "steps": 100, "adversarial": {"warmup_steps": 100}},
            "warmup_steps 100 leaves the segmenter none of 100 steps: raise steps",
        ),
        ({"target": "x", "method": "pseudo-labels", "init": "imagenet"}, "needs a teacher, or an init that can"),
        ({"target": "x", "method": "minent", "teacher": "y"}, "method 'minent' takes no teacher: pseudo-labels"),
        ({"method": "source-only", "adapt_bn": True}, "adapt_bn needs a target"),
        ({"target": "x", "adapt_bn": True, "model": "vgg16"}, "adapt_bn is for networks with frozen batch norm"),
        (
            {"target": "x", "method": "self-training", "target_jitter": 0.2},
            "in their own colours: leave target_jitter out",
        ),
        (
            {"target": "x", "method": "self-training", "crop": [64, 64], "self_training": {"mask_ratio": 0.7}},
            r"crop \(64, 64\) is within one block of self_training.mask_block 64: lower it",
        ),
        (
            {"target": "x", "method": "self-training", "self_training": {"ignore_top": 0.5, "ignore_bottom": 0.5}},
            "ignore_top and ignore_bottom leave no row",
        ),
        ({"target": "x", "method": "multi-level+advent"}, "'advent' cannot be added to another method"),
        ({"target": "x", "method": "self-training+self-training"}, "names a part twice"),
        ({"target": "x", "lsd": {"wdith": 8}}, r"unknown key 'lsd.wdith' \(did you mean 'lsd.width'\?\)"),
        ({"target": "x", "pseudo_labels": {"keep_ratio": 2}}, "pseudo_labels.keep_ratio = 2"),
        ({"target": "x", "pseudo_labels": {"scales": [1, 9]}}, r"scale 9 is outside 0\.5 to 2; Give 1 to 8"),
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
    assert resolve(tomllib.loads(recipe.as_toml()), origin="options") == recipe


def test_one_target_or_several_are_kept_as_they_are_written_and_a_list_of_one_is_one():
    for target, targets in (
        ("", ()),
        ("x", ("x",)),
        (["x"], ("x",)),
        (["x", "camvid:y:train"], ("x", "camvid:y:train")),
    ):
        recipe = resolve({"method": "source-only", "target": target}, origin="options")
        assert recipe.targets == targets
        assert resolve(tomllib.loads(recipe.as_toml()), origin="options") == recipe
    assert resolve({"target": ["x"]}, origin="options") == resolve({"target": "x"}, origin="options")


def test_overrides_are_toml_values_or_bare_words():
    overrides = parse_overrides(
        ["steps=5", "size=[96, 64]", "method=source-only", "lsd.width=8", "lsd.learning_rate=1e-4"]
    )
    lsd = {"width": 8, "learning_rate": 1e-4}
    assert overrides == {"steps": 5, "size": [96, 64], "method": "source-only", "lsd": lsd}
    with pytest.raises(RecipeError, match="--set key=value"):
        parse_overrides(["steps"])


def test_unreadable_files_are_named(tmp_path):
    with pytest.raises(RecipeError, match="no such recipe"):
        recipe_values(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("steps = = 3")
    with pytest.raises(RecipeError, match=r"bad\.toml: not a readable TOML file.*\n.*roadseg recipes"):
        recipe_values(tmp_path / "bad.toml")


@pytest.mark.parametrize(
    "text",
    [
        "a." * 200_000 + "a = 1",
        '"a" . ' * 100_000 + "a = 1",
        "a = " + "[" * 200_000,
        "a = " + "{a=" * 60 + "1" + "}" * 60,
    ],
    ids=["bare parts", "quoted parts", "deep lists", "deep tables"],
)
def test_recipes_that_would_take_minutes_or_all_memory_are_refused(tmp_path, text):
    (tmp_path / "bad.toml").write_text(text)
    with pytest.raises(RecipeError, match=r"bad\.toml: not a readable TOML file: (a key of more than|nested too deep)"):
        recipe_values(tmp_path / "bad.toml")
    assert parse_overrides([f"scenes={text}"])["scenes"] == text  # a bare word, which no key takes
    with pytest.raises(RecipeError, match=r"bad\.toml: not a readable TOML file: 8,589,934,592 bytes"):
        recipe_values(sparse(tmp_path / "bad.toml", 1 << 33))


def test_a_thousand_mistakes_are_told_in_a_line():
    with pytest.raises(RecipeError) as error:
        resolve({"target": "x", "steps": "y" * 9999} | {f"k{number}" * 999: 1 for number in range(1000)}, origin="it")
    assert len(error.value.cause) < 4000
    assert error.value.cause.endswith("; and 981 more")


def test_whole_images_have_the_size_of_their_domain():
    values = {"target": "x", "crop": "whole", "scale": [1, 1], "size": [1280, 720], "target_size": [1024, 512]}
    recipe = resolve({**values, "method": "multi-level"}, origin="options")
    assert (recipe.source_crop, recipe.target_crop, recipe.input_size) == ((1280, 720), (1024, 512), (1024, 512))


def test_keys_of_an_older_form_are_refused_with_their_new_names(tmp_path):
    old = {"target": "x", "average_decay": 0.9, "confidence": 0.8, "stpes": 3}
    with pytest.raises(RecipeError) as error:
        resolve(old, origin="old.toml")
    assert error.value.cause == (
        "old.toml: average_decay is called ema_decay now; confidence is called self_training.pseudo_label_threshold now"
    )
    (tmp_path / "old.toml").write_text("head_factor = 4")
    with pytest.raises(RecipeError, match=r"head_factor is called head_lr_multiplier now"):
        recipe_values(tmp_path / "old.toml")


def test_new_names_of_keys_exist():
    given = {"adversarial": {}, "lsd": {}, "minent": {}, "pseudo_labels": {}, "self_training": {}, "target": "x"}
    recipe = resolve(given, origin="test")
    for text in RENAMED.values():
        for name in text.removesuffix(")").replace(" (for lsd:", "").replace(" (for pseudo-labels:", "").split():
            table, dot, key = name.partition(".")
            assert hasattr(getattr(recipe, table) if dot else recipe, key or table), name


def test_a_table_of_another_method_is_checked_and_left_out():
    recipe = resolve({"target": "x", "method": "multi-level", "lsd": {"width": 8}}, origin="test")
    assert set(recipe.model_dump()) - set(AdaptRecipe.model_fields) == {"adversarial"}
    assert recipe.as_toml().count("[adversarial]") == 1


def test_paths_are_taken_for_strings():
    recipe = resolve({"target": [Path("a"), Path("b")], "source": Path("streets/mine")}, origin="test")
    assert (recipe.targets, recipe.source) == (("a", "b"), "streets/mine")


def test_keys_that_change_nothing_of_what_is_learned_are_marked():
    reports = {"evaluation", "scored_classes", "evaluate_every", "checkpoint_every", "published", "tensorboard"}
    assert neutral_keys() == reports | {"device", "workers", "accumulate_grad_batches"}


def test_recipes_are_found_by_name_and_by_path(tmp_path):
    (tmp_path / "mine.toml").write_text('target = "frames"\nmethod = "multi-level"\n[adversarial]\nweight = 0.1\n')
    recipe = read_recipe(tmp_path / "mine.toml", steps=7, adversarial={"map_stride": 2})
    assert (recipe.steps, recipe.adversarial.weight, recipe.adversarial.map_stride) == (7, 0.1, 2)
    assert find_recipe("multi_level").name == "multi_level.toml"
    with pytest.raises(RecipeError, match=r"multi_levle: no such recipe\nDid you mean multi_level"):
        find_recipe("multi_levle")
    assert len(packaged_recipes()) >= 40
    assert all(20 < len(recipe.purpose) <= 100 and recipe.purpose.endswith(".") for recipe in packaged_recipes())


@pytest.mark.parametrize("module", ["recipe", "recipe_files", "video_recipe"])
def test_reading_recipes_loads_no_torch(module):
    code = f"import sys, roadseg.training.{module}; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_target_crops_keep_their_colours_for_a_teacher_alone():
    jitter = {
        method: resolve({"target": "x", "method": method}, origin="test").jitter_of_targets
        for method in ("multi-level", "self-training", "multi-level+self-training")
    }
    assert jitter == {"multi-level": 1.0, "self-training": 0.0, "multi-level+self-training": 0.0}
    assert resolve({"target": "x", "target_jitter": 0.3}, origin="test").jitter_of_targets == 0.3
