"""Files with several video tracks, such as a front and a rear camera."""

import cv2
import pyarrow.parquet as pq
import pytest
from helpers.clips import make_clip
from helpers.drive_clips import TheUpperHalfIsSky
from helpers.program import roadseg

from roadseg.errors import VideoError
from roadseg.inference.label_frames import label_frames
from roadseg.jobs.overlay import overlay_videos
from roadseg.overlay.failures import Failure
from roadseg.video.extract import extract_frames
from roadseg.video.probe import probe
from roadseg.video.reader import VideoReader


@pytest.fixture
def clip(tmp_path):
    return make_clip(tmp_path / "clip.mp4", size=(128, 96), second_size=(64, 48)).path


def test_a_track_is_chosen_by_its_number(clip):
    for track, size in ((None, (128, 96)), (1, (128, 96)), (2, (64, 48))):
        assert (probe(clip, track=track).width, probe(clip, track=track).height) == size
        with VideoReader(clip, track=track) as video:
            frames = list(video)
        assert {(frame.width, frame.height) for frame in frames} == {size} and len(frames) == 12
    for track in (0, 3):
        with pytest.raises(VideoError, match=f"no video track {track}, it has 2"):
            VideoReader(clip, track=track)


def test_overlays_labels_and_images_are_of_the_chosen_track(clip, tmp_path):
    (summary,) = overlay_videos(clip, tmp_path / "out", TheUpperHalfIsSky(), track=2)
    assert (summary.width_px, summary.height_px, summary.job.track) == (64, 48, 2)
    (refused,) = overlay_videos(clip, tmp_path / "out", TheUpperHalfIsSky(), track=1)
    assert isinstance(refused, Failure) and "--track" in str(refused.error)
    frame, labels = next(iter(label_frames(clip, TheUpperHalfIsSky(), track=2)))
    assert labels.shape == (48, 64) == (frame.height, frame.width)
    done = roadseg("frames", clip, "--track", 2, "--count", 1, "--out", tmp_path / "frames", "--json")
    assert done.returncode == 0, done.stderr
    (image,) = (tmp_path / "frames").rglob("*.jpg")
    assert cv2.imread(str(image)).shape == (48, 64, 3)


def test_images_of_every_track_have_folders_of_their_own(clip, tmp_path):
    make_clip(tmp_path / "single.mp4")
    extraction = extract_frames([clip, tmp_path / "single.mp4"], tmp_path / "frames", count=1, track="all")
    names = [video.folder.name.partition("-")[2][9:] for video in extraction.videos]
    assert names == ["track1", "track2", ""]
    assert pq.read_table(extraction.index)["width"].to_pylist() == [128, 64, 64]
    again = extract_frames([clip], tmp_path / "frames", count=1, track="all")
    assert [video.reused for video in again.videos] == [True, True]
