import subprocess
import sys
from dataclasses import replace

import cv2
import numpy as np
import pytest

from roadseg.errors import InputError
from roadseg.labels.catalogue import INDIAN_20
from roadseg.labels.space import IGNORE
from roadseg.streets import classes
from roadseg.streets.drawing.view import View
from roadseg.streets.looks import LOOKS, sample_atmosphere, sample_camera
from roadseg.streets.presets import PRESETS
from roadseg.streets.render import SMALLEST, bank_of, render_scene, render_street
from roadseg.streets.sampling.world import sample_scene

SMALL = (96, 72)


@pytest.fixture(scope="module")
def sets(game_sets, target_sets):
    """Small streets of each look, of all presets alike: (images, label maps)."""
    return {
        look: tuple(np.concatenate(parts) for parts in zip(*sets.values(), strict=True))
        for look, sets in {"game": game_sets, "target": target_sets}.items()
    }


def shares(labels):
    return np.bincount(labels.ravel(), minlength=256)[: len(INDIAN_20)] / labels.size


def test_class_names_are_in_the_label_space_s_order():
    for train_id, name in enumerate(INDIAN_20.classes):
        assert getattr(classes, name.upper().replace(" ", "_")) == train_id


@pytest.mark.slow
@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("size", [(64, 48), (97, 61), (33, 100), (480, 360), (1280, 720)])
def test_every_size_gives_an_image_and_a_label_map(look, size):
    image, label = render_street(0, 5, size=size, look=look)
    assert image.shape == (size[1], size[0], 3)
    assert label.shape == (size[1], size[0])
    assert image.dtype == label.dtype == np.uint8
    assert set(np.unique(label)) <= {*range(len(INDIAN_20)), IGNORE}
    assert len(np.unique(label)) >= 4


@pytest.mark.slow
def test_an_image_does_not_depend_on_what_was_rendered_before():
    forwards = [render_street(0, index, size=SMALL) for index in range(6)]
    backwards = [render_street(0, index, size=SMALL) for index in reversed(range(6))][::-1]
    for one, other in zip(forwards, backwards, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])


@pytest.mark.slow
def test_an_image_is_the_same_in_another_process(tmp_path):
    code = (
        "import sys, numpy as np; from roadseg.streets.render import render_street;"
        f"np.savez(sys.argv[1], *render_street(0, 11, size={SMALL}))"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "street.npz")], check=True)
    image, label = render_street(0, 11, size=SMALL)
    with np.load(tmp_path / "street.npz") as other:
        np.testing.assert_array_equal(image, other["arr_0"])
        np.testing.assert_array_equal(label, other["arr_1"])


@pytest.mark.slow
def test_seed_index_and_look_all_matter():
    base = render_street(0, 0, size=SMALL)[0]
    for other in (
        render_street(1, 0, size=SMALL),
        render_street(0, 1, size=SMALL),
        render_street(0, 0, size=SMALL, look="target"),
    ):
        assert np.abs(base.astype(int) - other[0]).mean() > 5


@pytest.mark.slow
def test_a_larger_image_shows_the_same_street():
    small, large = render_street(0, 4, size=(120, 90))[1], render_street(0, 4, size=(480, 360))[1]
    assert (large[2::4, 2::4] == small).mean() > 0.9


@pytest.mark.slow
def test_every_class_occurs_with_some_regularity(sets):
    labels = sets["game"][1]
    for train_id, name in enumerate(INDIAN_20.classes):
        there = (labels == train_id).reshape(len(labels), -1).sum(1)
        assert (there >= 8).mean() > 0.04, f"{name} is in {(there >= 8).mean():.1%} of the images"
    assert (shares(labels) > 0.0004).all(), dict(zip(INDIAN_20.classes, shares(labels).round(5), strict=True))


@pytest.mark.slow
def test_looks_differ_in_colour_and_agree_in_layout(sets):
    (game, game_labels), (target, target_labels) = sets["game"], sets["target"]
    blueness = {look: np.mean(pictures[..., 2].astype(int) - pictures[..., 0]) for look, (pictures, _) in sets.items()}
    assert blueness["target"] < blueness["game"] - 10, "a warm cast"
    assert target.std() < 0.75 * game.std(), "a flat tone curve"
    assert np.abs(shares(game_labels) - shares(target_labels)).sum() < 0.25


@pytest.mark.slow
def test_target_images_are_alike(sets):
    """One domain, not a mixture: brightness varies less from image to image than in the game's."""
    means = {look: pictures.mean((1, 2)) for look, (pictures, _) in sets.items()}
    assert means["target"].std(0).max() < means["game"].std(0).min()


@pytest.mark.slow
def test_labels_lie_on_what_they_name():
    """Without light, sky and haze every class but the sky is black, so that image and labels must agree."""
    for index in range(12):
        rng = np.random.default_rng(index)
        night = replace(
            sample_atmosphere(rng, "game", PRESETS["european"]),
            sun=(0.0, 0.0, 0.0), ambient=(0.0, 0.0, 0.0), haze=(0.0, 0.0, 0.0), glow=0.0, cover=0.0,
            zenith=(250.0, 250.0, 250.0), horizon=(250.0, 250.0, 250.0),
        )  # fmt: skip
        camera = sample_camera(rng, "target")
        scene = sample_scene(rng, PRESETS["european"], night)
        view = View(camera, scene.street.centre_line, (320, 240))
        image, label = render_scene(scene, camera, view, bank_of(0, "game"))
        open_sky = eroded(label == classes.SKY)
        assert np.mean(image[open_sky] > 200) > 0.995, "but for wires"
        covered = eroded(np.isin(label, (classes.ROAD, classes.BUILDING, classes.SIDEWALK)))
        assert np.mean(image[covered] < 40) > 0.995


def eroded(mask):
    return cv2.erode(mask.astype(np.uint8), np.ones((5, 5))).astype(bool)


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        ({"size": (SMALLEST - 1, 100)}, "too small"),
        ({"seed": -1}, "seed -1"),
        ({"index": -1}, "index -1"),
        ({"look": "photo"}, "no look 'photo'"),
        ({"scenes": "lunar"}, "no scenes called 'lunar'"),
    ],
)
def test_what_cannot_be_rendered_is_refused(options, cause):
    with pytest.raises(InputError, match=cause):
        render_street(**options)


@pytest.mark.slow
def test_scenes_can_be_written_as_text():
    written, given = (render_street(0, 3, size=SMALL, scenes=scenes)[0] for scenes in ("indian", {"indian": 1.0}))
    assert np.array_equal(written, given)
