"""Overlays whose scenes have statistics of their own: in the results, in the summary, and after an interruption."""

from fractions import Fraction

import numpy as np
import pyarrow.parquet as pq
import pytest

from roadseg.adaptation.batch_norm import BatchNormAdaptation
from roadseg.errors import InputError, OutputError
from roadseg.inference.label_free import Measures
from roadseg.inference.segmenter import Segmenter
from roadseg.labels.catalogue import CAMVID_11
from roadseg.overlay import encoding, job, parts
from roadseg.overlay.appearance import NO_LEGEND
from roadseg.overlay.files import OverlayFiles
from roadseg.overlay.job import overlay_video
from roadseg.overlay.summary import OverlayOptions
from roadseg.video.frame import Frame
from roadseg.video.writer import VideoWriter

pytestmark = pytest.mark.timeout(60)
RATE = 4
LIGHTS = [200] * 16 + [40] * 15 + [200] * 17
"""Grey level by second; the changes lie in the middle of segments and of batches."""
SEGMENT_FRAMES = 24
FAIL_AT = 38
"""Number of a batch towards the end: a failure loses the frames that are on the way between stages."""
SKY, ROAD = 0, 3
SECTIONS = OverlayOptions(batch_norm=BatchNormAdaptation(7), sections=True, appearance=NO_LEGEND)


class DarkIsAdapted(Segmenter):
    """Labels everything road, and everything sky once it is adapted to dark images."""

    label_space = CAMVID_11
    name = "dark"
    input_size = (32, 16)
    batch_size = 5
    concurrency = 1

    def __init__(self, fail_at=None, label=ROAD, dark=False):
        self.fail_at, self.label, self.dark = fail_at, label, dark
        self.batches = []

    def describe(self, images):
        return images.mean((1, 2, 3), dtype=np.float32)[:, None] / 255

    def adapted_to(self, images, adaptation):
        adapted = DarkIsAdapted(self.fail_at, SKY, images.max() < 100)
        adapted.batches = self.batches
        return adapted

    def segment(self, images, tta=None):
        if len(self.batches) == self.fail_at:
            raise MemoryError("the network is too large")
        assert np.ptp(images.mean((1, 2, 3))) < 100, "a batch is of one scene"
        self.batches.append(len(images))
        return np.full((len(images), 8, 16), self.label, np.uint8)

    def scores(self, images, tta=None):
        road = self.segment(images)[:, None, ::2, ::2] == ROAD
        return np.log(0.1 + 0.8 * np.concatenate([~road, road], 1)).astype(np.float32)

    def labels_from_scores(self, scores):
        return np.where(scores.argmax(1) == 0, SKY, ROAD).astype(np.uint8)


@pytest.fixture(autouse=True)
def steadier_in_the_dark(monkeypatch):
    def agreement(segmenter, images):
        return Measures(60.0 if segmenter.dark else 50.0, 0.1, (1.0,), 0.0)

    monkeypatch.setattr("roadseg.inference.scene_choice.Measures.of", agreement)
    for module in (parts, job, encoding):
        monkeypatch.setattr(module, "SEGMENT_FRAMES", SEGMENT_FRAMES)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    with VideoWriter(path, width=64, height=48, time_base=Fraction(1, RATE)) as writer:
        for number, grey in enumerate(np.repeat(LIGHTS, RATE)):
            image = np.full((48, 64, 3), grey, np.uint8)
            writer.write(Frame.from_rgb(image, index=number, pts=number, time_base=Fraction(1, RATE), duration=1))
    return path


def table(clip, out):
    return pq.read_table(OverlayFiles.of(clip, out).frames).to_pydict()


def test_frames_are_labelled_with_the_statistics_of_their_scene(clip, tmp_path):
    summary = overlay_video(clip, DarkIsAdapted(), tmp_path, SECTIONS)
    assert table(clip, tmp_path)["fraction_Sky"] == [float(level < 100) for level in np.repeat(LIGHTS, RATE)]
    found = [(section.start_seconds, section.scene, section.adapted) for section in summary.sections]
    assert found == [(0.0, 0, False), (15.875, 1, True), (30.875, 0, False)]
    assert (summary.sections[1].agreement_before, summary.sections[1].agreement_adapted) == (50.0, 60.0)
    assert set(summary.sections_seconds) == {"find", "adapt"}
    assert [notice for notice in summary.notices if notice.startswith("sections in s: 0 to 16, 31 to the end: ")]


@pytest.mark.parametrize("smoothing", [0.0, 0.6])
def test_an_interrupted_overlay_goes_on_with_the_same_statistics(clip, tmp_path, smoothing):
    options = OverlayOptions(batch_norm=BatchNormAdaptation(7), sections=True, smoothing=smoothing)
    whole, cut = DarkIsAdapted(), DarkIsAdapted(fail_at=FAIL_AT)
    overlay_video(clip, whole, tmp_path / "whole", options)
    with pytest.raises(MemoryError):
        overlay_video(clip, cut, tmp_path / "cut", options)
    rest = DarkIsAdapted()
    summary = overlay_video(clip, rest, tmp_path / "cut", options)
    assert summary.frames_resumed >= SEGMENT_FRAMES
    assert table(clip, tmp_path / "cut") == table(clip, tmp_path / "whole")
    # The same batches, wherever the work begins: none reaches over the end of a segment or of a section.
    done = np.cumsum(whole.batches).tolist().index(summary.frames_resumed) + 1
    assert rest.batches == whole.batches[done:]


def test_the_choice_is_part_of_the_job(clip, tmp_path):
    once = OverlayOptions(batch_norm=BatchNormAdaptation(7), appearance=NO_LEGEND, batch_size=1)
    assert overlay_video(clip, DarkIsAdapted(), tmp_path, once).sections == []
    with pytest.raises(OutputError, match="another choice of --bn-sections"):
        overlay_video(clip, DarkIsAdapted(), tmp_path, SECTIONS)
    overlay_video(clip, DarkIsAdapted(), tmp_path, OverlayOptions(**vars(SECTIONS) | {"overwrite": True}))
    assert overlay_video(clip, DarkIsAdapted(), tmp_path, SECTIONS).skipped


def test_sections_without_adaptation_make_no_sense():
    with pytest.raises(InputError) as caught:
        OverlayOptions(sections=True)
    assert "--adapt-bn" in caught.value.remedy
