"""Faults of cameras on training images."""

import numpy as np

from roadseg.datasets import degradation
from roadseg.datasets.degradation import COMPRESSED, SCALED, SHADED, SHARPENED, degraded
from roadseg.datasets.transforms import CropTransform

EDGE = np.full((48, 64, 3), 60, np.uint8)
EDGE[:, 32:] = 180
STRIPES = np.zeros((48, 64, 3), np.uint8)
STRIPES[:, ::2] = 255
NOISE = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)


def only(fault: str, image: np.ndarray, monkeypatch, seed: int = 0) -> np.ndarray:
    """Give an image this fault and no other."""
    for name in ("SCALED", "SHARPENED", "COMPRESSED", "SHADED"):
        monkeypatch.setattr(degradation, name, float(name == fault))
    result = degraded(image, np.random.default_rng(seed), 1.0)
    assert result.shape == image.shape
    assert result.dtype == np.uint8
    return result


def test_without_strength_the_image_is_the_same():
    assert degraded(EDGE, np.random.default_rng(0), 0.0) is EDGE


def test_low_resolution_loses_stripes_of_a_pixel(monkeypatch):
    image = only("SCALED", STRIPES, monkeypatch)
    assert image.std() < 0.8 * STRIPES.std()
    assert abs(image.mean() - 127.5) < 4


def test_sharpening_overshoots_on_both_sides_of_an_edge(monkeypatch):
    image = only("SHARPENED", EDGE, monkeypatch)
    assert image.min() < 55
    assert image.max() > 185
    assert (image[:, :20] == 60).all()


def test_compression_is_seen_and_keeps_colours_in_order(monkeypatch):
    red_left = EDGE * np.array([1, 0, 0], np.uint8) + EDGE[:, ::-1] * np.array([0, 0, 1], np.uint8)
    image = only("COMPRESSED", red_left, monkeypatch).astype(int)
    assert (image != red_left).any()
    assert abs(image - red_left).mean() < 20, "channels are where they were"


def test_light_changes_evenly_from_side_to_side(monkeypatch):
    grey = np.full((48, 64, 3), 100, np.uint8)
    image = only("SHADED", grey, monkeypatch).astype(float)
    assert abs(image.mean() - 100) < 2, "it is lighter on one side by what the other loses"
    assert image.std() > 1
    opposite = image[::-1, ::-1]
    assert (abs(image + opposite - 200) <= 2).all()


def test_strength_is_a_factor_on_the_chance_of_a_fault():
    def share(strength: float) -> float:
        images = (degraded(NOISE, np.random.default_rng(seed), strength) for seed in range(400))
        return float(np.mean([(image != NOISE).any() for image in images]))

    for strength in (0.5, 1.0):
        none = np.prod([1 - strength * chance for chance in (SCALED, SHARPENED, COMPRESSED, SHADED)])
        assert abs(share(strength) - (1 - none)) < 0.08


def test_the_same_draws_give_the_same_image():
    first, again = (degraded(EDGE, np.random.default_rng(5), 1.0) for _ in range(2))
    assert (first == again).all()


def test_crops_have_faults_and_their_labels_do_not():
    labels = (EDGE[..., 0] > 100).astype(np.uint8)
    plain, faulty = (CropTransform((64, 48), (32, 24), jitter=0.0, degradation=strength) for strength in (0.0, 2.5))
    (image, label), (worse, same) = (crop(EDGE, labels, np.random.default_rng(1)) for crop in (plain, faulty))
    assert (label == same).all()
    assert (image != worse).any()
