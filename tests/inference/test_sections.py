"""Segmenters for the scenes of a video, on a clip that is bright, dark and bright again."""

from fractions import Fraction

import numpy as np
import pytest

from roadseg.adaptation.batch_norm import BatchNormAdaptation
from roadseg.inference import sections
from roadseg.inference.label_free import Measures
from roadseg.inference.sections import adapt_to_sections
from roadseg.inference.segmenter import Segmenter
from roadseg.labels.catalogue import CAMVID_11
from roadseg.video.frame import Frame
from roadseg.video.writer import VideoWriter

pytestmark = pytest.mark.timeout(60)
RATE = 4
BRIGHT, DARK = 200, 40
LIGHTS = [BRIGHT] * 8 + [DARK] * 7 + [BRIGHT] * 9
"""Grey level by second."""


class ByLight(Segmenter):
    """Describes images by their brightness; adapted to images, it remembers which."""

    label_space = CAMVID_11
    input_size = (32, 16)
    name = "by light"
    streets = ("", "indian")

    def __init__(self, seen=None, scenes=""):
        self.seen, self.scenes = seen, scenes

    def describe(self, images):
        return images.mean((1, 2, 3), dtype=np.float32)[:, None] / 255

    def adapted_to(self, images, adaptation):
        return ByLight(images, adaptation.scenes)

    def segment(self, images, tta=None):
        raise AssertionError("nothing is labelled here")


def write(path):
    with VideoWriter(path, width=64, height=48, time_base=Fraction(1, RATE)) as writer:
        for number, grey in enumerate(np.repeat(LIGHTS, RATE)):
            image = np.full((48, 64, 3), grey, np.uint8)
            writer.write(Frame.from_rgb(image, index=number, pts=number, time_base=Fraction(1, RATE), duration=1))
    return path


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write(tmp_path_factory.mktemp("clip") / "clip.mp4")


@pytest.fixture
def steadiness(monkeypatch):
    """Agreement of views by segmenter: 50 before, and what the test puts in for images of a scene."""
    by_scene = {}

    def agreement(segmenter, images):
        scene = "bright" if images.mean() > 128 else "dark"
        value = 50.0 if segmenter.seen is None else by_scene[scene, segmenter.scenes]
        return Measures(value, 0.1, (1.0,), 0.0)

    monkeypatch.setattr("roadseg.inference.scene_choice.Measures.of", agreement)
    return by_scene


def test_each_scene_is_adapted_to_its_own_frames(clip, steadiness):
    steadiness.update({("bright", ""): 51.0, ("dark", ""): 60.0})
    adapted = adapt_to_sections(clip, ByLight(), BatchNormAdaptation(7))
    assert (adapted.starts, adapted.scenes) == ([7.875, 14.875], [0, 1, 0])
    bright, dark = (adapted.at(seconds).seen for seconds in (3.0, 9.0))
    assert bright.shape[1:] == dark.shape[1:] == (16, 32, 3)
    assert len(dark) == 7 * RATE and len(bright) == 32, "at most 32 frames, spread over both bright sections"
    assert bright.min() > 180 and dark.max() < 60
    assert adapted.at(20.0) is adapted.at(3.0)
    assert [adapted.at(seconds).seen is dark for seconds in (7.75, 8.0, 14.75, 15.0)] == [False, True, True, False]


def test_a_scene_stays_as_it_is_unless_its_labels_get_steadier(clip, steadiness):
    steadiness.update({("bright", ""): 50.0, ("dark", ""): 50.5})
    start = ByLight()
    adapted = adapt_to_sections(clip, start, BatchNormAdaptation(7))
    assert adapted.at(3.0) is start and adapted.at(20.0) is start
    assert adapted.at(9.0).seen is not None
    assert "\n" not in str(adapted)
    assert str(adapted).startswith("sections in s: 0 to 8, 15 to the end: batch norm left as it is")
    assert "; 8 to 15: batch norm adapted" in str(adapted)


def test_streets_are_chosen_for_each_scene(clip, steadiness):
    steadiness.update({("bright", ""): 53.0, ("bright", "indian"): 52.0, ("dark", ""): 52.0, ("dark", "indian"): 53.0})
    adapted = adapt_to_sections(clip, ByLight(), BatchNormAdaptation(7, "auto"))
    assert [segmenter.scenes for segmenter in adapted.segmenters] == ["", "indian"]


def test_keyframes_are_enough_where_there_are_many(steadiness, monkeypatch, tmp_path):
    """Where only keyframes are decoded, the same frames are found again at the size of the network."""
    steadiness.update({("bright", ""): 51.0, ("dark", ""): 60.0})
    monkeypatch.setattr("roadseg.video.writer.KEYFRAME_INTERVAL", 2)
    monkeypatch.setattr("roadseg.video.sample._thinned", lambda *_: pytest.fail("decoded whole"))
    monkeypatch.setattr(sections, "ENOUGH", 20)
    monkeypatch.setattr(sections, "EVERY", 0.5)
    many = write(tmp_path / "clip.mp4")
    adapted = adapt_to_sections(many, ByLight(), BatchNormAdaptation(7))
    assert (adapted.starts, adapted.scenes) == ([7.75, 14.75], [0, 1, 0])
    assert len(adapted.at(9.0).seen) == 14 and adapted.at(9.0).seen.max() < 60
