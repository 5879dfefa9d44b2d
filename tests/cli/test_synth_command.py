"""`roadseg synth`, run as a program."""

import json
import tomllib

import cv2
import numpy as np
import pytest
from helpers.program import roadseg

from roadseg.streets.drive import drive_frames
from roadseg.streets.presets import DEFAULT_SCENES, mixture
from roadseg.streets.render import RENDERER_VERSION, render_street
from roadseg.video.reader import VideoReader

SMALL = ("--size", "64x48")
TEXTURES = ("--seed", 0, "--look", "target")
"""Most streets have the same textures, whose painting takes longer than all else."""


def read(path):
    return cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)


def read_label(path):
    label = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert label.ndim == 2, "one channel"
    return label


@pytest.mark.slow
def test_streets_are_written_exactly_and_described(tmp_path):
    out = tmp_path / "streets"
    done = roadseg("synth", out, "--count", 5, *TEXTURES, *SMALL, "--json", "--workers", 1)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["count"] == 5
    for index in range(5):
        image, label = render_street(0, index, size=(64, 48), look="target")
        np.testing.assert_array_equal(read(out / f"images/{index:06}.png"), image)
        np.testing.assert_array_equal(read_label(out / f"labels/{index:06}.png"), label)
    description = tomllib.loads((out / "dataset.toml").read_text())
    assert description == {
        "kind": "streets",
        "contents": "stills",
        "label_space": "indian-20",
        "look": "target",
        "seed": 0,
        "size": [64, 48],
        "renderer_version": RENDERER_VERSION,
        "scenes": mixture(DEFAULT_SCENES),
    }
    assert read(out / "contact_sheet.png").shape[1] > 600
    assert not list(out.rglob("*.part"))


@pytest.mark.slow
def test_both_looks_of_the_same_streets_lie_side_by_side(tmp_path):
    done = roadseg("synth", tmp_path, "-n", 2, "--seed", 0, *SMALL, "--look", "both", "--workers", 1)
    assert done.returncode == 0, done.stderr
    assert "contact_sheet.png" in done.stdout
    for look in ("game", "target"):
        for index in range(2):
            image, label = render_street(0, index, size=(64, 48), look=look, shared=True)
            np.testing.assert_array_equal(read(tmp_path / look / f"images/{index:06}.png"), image)
            np.testing.assert_array_equal(read_label(tmp_path / look / f"labels/{index:06}.png"), label)
        described = tomllib.loads((tmp_path / look / "dataset.toml").read_text())
        assert (described["look"], described["contents"]) == (look, "stills of streets that both looks show")
    assert roadseg("synth", tmp_path / "game", "-n", 2, "--seed", 0, *SMALL).returncode == 1  # other streets
    assert "one look" in roadseg("synth", tmp_path, "--look", "both", "--drive", 1).stderr


@pytest.mark.slow
def test_scenes_are_mixed_by_weight(tmp_path):
    out = tmp_path / "streets"
    done = roadseg("synth", out, "-n", 2, *TEXTURES, *SMALL, "--scenes", "indian=3, night=1", "--json", "--workers", 1)
    assert done.returncode == 0, done.stderr
    mixed = {"indian": 0.75, "night": 0.25}
    assert json.loads(done.stdout)["scenes"] == mixed
    assert tomllib.loads((out / "dataset.toml").read_text())["scenes"] == mixed
    for index in range(2):
        image, _ = render_street(0, index, size=(64, 48), look="target", scenes=mixed)
        np.testing.assert_array_equal(read(out / f"images/{index:06}.png"), image)


@pytest.mark.slow
def test_a_second_call_renders_only_what_is_missing(tmp_path):
    out = tmp_path / "streets"
    assert roadseg("synth", out, "-n", 3, *TEXTURES, *SMALL).returncode == 0
    kept, gone = out / "labels/000000.png", out / "labels/000001.png"
    before = kept.stat().st_mtime_ns
    gone.unlink()
    assert roadseg("synth", out, "-n", 4, *TEXTURES, *SMALL).returncode == 0
    assert kept.stat().st_mtime_ns == before
    np.testing.assert_array_equal(read_label(gone), render_street(0, 1, size=(64, 48), look="target")[1])
    assert (out / "labels/000003.png").exists()


@pytest.mark.slow
def test_other_options_in_the_same_folder_are_refused(tmp_path):
    out = tmp_path / "streets"
    assert roadseg("synth", out, "-n", 1, *TEXTURES, *SMALL).returncode == 0
    for arguments in (("--seed", 1), ("--drive", 1), ("--scenes", "night")):
        done = roadseg("synth", out, *TEXTURES, *SMALL, *arguments)
        assert done.returncode == 1
        assert "other options" in done.stderr


@pytest.mark.slow
def test_a_drive_s_clip_shows_its_images_in_order(tmp_path):
    out = tmp_path / "drive"
    done = roadseg("synth", out, "--drive", 1, "--frame-rate", 10, "--size", "128x96", *TEXTURES)
    assert done.returncode == 0, done.stderr
    rendered = list(drive_frames(0, 1, size=(128, 96), look="target", frame_rate=10))
    with VideoReader(out / "drive.mp4") as video:
        shown = [frame.to_rgb() for frame in video]
    assert len(shown) == len(rendered) == len(list((out / "labels").iterdir())) == 10
    for index, (image, label) in enumerate(rendered):
        np.testing.assert_array_equal(read(out / f"images/{index:06}.png"), image)
        np.testing.assert_array_equal(read_label(out / f"labels/{index:06}.png"), label)
        nearest = np.argmin([np.abs(image.astype(int) - frame).mean() for frame in shown])
        assert np.abs(image.astype(int) - shown[index]).mean() < 12
        assert nearest == index


@pytest.mark.parametrize(
    ("arguments", "code", "cause"),
    [
        (("--size", "huge"), 2, "not a size"),
        (("--size", "8x8"), 1, "too small"),
        (("--drive", "1", "--size", "65x48"), 1, "even"),
        (("--drive", "-1"), 1, "no frames"),
        (("--drive", "1", "--count", "3"), 2, "--count and --workers"),
        (("--frame-rate", "10"), 2, "--drive"),
        (("--look", "photo"), 2, "photo"),
        (("--scenes", "lunar"), 1, "no scenes called 'lunar'"),
        (("--scenes", "indian=much"), 1, "not a preset with a weight"),
        (("--count", "0"), 2, "--count"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(tmp_path, arguments, code, cause):
    out = tmp_path / "streets"
    done = roadseg("synth", out, *arguments)
    assert done.returncode == code, done.stderr
    assert cause in done.stderr
    assert "Traceback" not in done.stderr
    assert not out.exists()
