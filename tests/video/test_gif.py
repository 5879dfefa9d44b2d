"""GIFs of videos."""

import numpy as np
import pytest
from helpers.clips import level, make_clip
from PIL import Image

from roadseg.video import gif
from roadseg.video.gif import write_gif


def frames(path):
    """Duration in seconds and grey level, at the lower right, of each frame, as Pillow reads them."""
    with Image.open(path) as image:
        found = []
        for index in range(image.n_frames):
            image.seek(index)
            found.append((image.info["duration"] / 1000, float(np.asarray(image.convert("L"))[-8:, -8:].mean())))
        return found


def test_a_frame_each_tenth_of_a_second_in_its_colours(tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", pts=range(50))
    made = write_gif(clip.path, tmp_path / "clip.gif", seconds=1)
    shown = frames(made.path)
    assert [duration for duration, _ in shown] == [0.1] * 10
    # At 25 Hz these are on the screen at 0, 0.1, 0.2 ... seconds.
    expected = [level(index) for index in (0, 2, 5, 7, 10, 12, 15, 17, 20, 22)]
    assert [grey for _, grey in shown] == pytest.approx(expected, abs=3)
    assert (made.size, made.seconds, made.bytes) == ((64, 48), 1, made.path.stat().st_size)
    with Image.open(made.path) as image:
        assert image.info["loop"] == 0  # for ever


def test_it_gets_as_small_as_it_must(tmp_path, monkeypatch):
    clip = make_clip(tmp_path / "clip.mp4", size=(128, 96), noise=True, pts=range(0, 100, 10))
    monkeypatch.setattr(gif, "WIDTHS", (96, 64, 32))
    full = write_gif(clip.path, tmp_path / "full.gif")
    assert full.size == (96, 72)
    monkeypatch.setattr(gif, "MOST_BYTES", full.bytes // 2)
    assert write_gif(clip.path, tmp_path / "small.gif").size == (64, 48)
    monkeypatch.setattr(gif, "MOST_BYTES", 1)
    assert write_gif(clip.path, tmp_path / "tiny.gif").size == (32, 24)


def test_frames_that_last_longer_are_shown_as_long(tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", pts=[0, 5, 30, 31, 40])
    write_gif(clip.path, tmp_path / "clip.gif")
    assert [duration for duration, _ in frames(tmp_path / "clip.gif")] == [0.2, 1, 0.1, 0.3, 0.04]
