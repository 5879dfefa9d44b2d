"""Outlines that follow the picture: a square whose labels lie beside it, on both ways of drawing."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from roadseg.labels.catalogue import CITYSCAPES_19
from roadseg.labels.space import IGNORE
from roadseg.overlay.appearance import Appearance
from roadseg.overlay.device_draw import DeviceDrawing
from roadseg.overlay.device_draw import fitted_to_picture as fitted_on_device
from roadseg.overlay.draw import Overlay
from roadseg.overlay.edges import fitted_to_picture
from roadseg.video.frame import Frame

SKY, CAR = 10, 13


@pytest.fixture
def luma():
    """A bright square at rows and columns 40 to 119 of 160, with a little noise."""
    picture = np.full((160, 160), 60.0)
    picture[40:120, 40:120] = 190
    noise = np.random.default_rng(0).normal(0, 3, picture.shape)
    return (picture + noise).round().astype(np.uint8)


def beside(other=SKY):
    """A map of 80 x 80 whose car is a pixel lower and further right than the square: two pixels of the picture."""
    labels = np.full((80, 80), other, np.uint8)
    labels[21:61, 21:61] = CAR
    return labels


def truth(other=SKY):
    labels = np.full((160, 160), other, np.uint8)
    labels[40:120, 40:120] = CAR
    return labels


@pytest.mark.parametrize("other", [SKY, IGNORE])
def test_outlines_move_to_those_of_the_picture(luma, other):
    before = (beside(other).repeat(2, 0).repeat(2, 1) != truth(other)).mean()
    fitted = fitted_to_picture(beside(other), luma)
    assert fitted.shape == (160, 160) and set(np.unique(fitted)) == {CAR, other}
    assert before > 0.02
    assert (fitted != truth(other)).mean() < before / 20


def test_outlines_stay_where_the_picture_has_none(luma):
    fitted = fitted_to_picture(beside(), np.full_like(luma, 100))
    assert (fitted != beside().repeat(2, 0).repeat(2, 1)).mean() < 0.01  # corners get round


@pytest.mark.parametrize("labels", [np.full((80, 80), SKY, np.uint8), beside()[20:28]])
def test_maps_of_one_class_and_tiny_ones_stay(luma, labels):
    assert np.array_equal(fitted_to_picture(labels, luma), labels)


def test_a_device_gives_the_same(luma):
    labels = np.stack([beside(), beside()[::-1].copy()])
    pictures = np.stack([luma, luma[::-1].copy()])
    found = fitted_on_device(torch.from_numpy(labels), torch.from_numpy(pictures)).numpy()
    expected = np.stack([fitted_to_picture(*pair) for pair in zip(labels, pictures, strict=True)])
    assert (found != expected).mean() < 0.001  # where two classes answer alike


def test_both_ways_of_drawing_fit_edges(luma):
    grey = np.full((80, 80), 128, np.uint8)
    frame = Frame(luma, grey, grey, "bt709", False, 0, 0, Fraction(1, 25), 1)
    overlay = Overlay(CITYSCAPES_19, Appearance(fit_edges=True, style="both", legend="none"))
    planes = tuple(torch.from_numpy(plane[None].copy()) for plane in (frame.y, frame.u, frame.v))
    drawn = overlay.draw(frame, beside())
    found = DeviceDrawing(overlay, frame, torch.device("cpu")).draw(planes, torch.from_numpy(beside()[None]))
    plain = Overlay(CITYSCAPES_19, Appearance(style="both", legend="none")).draw(frame, beside())
    for plane, expected, without in zip(found, (drawn.y, drawn.u, drawn.v), (plain.y, plain.u, plain.v), strict=True):
        assert (np.abs(plane[0].numpy().astype(int) - expected) > 1).mean() < 0.002
        assert (np.abs(expected.astype(int) - without) > 1).mean() > 0.02
