"""Frames of videos and streams with their labels."""

import threading
from fractions import Fraction

import numpy as np
import pytest
from helpers.drive_clips import TheUpperHalfIsSky, make_drive

from roadseg.errors import InputError, VideoError
from roadseg.inference.label_frames import label_frames
from roadseg.inference.segmenter import Segmenter
from roadseg.labels.catalogue import CAMVID_11
from roadseg.models.tta import TTA
from roadseg.video.frame import Frame
from roadseg.video.reader import VideoReader

pytestmark = pytest.mark.timeout(60)


class BrightIsSky(Segmenter):
    """Bright is sky (0), the rest road (3), as sure as nine to one; fails at a given batch."""

    name, label_space, input_size, batch_size, concurrency = "bright", CAMVID_11, (32, 16), 4, 2

    def __init__(self, fail_at=None):
        self.fail_at = fail_at
        self.batches = []

    def segment(self, images, tta):
        return self.labels_from_scores(self.scores(images, tta))

    def scores(self, images, tta):
        if len(self.batches) == self.fail_at:
            raise MemoryError("the network is too large")
        self.batches.append((len(images), tta))
        sky = (images[:, ::2, ::2].mean(axis=3) > 127).astype(np.float32)
        return np.log(0.1 + 0.8 * np.stack([sky, 1 - sky], axis=1)).astype(np.float32)

    def labels_from_scores(self, scores):
        return np.where(scores.argmax(1) == 0, 0, 3).astype(np.uint8)


def threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("roadseg-")]


@pytest.fixture
def drive(tmp_path):
    return make_drive(tmp_path / "drive.mp4", durations=(1, 2, 1, 1, 3, 1, 1, 1, 1, 1))


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_frames_of_a_video_come_in_order_with_labels_of_their_size(drive, kind):
    seen = list(label_frames(kind(drive), TheUpperHalfIsSky()))
    with VideoReader(drive) as video:
        expected = list(video)
    assert [frame.seconds for frame, _ in seen] == [frame.seconds for frame in expected]
    for (frame, labels), other in zip(seen, expected, strict=True):
        assert np.array_equal(frame.y, other.y)
        assert labels.shape == (48, 64) and labels.dtype == np.uint8
        assert (labels[:24] == 0).all() and (labels[24:] == 3).all()
        assert frame.to_rgb().shape == (48, 64, 3) and frame.to_rgb((32, 16)).shape == (16, 32, 3)


def test_every_takes_frames_that_many_seconds_apart(drive):
    seconds = [frame.seconds for frame, _ in label_frames(drive, TheUpperHalfIsSky(), every=0.5)]
    assert seconds == pytest.approx([0.0, 0.5, 1.0])


def test_a_stream_of_arrays_has_a_time_and_a_batch_of_one_does_not_wait(drive):
    taken = []

    def webcam():
        for level in (40, 200, 40, 200, 40, 200, 40, 200):
            taken.append(level)
            yield np.full((30, 40, 3), level, np.uint8)

    going = label_frames(webcam(), BrightIsSky(), batch_size=1, frame_rate=10)
    frame, labels = next(going)
    assert (frame.seconds, frame.duration_seconds) == (0, 0.1) and (labels == 3).all() and labels.shape == (30, 40)
    frame, labels = next(going)
    assert frame.seconds == pytest.approx(0.1) and (labels == 0).all()
    assert np.abs(frame.to_rgb().astype(int) - 200).max() <= 2
    assert len(list(going)) == 6
    times = [frame.seconds for frame, _ in label_frames([np.zeros((8, 8, 3), np.uint8)] * 3, TheUpperHalfIsSky())]
    assert times == pytest.approx([0, 0.04, 0.08])


def test_a_stream_of_frames_keeps_their_times():
    ticks = Fraction(1, 7)
    frames = [
        Frame.from_rgb(np.zeros((8, 8, 3), np.uint8), index=place, pts=10 * place, time_base=ticks, duration=10)
        for place in range(3)
    ]
    assert [frame.pts for frame, _ in label_frames(iter(frames), TheUpperHalfIsSky())] == [0, 10, 20]


def test_augmentation_reaches_the_segmenter_and_smoothing_remembers(drive):
    segmenter = BrightIsSky()
    stream = [np.full((16, 32, 3), level, np.uint8) for level in (126, 126, 126, 129)]
    plain = [labels.max() for _, labels in label_frames(stream, segmenter, flip=True, scales=(2, 1))]
    assert plain == [3, 3, 3, 0] and segmenter.batches == [(4, TTA(True, (1, 2)))]
    smooth = [labels.max() for _, labels in label_frames(stream, BrightIsSky(), smooth=True, batch_size=3)]
    assert smooth == [3, 3, 3, 3]


def test_leaving_early_stops_all_threads_and_closes_the_source():
    closed = []

    def endless():
        try:
            while True:
                yield np.zeros((8, 8, 3), np.uint8)
        finally:
            closed.append(True)

    for _ in label_frames(endless(), TheUpperHalfIsSky()):
        assert threads()
        break
    assert not threads() and closed == [True]


@pytest.mark.parametrize("fail_at", [0, 2])
def test_an_error_of_a_stage_is_raised_in_the_caller(drive, fail_at):
    seen = []
    with pytest.raises(MemoryError, match="too large"):
        for frame, _ in label_frames(drive, BrightIsSky(fail_at), batch_size=2):
            seen.append(frame.index)
    assert seen == list(range(len(seen))) and len(seen) <= 2 * fail_at
    assert not threads()


def test_an_error_of_the_source_is_raised_in_the_caller(tmp_path):
    def broken():
        yield np.zeros((8, 8, 3), np.uint8)
        raise OSError("camera gone")

    with pytest.raises(OSError, match="camera gone"):
        list(label_frames(broken(), TheUpperHalfIsSky()))
    with pytest.raises(VideoError, match="no such file"):
        next(label_frames(tmp_path / "no.mp4", TheUpperHalfIsSky()))
    assert not threads()


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        ({"every": 0}, "every: 0, wanted a number above 0"),
        ({"frame_rate": -1.0}, r"frame_rate: -1\.0, wanted a number above 0"),
        ({"batch_size": 0}, "batch_size: 0, wanted at least 1"),
        ({"scales": (3,)}, "scale 3 is outside"),
    ],
)
def test_options_outside_their_range_are_refused(drive, options, cause):
    with pytest.raises(InputError, match=cause):
        next(label_frames(drive, TheUpperHalfIsSky(), **options))


def test_what_is_no_frame_and_no_segmenter_is_refused():
    with pytest.raises(InputError, match=r"frame 1 of the stream: float64 array of shape \(8, 8, 3\)"):
        list(label_frames([np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8, 3))], TheUpperHalfIsSky()))
    with pytest.raises(InputError, match="segmenter: str, wanted a Segmenter") as caught:
        next(label_frames([], "default"))
    assert "load_segmenter" in caught.value.remedy
