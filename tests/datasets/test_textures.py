"""Random textures on the classes of labelled images."""

import numpy as np
import pytest

from roadseg.datasets.textures import CHANCE, CONTRAST, Textures, textured
from roadseg.datasets.transforms import CropTransform
from roadseg.labels.catalogue import CITYSCAPES_19

GREY = np.full((60, 80, 3), 128, np.uint8)


def halves() -> np.ndarray:
    label = np.zeros((60, 80), np.uint8)
    label[:, 40:] = 255
    return label


def test_without_strength_the_image_is_the_same():
    assert textured(GREY, halves(), np.random.default_rng(0), Textures()) is GREY


def test_each_class_has_its_own_texture_or_none():
    label, changed = halves(), np.zeros(2)
    for seed in range(200):
        image = textured(GREY, label, np.random.default_rng(seed), Textures(1.0)).astype(float)
        assert image.shape == GREY.shape
        parts = [image[label == train_id] for train_id in (0, 255)]
        for number, part in enumerate(parts):
            spread = part.std(0)
            changed[number] += spread.any()
            assert (spread <= 1.6 * CONTRAST).all()
            assert abs(part.mean() - 128) < 2.5 * CONTRAST, "a texture has mean 0 over a whole tile alone"
    assert (abs(changed / 200 - CHANCE) < 0.12).all()


def test_the_same_draws_give_the_same_textures_and_others_differ():
    first, again, other = (textured(GREY, halves(), np.random.default_rng(seed), Textures(1.0)) for seed in (3, 3, 4))
    assert (first == again).all()
    assert (first != other).any()


@pytest.mark.parametrize("strength", [0.5, 2.0])
def test_contrast_follows_strength(strength):
    def spread(strength: float) -> float:
        textures, seeds = Textures(strength), range(40)
        return float(np.mean([textured(GREY, halves(), np.random.default_rng(seed), textures).std() for seed in seeds]))

    assert spread(strength) / spread(1.0) == pytest.approx(strength, rel=0.35)


def test_the_sky_stays_smooth():
    sky = CITYSCAPES_19.classes.index("sky")
    textures = Textures.of(1.0, CITYSCAPES_19)
    label = np.where(halves() == 0, sky, 0).astype(np.uint8)
    images = [textured(GREY, label, np.random.default_rng(seed), textures) for seed in range(10)]
    assert all((image[label == sky] == 128).all() for image in images)
    assert any((image != 128).any() for image in images)


def test_labelled_crops_alone_are_textured():
    transform = CropTransform((80, 60), (40, 30), jitter=0.0, textures=Textures(2.0))
    plain = CropTransform((80, 60), (40, 30), jitter=0.0)
    changed = 0
    for seed in range(8):
        (image, label), (bare, same), (unlabelled, _) = (
            crops(GREY, truth, np.random.default_rng(seed))
            for crops, truth in ((transform, halves()), (plain, halves()), (transform, None))
        )
        assert np.array_equal(label, same), "the geometry does not depend on textures"
        assert (unlabelled == GREY[:30, :40]).all()
        changed += (image != bare).any()
    assert changed > 2
