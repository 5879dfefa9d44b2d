"""Frames spread over a video, by seeking or by decoding it whole."""

from fractions import Fraction

import av
import numpy as np
import pytest

from roadseg.errors import VideoError
from roadseg.video import sample
from roadseg.video.reader import VideoReader
from roadseg.video.sample import frames_at, sample_frames, timed_frames

SIZE = (32, 16)


def write(path, frames, gop, start=0):
    """Grey frames whose brightness encodes their index."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(
            "libx264", rate=25, options={"g": str(gop), "keyint_min": str(gop), "sc_threshold": "0"}
        )
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index in range(frames):
            grey = np.full((48, 64, 3), 20 + 200 * index // frames, np.uint8)
            picture = av.VideoFrame.from_ndarray(grey, "rgb24")
            picture.pts, picture.time_base = start + index, Fraction(1, 25)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


def numbers(pictures, frames):
    return (pictures.mean((1, 2, 3)) - 20) * frames / 200


def test_a_video_with_many_keyframes_is_sought_in(tmp_path, monkeypatch):
    clip = write(tmp_path / "clip.mp4", 400, 10)
    monkeypatch.setattr(sample, "_thinned", lambda *_: pytest.fail("decoded whole"))
    pictures = sample_frames(clip, SIZE, 8)
    assert pictures.shape == (8, 16, 32, 3) and pictures.dtype == np.uint8
    middles = (np.arange(8) + 0.5) * 50
    assert np.abs(numbers(pictures, 400) - middles).max() < 10 + 4


def test_a_video_with_few_keyframes_is_decoded_whole(tmp_path):
    clip = write(tmp_path / "clip.mp4", 100, 250)
    with VideoReader(clip) as reader:
        assert len(list(reader.keyframes(8))) == 1
    pictures = sample_frames(clip, SIZE, 8)
    found = numbers(pictures, 100)
    assert 5 <= len(pictures) <= 8
    assert np.abs(np.diff(found) - 16).max() < 3


@pytest.mark.parametrize("name", ["clip.h264", "clip.ts", "clip.mkv"])
def test_containers_that_seek_badly_give_frames_too(tmp_path, name):
    pictures = sample_frames(write(tmp_path / name, 60, 12), SIZE, 4)
    assert 2 <= len(pictures) <= 4
    assert (np.diff(numbers(pictures, 60)) > 0).all()


def test_one_frame_is_enough(tmp_path):
    assert len(sample_frames(write(tmp_path / "clip.mp4", 1, 1), SIZE, 8)) == 1


def test_no_video_is_an_error(tmp_path):
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(VideoError):
        sample_frames(tmp_path / "text.mp4", SIZE, 4)


@pytest.mark.parametrize("start", [0, 30])
def test_the_frame_of_a_time_is_found(tmp_path, start):
    clip = write(tmp_path / "clip.mp4", 60, 25, start)
    with VideoReader(clip) as reader:
        for number in (0, 24, 25, 26, 49, 3, 59):
            at = (number + start) / 25
            for seconds in (at, at + 0.03):
                frame = reader.frame_at(seconds)
                assert frame.pts * frame.time_base == Fraction(number + start, 25)
        assert float(reader.frame_at(99).seconds) == (59 + start) / 25
        assert float(reader.frame_at(0).seconds) == start / 25


def test_a_raw_stream_cannot_be_sought_in(tmp_path):
    clip = write(tmp_path / "clip.h264", 10, 5)
    with VideoReader(clip) as reader, pytest.raises(VideoError, match=r"clip\.h264"):
        reader.frame_at(0.2)


@pytest.mark.parametrize("start", [0, 30])
def test_keyframes_come_with_their_times_and_are_found_again(tmp_path, monkeypatch, start):
    clip = write(tmp_path / "clip.mp4", 400, 10, start)
    monkeypatch.setattr(sample, "_thinned", lambda *_: pytest.fail("decoded whole"))
    times, pictures = timed_frames(clip, SIZE, every=1.0, most=100, enough=16)
    assert times == [(10 * round((25 * place + 12 - 4) / 10) + start) / 25 for place in range(16)]
    assert np.abs(numbers(pictures, 400) - (25 * np.array(times) - start)).max() < 3
    again = frames_at(clip, (64, 48), times[3:9:2])
    assert again.shape == (3, 48, 64, 3)
    assert np.abs(numbers(again, 400) - numbers(pictures, 400)[3:9:2]).max() < 1


def test_frames_of_a_video_with_few_keyframes_come_with_their_times(tmp_path):
    clip = write(tmp_path / "clip.mp4", 100, 250, 7)
    times, pictures = timed_frames(clip, SIZE, every=1.0, most=30, enough=4)
    assert times == [(4 * number + 7) / 25 for number in range(25)]
    again = frames_at(clip, SIZE, times[5:7])
    assert np.array_equal(again, pictures[5:7])


def test_a_stream_without_duration_is_decoded_whole_at_its_rate(tmp_path):
    clip = write(tmp_path / "clip.h264", 40, 10)
    times, _ = timed_frames(clip, SIZE, every=1.0, most=20, enough=1, frame_rate=Fraction(10))
    assert times == [number / 5 for number in range(20)]
    assert len(frames_at(clip, SIZE, times[:3], frame_rate=Fraction(10))) == 3
