"""Finished videos side by side: their frames, times and sound."""

from fractions import Fraction

import numpy as np
import pytest
from helpers.clips import make_clip, picture_times, sound_tracks

from roadseg.overlay.side_by_side import join_videos
from roadseg.video.find import is_video
from roadseg.video.reader import VideoReader


@pytest.fixture
def clips(tmp_path):
    """Two clips with the same times, one higher than the other."""
    common = {"pts": (0, 30, 31, 40), "time_base": Fraction(1, 90)}
    return [
        make_clip(tmp_path / "before.mp4", size=(160, 96), sound="aac", **common).path,
        make_clip(tmp_path / "after.mp4", size=(160, 112), **common).path,
    ]


def test_frames_times_and_sound_are_those_of_the_videos(clips, tmp_path):
    joined, done = tmp_path / "a.comparison.mp4", []
    join_videos({"before": clips[0], "after": clips[1]}, joined, on_progress=lambda frames, total: done.append(frames))
    assert done == [1, 2, 3, 4]
    assert picture_times(joined) == picture_times(clips[0])
    assert sound_tracks(joined) == sound_tracks(clips[0]) != []
    with VideoReader(joined) as video, VideoReader(clips[0]) as left, VideoReader(clips[1]) as right:
        assert (video.info.width, video.info.height) == (324, 112)
        for frame, before, after in zip(video, left, right, strict=True):
            luma = frame.y.astype(int)
            assert np.abs(luma[40:96, :160] - before.y[40:]).mean() < 5  # below the title
            assert np.abs(luma[40:112, 164:] - after.y[40:]).mean() < 5
            assert luma[98:112, :160].max() < 40  # the ground below the shorter one
    assert not is_video(joined)


def test_a_video_that_is_too_large_is_scaled(tmp_path):
    wide = make_clip(tmp_path / "wide.mp4", size=(1920, 64), pts=(0,)).path
    join_videos({"before": wide, "after": wide}, tmp_path / "joined.mp4")
    with VideoReader(tmp_path / "joined.mp4") as video:
        assert video.info.width <= 1920
