"""The plain loop draws the same as an overlay."""

from pathlib import Path

import numpy as np
import pytest
from helpers.clips import make_clip
from plain_loop import plain_loop

from roadseg.errors import VideoError
from roadseg.inference.engines import load_segmenter
from roadseg.models.weights import load_model
from roadseg.overlay.appearance import NO_LEGEND
from roadseg.overlay.files import OverlayFiles
from roadseg.overlay.job import overlay_video
from roadseg.overlay.summary import OverlayOptions
from roadseg.runtime import start
from roadseg.video.reader import VideoReader

DEFAULT = Path("default")
SIZE = (64, 48)


@pytest.fixture
def clip(tmp_path):
    return make_clip(tmp_path / "clip.mp4", size=(96, 64), pts=range(30), noise=True).path


@pytest.mark.slow
def test_the_plain_loop_draws_the_same_labels(clip, tmp_path):
    network, card = load_model(DEFAULT)
    fps = plain_loop(clip, tmp_path / "plain.mp4", network.eval(), card.label_space, SIZE, start("cpu"))
    assert fps > 0
    segmenter = load_segmenter(DEFAULT, device="cpu", precision="float32", input_size=SIZE)
    overlay_video(clip, segmenter, tmp_path / "out", OverlayOptions(appearance=NO_LEGEND))
    with (
        VideoReader(tmp_path / "plain.mp4") as plain,
        VideoReader(OverlayFiles.of(clip, tmp_path / "out").overlay) as ours,
    ):
        pairs = list(zip(plain, ours, strict=True))
    assert len(pairs) == 30
    away = [np.abs(one.to_rgb().astype(int) - other.to_rgb()).mean() for one, other in pairs]
    assert np.mean(away) < 12


def test_a_video_that_opencv_cannot_read_is_an_error(tmp_path):
    network, card = load_model(DEFAULT)
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    with pytest.raises(VideoError, match="OpenCV cannot read it"):
        plain_loop(text, tmp_path / "plain.mp4", network, card.label_space, SIZE, start("cpu"))
