"""Writing: times to the tick, colours as tagged, sound byte for byte, and nothing half-written whatever goes wrong."""

import re
import resource
import struct
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from helpers.clips import hide_sound_format, make_clip, make_sound, picture, sound_packets

from roadseg.errors import OutputError, VideoError
from roadseg.video.frame import Frame
from roadseg.video.orientation import Orientation
from roadseg.video.probe import probe
from roadseg.video.reader import VideoReader
from roadseg.video.writer import VideoWriter

VFR_TICKS = (0, 3, 4, 9, 30, 31, 32, 60, 61, 75, 90, 300)


def frames(pts=range(12), time_base=Fraction(1, 25), size=(64, 48), matrix="bt709"):
    ticks = list(pts)
    lengths = [after - now for now, after in pairwise(ticks)] or [1]
    return [
        Frame.from_rgb(picture(i, *size), index=i, pts=at, time_base=time_base, duration=length, matrix=matrix)
        for i, (at, length) in enumerate(zip(ticks, [*lengths, lengths[-1]], strict=False))
    ]


def write(path, given, **options):
    first = given[0]
    with VideoWriter(path, width=first.width, height=first.height, time_base=first.time_base, **options) as video:
        for frame in given:
            video.write(frame)
    return video


def times(path):
    """Presentation times and durations in seconds, read without this project's reader."""
    with av.open(str(path)) as container:
        return [
            (Fraction(frame.pts) * frame.time_base, frame.duration * frame.time_base)
            for frame in container.decode(video=0)
        ]


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


def test_pictures_are_encoded_in_their_order(tmp_path):
    write(tmp_path / "out.mp4", frames(range(40)))
    with av.open(str(tmp_path / "out.mp4")) as container:
        packets = [(packet.pts, packet.dts) for packet in container.demux(video=0) if packet.size]
    assert packets == sorted(packets)
    with VideoReader(tmp_path / "out.mp4") as video:
        greys = [int(frame.to_rgb()[-4:, -4:].mean()) for frame in video]
    assert greys == sorted(greys)
    assert len(set(greys)) == 40


def test_the_same_frames_give_the_same_pictures(tmp_path):
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


def heard(path):
    """Samples of the first channel, from the start of the video on, as floats of -1 to 1."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("fltp", "mono", 48_000)
        decoded = [*container.decode(audio=0), None]
        parts = [part.to_ndarray()[0] for frame in decoded for part in resampler.resample(frame)]
        start = float((container.streams.video[0].start_time or 0) * container.streams.video[0].time_base)
        lead = round((start - float(decoded[0].pts * decoded[0].time_base)) * 48_000)
    return np.concatenate(parts)[max(0, lead) :]


class TestSound:
    @pytest.mark.parametrize(
        ("source", "codec", "target"),
        [("in.mp4", "aac", "out.mp4"), ("in.mkv", "libopus", "out.mp4"), ("in.mp4", "mp3", "out.mp4"),
         ("in.mp4", "aac", "out.mkv"), ("in.mkv", "flac", "out.mkv")],
    )  # fmt: skip
    def test_is_copied_byte_for_byte(self, tmp_path, source, codec, target):
        clip = make_clip(tmp_path / source, pts=range(50), sound=codec)
        video = write(tmp_path / target, frames(range(50)), audio_from=clip.path)
        assert video.notices == []
        before, after = sound_packets(clip.path), sound_packets(tmp_path / target)
        assert [data for data, _, _ in after] == [data for data, _, _ in before]
        exact = (source, target) == ("in.mp4", "out.mp4")
        # Matroska counts in milliseconds from 0: rounded, and moved by what sound begins before 0.
        moved = 0 if exact else after[0][1] - before[0][1]
        for (_, now, _), (_, then, _) in zip(after, before, strict=True):
            assert abs(now - then - moved) <= (0 if exact else Fraction(1, 900))

    def test_of_a_late_start_stays_beside_its_pictures(self, tmp_path):
        clip = make_clip(tmp_path / "in.mp4", pts=range(50), sound="aac")
        given = frames(range(25, 50))
        write(tmp_path / "out.mp4", given, audio_from=clip.path)
        assert times(tmp_path / "out.mp4")[0][0] == 1
        assert [at for _, at, _ in sound_packets(tmp_path / "out.mp4")] == [at for _, at, _ in sound_packets(clip.path)]

    def test_is_interleaved(self, tmp_path):
        clip = make_clip(tmp_path / "in.mp4", pts=range(100), sound="aac")
        write(tmp_path / "out.mp4", frames(range(100)), audio_from=clip.path)
        with av.open(str(tmp_path / "out.mp4")) as container:
            order = [
                (packet.pos, packet.stream.type, float(packet.dts * packet.time_base))
                for packet in container.demux()
                if packet.size
            ]
        latest = {"video": 0.0, "audio": 0.0}
        for _, kind, seconds in sorted(order):
            latest[kind] = seconds
            assert abs(latest["video"] - latest["audio"]) < 1.2

    @pytest.mark.parametrize(
        ("name", "codec"), [("in.mov", "pcm_s16le"), ("in.avi", "pcm_u8"), ("in.mkv", "flac"), ("in2.mkv", "ac3")]
    )
    def test_that_mp4_does_not_take_is_encoded_and_said_so(self, tmp_path, name, codec):
        clip = make_clip(tmp_path / name, pts=range(50), sound=codec, options={"bf": "0"})
        video = write(tmp_path / "out.mp4", frames(range(50)), audio_from=clip.path)
        assert probe(tmp_path / "out.mp4").audio_codecs == ("aac",)
        assert video.notices == [f"sound in {codec} is encoded as AAC: MP4 players may not take it"]
        old, new = (heard(path) for path in (clip.path, tmp_path / "out.mp4"))
        assert len(new) == pytest.approx(len(old), abs=4096)
        assert np.corrcoef(old[9600:86400], new[9600:86400])[0, 1] > 0.95, "not in step"

    def test_that_is_encoded_keeps_its_gaps(self, tmp_path):
        """Two seconds of PCM of which half a second is missing."""
        clip = make_clip(tmp_path / "in.mkv", pts=range(50), sound="pcm_s16le")
        gappy = tmp_path / "gappy.mkv"
        with av.open(str(clip.path)) as source, av.open(str(gappy), "w") as target:
            stream, track = (target.add_stream_from_template(each) for each in source.streams)
            for packet in source.demux():
                if packet.size and not (packet.stream.type == "audio" and 0.5 <= packet.pts * packet.time_base < 1):
                    packet.stream = stream if packet.stream.type == "video" else track
                    target.mux(packet)
        write(tmp_path / "out.mp4", frames(range(50)), audio_from=gappy)
        loudness = np.abs(heard(tmp_path / "out.mp4")[:90_000]).reshape(-1, 1000).mean(axis=1)
        assert loudness[:20].min() > 0.1 and loudness[28:44].max() < 0.01 and loudness[52:90].min() > 0.1

    def test_keeps_its_language_and_title(self, tmp_path):
        clip = make_clip(tmp_path / "in.mkv", pts=range(50), sound="aac")
        named = tmp_path / "named.mkv"
        with av.open(str(clip.path)) as source, av.open(str(named), "w") as target:
            streams = [target.add_stream_from_template(each) for each in source.streams]
            streams[1].metadata.update(language="hin", title="Cabin")
            for packet in source.demux():
                if packet.size:
                    packet.stream = streams[packet.stream_index]
                    target.mux(packet)
        for name, title in (("out.mkv", "title"), ("out.mp4", "name")):
            write(tmp_path / name, frames(range(50)), audio_from=named)
            with av.open(str(tmp_path / name)) as container:
                metadata = container.streams.audio[0].metadata
            assert (metadata["language"], metadata[title]) == ("hin", "Cabin")

    def test_from_a_transport_stream_plays(self, tmp_path):
        clip = make_clip(tmp_path / "in.ts", pts=range(50), sound="aac")
        write(tmp_path / "out.mp4", frames(range(50)), audio_from=clip.path)
        with av.open(str(tmp_path / "out.mp4")) as container:
            samples = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
        assert len(samples) == pytest.approx(2 * 48_000, abs=4096)
        assert samples.std() == pytest.approx(0.3 / np.sqrt(2), rel=0.05)

    def test_far_beyond_the_last_picture_is_left_out_and_said_so(self, tmp_path):
        clip = make_clip(tmp_path / "in.mp4", pts=range(100), sound="aac")
        video = write(tmp_path / "out.mp4", frames(range(10)), audio_from=clip.path)
        assert any("left out" in notice for notice in video.notices)
        assert 1.3 < max(at for _, at, _ in sound_packets(tmp_path / "out.mp4")) < 1.4

    def test_of_a_file_without_sound_is_no_sound(self, tmp_path):
        clip = make_clip(tmp_path / "in.mp4")
        video = write(tmp_path / "out.mp4", frames(), audio_from=clip.path)
        assert (video.notices, probe(tmp_path / "out.mp4").audio_codecs) == ([], ())

    def test_may_come_from_a_sound_file(self, tmp_path):
        sound = make_sound(tmp_path / "sound.m4a")
        write(tmp_path / "out.mp4", frames(range(25)), audio_from=sound)
        assert [data for data, *_ in sound_packets(tmp_path / "out.mp4")] == [data for data, *_ in sound_packets(sound)]

    def test_of_a_missing_file_is_an_error_that_leaves_nothing(self, tmp_path):
        with pytest.raises(VideoError, match="no such file"):
            write(tmp_path / "out.mp4", frames(), audio_from=tmp_path / "missing.mp4")
        assert list(tmp_path.iterdir()) == []

    def test_whose_clock_restarts_goes_on(self, tmp_path):
        clip = make_clip(tmp_path / "in.ts", pts=range(50), sound="aac", options={"bf": "0"})
        joined = tmp_path / "joined.ts"
        joined.write_bytes(clip.path.read_bytes() * 2)
        write(tmp_path / "out.mp4", frames(range(100)), audio_from=joined)
        packets = sound_packets(tmp_path / "out.mp4")
        assert len(packets) == 2 * len(sound_packets(clip.path))
        assert all(0 < after - now < 0.1 for (_, now, _), (_, after, _) in pairwise(packets))

    @pytest.mark.parametrize(
        "damage",
        [{3: (0, 0), 4: (0, 0), 5: (0, 0), 6: (0, 0)}, {1: (0xFE, 0), 6: (0xFF, 0x03)}],
        ids=["no length", "several blocks with a checksum, which FFmpeg cannot take apart"],
    )
    def test_that_is_damaged_is_left_out_and_said_so(self, tmp_path, damage):
        """The damage is done to headers of AAC (ADTS, ISO/IEC 13818-7): by place, the bits kept and those added."""
        clip = make_clip(tmp_path / "in.ts", pts=range(50), sound="aac")
        data = bytearray(clip.path.read_bytes())
        headers = [match.start() for match in re.finditer(rb"\xff\xf1", data)]
        for at in headers[10:12]:
            for place, (kept, added) in damage.items():
                data[at + place] = data[at + place] & kept | added
        whole = len(sound_packets(clip.path))
        clip.path.write_bytes(data)
        video = write(tmp_path / "out.mp4", frames(range(50)), audio_from=clip.path)
        assert whole - 4 <= len(sound_packets(tmp_path / "out.mp4")) < whole
        assert video.notices == ["damaged sound is left out, the first at 0.3 s"]

    def test_without_the_header_that_decoders_need_is_left_out_and_said_so(self, tmp_path):
        clip = make_clip(tmp_path / "in.mkv", pts=range(50), sound="libopus")
        data = clip.path.read_bytes()
        # CodecPrivate, with 19 bytes; it becomes a Void with 20 (RFC 8794, RFC 9559).
        assert data.count(b"\x63\xa2\x93OpusHead") == 1
        clip.path.write_bytes(data.replace(b"\x63\xa2\x93OpusHead", b"\xec\x94\x93OpusHead"))
        video = write(tmp_path / "out.mp4", frames(range(50)), audio_from=clip.path)
        assert ["sound in opus is left out: it is damaged" in notice for notice in video.notices] == [True]

    def test_in_a_format_that_nobody_knows_is_left_out_and_said_so(self, tmp_path):
        clip = make_clip(tmp_path / "in.avi", codec="mjpeg", pixel_format="yuvj420p", sound="pcm_s16le")
        hide_sound_format(clip.path)
        video = write(tmp_path / "out.mkv", frames(), audio_from=clip.path)
        assert ["sound in unknown is left out" in notice for notice in video.notices] == [True]


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
