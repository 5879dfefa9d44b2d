"""Writing: times to the tick, colours as tagged, sound byte for byte, and nothing half-written whatever goes wrong."""

import resource
import struct
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from helpers.clips import make_clip
from helpers.written import frames, times, write

from roadseg.errors import OutputError
from roadseg.video.frame import Frame
from roadseg.video.orientation import Orientation
from roadseg.video.probe import probe
from roadseg.video.reader import VideoReader
from roadseg.video.writer import VideoWriter

VFR_TICKS = (0, 3, 4, 9, 30, 31, 32, 60, 61, 75, 90, 300)


def boxes(path):
    """The kinds of the top-level boxes of an MP4 file, in order."""
    data, at, kinds = path.read_bytes(), 0, []
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        kinds.append(kind.decode())
        at += length
    return kinds


@pytest.mark.parametrize(
    ("pts", "time_base"),
    [
        (range(40), Fraction(1, 25)),
        (range(40), Fraction(1001, 30000)),
        (range(0, 40 * 1501, 1501), Fraction(1, 45000)),
        (range(0, 40_000, 40), Fraction(1, 1000)),
        (VFR_TICKS, Fraction(1, 90)),
        (tuple(90_000 + 7 * tick * tick for tick in range(40)), Fraction(1, 90_000)),
        (range(12345, 12385), Fraction(1, 15360)),
        (range(0, 40 * 48_000, 48_000), Fraction(1, 1_200_000)),
        ((7,), Fraction(1, 10)),
    ],
)
def test_times_are_kept_to_the_tick(tmp_path, pts, time_base):
    given = frames(pts, time_base)
    write(tmp_path / "out.mp4", given)
    written = times(tmp_path / "out.mp4")
    assert [time for time, _ in written] == [frame.pts * time_base for frame in given]
    assert written[-1][1] == given[-1].duration * time_base


@pytest.mark.parametrize("durations", [(30, 10, 20), (10, 10, 10, 10, 10, 20, 20), (40,), (5, 5, 5, 5, 300)])
def test_the_length_of_the_last_frame_is_kept(tmp_path, durations):
    given = [replace(frames()[0], time_base=Fraction(1, 90), duration=duration) for duration in durations]
    given = [replace(frame, pts=sum(durations[:index])) for index, frame in enumerate(given)]
    write(tmp_path / "out.mp4", given)
    with VideoReader(tmp_path / "out.mp4") as video:
        assert [frame.duration * frame.time_base * 90 for frame in video] == list(durations)


def test_pixels_that_are_not_square_stay_so(tmp_path):
    write(tmp_path / "out.mp4", frames(), sample_aspect_ratio=Fraction(8, 9))
    assert probe(tmp_path / "out.mp4").sample_aspect_ratio == Fraction(8, 9)


def test_matroska_rounds_times_to_milliseconds(tmp_path):
    given = frames(time_base=Fraction(1, 30))
    write(tmp_path / "out.mkv", given)
    with av.open(str(tmp_path / "out.mkv")) as container:
        assert "matroska" in container.format.name
    for (time, _), frame in zip(times(tmp_path / "out.mkv"), given, strict=True):
        assert abs(time - frame.pts * frame.time_base) <= Fraction(1, 2000)


def test_frames_are_encoded_in_their_order(tmp_path):
    write(tmp_path / "out.mp4", frames(range(40)))
    with av.open(str(tmp_path / "out.mp4")) as container:
        packets = [(packet.pts, packet.dts) for packet in container.demux(video=0) if packet.size]
    assert packets == sorted(packets)
    with VideoReader(tmp_path / "out.mp4") as video:
        greys = [int(frame.to_rgb()[-4:, -4:].mean()) for frame in video]
    assert greys == sorted(greys)
    assert len(set(greys)) == 40


def test_the_same_frames_give_the_same_video(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (9, 16, 3), np.uint8)
    street = cv2.resize(noise, (320, 180), interpolation=cv2.INTER_CUBIC)
    given = [
        Frame.from_rgb(np.roll(street, 3 * i, 1), index=i, pts=i, time_base=Fraction(1, 25), duration=1)
        for i in range(60)
    ]
    written = set()
    for _ in range(6):
        write(tmp_path / "out.mp4", given)
        with VideoReader(tmp_path / "out.mp4") as video:
            written.add(b"".join(plane.tobytes() for frame in video for plane in (frame.y, frame.u, frame.v)))
    assert len(written) == 1


@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize(
    ("matrix", "tags"),
    [
        ("bt601", ("smpte170m", "smpte170m", "smpte170m")),
        ("bt709", ("bt709", "bt709", "bt709")),
        ("bt2020", ("bt2020nc", "bt2020-10", "bt2020")),
    ],
)
def test_colours_are_tagged_and_survive(tmp_path, matrix, tags, full_range):
    given = [replace(frame, full_range=full_range) for frame in frames(matrix=matrix)]
    write(tmp_path / "out.mp4", given, matrix=matrix, full_range=full_range, crf=8)
    info = probe(tmp_path / "out.mp4")
    assert (info.colour_matrix, info.colour_transfer, info.colour_primaries) == tags
    assert info.colour_range == ("full" if full_range else "limited")
    with VideoReader(tmp_path / "out.mp4") as video:
        for frame, back in zip(given, video, strict=True):
            assert np.abs(back.to_rgb().astype(int) - frame.to_rgb())[4::8, 4::8].max() <= 6


@pytest.mark.parametrize(("size", "even"), [((63, 47), (62, 46)), ((2, 3), (2, 2)), ((65, 48), (64, 48))])
def test_odd_sizes_lose_their_last_row_or_column(tmp_path, size, even):
    given = frames(range(3), size=size)
    write(tmp_path / "out.mp4", given, crf=4)
    with VideoReader(tmp_path / "out.mp4") as video:
        back = list(video)
    for frame, expected in zip(back, given, strict=True):
        assert (frame.width, frame.height) == even
        assert np.abs(frame.y.astype(int) - expected.y[: even[1], : even[0]]).mean() < 3


def test_decoded_frames_can_be_written_as_they_are(tmp_path):
    """Their planes are views with padding, and here turned too."""
    clip = make_clip(tmp_path / "in.mp4", size=(48, 70), rotation=90)
    with (
        VideoReader(clip.path) as video,
        VideoWriter(
            tmp_path / "out.mp4", width=48, height=70, time_base=video.info.time_base, matrix="bt601", crf=4
        ) as out,
    ):
        originals = []
        for frame in video:
            out.write(frame)
            originals.append(frame.y.copy())
    with VideoReader(tmp_path / "out.mp4") as video:
        assert video.info.orientation == Orientation()
        for frame, original in zip(video, originals, strict=True):
            assert np.abs(frame.y.astype(int) - original).mean() < 2


def test_mp4_can_be_played_while_it_loads(tmp_path):
    write(tmp_path / "out.mp4", frames())
    kinds = boxes(tmp_path / "out.mp4")
    assert kinds[0] == "ftyp"
    assert kinds.index("moov") < kinds.index("mdat")
    info = probe(tmp_path / "out.mp4")
    assert (info.codec, info.pixel_format) == ("h264", "yuv420p")


def test_level_suits_the_frame_rate_and_not_the_tick(tmp_path):
    write(tmp_path / "out.mp4", frames(range(0, 12 * 3600, 3600), Fraction(1, 90_000)))
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.streams.video[0].codec_context.level <= 30


class TestWhatGoesWrong:
    def test_an_exception_leaves_nothing(self, tmp_path):
        with pytest.raises(ZeroDivisionError):  # noqa: SIM117
            with VideoWriter(tmp_path / "new" / "out.mp4", width=64, height=48, time_base=Fraction(1, 25)) as video:
                for frame in frames():
                    video.write(frame)
                raise ZeroDivisionError
        assert list((tmp_path / "new").iterdir()) == []

    def test_an_exception_leaves_the_file_of_last_time(self, tmp_path):
        path = tmp_path / "out.mp4"
        write(path, frames())
        before = path.read_bytes()
        with pytest.raises(KeyboardInterrupt):  # noqa: SIM117
            with VideoWriter(path, width=64, height=48, time_base=Fraction(1, 25)) as video:
                video.write(frames()[0])
                raise KeyboardInterrupt
        assert path.read_bytes() == before
        assert list(tmp_path.iterdir()) == [path]

    @pytest.mark.parametrize("room", [Fraction(0), Fraction(1, 3), Fraction(99, 100)])
    def test_a_full_disk_is_an_error_that_leaves_nothing(self, tmp_path, room):
        """The kernel refuses to let files grow further, as a full disk does: at once, midway, and on closing."""
        noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
        given = [
            Frame.from_rgb(np.roll(noise, i, 1), index=i, pts=i, time_base=Fraction(1, 25), duration=1)
            for i in range(80)
        ]
        path = tmp_path / "out.mp4"
        write(path, given, crf=10)
        limit = int(path.stat().st_size * room)
        path.unlink()
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
        try:
            with pytest.raises(OutputError) as caught:
                write(path, given, crf=10)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert str(path) in caught.value.cause
        assert caught.value.remedy
        assert list(tmp_path.iterdir()) == []

    def test_no_space_left_is_named_as_such(self, tmp_path):
        """`/dev/full` is a disk without space; the partial file is made to be it."""
        device = Path("/dev/full")
        if not device.exists():
            pytest.skip("needs /dev/full")
        (tmp_path / "out.mp4.part").symlink_to(device)
        with pytest.raises(OutputError, match="no space left") as caught:
            write(tmp_path / "out.mp4", frames())
        assert caught.value.remedy.startswith("Free some space")
        assert list(tmp_path.iterdir()) == []

    def test_a_folder_that_is_a_file(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(OutputError, match="a file is where a folder should be"):
            write(tmp_path / "file" / "out.mp4", frames())

    def test_no_frames(self, tmp_path):
        with (
            pytest.raises(OutputError, match="no frame to write"),
            VideoWriter(tmp_path / "out.mp4", width=64, height=48, time_base=Fraction(1, 25)),
        ):
            pass
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("name", ["out.avi", "out", "mp4"])
    def test_unknown_suffix(self, tmp_path, name):
        with pytest.raises(OutputError, match="not a file name for a video"):
            VideoWriter(tmp_path / name, width=64, height=48, time_base=Fraction(1, 25))

    def test_too_small(self, tmp_path):
        with pytest.raises(OutputError, match="cannot have frames of 1x48"):
            VideoWriter(tmp_path / "out.mp4", width=1, height=48, time_base=Fraction(1, 25))

    @pytest.mark.parametrize(
        "other",
        [
            frames(size=(66, 48))[0],
            frames(time_base=Fraction(1, 30))[0],
            frames(matrix="bt601")[0],
        ],
        ids=["size", "time base", "matrix"],
    )
    def test_a_frame_unlike_the_others(self, tmp_path, other):
        with (
            pytest.raises(ValueError, match="frame with"),
            VideoWriter(tmp_path / "out.mp4", width=64, height=48, time_base=Fraction(1, 25)) as video,
        ):
            video.write(other)

    @pytest.mark.parametrize("pts", [(1, 0), (1, 1), (-1,)])
    def test_a_frame_out_of_turn(self, tmp_path, pts):
        with pytest.raises(ValueError, match="must increase, from 0"):
            write(tmp_path / "out.mp4", [replace(frames()[0], pts=at) for at in pts])
