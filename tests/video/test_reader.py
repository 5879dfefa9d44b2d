"""The contract of reading, one suite for every way of reading and every kind of video."""

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from helpers import clips
from helpers.clips import Clip, make_clip, zero_packets

from roadseg.video import container as container_module
from roadseg.video import reader as reader_module
from roadseg.video.reader import VideoReader

READERS = {
    "one thread": partial(VideoReader, threads=1),
    "three threads": partial(VideoReader, threads=3),
    "default threads": VideoReader,
}

MILLISECOND = Fraction(1, 1000)
FLV_HEADER = 13
"""Bytes before the first tag."""
VFR_TICKS = (0, 3, 4, 9, 30, 31, 32, 60, 61, 75, 90, 300)

MAKERS: dict[str, Callable[[Path], Clip]] = {
    "constant rate": lambda at: make_clip(at / "clip.mp4"),
    "one picture": lambda at: make_clip(at / "clip.mp4", pts=[0]),
    "variable rate": lambda at: make_clip(at / "clip.mp4", pts=VFR_TICKS, time_base=Fraction(1, 90)),
    "29.97 Hz": lambda at: make_clip(at / "clip.mp4", time_base=Fraction(1001, 30000)),
    "late start": lambda at: make_clip(at / "clip.mp4", pts=range(75, 87)),
    "with sound": lambda at: make_clip(at / "clip.mp4", sound="aac"),
    "odd size": lambda at: make_clip(at / "clip.mkv", size=(63, 47), codec="ffv1"),
    "odd size 4:4:4": lambda at: make_clip(at / "clip.mp4", size=(63, 47), pixel_format="yuv444p"),
    "10 bits": lambda at: make_clip(at / "clip.mp4", pixel_format="yuv420p10le"),
    "4:2:2": lambda at: make_clip(at / "clip.mp4", pixel_format="yuv422p"),
    "full range": lambda at: make_clip(at / "clip.avi", codec="mjpeg", pixel_format="yuvj420p"),
    "RGB planes": lambda at: make_clip(at / "clip.mkv", codec="libx264rgb", pixel_format="rgb24"),
    "RGB pixels": lambda at: make_clip(at / "clip.mov", codec="png", pixel_format="rgb24"),
    "palette": lambda at: make_clip(at / "clip.mov", codec="png", pixel_format="pal8"),
    "turned 90": lambda at: make_clip(at / "clip.mp4", rotation=90),
    "turned 180": lambda at: make_clip(at / "clip.mp4", rotation=180),
    "turned 270, odd": lambda at: make_clip(at / "clip.mp4", size=(63, 47), pixel_format="yuv444p", rotation=270),
    "Matroska": lambda at: make_clip(at / "clip.mkv", time_base=Fraction(1, 30)),
    "WebM": lambda at: make_clip(at / "clip.webm", codec="libvpx-vp9"),
    "transport stream": lambda at: make_clip(at / "clip.ts", options={"bf": "0", "crf": "12"}),
    "raw H.264": lambda at: make_clip(at / "clip.h264"),
    "name with a colon": lambda at: make_clip(at / "12:30.mp4"),
}


@pytest.fixture(scope="module", params=MAKERS)
def clip(request, tmp_path_factory):
    return MAKERS[request.param](tmp_path_factory.mktemp("clip"))


@pytest.fixture(params=READERS)
def open_video(request):
    return READERS[request.param]


def shown_pictures(frames) -> list[int]:
    """Index of the frame that each one shows, from its grey level."""
    greys = [int(frame.to_rgb()[-4:, -4:].mean().round()) for frame in frames]
    return [round((grey - clips.level(0)) / 4) for grey in greys]


class TestReader:
    def test_size(self, open_video, clip):
        with open_video(clip.path) as video:
            assert (video.info.width, video.info.height) == (clip.width, clip.height)
            assert {(frame.width, frame.height) for frame in video} == {(clip.width, clip.height)}

    def test_every_frame_in_order(self, open_video, clip):
        with open_video(clip.path) as video:
            frames = list(video)
        assert shown_pictures(frames) == list(range(len(clip.seconds)))
        assert [frame.index for frame in frames] == list(range(len(clip.seconds)))

    def test_the_right_way_up(self, open_video, clip):
        with open_video(clip.path) as video:
            image = next(iter(video)).to_rgb().astype(int)
        assert np.abs(image[4, 4] - (220, 30, 30)).max() <= 4
        assert np.abs(image[[4, -4, -4], [-4, 4, -4]] - clips.level(0)).max() <= 4

    def test_times(self, open_video, clip):
        with open_video(clip.path) as video:
            frames = list(video)
            assert {frame.time_base for frame in frames} == {video.info.time_base}
        rounding = MILLISECOND if clip.path.suffix in (".mkv", ".webm") else 0
        for frame, expected in zip(frames, clip.seconds, strict=True):
            assert abs(frame.pts * frame.time_base - expected) <= rounding

    def test_a_frame_lasts_until_the_next(self, open_video, clip):
        with open_video(clip.path) as video:
            frames = list(video)
        assert all(now.pts + now.duration == after.pts for now, after in pairwise(frames))
        assert frames[-1].duration >= 1

    def test_nothing_to_complain_of(self, open_video, clip):
        with open_video(clip.path) as video:
            assert len(list(video)) == len(clip.seconds)
            assert replace(video.events, notices=[]) == reader_module.DecodeEvents()

    def test_colours_are_as_announced(self, open_video, clip):
        with open_video(clip.path) as video:
            assert {(frame.matrix, frame.full_range) for frame in video} == {(video.matrix, video.full_range)}

    def test_frames_outlive_the_reader(self, open_video, clip):
        with open_video(clip.path) as video:
            frames = list(video)
            before = [frame.y.copy() for frame in frames]
        del video
        assert all(np.array_equal(frame.y, y) for frame, y in zip(frames, before, strict=True))

    def test_is_read_once_and_goes_on_where_it_stopped(self, open_video, clip):
        with open_video(clip.path) as video:
            first = next(iter(video))
            rest = list(video)
            assert list(video) == []
        assert [first.index, *(frame.index for frame in rest)] == list(range(len(clip.seconds)))

    def test_chosen_frames_are_those_of_the_whole_video(self, open_video, clip):
        with open_video(clip.path) as video:
            every_third = list(video)[::3]
        with open_video(clip.path) as again:
            chosen = list(again.chosen(lambda moment: moment.index % 3 == 0))
        assert [(frame.index, frame.pts, frame.duration) for frame in chosen] == [
            (frame.index, frame.pts, frame.duration) for frame in every_third
        ]
        assert all(np.array_equal(a.to_rgb(), b.to_rgb()) for a, b in zip(chosen, every_third, strict=True))
        assert again.events == video.events

    def test_may_be_left_early(self, open_video, clip):
        with open_video(clip.path) as video:
            frame = next(iter(video))
        assert list(video) == []
        assert frame.y.shape == (clip.height, clip.width)


def test_planes_are_views_into_the_decoder(tmp_path):
    with VideoReader(make_clip(tmp_path / "clip.mp4").path) as video:
        frame = next(iter(video))
    assert not frame.y.flags.owndata
    assert not frame.y.flags.writeable, "another frame may still be predicted from this memory"


def test_grey_video_stays_grey(tmp_path):
    with VideoReader(make_clip(tmp_path / "grey.mkv", codec="ffv1", pixel_format="gray").path) as video:
        frames = list(video)
    assert shown_pictures(frames) == list(range(12))
    assert all((frame.u == 128).all() and (frame.v == 128).all() for frame in frames)


def test_stream_without_timestamps_takes_the_given_rate(tmp_path):
    clip = make_clip(tmp_path / "clip.h264")
    with VideoReader(clip.path, frame_rate=Fraction(30000, 1001)) as video:
        frames = list(video)
        assert not any("assumed" in notice and "second" in notice for notice in video.events.notices)
    assert video.info.frame_rate == Fraction(30000, 1001)
    assert [frame.pts * frame.time_base for frame in frames] == [Fraction(1001, 30000) * i for i in range(12)]
    assert {frame.duration for frame in frames} == {1}


def test_stream_without_timestamps_says_what_it_assumed(tmp_path):
    with VideoReader(make_clip(tmp_path / "clip.h264").path) as video:
        assert "no timestamps in the stream: 25 frames a second assumed" in video.events.notices


def test_given_rate_does_not_touch_timestamps(tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", pts=VFR_TICKS, time_base=Fraction(1, 90))
    with VideoReader(clip.path, frame_rate=Fraction(60)) as video:
        assert tuple(frame.pts * frame.time_base for frame in video) == clip.seconds


@pytest.mark.parametrize(("height", "matrix"), [(718, "bt601"), (720, "bt709")])
def test_matrix_is_guessed_from_the_height_and_the_guess_recorded(tmp_path, height, matrix):
    with VideoReader(make_clip(tmp_path / "clip.mp4", size=(960, height), pts=[0]).path) as video:
        assert video.matrix == matrix
        assert f"colour matrix not stated: {matrix} assumed for {height} lines" in video.events.notices


def test_truncated_matroska_gives_what_is_there_and_says_what_is_not(tmp_path):
    clip = make_clip(tmp_path / "clip.mkv", pts=range(48), time_base=Fraction(1, 10), noise=True)
    data = clip.path.read_bytes()
    clip.path.write_bytes(data[: len(data) // 2])
    with VideoReader(clip.path) as video:
        frames = list(video)
    assert 10 < len(frames) < 40
    assert video.events.truncated_seconds == pytest.approx((48 - len(frames)) / 10, abs=0.11)
    assert tuple(frame.pts * frame.time_base for frame in frames) == clip.seconds[: len(frames)]


def test_truncated_faststart_mp4_gives_what_is_there_and_says_what_is_not(tmp_path):
    options = {"movflags": "+faststart"}
    clip = make_clip(
        tmp_path / "clip.mp4", pts=range(48), time_base=Fraction(1, 10), noise=True, container_options=options
    )
    data = clip.path.read_bytes()
    clip.path.write_bytes(data[: len(data) * 2 // 3])
    with VideoReader(clip.path) as video:
        frames = list(video)
    assert 10 < len(frames) < 45
    assert video.events.truncated_seconds == pytest.approx((48 - len(frames)) / 10, abs=0.11)


def damage(path: Path, *, every: int, length: int) -> None:
    """Overwrite `length` bytes in `every`, sparing the first and last eighth of the file."""
    data = bytearray(path.read_bytes())
    noise = np.random.default_rng(1)
    for start in range(len(data) // 8, len(data) * 7 // 8, every):
        data[start : start + length] = noise.bytes(length)
    path.write_bytes(data)


def test_corrupt_packets_are_skipped_and_counted(tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", size=(320, 240), pts=range(48), options={"g": "6"}, noise=True)
    with av.open(str(clip.path)) as container:
        sizes = [packet.size for packet in container.demux(video=0) if packet.size]
    damage(clip.path, every=5 * sum(sizes) // len(sizes), length=64)
    with VideoReader(clip.path) as video:
        frames = list(video)
    assert 24 <= len(frames) <= 48
    assert video.events.corrupt_packets + video.events.damaged_frames > 0
    assert all(now.pts < after.pts for now, after in pairwise(frames))


def test_stops_when_nothing_decodes_any_more_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(reader_module, "MAX_DECODE_FAILURES", 4)
    clip = make_clip(tmp_path / "clip.avi", codec="mjpeg", pixel_format="yuvj420p", pts=range(40))
    zero_packets(clip.path, 10, 40)
    with VideoReader(clip.path) as video:
        assert shown_pictures(video) == list(range(10))
    assert video.events.corrupt_packets == 5
    assert video.events.truncated_seconds == pytest.approx(30 / 25)
    assert "reading stopped early: 5 packets in a row cannot be decoded" in video.events.notices[-1]


def test_a_stream_that_is_announced_midway_stops_nothing(tmp_path):
    silent = make_clip(tmp_path / "silent.flv", pts=range(300), options={"bf": "0"})
    loud = make_clip(tmp_path / "loud.flv", pts=range(300, 350), options={"bf": "0"}, sound="aac")
    joined = tmp_path / "joined.flv"
    joined.write_bytes(silent.path.read_bytes() + loud.path.read_bytes()[FLV_HEADER:])
    with VideoReader(joined) as video:
        assert video.info.audio_codecs == ()
        assert len(list(video)) == 350
    assert video.events.corrupt_packets == 0


def test_a_frame_that_is_insanely_large_is_skipped(tmp_path, monkeypatch):
    small = make_clip(tmp_path / "small.h264", options={"bf": "0"})
    large = make_clip(tmp_path / "large.h264", size=(128, 96))
    monkeypatch.setattr(container_module, "MAX_PIXELS", 100 * 75)
    both = tmp_path / "both.h264"
    both.write_bytes(small.path.read_bytes() + large.path.read_bytes())
    with VideoReader(both) as video:
        shown = shown_pictures(video)
    assert shown == list(range(len(shown)))
    assert 10 <= len(shown) <= 12, "the decoder may drop what it holds back when the size changes"
    assert video.events.corrupt_packets > 0


def test_joined_recordings_whose_clock_restarts_become_one_timeline(tmp_path):
    clip = make_clip(tmp_path / "clip.ts", pts=range(50), options={"bf": "0"})
    joined = tmp_path / "joined.ts"
    joined.write_bytes(clip.path.read_bytes() * 2)
    with VideoReader(joined) as video:
        times = [frame.seconds for frame in video]
    assert len(times) == 100
    assert np.diff(times) == pytest.approx(0.04)
    assert video.events.timestamps_repaired == 1


def test_size_that_changes_is_scaled_to_the_first(tmp_path):
    small = make_clip(tmp_path / "small.h264")
    large = make_clip(tmp_path / "large.h264", size=(128, 96))
    both = tmp_path / "both.h264"
    both.write_bytes(small.path.read_bytes() + large.path.read_bytes())
    with VideoReader(both) as video:
        frames = list(video)
    assert {(frame.width, frame.height) for frame in frames} == {(64, 48)}
    assert shown_pictures(frames) == 2 * list(range(12))
    with VideoReader(both) as again:
        assert list(again.chosen(lambda moment: False)) == []
    assert again.events == video.events
    assert "some frames have 128x96 pixels: fitted into 64x48" in again.events.notices


def test_events_are_json(tmp_path):
    with VideoReader(make_clip(tmp_path / "clip.mp4").path) as video:
        list(video)
    assert json.loads(json.dumps(video.events.as_dict())) == video.events.as_dict()


def test_abandoned_readers_do_not_keep_files_open(tmp_path):
    path = make_clip(tmp_path / "clip.mp4").path
    descriptors = Path("/proc/self/fd")
    if not descriptors.is_dir():
        pytest.skip("needs /proc")
    before = len(list(descriptors.iterdir()))
    for _ in range(5):
        with VideoReader(path) as video:
            next(iter(video))
    assert len(list(descriptors.iterdir())) == before
