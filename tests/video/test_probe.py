"""Properties that a probe finds, and errors for files that are no videos."""

import os
from datetime import UTC, datetime
from fractions import Fraction

import pytest
from helpers.clips import hide_sound_format, make_clip, make_sound

from roadseg.errors import VideoError
from roadseg.video import container
from roadseg.video.orientation import Orientation
from roadseg.video.probe import probe


def test_finds_what_is_in_a_video(tmp_path):
    path = make_clip(tmp_path / "clip.mp4", pts=range(75, 87), sound="aac").path
    info = probe(path)
    assert (info.path, info.codec, info.pixel_format) == (path, "h264", "yuv420p")
    assert "mp4" in info.container
    assert (info.width, info.height, info.orientation, info.sample_aspect_ratio) == (64, 48, Orientation(), 1)
    assert (info.frame_rate, info.frame_count, info.audio_codecs) == (Fraction(25), 12, ("aac",))
    assert info.start_pts is not None
    assert info.start_pts * info.time_base == 3
    assert info.duration_seconds == pytest.approx(12 / 25)
    assert not info.hdr
    assert (info.colour_matrix, info.colour_range, info.colour_transfer, info.colour_primaries) == (None,) * 4


def test_the_duration_of_fragments_that_begin_late_counts_from_the_first_frame(tmp_path):
    fragments = {"movflags": "dash+frag_keyframe+delay_moov"}
    late = make_clip(tmp_path / "late.mp4", pts=range(75, 87), container_options=fragments).path
    assert probe(late).duration_seconds == pytest.approx(12 / 25)


def test_finds_colour_tags(tmp_path):
    params = "colorprim=bt2020:transfer=arib-std-b67:colormatrix=bt2020nc:fullrange=on"
    info = probe(make_clip(tmp_path / "clip.mp4", options={"x264-params": params}).path)
    assert (info.colour_matrix, info.colour_range) == ("bt2020nc", "full")
    assert (info.colour_transfer, info.colour_primaries) == ("hlg", "bt2020")
    assert info.hdr


def test_size_is_that_of_the_turned_frame(tmp_path):
    info = probe(make_clip(tmp_path / "clip.mp4", size=(48, 64), rotation=90).path)
    assert (info.width, info.height, info.orientation) == (48, 64, Orientation(90))


def test_sample_aspect_ratio(tmp_path):
    info = probe(make_clip(tmp_path / "clip.mp4", aspect=Fraction(4, 3)).path)
    assert info.sample_aspect_ratio == Fraction(4, 3)


UTC_TIME = datetime(2024, 3, 1, 17, 30, 5, tzinfo=UTC)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("2024-03-01T17:30:05.000000Z", UTC_TIME),
        ("2024-03-01T23:00:05+05:30", UTC_TIME),
        ("1970-01-01T00:00:00Z", None),
        ("yesterday", None),
        (None, None),
    ],
)
def test_creation_time(tmp_path, suffix, written, found):
    metadata = {"creation_time": written} if written else {}
    assert probe(make_clip(tmp_path / f"clip{suffix}", metadata=metadata).path).creation_time == found


def test_sound_in_a_format_that_nobody_knows(tmp_path):
    clip = make_clip(tmp_path / "clip.avi", codec="mjpeg", pixel_format="yuvj420p", sound="pcm_s16le")
    assert probe(clip.path).audio_codecs == ("pcm_s16le",)
    hide_sound_format(clip.path)
    assert probe(clip.path).audio_codecs == ("unknown",)


def test_refuses_frames_that_would_take_all_memory(tmp_path, monkeypatch):
    path = make_clip(tmp_path / "clip.mp4", size=(128, 96)).path
    monkeypatch.setattr(container, "MAX_PIXELS", 100 * 75)
    with pytest.raises(VideoError, match="128x96 pixels are too large"):
        probe(path)


def test_raw_stream_has_no_start(tmp_path):
    info = probe(make_clip(tmp_path / "clip.h264").path)
    assert (info.start_pts, info.duration_seconds, info.frame_count, info.audio_codecs) == (None, None, None, ())


def write(path, data):
    path.write_bytes(data)
    return path


def cut(path):
    """An MP4 whose recording was cut off: its index stands at the end."""
    data = make_clip(path, noise=True).path.read_bytes()
    return write(path, data[: len(data) * 3 // 4])


def undecodable(path):
    """A file with video packets that hold nothing but zeros."""
    data = bytearray(make_clip(path, codec="mjpeg", pixel_format="yuvj420p").path.read_bytes())
    start = data.index(b"movi")
    data[start + 12 : data.index(b"idx1", start)] = bytes(data.index(b"idx1", start) - start - 12)
    return write(path, data)


def pipe(path):
    os.mkfifo(path)
    return path


def loop(path):
    path.symlink_to(path)
    return path


REFUSED = {
    "missing": (lambda at: at / "missing.mp4", "no such file"),
    "folder": (lambda at: at, "a folder"),
    "pipe": (lambda at: pipe(at / "pipe.mp4"), "a pipe or a device"),
    "link to itself": (lambda at: loop(at / "loop.mp4"), "links to itself"),
    "file as a folder": (lambda at: write(at / "empty.mp4", b"") / "below.mp4", "no such file"),
    "empty": (lambda at: write(at / "empty.mp4", b""), "empty"),
    "text": (lambda at: write(at / "text.mp4", b"not a video\n" * 100), "not a video"),
    "text file": (lambda at: write(at / "notes.txt", b"not a video\n" * 100), "not a video"),
    "zeros": (lambda at: write(at / "zeros.mp4", bytes(100_000)), "not a video"),
    "picture": (
        lambda at: make_clip(at / "one.png", codec="png", pixel_format="rgb24", pts=[0]).path,
        "not a video but an image",
    ),
    "sound": (lambda at: make_sound(at / "sound.m4a"), "no video in it, only sound"),
    "cover": (lambda at: make_sound(at / "song.mp3", "mp3", cover=True), "only a cover image and sound"),
    "cut off": (lambda at: cut(at / "cut.mp4"), "cut off"),
    "undecodable": (lambda at: undecodable(at / "zeros.avi"), "none of its frames can be decoded|not a video"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refuses_with_cause_and_remedy(tmp_path, kind):
    make, cause = REFUSED[kind]
    path = make(tmp_path)
    with pytest.raises(VideoError, match=cause) as caught:
        probe(path)
    assert str(path) in caught.value.cause
    assert "\n" not in caught.value.cause
    assert caught.value.remedy


def test_refuses_a_name_that_no_disk_has(tmp_path):
    with pytest.raises(VideoError, match=r"/a{50}…a+\.mp4: no such file\n"):
        probe(tmp_path / ("a" * 300 + ".mp4"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read anything")
def test_refuses_what_may_not_be_read(tmp_path):
    path = make_clip(tmp_path / "clip.mp4").path
    path.chmod(0)
    with pytest.raises(VideoError, match="not allowed"):
        probe(path)


@pytest.mark.parametrize(
    ("text", "suffix"),
    [
        ("ffconcat version 1.0\nfile 'neighbour.mkv'\n", ".ffconcat"),
        ("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:0.5,\nneighbour.mkv\n#EXT-X-ENDLIST\n", ".m3u8"),
        ("\n\ufeff#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/video.ts\n#EXT-X-ENDLIST\n", ".m3u8"),
    ],
)
def test_a_playlist_under_the_name_of_a_video_opens_nothing(tmp_path, text, suffix):
    make_clip(tmp_path / "neighbour.mkv")
    path = tmp_path / "clip.mp4"
    path.write_text(text)
    with pytest.raises(VideoError, match=f"a playlist, not a video\n.*name it {suffix}"):
        probe(path)
