"""The hand-labelled frames of `benchmarks/indian_track`: the polygons, and the data set that is made of them."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from roadseg.datasets.folder import open_folder
from roadseg.datasets.polygons import Region, painted
from roadseg.labels.catalogue import CITYSCAPES_19
from roadseg.labels.space import IGNORE
from roadseg.video.reader import VideoReader

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "indian_track"
ANNOTATION = json.loads((FOLDER / "polygons.json").read_bytes())
WIDTH, HEIGHT = ANNOTATION["size"]
PICTURES = {picture["frame"]: picture["polygons"] for picture in ANNOTATION["pictures"]}
TRAIN_IDS = {"ignore": IGNORE} | {name: train_id for train_id, name in enumerate(CITYSCAPES_19.classes)}


def make(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(FOLDER / "make.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_frames_are_of_the_video_and_in_order():
    frames = [picture["frame"] for picture in ANNOTATION["pictures"]]
    assert len(frames) == 12
    assert frames == sorted(set(frames))
    assert all(0 <= frame < ANNOTATION["frames"] for frame in frames)


@pytest.mark.parametrize("frame", PICTURES)
def test_polygons_lie_in_the_image_and_label_most_of_it(frame):
    for name, corners in PICTURES[frame]:
        assert name in TRAIN_IDS
        assert len(corners) >= 3, name
        assert all(0 <= x < WIDTH and 0 <= y < HEIGHT for x, y in corners), (name, corners)
    regions = [Region(TRAIN_IDS[name], np.array(corners)) for name, corners in PICTURES[frame]]
    assert (painted(regions, (WIDTH, HEIGHT)) != IGNORE).mean() >= 0.9


def test_another_video_is_refused_and_nothing_written(tmp_path):
    other = tmp_path / "other.mp4"
    other.write_bytes(b"another video")
    ran = make(other, tmp_path / "out")
    assert ran.returncode == 1
    assert "not the video that was labelled" in ran.stderr
    assert ANNOTATION["video"] in ran.stderr
    assert len(ran.stderr.splitlines()) == 2
    assert not (tmp_path / "out").exists()


def test_a_missing_video_is_told_in_a_line(tmp_path):
    ran = make(tmp_path / "none.mp4", tmp_path / "out")
    assert ran.returncode == 1
    assert ran.stderr.splitlines() == [f"{tmp_path / 'none.mp4'}: cannot be read (No such file or directory)"]


@pytest.mark.slow
@pytest.mark.real_data
def test_the_set_holds_the_labelled_frames_and_can_be_scored(real_data, tmp_path):
    video = real_data / "video" / "dashcam" / ANNOTATION["video"]
    ran = make(video, tmp_path)
    assert ran.returncode == 0, ran.stderr
    dataset = open_folder(tmp_path, "val")
    assert [int(sample.name) for sample in dataset.samples] == list(PICTURES)
    assert dataset.label_space == CITYSCAPES_19
    with VideoReader(video) as reader:
        wanted = next(frame.to_rgb() for frame in reader if frame.index == min(PICTURES))
    np.testing.assert_array_equal(dataset.image(0), wanted)
    labels = dataset.label(0)
    assert labels.shape == (HEIGHT, WIDTH)
    # The sky above, the road before the car, and the padding below the frame, which is neither.
    assert labels[5, WIDTH // 2] == TRAIN_IDS["sky"]
    assert labels[HEIGHT - 10, WIDTH // 2] == TRAIN_IDS["road"]
    assert (labels[-2:] == IGNORE).all()
