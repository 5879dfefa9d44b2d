"""Frames drawn on by torch are those of OpenCV; torch's CPU stands for every device."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from roadseg.inference.planes import PlaneLayout
from roadseg.labels.catalogue import CITYSCAPES_19
from roadseg.labels.space import IGNORE
from roadseg.overlay import draw
from roadseg.overlay.appearance import Appearance
from roadseg.overlay.device_draw import DeviceDrawing, enlarge
from roadseg.overlay.draw import Overlay
from roadseg.video.frame import Frame

CPU = torch.device("cpu")


def frames_of(width, height, count=2):
    """Frames of noise."""
    random = np.random.default_rng(width)
    half = ((height + 1) // 2, (width + 1) // 2)
    return [
        Frame(
            random.integers(16, 236, (height, width), np.uint8),
            *random.integers(16, 241, (2, *half), np.uint8),
            *("bt709", False, index, index, Fraction(1, 25), 1),
        )
        for index in range(count)
    ]


def label_maps(height, width, count=2):
    """Maps of all classes in blobs, with labels that are ignored and ids beyond the classes."""
    random = np.random.default_rng(height)
    ids = np.array([*range(len(CITYSCAPES_19)), IGNORE, 200], np.uint8)
    coarse = ids[random.integers(0, len(ids), (count, -(-height // 4), -(-width // 4)))]
    return np.ascontiguousarray(coarse.repeat(4, 1).repeat(4, 2)[:, :height, :width])


@pytest.mark.parametrize(
    "appearance",
    [
        Appearance(opacity=0.4),
        Appearance(opacity=0.4, legend="bottom"),
        Appearance(opacity=0.4, legend="none"),
        Appearance(style="contour"),
        Appearance(opacity=0.4, side_by_side=True, title="A drive"),
        Appearance(opacity=0.4, height=200, legend="top", title="A drive"),
        Appearance(opacity=0.4, height=480),
        Appearance(opacity=0.4, blur=("person", "car"), side_by_side=True),
        Appearance(style="both", classes=("road", "car", "person"), palette="bright", legend="none"),
    ],
)
@pytest.mark.parametrize(("size", "shape"), [((640, 360), (90, 160)), ((643, 361), (48, 64)), ((320, 180), (180, 320))])
def test_planes_are_within_a_level_of_those_of_opencv(size, shape, appearance):
    frames, labels = frames_of(*size), label_maps(*shape)
    overlay = Overlay(CITYSCAPES_19, appearance)
    layout = PlaneLayout.of(frames[0])
    planes = DeviceDrawing(overlay, frames[0], CPU).draw(
        layout.planes(layout.pack(frames, CPU)), torch.from_numpy(labels)
    )
    for number, (frame, maps) in enumerate(zip(frames, labels, strict=True)):
        expected = overlay.draw(frame, maps)
        for found, plane in zip(planes, (expected.y, expected.u, expected.v), strict=True):
            difference = np.abs(found[number].numpy().astype(int) - plane)
            assert difference.max() <= 1
            # OpenCV enlarges in fixed point.
            assert (difference > 0).mean() < (0.1 if appearance.height else 0.01)


@pytest.mark.parametrize(("width", "shape"), [(512, (96, 128)), (320, (13, 17)), (100, (40, 60)), (40, (40, 60))])
def test_labels_are_enlarged_as_by_opencv(width, shape):
    labels = label_maps(*shape)
    found = enlarge(torch.from_numpy(labels), width).numpy()
    assert np.array_equal(found, np.stack([draw.enlarge(maps, width) for maps in labels]))
