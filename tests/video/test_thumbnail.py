import numpy as np
import pytest
from helpers.clips import make_clip
from helpers.drive_clips import make_drive

from roadseg.errors import VideoError
from roadseg.video.reader import VideoReader
from roadseg.video.thumbnail import thumbnail


def test_it_is_the_middle_keyframe_as_it_is_shown(tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", size=(64, 48), aspect=2, options={"g": "3", "crf": "1"}, pts=range(12))
    asked = []
    image = thumbnail(clip.path, lambda ratio: asked.append(ratio) or (32, 12))
    assert asked == [pytest.approx(2 * 64 / 48)]
    assert image.shape == (12, 32, 3) and image.dtype == np.uint8
    with VideoReader(clip.path) as reader:
        middle = next(reader.keyframes(1)).to_rgb((32, 12))
    assert np.abs(image.astype(int) - middle).mean() < 4
    above = thumbnail(clip.path, lambda ratio: (32, 12), rows=36)  # a legend has the other 12 rows of 48
    assert np.array_equal(above, image[:9])


def test_a_broken_file_is_named(tmp_path):
    path = make_drive(tmp_path / "a.mp4")
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(VideoError, match=r"a\.mp4"):
        thumbnail(path, lambda ratio: (32, 24))
