"""Parts of videos by time."""

from fractions import Fraction

import av
import pytest
from helpers.clips import make_clip, picture, stored

from roadseg.errors import InputError, VideoError
from roadseg.video import reader
from roadseg.video.clock import read_clock
from roadseg.video.entry import find_entry
from roadseg.video.interval import WHOLE, Interval, clock
from roadseg.video.reader import VideoReader
from roadseg.video.selection import frames_every

SECOND = 25
"""Frames of a second."""


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A clip of two seconds."""
    return make_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", pts=range(2 * SECOND)).path


def begins(frames):
    """Index, begin and duration of frames, the last two in 25ths of a second."""
    return [(frame.index, frame.pts * frame.time_base * 25, frame.duration * frame.time_base * 25) for frame in frames]


@pytest.mark.parametrize(
    ("start", "duration", "indices"),
    [
        (0, None, range(50)),
        (1, None, range(25, 50)),
        (0.4, 0.2, range(10, 15)),
        (0.39, 0.2, range(10, 15)),
        (1.92, 60, range(48, 50)),
        (0, Fraction(1, 25), range(1)),
    ],
)
def test_frames_that_begin_in_it_are_read_with_their_own_times(clip, start, duration, indices):
    with VideoReader(clip, interval=Interval.lasting(start, duration)) as video:
        frames = begins(video)
    assert [index for index, _, _ in frames] == list(indices)
    assert all(begin == index for index, begin, _ in frames)


def test_the_last_frame_ends_with_the_part(clip):
    with VideoReader(clip, interval=Interval.lasting(0, 0.1)) as video:
        assert begins(video) == [(0, 0, 1), (1, 1, 1), (2, 2, Fraction(1, 2))]
    with VideoReader(clip, interval=Interval(Fraction(1), Fraction(3, 2))) as video:
        assert sum(duration for _, _, duration in begins(video)) == Fraction(SECOND, 2)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_a_part_far_behind_is_decoded_from_a_key_frame_and_is_the_same(tmp_path, monkeypatch, suffix):
    options = {"crf": "12", "g": "10", "bf": "2", "sc_threshold": "0"}
    clip = make_clip(tmp_path / f"clip.{suffix}", pts=range(60), options=options).path
    part = Interval.lasting(1.5, 0.4)
    with VideoReader(clip, interval=part) as video:
        decoded = list(video)
    monkeypatch.setattr(reader, "LEAST_SECONDS", 0)
    entry = find_entry(clip, None, read_clock(clip), part.start)
    assert entry.frames % 10 == 0 and entry.frames > 0
    with VideoReader(clip, interval=part) as video:
        found = list(video)
    assert begins(found) == begins(decoded) and len(found) == 10
    assert all((one.y == other.y).all() for one, other in zip(found, decoded, strict=True))


def test_all_is_decoded_where_times_jump(tmp_path):
    with av.open(str(tmp_path / "clip.ts"), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"g": "5"})
        stream.width, stream.height, stream.codec_context.time_base = 64, 48, Fraction(1, 25)
        for index in range(40):
            frame = stored(picture(index, 64, 48), "yuv420p")
            frame.pts, frame.time_base = index if index < 20 else index + 1000, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    clock = read_clock(tmp_path / "clip.ts")
    assert clock.jumps and find_entry(tmp_path / "clip.ts", None, clock, Fraction(2)) is None


@pytest.mark.parametrize(
    ("interval", "told"),
    [
        (Interval.lasting(2), "no frame begins from 0:02 on, it ends at 0:02"),
        (Interval.lasting(3600, 1), "no frame begins from 1:00:00 to 1:00:01, it ends at 0:02"),
        (Interval.lasting(0.41, 0.01), "no frame begins from 0:00.41 to 0:00.42, the next one is shown at 0:00.44"),
    ],
)
def test_a_part_without_a_frame_is_an_error(clip, interval, told):
    with VideoReader(clip, interval=interval) as video, pytest.raises(VideoError) as caught:
        list(video)
    assert caught.value.cause == f"{clip}: {told}"
    assert "--start" in caught.value.remedy


@pytest.mark.parametrize(("start", "duration"), [(-1, None), (0, 0), (5, -1)])
def test_what_is_no_part_is_refused(start, duration):
    with pytest.raises(InputError, match="wanted"):
        Interval.lasting(start, duration)


def test_a_frame_every_so_often_lasts_until_the_next(clip):
    with VideoReader(clip) as video:
        assert begins(frames_every(video, Fraction(4, 5))) == [(0, 0, 20), (20, 20, 20), (40, 40, 10)]
    with VideoReader(clip, interval=Interval.lasting(0.2, 1)) as video:
        assert begins(frames_every(video, Fraction(2, 5))) == [(5, 5, 10), (15, 15, 10), (25, 25, 5)]


def test_a_part_of_a_video_with_a_late_start():
    assert WHOLE.within(5, 10) == (5, 10)
    assert Interval.lasting(2, 6).within(5, 10) == (5, 3)
    assert Interval.lasting(12).within(5, 10) == (12, 3)
    assert Interval.lasting(20).within(5, 10) == (20, 0)


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0:00"), (0.5, "0:00.5"), (90, "1:30"), (3661.25, "1:01:01.25"), (59.9999, "1:00")]
)
def test_times_are_shown_as_people_write_them(seconds, shown):
    assert clock(seconds) == shown
