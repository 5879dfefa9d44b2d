import json
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import cv2
import pytest
from helpers.servers import content, cut_clip, serving, write_clip
from helpers.tiny import RECIPE, SIZE, write_streets

from roadseg.errors import FetchError, InputError, RecipeError, VideoError, WeightsError
from roadseg.evaluation.comparison.grid import CELL_WIDTH
from roadseg.evaluation.comparison.sheets import GAP, MARGIN
from roadseg.jobs.video_run import StageCallbacks, VideoFolder, run_video_recipe
from roadseg.models.names import DEFAULT
from roadseg.models.weights import load_model, save_model
from roadseg.training.callbacks import Callbacks
from roadseg.training.recipe import resolve_as
from roadseg.training.video_recipe import VideoRecipe, resolve_any

MADE = {"before_after.png", "recipe.toml", "report.html", "report.json", "report.md", "seconds.json", "videos.json"}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write_streets(tmp_path_factory.mktemp("source") / "streets", 3)


@pytest.fixture(scope="module")
def start_weights(tmp_path_factory):
    """The default weights, for small images."""
    network, card = load_model(Path(DEFAULT))
    path = tmp_path_factory.mktemp("weights") / "model.safetensors"
    save_model(path, network, card.model_copy(update={"input_size": SIZE}))
    return path


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clip") / "drive.mp4").read_bytes()


@pytest.fixture(scope="module")
def site(clip):
    with serving() as site:
        site.routes["/drive.mp4"] = content(clip)
        yield site


@pytest.fixture(scope="module")
def recipe_of(source, start_weights):
    keys = {**RECIPE, "method": "self-training", "source": str(source), "init": str(start_weights)}
    keys |= {"steps": 2, "checkpoint_every": 1, "frames_every": 0.5}

    def recipe_of(*videos, **more):
        return resolve_as(VideoRecipe, {**keys, "videos": list(map(str, videos)), **more}, origin="test")

    return recipe_of


def times(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file() and path.name != ".lock"}


@pytest.fixture(scope="module")
def finished(site, recipe_of, tmp_path_factory):
    """Recipe, folder, result and warnings of a job that is done; each test leaves its folder as it is."""
    warnings = []
    out = tmp_path_factory.mktemp("finished") / "out"
    recipe = recipe_of(site.url("/drive.mp4"), site.url("/gone.mp4"))
    result = run_video_recipe(recipe, out, callbacks=StageCallbacks(on_warning=warnings.append))
    return SimpleNamespace(recipe=recipe, out=out, result=result, warnings=warnings)


@pytest.mark.slow
def test_from_addresses_to_a_report_and_a_second_call_does_nothing(site, finished):
    result, out = finished.result, finished.out
    assert any("gone.mp4" in warning and "404" in warning for warning in finished.warnings)
    drive, gone = result.footage
    assert (drive.pictures, gone.pictures, gone.file) == (4, 0, "")
    assert "404" in gone.cause
    assert result.left_out == [gone]

    assert {path.name for path in out.iterdir() if path.is_file()} == MADE | {".lock"}
    text = (out / "report.md").read_text()
    for label in ("before", "after"):
        overlay = out / "overlay" / label / f"{Path(drive.file).stem}.overlay.mp4"
        assert overlay.is_file()
        assert f"(overlay/{label}/{overlay.name})" in text
    assert text.count("gone.mp4") == 1
    report = json.loads((out / "report.json").read_text())
    for label in ("before", "after"):
        assert sum(pair[label] for pair in report["videos"][0]["shares"].values()) == pytest.approx(1, abs=0.02)
    assert set(report["seconds"]) == {"fetch", "frames", "adapt", "overlay, before", "overlay, after"}
    assert cv2.imread(str(out / "before_after.png")).shape[1] == 2 * MARGIN + 3 * (CELL_WIDTH + GAP) - GAP

    written, asked = times(out), len(site.seen)
    assert run_video_recipe(finished.recipe, out).as_dict() == result.as_dict()
    assert (times(out), len(site.seen)) == (written, asked)


@pytest.mark.slow
def test_what_was_cut_goes_on_at_every_stage(site, recipe_of, tmp_path):
    recipe, out = recipe_of(site.url("/drive.mp4")), tmp_path / "out"

    def cut(*_):
        raise KeyboardInterrupt

    def at(wanted):
        return StageCallbacks(on_progress=lambda task, *_: cut() if task.startswith(wanted) else None)

    in_training = StageCallbacks(training=Callbacks(on_report=lambda report: cut() if report.step == 1 else None))
    for callbacks in (at("fetching"), at("frames"), in_training, at("before"), at("after")):
        with pytest.raises(KeyboardInterrupt):
            run_video_recipe(recipe, out, callbacks=callbacks)
        assert not (out / "report.md").exists()
        assert not [path for path in out.rglob("*.part") if "videos" not in path.parts]
    stages = []
    run_video_recipe(recipe, out, callbacks=StageCallbacks(on_stage=stages.append))
    assert [stage.split()[1] for stage in stages if stage.startswith("roadseg")] == ["overlay", "overlay"]
    steps = [json.loads(line)["step"] for line in (out / "run" / "log.jsonl").read_text().splitlines()]
    assert Counter(steps) == {1: 1, 2: 1}


@pytest.mark.slow
def test_another_recipe_and_other_videos_are_refused(site, recipe_of, finished):
    before = times(finished.out)
    with pytest.raises(RecipeError, match=r"videos .*two\.mp4"):
        run_video_recipe(recipe_of(*finished.recipe.videos, "two.mp4"), finished.out)
    with pytest.raises(RecipeError, match=r"frames_every 0\.5 -> 1\.0"):
        run_video_recipe(recipe_of(*finished.recipe.videos, frames_every=1), finished.out)
    assert times(finished.out) == before


@pytest.mark.slow
@pytest.mark.parametrize("content", ["", "[{", "1", '["drive.mp4"]', '[{"address": "drive.mp4", "kind": 1}]'])
def test_a_damaged_list_of_videos_is_an_error(recipe_of, clip, tmp_path, content):
    recipe = recipe_of(clip)
    (tmp_path / "recipe.toml").write_text(recipe.as_toml())
    (tmp_path / "videos.json").write_text(content)
    with pytest.raises(InputError, match=r"videos\.json: not the list of videos"):
        run_video_recipe(recipe, tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"fetch": "long"}'])
def test_damaged_times_are_forgotten(tmp_path, content):
    folder = VideoFolder(tmp_path)
    folder.seconds.write_text(content)
    with folder.timed("fetch"):
        pass
    assert folder.read_seconds().keys() == {"fetch"}


def test_a_video_whose_name_is_too_long_is_left_out(site, recipe_of, tmp_path):
    name = "x" * 300 + ".mp4"
    with pytest.raises(FetchError, match=r"none of 2 videos can be used, the first: .*no such file"):
        run_video_recipe(recipe_of(tmp_path / name, site.url("/drvie.mp4")), tmp_path / "out")


@pytest.mark.slow
def test_a_misspelt_address_ends_the_job_and_can_be_corrected(site, recipe_of, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(FetchError, match="404"):
        run_video_recipe(recipe_of(site.url("/drvie.mp4")), out)
    with pytest.raises(FetchError, match=r"none of 2 videos can be used, the first: .*nowhere\.mp4: no such file"):
        run_video_recipe(recipe_of(tmp_path / "nowhere.mp4", site.url("/drvie.mp4")), out)

    def stop_before_training(stage):
        if stage.startswith("roadseg adapt"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_video_recipe(recipe_of(site.url("/drive.mp4")), out, callbacks=StageCallbacks(stop_before_training))
    (footage,) = json.loads((out / "videos.json").read_text())
    assert footage["pictures"] == 4


def test_what_cannot_work_is_told_before_anything_is_trained(recipe_of, tmp_path, clip):
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(VideoError, match=r"text\.mp4"):
        run_video_recipe(recipe_of(tmp_path / "text.mp4"), tmp_path / "text")
    with pytest.raises(WeightsError, match="imagenet"):
        run_video_recipe(recipe_of(tmp_path / "text.mp4", init="imagenet"), tmp_path / "imagenet")
    paths = [tmp_path / name / "drive.mp4" for name in ("one", "two")]
    for path in paths:
        path.parent.mkdir()
        path.write_bytes(clip)
    with pytest.raises(InputError, match="would become"):
        run_video_recipe(recipe_of(*paths), tmp_path / "twins")
    assert not list(tmp_path.glob("*/run"))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"videos": ["a.mp4"], "target": "frames"}, "target: .*leave one of the two out"),
        ({"videos": []}, "name at least one"),
        ({"videos": ["a.mp4", "a.mp4"]}, "named twice"),
        ({"videos": ["a.mp4"], "frames_every": 0}, "frames_every = 0"),
        ({"videos": ["a.mp4"], "frame_every": 1}, "did you mean 'frames_every'"),
        ({"frames_every": 1, "target": "frames"}, "unknown key 'frames_every'"),
    ],
)
def test_mistakes_in_a_recipe_of_videos(values, message):
    with pytest.raises(RecipeError, match=message):
        resolve_any(values, origin="test")


def test_a_single_video_needs_no_list():
    assert resolve_any({"videos": "a.mp4"}, origin="test") == resolve_any({"videos": ["a.mp4"]}, origin="test")


@pytest.mark.slow
@pytest.mark.real_data
def test_an_indian_road(real_data, recipe_of, tmp_path):
    clip = cut_clip(real_data / "video" / "dashcam" / "indian_track_480p.mp4", tmp_path / "indian.mp4", seconds=2)
    with serving() as site:
        site.routes["/indian.mp4"] = content(clip.read_bytes())
        recipe = recipe_of(site.url("/indian.mp4"), size=(240, 136), frames_every=0.5)
        result = run_video_recipe(recipe, tmp_path / "out")
    assert result.frames == 4
    before, _ = result.shares(result.drawn)["road"]
    assert 0.05 < before < 0.6
