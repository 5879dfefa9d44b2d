"""Previews: the frame of a moment, drawn as the overlay draws it."""

from fractions import Fraction

import numpy as np
import pytest
from helpers.clips import level, make_clip
from helpers.drive_clips import TheUpperHalfIsSky, make_drive

from roadseg.errors import InputError, VideoError
from roadseg.jobs.overlay import overlay_videos
from roadseg.jobs.preview import preview_overlay
from roadseg.video.reader import VideoReader


def test_a_preview_looks_like_the_frame_of_the_overlay(tmp_path):
    drive = make_drive(tmp_path / "drive.mp4")
    look = {"palette": "bright", "style": "both", "side_by_side": True}
    preview = preview_overlay(drive, 0.25, TheUpperHalfIsSky())
    assert preview.frame.seconds == pytest.approx(0.2)
    overlay_videos(drive, tmp_path / "out", TheUpperHalfIsSky(), **look)
    with VideoReader(tmp_path / "out" / "drive.overlay.mp4") as reader:
        frames = [frame.to_rgb().astype(int) for frame in reader]
    picture = preview.draw(**look).astype(int)
    assert picture.shape == frames[2].shape
    assert np.abs(picture - frames[2]).mean() < 3  # of the encoder
    assert preview.draw(legend="none").shape == (48, 64, 3)


@pytest.mark.parametrize(("seconds", "index"), [(-1, 0), (0, 0), (0.1, 2), (99, 11)])
@pytest.mark.parametrize("name", ["clip.mp4", "late.mkv", "raw.h264"])
def test_the_frame_is_the_one_of_the_moment_in_any_container(tmp_path, name, seconds, index):
    pts = range(100, 112) if name == "late.mkv" else range(12)  # raw streams have no times, and allow no seeking
    clip = make_clip(tmp_path / name, pts=pts)
    frame = preview_overlay(clip.path, seconds, TheUpperHalfIsSky()).frame
    assert frame.to_rgb()[40, 60] == pytest.approx(level(index), abs=2)


def test_pixels_are_square(tmp_path):
    clip = make_clip(tmp_path / "wide.mp4", aspect=Fraction(3, 2))
    assert preview_overlay(clip.path, 0, TheUpperHalfIsSky()).draw(legend="none").shape == (48, 96, 3)


def test_mistakes_are_told(tmp_path):
    with pytest.raises(VideoError, match="no such file"):
        preview_overlay(tmp_path / "none.mp4", 0, TheUpperHalfIsSky())
    preview = preview_overlay(make_drive(tmp_path / "drive.mp4"), 0, TheUpperHalfIsSky())
    for look, said in (({"opacity": 2}, "opacity: 2"), ({"classes": ["lake"]}, "no class 'lake'")):
        with pytest.raises(InputError, match=said):
            preview.draw(**look)
