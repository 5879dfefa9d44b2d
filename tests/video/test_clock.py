"""Pictures and sound of one file have one clock, wherever it jumps, wraps or is missing."""

from contextlib import ExitStack
from fractions import Fraction
from itertools import pairwise
from types import SimpleNamespace

import av
import numpy as np
import pytest
from helpers.clips import make_clip, sound_packets
from helpers.flashes import beep_times, flash_times, make_flash_clip

from roadseg.video.clock import _Search, read_clock
from roadseg.video.reader import VideoReader
from roadseg.video.writer import VideoWriter

WRAP = 2**33 / 90_000
"""Seconds at which the clock of MPEG formats, 33 bits at 90 kHz, begins again."""


def copied(source, target):
    """Write the frames and the sound of a video anew; returns the frames' times and the reader's events."""
    times = []
    with VideoReader(source) as video, ExitStack() as stack:
        writer = None
        for frame in video:
            if writer is None:
                writer = stack.enter_context(VideoWriter.like(target, frame, audio_from=source))
            writer.write(frame)
            times.append(frame.seconds)
    return times, video.events


def joined(path, *parts):
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def assert_in_step(path, flashes):
    seen, heard = flash_times(path), beep_times(path)
    assert len(seen) == len(heard) == flashes
    assert np.subtract(heard, seen) == pytest.approx(0, abs=0.04)


@pytest.mark.parametrize("sound_seconds", [2.4, 3.0, 2.0])
def test_each_recording_of_a_joined_file_keeps_its_sound(tmp_path, sound_seconds):
    part = make_flash_clip(tmp_path / "part.ts", sound_seconds=sound_seconds)
    source = joined(tmp_path / "joined.ts", part, part, part)
    times, events = copied(source, tmp_path / "out.mp4")
    assert events.truncated_seconds == 0
    assert_in_step(tmp_path / "out.mp4", 3)
    assert len(times) == 180 and events.timestamps_repaired == 2
    assert len(sound_packets(tmp_path / "out.mp4")) == 3 * len(sound_packets(part))
    steps = sorted(np.diff(times))
    assert max(abs(step - 0.04) for step in steps[:-2]) < 1e-6
    assert steps[-1] == pytest.approx(0.04 + max(0, sound_seconds - 2.4), abs=0.05)


def test_a_clock_that_goes_back_by_a_moment_is_one_jump(tmp_path):
    parts = [make_flash_clip(tmp_path / f"{number}.ts", offset=1.8 * number) for number in range(2)]
    times, _ = copied(joined(tmp_path / "joined.ts", *parts), tmp_path / "out.mp4")
    assert_in_step(tmp_path / "out.mp4", 2)
    assert min(np.diff(times)) > 0.0399


def test_a_clock_that_wraps_moves_frames_and_sound_alike(tmp_path):
    source = make_flash_clip(tmp_path / "wrap.ts", offset=WRAP - 1)
    times, _ = copied(source, tmp_path / "out.mp4")
    assert_in_step(tmp_path / "out.mp4", 1)
    assert max(abs(np.diff(times) - 0.04)) < 1e-3


def test_a_gap_of_seconds_stays(tmp_path):
    parts = [make_flash_clip(tmp_path / f"{number}.ts", offset=8.0 * number) for number in range(2)]
    times, _ = copied(joined(tmp_path / "joined.ts", *parts), tmp_path / "out.mp4")
    assert_in_step(tmp_path / "out.mp4", 2)
    assert max(np.diff(times)) == pytest.approx(5.64, abs=0.1)


@pytest.mark.parametrize(("codec", "options"), [("libx264", {"bf": "2"}), ("mpeg4", {"bf": "2"}), ("mjpeg", {})])
def test_frames_of_avi_have_even_steps(tmp_path, codec, options):
    pixel_format = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    clip = make_clip(tmp_path / "clip.avi", pts=range(30), codec=codec, options=options, pixel_format=pixel_format)
    with VideoReader(clip.path) as video:
        times = [frame.seconds for frame in video]
    assert len(times) == 30 and times[0] == 0
    assert max(abs(np.diff(times) - 0.04)) < 1e-6


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv"])
def test_what_an_edit_list_cuts_off_is_no_part_of_the_video(tmp_path, name):
    source = make_flash_clip(tmp_path / "cut.mp4", offset=-0.8)
    times, _ = copied(source, tmp_path / name)
    assert (times[0], len(times)) == (0, 40)
    assert_in_step(tmp_path / name, 1)
    assert flash_times(tmp_path / name)[0] == pytest.approx(0.4, abs=0.13), "sound before 0 moves all of Matroska"


def test_the_clock_of_a_file_that_changed_is_read_again(tmp_path):
    part = make_flash_clip(tmp_path / "part.ts")
    source = joined(tmp_path / "joined.ts", part)
    assert read_clock(source).jumps == 0
    joined(source, part, part)
    assert read_clock(source).jumps == 1


def packet(stream, pts, *, dts=None, duration=1):
    return SimpleNamespace(
        stream_index=stream,
        pts=pts,
        dts=pts if dts is None else dts,
        duration=duration,
        time_base=Fraction(1, 10),
        is_discard=False,
    )


def moves(packets, *, jumps=True):
    """The clock of packets whose video is stream 0, and what it adds to each, in ticks."""
    search = _Search(0)
    for each in packets:
        search.see(each, jumps=jumps)
    clock = search.clock()
    reading, added = clock.reading(), []
    for each in packets:
        before = each.pts
        each.size = 1
        reading.move(each)
        added.append(None if None in (before, each.pts) else each.pts - before)
    return clock, added


def test_a_stamp_that_is_damaged_is_no_jump():
    stamps = [0, 1, 2, 9000, 4, 5]
    clock, added = moves(
        [packet(stream, stamp if stream == 0 else n) for n, stamp in enumerate(stamps) for stream in (0, 1)]
    )
    assert clock.jumps == 0
    assert added == [0, 0, 0, 0, 0, 0, None, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("count", [1, 3, 10])
@pytest.mark.parametrize("stream", [0, 1])
def test_stamps_of_one_stream_that_go_back_for_a_moment_are_no_jump(stream, count):
    wrong = range(40, 40 + count)
    packets = [packet(each, n - 7 * (each == stream and n in wrong)) for n in range(80) for each in (0, 1)]
    clock, added = moves(packets)
    assert clock.jumps == 0
    assert added == [None if each == stream and n in wrong else 0 for n in range(80) for each in (0, 1)]


def test_packets_that_come_late_belong_to_the_recording_before():
    old, new = [packet(0, n) for n in range(100, 120)], [packet(0, n) for n in range(10)]
    sound_old, sound_new = [packet(1, n) for n in range(100, 122)], [packet(1, n) for n in range(10)]
    clock, added = moves([*old[:-2], *sound_old, *sound_new[:4], *old[-2:], *new, *sound_new[4:]])
    assert clock.jumps == 1
    assert added == [0] * 40 + [122] * 4 + [0] * 2 + [122] * 16


def test_first_packets_without_stamps_are_counted_back():
    clock, added = moves([packet(0, None), packet(0, None), packet(1, -1), packet(0, 0), packet(0, 1)], jumps=False)
    assert (clock.first, clock.start) == (0, Fraction(2, 10))
    assert added == [None, None, 2, 2, 2]


@pytest.mark.real_data
@pytest.mark.parametrize(("name", "flashes"), [("wrap_2s.ts", 1), ("joined_sound_longer.ts", 4), ("y_back06.ts", 2)])
def test_sound_of_files_of_other_makers_stays_in_step(real_data, tmp_path, name, flashes):
    times, _ = copied(real_data / "cases" / name, tmp_path / "out.mp4")
    assert_in_step(tmp_path / "out.mp4", flashes)
    assert min(np.diff(times)) > 0.03


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "frames", "step"),
    [("t_negvideo_k.mkv", 30, 1 / 30), ("bf_h264.avi", 30, 1 / 30), ("bf_xvid.avi", 28, 1 / 30)],
)
def test_frames_of_files_of_other_makers_have_even_steps(real_data, name, frames, step):
    with VideoReader(real_data / "cases" / name) as video:
        times = [frame.seconds for frame in video]
    assert len(times) == frames
    assert all(after - before == pytest.approx(step, abs=0.001) for before, after in pairwise(times))


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "tracks"),
    [
        ("s_pcm.mov", [("aac", "und", None)]),
        ("s_mp2.ts", [("aac", "und", None)]),
        ("t_twoaudio.mp4", [("aac", "deu", None), ("aac", "eng", "Rear")]),
    ],
)
def test_sound_of_files_of_other_makers_is_kept(real_data, tmp_path, name, tracks):
    copied(real_data / "cases" / name, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as container:
        found = container.streams.audio
        said = [(each.codec_context.name, each.metadata["language"], each.metadata.get("name")) for each in found]
        assert [float(each.duration * each.time_base) for each in found] == pytest.approx([1] * len(tracks), abs=0.1)
    assert said == tracks
