"""Legends of whole overlays: the classes that a look at the video finds, and no others."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from helpers.clips import make_clip
from helpers.drive_clips import TheUpperHalfIsSky

from roadseg.errors import OutputError
from roadseg.labels.catalogue import CITYSCAPES_19
from roadseg.overlay.appearance import NO_LEGEND, Appearance
from roadseg.overlay.draw import Overlay
from roadseg.overlay.files import OverlayFiles
from roadseg.overlay.job import overlay_video
from roadseg.overlay.look import classes_shown
from roadseg.overlay.masking import Mask
from roadseg.overlay.parts import OverlayParts
from roadseg.overlay.summary import OverlayJob, OverlayOptions
from roadseg.report.overlay_results import read_results
from roadseg.video.probe import probe
from roadseg.video.reader import VideoReader

pytestmark = pytest.mark.timeout(60)
SIZE = (192, 144)


class SomeClasses(TheUpperHalfIsSky):
    """Road below sky; from the 6th image on with a car of 8 pixels, and with 1 pixel of pole: 0.05 % of the map."""

    concurrency = 1

    def __init__(self):
        super().__init__(CITYSCAPES_19)
        self.images = 0

    def segment(self, images, tta=None):
        maps = np.zeros((len(images), 32, 64), np.uint8)
        maps[:, :15] = 10
        maps[:, 31, 63] = 5
        for labels in maps:
            if self.images >= 6:
                labels[20:22, :4] = 13
            self.images += 1
        return maps


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return make_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", size=SIZE, pts=range(10)).path


def test_a_look_names_what_is_large_in_one_frame_and_orders_it(clip):
    assert classes_shown(clip, SomeClasses()) == ("road", "sky", "car")


def test_a_look_does_not_see_what_a_mask_leaves_out(clip):
    left_out = np.zeros((2, 1), np.bool_)
    left_out[0] = True
    assert classes_shown(clip, SomeClasses(), Mask(left_out, "test")) == ("road", "car")


@pytest.mark.parametrize(("place", "added"), [("below", 16), ("top", 0), ("bottom", 0)])
def test_the_overlay_has_the_legend_of_its_video(clip, tmp_path, place, added):
    summary = overlay_video(clip, SomeClasses(), tmp_path, OverlayOptions(appearance=Appearance(legend=place)))
    assert summary.legend == ("road", "sky", "car")
    assert (summary.width_px, summary.height_px) == SIZE
    found = probe(tmp_path / "clip.overlay.mp4")
    assert (found.width, found.height) == (SIZE[0], SIZE[1] + added)
    with VideoReader(clip) as reader, VideoReader(tmp_path / "clip.overlay.mp4") as overlay:
        labels = SomeClasses().segment(np.zeros(1))[0]
        drawing = Overlay(CITYSCAPES_19, Appearance(legend=place), summary.legend)
        expected = drawing.draw(next(iter(reader)), labels)
        assert np.abs(next(iter(overlay)).y.astype(int) - expected.y).mean() < 3  # but for the encoder


def test_summary_and_reruns_know_the_appearance(clip, tmp_path):
    options = OverlayOptions(appearance=Appearance(style="both", palette={"road": (1, 2, 3)}, classes=("road", "car")))
    first = overlay_video(clip, SomeClasses(), tmp_path, options)
    assert first.legend == ("road", "car")
    assert first.colours[0] == (1, 2, 3) and first.colours[1:] == list(CITYSCAPES_19.colours[1:])
    assert sum(entry.share for entry in first.classes) == pytest.approx(1)
    again = overlay_video(clip, SomeClasses(), tmp_path, options)
    assert again.skipped and again.job == first.job


def test_a_wider_overlay_leaves_the_size_of_the_video_in_the_summary(clip, tmp_path):
    options = OverlayOptions(appearance=Appearance(side_by_side=True, height=96, title="A drive"))
    summary = overlay_video(clip, SomeClasses(), tmp_path, options)
    found = probe(tmp_path / "clip.overlay.mp4")
    assert (found.width, found.height) == (2 * 128 + 4, 96)
    assert (summary.width_px, summary.height_px) == SIZE
    assert read_results(OverlayFiles.of(clip, tmp_path)).overlay_aspect_ratio == pytest.approx(260 / 96)
    with pytest.raises(OutputError, match="another choice of --title"):
        other = replace(options, appearance=replace(options.appearance, title="Another"))
        overlay_video(clip, SomeClasses(), tmp_path, other)


def test_without_a_legend_there_is_no_look(clip, tmp_path):
    segmenter = SomeClasses()
    summary = overlay_video(clip, segmenter, tmp_path, OverlayOptions(appearance=NO_LEGEND))
    assert (summary.legend, segmenter.images) == ((), 10)


def test_a_job_that_goes_on_keeps_its_legend(clip, tmp_path):
    files = OverlayFiles.of(clip, tmp_path)
    job = OverlayJob.of(clip, SomeClasses(), OverlayOptions())
    looks = iter([("road", "sky"), ("road",)])
    for _ in range(2):
        parts = OverlayParts(files, job, {}, CITYSCAPES_19, Fraction(1))
        assert parts.named(lambda: next(looks)) == ("road", "sky")
    other = OverlayJob.of(clip, SomeClasses(), OverlayOptions(appearance=Appearance(opacity=0.4)))
    assert OverlayParts(files, other, {}, CITYSCAPES_19, Fraction(1)).named(lambda: next(looks)) == ("road",)
