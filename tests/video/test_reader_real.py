"""Files of other people's making. Sizes, counts and times agree with OpenCV's reader and with a count of packets."""

from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, pairwise

import pytest

from roadseg.video.reader import VideoReader

pytestmark = pytest.mark.real_data

ENOUGH = 150
"""Frames to read of a long video."""


@dataclass(frozen=True)
class Expected:
    name: str
    width: int
    height: int
    frames: int
    time_base: Fraction
    first_pts: int
    last_pts: int
    matrix: str
    sound: tuple[str, ...] = ()
    full_range: bool = False
    corrupt_packets: int = 0
    notices: int = 0


VIDEOS = [
    Expected("dashcam/carnd_vehicle_test_video.mp4", 1280, 720, 38, Fraction(1, 25), 0, 37, "bt709", ("aac",)),
    Expected("dashcam/indian_track_480p.mp4", 480, 272, 2400, Fraction(1, 15360), 0, 1228288, "bt601"),
    Expected("dashcam/solidWhiteRight.mp4", 960, 540, 221, Fraction(1, 25), 0, 220, "bt601", ("aac",)),
    Expected("odd/ae_h264-png.mp4", 640, 360, 60, Fraction(1, 15360), 0, 30208, "bt601", ("aac",), notices=1),
    Expected("odd/ae_test_yuv422p.mp4", 640, 360, 60, Fraction(1, 15360), 0, 30208, "bt601", ("aac",), notices=1),
    Expected("odd/ae_testsrc.mkv", 640, 360, 60, Fraction(1, 1000), 23, 1990, "bt601", ("aac",), notices=1),
    Expected("odd/av1_video.mkv", 640, 360, 125, Fraction(1, 1000), 0, 4960, "bt709"),
    Expected("odd/bigbuckbunny.mp4", 1280, 720, 132, Fraction(1, 12800), 0, 67072, "bt709", ("aac",), notices=1),
    Expected("odd/bikes.mp4", 640, 272, 250, Fraction(1, 12800), 0, 127488, "bt601", notices=1),
    Expected("odd/bt709_full_range.mp4", 1280, 720, 30, Fraction(1, 15360), 0, 14848, "bt709", full_range=True),
    # 50 packets, one of them unreadable; cv2.VideoCapture stops at it, after 28 frames.
    Expected("odd/corrupted.mp4", 1280, 720, 49, Fraction(1, 10240), 0, 50176, "bt709", corrupt_packets=1, notices=1),
    Expected("odd/enst_video.h264", 128, 128, 173, Fraction(1, 25), 0, 172, "bt601", notices=2),
    Expected("odd/h264_10bits.mp4", 200, 200, 30, Fraction(1, 15360), 0, 14848, "bt601", notices=1),
    Expected("odd/realshort.mp4", 320, 240, 36, Fraction(1, 90000), 0, 104930, "bt601", ("aac",), notices=1),
    Expected("odd/video_0.mov", 568, 320, 3, Fraction(1, 19200), 0, 1280, "bt709"),
    Expected("odd/video_90.mov", 320, 568, 3, Fraction(1, 19200), 0, 1280, "bt709"),
    Expected("odd/video_270.mov", 320, 568, 3, Fraction(1, 19200), 0, 1280, "bt709"),
]


def test_every_file_is_expected(real_data):
    there = {str(path.relative_to(real_data / "video")) for path in real_data.glob("video/*/*")}
    assert there == {video.name for video in VIDEOS}


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("expected", VIDEOS, ids=lambda video: video.name)
def test_reads(real_data, expected, threads):
    with VideoReader(real_data / "video" / expected.name, threads=threads) as video:
        frames = list(islice(video, ENOUGH))
        image = frames[-1].to_rgb((64, 36))
    info, events = video.info, video.events
    assert (info.width, info.height, info.audio_codecs) == (expected.width, expected.height, expected.sound)
    assert {(frame.width, frame.height) for frame in frames} == {(expected.width, expected.height)}
    assert {(frame.matrix, frame.full_range) for frame in frames} == {(expected.matrix, expected.full_range)}
    assert len(frames) == min(expected.frames, ENOUGH)
    assert [frame.index for frame in frames] == list(range(len(frames)))
    assert info.time_base == frames[0].time_base == expected.time_base
    assert frames[0].pts == expected.first_pts
    if expected.frames <= ENOUGH:
        assert frames[-1].pts == expected.last_pts
    assert all(now.pts + now.duration == after.pts for now, after in pairwise(frames))
    assert events.corrupt_packets == expected.corrupt_packets
    assert (events.timestamps_repaired, events.truncated_seconds) == (0, 0.0)
    assert len(events.notices) == expected.notices
    assert image.std() > 5, "a picture has contrast"


@pytest.mark.parametrize("name", ["odd/video_0.mov", "odd/video_90.mov", "odd/video_270.mov"])
def test_turned_videos_stand_upright_as_opencv_shows_them(real_data, name):
    import cv2

    path = real_data / "video" / name
    capture = cv2.VideoCapture(str(path))
    _, picture = capture.read()
    capture.release()
    with VideoReader(path) as video:
        image = next(iter(video)).to_rgb()
    assert image.shape == picture.shape
    # OpenCV takes every video for BT.601; these are BT.709.
    assert abs(image.astype(int) - picture[..., ::-1]).mean() < 2


def test_whole_drive(real_data):
    with VideoReader(real_data / "video/dashcam/indian_track_480p.mp4") as video:
        total = sum((frame.duration for frame in video), 0)
    assert total * video.info.time_base == 80
