"""Sound in written videos: copied byte for byte or encoded, in step, and what is lost is said."""

import re
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest
from helpers.clips import hide_sound_format, make_clip, make_sound, sound_packets
from helpers.written import frames, times, write

from roadseg.errors import VideoError
from roadseg.video.probe import probe


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
         ("in.mp4", "aac", "out.mkv"), ("in.mkv", "flac", "out.mkv"), ("in.mov", "pcm_s16le", "out.mkv"),
         ("in.ts", "ac3", "out.mkv"), ("in.ts", "mp2", "out.mkv")],
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

    def test_of_a_late_start_stays_beside_its_frames(self, tmp_path):
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

    def test_that_matroska_cannot_hold_is_encoded_and_said_so(self, tmp_path):
        clip = make_clip(tmp_path / "in.avi", pts=range(25), sound="adpcm_ms", options={"bf": "0"})
        video = write(tmp_path / "out.mkv", frames(range(25)), audio_from=clip.path)
        assert probe(tmp_path / "out.mkv").audio_codecs == ("aac",)
        assert video.notices == ["sound in adpcm_ms is encoded as AAC: the file format cannot hold it"]

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

    def test_far_beyond_the_last_frame_is_left_out_and_said_so(self, tmp_path):
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
