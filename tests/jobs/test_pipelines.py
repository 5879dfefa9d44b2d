"""Every recipe of the package is valid and says how to launch it; each method makes a step on small data sets."""

from pathlib import Path

import pytest
import torch
from helpers.foreign_folders import backbone
from helpers.tiny import RECIPE, SIZE, write_streets
from helpers.tiny_sets import make_camvid, make_camvid_original, make_cityscapes, make_gta5, make_synthia

from roadseg.datasets.sampling import load_batches
from roadseg.jobs.adapt import adapt
from roadseg.models import resnet101
from roadseg.models.build import build_model
from roadseg.training.build import build_batches, build_trainer
from roadseg.training.callbacks import Callbacks
from roadseg.training.keys import merged
from roadseg.training.published import published_for
from roadseg.training.recipe import resolve
from roadseg.training.recipe_files import FLAT, read_any_recipe, read_recipe
from roadseg.training.recipe_values import recipe_values
from roadseg.training.road_recipe import CLIPS
from roadseg.training.score_recipe import FlatRecipe
from roadseg.training.video_recipe import VIDEOS

PACKAGED = sorted((Path(__file__).parents[2] / "pipelines").rglob("*.toml"))
PIPELINES = [path for path in PACKAGED if not FLAT.keys() & recipe_values(path).keys()]
"""Recipes that train."""
PRINTED = {
    "gta5_cityscapes_feature": 34.86,
    "gta5_cityscapes_single_level": 38.29,
    "gta5_cityscapes_multi_level": 42.35,
    "gta5_cityscapes_multi_level_adv_0005": 41.75,
    "gta5_cityscapes_multi_level_adv_004": 41.51,
    "synthia_camvid_multi_level": 31.2,
}
"""Recipe of every row of the slides' tables."""


@pytest.fixture(scope="module")
def small_sets(tmp_path_factory):
    """Root of a small data set by kind."""
    root = tmp_path_factory.mktemp("sets")
    make_cityscapes(root / "cityscapes", 3, split="train")
    make_camvid(root / "camvid", 3, split="train")
    make_camvid(root / "camvid", 2, split="train", sequence="0001TP")
    return {
        "streets": write_streets(root / "streets", 3),
        "gta5": make_gta5(root / "gta5", 3),
        "synthia": make_synthia(root / "synthia", 3),
        "cityscapes": make_cityscapes(root / "cityscapes", 2, split="val"),
        "camvid-original": make_camvid_original(root / "camvid-original", 1),
        "camvid": make_camvid(root / "camvid", 2),
    }


@pytest.fixture(scope="module", autouse=True)
def shallow_resnet():
    """One block per stage instead of 33 in all: the recipes are tested here, and there are many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resnet101, "STAGES", tuple(stage._replace(blocks=1) for stage in resnet101.STAGES))
        yield


@pytest.fixture(scope="module")
def start_files(tmp_path_factory):
    """Weights of a network in a file like those that recipes start from; random ones will do."""

    def start_file(name):
        path = folder / f"{name}.pth"
        if name.startswith("hf:"):
            return "imagenet"  # the weights of its folder
        if not path.exists():
            torch.manual_seed(0)
            torch.save(build_model(name, 19, pretrained=False).state_dict(), path)
        return path

    folder = tmp_path_factory.mktemp("weights")
    return start_file


def test_every_row_of_the_slides_has_a_recipe():
    rows = {path.stem: published_for(recipe_values(path)) for path in PIPELINES}
    assert {name: row.miou for name, row in rows.items() if row and "slides" in row.printed} == PRINTED


@pytest.mark.parametrize("path", PACKAGED, ids=lambda path: path.stem)
def test_a_recipe_is_valid_and_explains_itself(path):
    needed = {CLIPS: "card"} if CLIPS in recipe_values(path) else {}
    recipe = read_any_recipe(path, **needed) if path not in PIPELINES else complete(path)
    header = path.read_text().split("\n\n")[0]
    assert all(line.startswith("#") for line in header.splitlines())
    for part in ("Data:", f"roadseg run {path.stem}", "Hardware:"):
        assert part in header
    if isinstance(recipe, FlatRecipe):
        return
    assert recipe.method in header.lower().replace(" ", "-")
    if recipe.published:
        assert f"Published: {published_for(recipe.model_dump()).miou}" in header


TRAINED = (
    "camvid_dusk_self_training",
    "streets_camvid_advent",
    "streets_camvid_lsd",
    "streets_camvid_pseudo_labels_batch_norm",
    "synthia_cityscapes_multi_level",
)
"""One recipe for each kind of run: what is prepared, trained, mapped between label spaces and scored."""
STEPPED = (
    "gta5_cityscapes_dacs",
    "gta5_cityscapes_daformer",
    "gta5_cityscapes_feature",
    "gta5_cityscapes_mic",
    "gta5_cityscapes_multi_level",
    "gta5_cityscapes_vgg16_single_level",
    "indian_track_source_only",
    "streets_camvid_minent",
    "synthia_cityscapes_daformer",
)
"""With those that are trained, one recipe for each method, kind of data set and network."""


def test_every_method_of_the_recipes_makes_a_step():
    recipes = [complete(path) for path in PIPELINES]
    made = [recipe for path, recipe in zip(PIPELINES, recipes, strict=True) if path.stem in TRAINED + STEPPED]
    assert len(made) == len(TRAINED + STEPPED)
    assert {recipe.method for recipe in recipes} == {recipe.method for recipe in made}
    assert {recipe.model for recipe in recipes} == {recipe.model for recipe in made}


@pytest.fixture
def in_small(small_sets, start_files, tmp_path):
    """Function that returns the keys of a recipe, for a step of a small network on small data sets."""

    def in_small(name):
        (path,) = (path for path in PIPELINES if path.stem == name)
        values = recipe_values(path)
        places = {
            key: relocated(values[key], small_sets) for key in ("source", "target", "evaluation") if key in values
        }
        stand_ins = places | {"size": SIZE, "steps": 1, "schedule_steps": 0}
        stand_ins["adversarial"] = {"map_stride": 1, "warmup_steps": 0}
        if "mask_ratio" in values.get("self_training", {}):
            stand_ins["self_training"] = {"mask_block": 16}
        if "target_size" in values:
            stand_ins["target_size"] = (64, 48)
        if values.get("model", "").startswith("hf:"):
            values["model"] = backbone("mit", tmp_path / "mit")
        init = values.get("init", "default")
        stand_ins["init"] = (
            str(start_files(values["model"])) if "model" in values else init.replace("runs/camvid-day", "default")
        )
        tiny = {key: value for key, value in RECIPE.items() if key != "method" and values.get(key) != "whole"}
        return merged(merged(values, tiny), stand_ins)

    return in_small


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINED)
def test_a_recipe_trains(name, in_small, tmp_path):
    values = in_small(name)
    outcome = adapt(tmp_path / "run", recipe=resolve(values, origin=name))
    assert outcome.steps == 1
    assert (outcome.evaluation is not None) == ("evaluation" in values)


@pytest.mark.slow
@pytest.mark.parametrize("name", STEPPED)
def test_a_recipe_makes_a_step(name, in_small, tmp_path):
    plan = resolve(in_small(name), origin=name)
    trainer = build_trainer(plan)
    (batch,) = load_batches(build_batches(plan, tmp_path, Callbacks()), 0, 1, workers=0)
    losses = trainer.make_step(batch)
    assert "segmentation/main" in losses
    assert all(loss.isfinite() for loss in losses.values())


def test_a_recipe_of_videos_trains_on_their_frames(tmp_path):
    (path,) = (path for path in PIPELINES if VIDEOS in recipe_values(path))
    adaptation = complete(path).adaptation(tmp_path / "frames")
    assert adaptation.method == "pseudo-labels"  # which another recipe trains
    assert adaptation.targets == (str(tmp_path / "frames"),)


def complete(path):
    """Read a recipe with the videos or the target that those who launch it must name."""
    named = {"target": "data/frames"} if path.stem in ("adapt", "teacher", "multi_level") else {}
    return read_recipe(path, **({VIDEOS: ["drive.mp4"]} if VIDEOS in recipe_values(path) else named))


def relocated(text, small_sets):
    """The data sets that a recipe names, at the small ones of their kinds."""
    if isinstance(text, list):
        return relocated(text[0], small_sets)
    kind, _, rest = text.partition(":")
    if not rest:
        streets = small_sets["streets"]
        return str(streets if kind == "streets" else streets / "images")
    split = rest.rpartition(":")[2] if ":" in rest else ""
    return ":".join([kind, str(small_sets[kind]), *([split] if split else [])])
