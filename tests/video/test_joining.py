"""Videos that follow one another, joined: every frame as it was encoded, at its time to the tick, and its sound."""

import hashlib
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import av
import pytest
from helpers.clips import make_clip, picture_times, sound_packets
from test_writer import frames, times, write

from roadseg.errors import VideoError
from roadseg.video.joining import join_at, join_videos
from roadseg.video.reader import VideoReader

RATE = Fraction(25)


def parts_of(tmp_path, given, lengths, **options):
    """Videos with these numbers of frames."""
    parts, first = [], 0
    for number, length in enumerate(lengths):
        parts.append(tmp_path / f"{number}.mp4")
        write(parts[-1], given[first : first + length], frame_rate=RATE, **options)
        first += length
    assert first == len(given)
    return parts


def pictures(*paths):
    """A hash of each decoded frame."""
    found = []
    for path in paths:
        with VideoReader(path) as video:
            found += [hashlib.sha256(b"".join(map(bytes, (frame.y, frame.u, frame.v)))).digest() for frame in video]
    return found


@pytest.mark.parametrize(
    ("pts", "time_base"),
    [
        (range(60), Fraction(1, 25)),
        (range(7_000, 7_000 + 60 * 1001, 1001), Fraction(1, 30_000)),
        (tuple(90_000 + 7 * tick * tick for tick in range(60)), Fraction(1, 90_000)),
    ],
    ids=["constant rate", "late start", "variable rate, late start"],
)
def test_every_frame_at_its_time(tmp_path, pts, time_base):
    given = frames(pts, time_base)
    given[-1] = replace(given[-1], duration=3 * given[-1].duration)
    parts = parts_of(tmp_path, given, [30, 1, 2, 24, 3])
    joined = tmp_path / "joined.mp4"
    assert join_videos(parts, joined, time_base=time_base) == []
    written = times(joined)
    assert [time for time, _ in written] == [frame.pts * time_base for frame in given]
    assert written[-1][1] == given[-1].duration * time_base
    assert pictures(joined) == pictures(*parts)


def test_packets_are_copied_in_an_order_that_decoders_take(tmp_path):
    parts = parts_of(tmp_path, frames(range(60)), [30, 30])
    join_videos(parts, tmp_path / "joined.mp4", time_base=Fraction(1, 25))

    def packets(path):
        with av.open(str(path)) as container:
            return [(bytes(packet), packet.pts, packet.dts) for packet in container.demux(video=0) if packet.size]

    joined = packets(tmp_path / "joined.mp4")
    assert [data for data, _, _ in joined] == [data for part in parts for data, _, _ in packets(part)]
    assert all(now < after for (_, _, now), (_, _, after) in pairwise(joined))
    assert all(dts <= pts for _, pts, dts in joined)


def test_sound_is_copied_beside_the_frames(tmp_path):
    clip = make_clip(tmp_path / "in.mp4", pts=range(50), sound="aac")
    parts = parts_of(tmp_path, frames(range(50)), [20, 20, 10])
    assert join_videos(parts, tmp_path / "out.mp4", time_base=Fraction(1, 25), audio_from=clip.path) == []
    assert sound_packets(tmp_path / "out.mp4") == sound_packets(clip.path)


def test_sound_that_goes_on_is_told(tmp_path):
    clip = make_clip(tmp_path / "in.mp4", pts=range(100), sound="aac")
    parts = parts_of(tmp_path, frames(range(20)), [10, 10])
    (notice,) = join_videos(parts, tmp_path / "out.mp4", time_base=Fraction(1, 25), audio_from=clip.path)
    assert notice == "sound after 0.8 s is left out: the frames end there"


def test_videos_that_are_encoded_otherwise_are_not_joined(tmp_path):
    small, large = tmp_path / "small.mp4", tmp_path / "large.mp4"
    write(small, frames(range(5)))
    write(large, frames(range(5, 10), size=(128, 96)))
    with pytest.raises(VideoError, match=r"large\.mp4: encoded with other settings than .*small\.mp4"):
        join_videos([small, large], tmp_path / "out.mp4", time_base=Fraction(1, 25))
    assert not (tmp_path / "out.mp4").exists()


def test_parts_with_gaps_and_overlaps_each_from_its_own_time(tmp_path):
    for number, frames_ in enumerate((10, 10, 5)):
        make_clip(tmp_path / f"{number}.mp4", pts=range(frames_), sound="aac", options={"bf": "0", "crf": "12"})
    starts = (Fraction(0), Fraction(3, 10), Fraction(2))
    parts = [(start, tmp_path / f"{number}.mp4") for number, start in enumerate(starts)]
    assert join_at(parts, tmp_path / "all.mp4") == []
    shown = [*(Fraction(n, 25) for n in range(8)), *(starts[1] + Fraction(n, 25) for n in range(10))]
    shown += [2 + Fraction(n, 25) for n in range(5)]
    assert [pytest.approx(float(each), abs=1e-4) for each in picture_times(tmp_path / "all.mp4")] == list(
        map(float, shown)
    )
    sound = sound_packets(tmp_path / "all.mp4")
    assert all(before[1] < after[1] for before, after in pairwise(sound))
    assert {packet for packet, _, _ in sound} <= {packet for _, path in parts for packet, _, _ in sound_packets(path)}
    gap = max(after[1] - before[1] for before, after in pairwise(sound))
    assert float(gap) == pytest.approx(2 - 0.7, abs=0.06)


def test_a_part_without_sound_leaves_a_gap_and_one_of_another_size_is_refused(tmp_path):
    options = {"bf": "0", "crf": "12"}
    make_clip(tmp_path / "silent.mp4", pts=range(5), options=options)
    make_clip(tmp_path / "loud.mp4", pts=range(5), options=options, sound="aac")
    make_clip(tmp_path / "large.mp4", pts=range(5), options=options, size=(80, 64))
    silent, loud, large = (
        (Fraction(n), tmp_path / f"{name}.mp4") for n, name in enumerate(("silent", "loud", "large"))
    )
    assert join_at([silent, loud], tmp_path / "all.mkv") == []
    assert len(picture_times(tmp_path / "all.mkv")) == 10
    assert min(float(time) for _, time, _ in sound_packets(tmp_path / "all.mkv")) > 0.9
    with pytest.raises(VideoError, match=r"large\.mp4: encoded with other settings than silent\.mp4.*\n.*--height"):
        join_at([silent, large], tmp_path / "no.mp4")
    assert not (tmp_path / "no.mp4").exists()
