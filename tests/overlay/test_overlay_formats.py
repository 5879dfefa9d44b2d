"""Every kind of video through the whole overlay: its times to the tick, its colours, its shape, its sound."""

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from helpers import clips
from helpers.clips import Clip, make_clip, picture_times, sound_tracks, zero_packets
from helpers.drive_clips import TheUpperHalfIsSky

from roadseg.errors import VideoError
from roadseg.overlay.appearance import Appearance
from roadseg.overlay.files import OverlayFiles
from roadseg.overlay.job import overlay_video
from roadseg.overlay.summary import OverlayOptions
from roadseg.report.pages import write_report
from roadseg.video import reader
from roadseg.video.orientation import Orientation
from roadseg.video.probe import probe
from roadseg.video.reader import VideoReader

VFR_TICKS = (0, 30, 31, 40, 70, 71, 95)
INVISIBLE = OverlayOptions(appearance=Appearance(opacity=0, legend="none"))

CLIPS: dict[str, Callable[[Path], Clip]] = {
    "constant rate": lambda at: make_clip(at / "clip.mp4"),
    "variable rate": lambda at: make_clip(at / "clip.mp4", pts=VFR_TICKS, time_base=Fraction(1, 90)),
    "29.97 Hz": lambda at: make_clip(at / "clip.mov", time_base=Fraction(1001, 30000), sound="aac"),
    "one picture": lambda at: make_clip(at / "clip.mp4", pts=[3]),
    "late start": lambda at: make_clip(at / "clip.mp4", pts=range(75, 87), sound="aac"),
    "turned 90": lambda at: make_clip(at / "clip.mp4", rotation=90),
    "turned 180": lambda at: make_clip(at / "clip.mp4", rotation=180),
    "turned 270": lambda at: make_clip(at / "clip.mp4", rotation=270),
    "10 bits": lambda at: make_clip(at / "clip.mp4", pixel_format="yuv420p10le"),
    "4:2:2": lambda at: make_clip(at / "clip.mp4", pixel_format="yuv422p"),
    "ProRes": lambda at: make_clip(at / "clip.mov", codec="prores_ks", pixel_format="yuv422p10le"),
    "full range": lambda at: make_clip(at / "clip.mp4", pixel_format="yuvj420p", options={"crf": "12"}),
    "odd size": lambda at: make_clip(at / "clip.mkv", size=(63, 47), codec="ffv1"),
    "odd size turned": lambda at: make_clip(at / "clip.mp4", size=(63, 47), pixel_format="yuv444p", rotation=90),
    "wide pixels": lambda at: make_clip(at / "clip.mp4", aspect=Fraction(4, 3)),
    "wide pixels turned": lambda at: make_clip(at / "clip.mp4", aspect=Fraction(4, 3), rotation=90),
    "narrow pixels in Matroska": lambda at: make_clip(at / "clip.mkv", aspect=Fraction(8, 9)),
    "two videos": lambda at: make_clip(at / "clip.mp4", second_size=(32, 24)),
    "cover picture": lambda at: make_clip(at / "clip.mp4", cover=True, sound="aac"),
    "MP3": lambda at: make_clip(at / "clip.mp4", sound="libmp3lame"),
    "Opus": lambda at: make_clip(at / "clip.mkv", sound="libopus"),
    "PCM": lambda at: make_clip(at / "clip.mov", sound="pcm_s16le"),
    "raw H.264": lambda at: make_clip(at / "clip.h264"),
    "HEVC": lambda at: make_clip(at / "clip.mp4", codec="libx265", options={"x265-params": "log-level=none:crf=12"}),
    "AV1": lambda at: make_clip(at / "clip.mp4", codec="libsvtav1", options={"preset": "12", "crf": "12"}),
    "WebM": lambda at: make_clip(at / "clip.webm", codec="libvpx-vp9", options={"crf": "12"}, sound="libopus"),
    "transport stream": lambda at: make_clip(at / "clip.ts", options={"crf": "12"}, sound="aac"),
    "MJPEG in AVI": lambda at: make_clip(at / "clip.avi", codec="mjpeg", pixel_format="yuvj420p"),
    "MPEG-4 in AVI": lambda at: make_clip(at / "clip.avi", codec="mpeg4", options={"qmax": "2"}, sound="libmp3lame"),
    "MPEG-2": lambda at: make_clip(at / "clip.mpg", codec="mpeg2video", options={"qmax": "2"}),
}


@pytest.fixture(scope="module", params=CLIPS)
def drawn(request, tmp_path_factory):
    """A clip, its invisible overlay, and the summary."""
    clip = CLIPS[request.param](tmp_path_factory.mktemp("clip"))
    out = clip.path.parent / "out"
    summary = overlay_video(clip.path, TheUpperHalfIsSky(), out, INVISIBLE)
    return clip, OverlayFiles.of(clip.path, out).overlay, summary


def test_every_frame_at_its_time(drawn):
    clip, overlay, summary = drawn
    assert picture_times(overlay) == picture_times(clip.path)
    assert summary.frames == len(clip.seconds)


def test_colours(drawn):
    _, overlay, _ = drawn
    with VideoReader(overlay) as video:
        for number, frame in enumerate(video):
            image = frame.to_rgb().astype(int)
            assert np.abs(image[[4, -4, -4], [-4, 4, -4]] - clips.level(number)).max() <= 3
            assert np.abs(image[4, 4] - (220, 30, 30)).max() <= 6


def test_shape(drawn):
    clip, overlay, _ = drawn
    before, after = probe(clip.path), probe(overlay)
    assert (after.width, after.height) == (clip.width // 2 * 2, clip.height // 2 * 2)
    assert (after.orientation, after.codec) == (Orientation(), "h264")
    # FFmpeg's other name for full range; see `colour_range`.
    assert after.pixel_format == ("yuvj420p" if before.colour_range == "full" else "yuv420p")
    turned = before.orientation.swaps_sides
    assert after.sample_aspect_ratio == (1 / before.sample_aspect_ratio if turned else before.sample_aspect_ratio)


def test_sound(drawn):
    clip, overlay, summary = drawn
    check_sound(clip.path, overlay, summary.notices)


def check_sound(video, overlay, notices):
    """Check that sound which MP4 can hold is copied byte for byte, and that the rest is encoded and has a notice."""
    before, after = sound_tracks(video), sound_tracks(overlay)
    copied = [codec in ("aac", "mp3", "opus") for codec, _ in before]
    assert [codec for codec, _ in after] == [
        old[0] if same else "aac" for old, same in zip(before, copied, strict=True)
    ]
    assert all(old == new for old, new, same in zip(before, after, copied, strict=True) if same)
    assert len([notice for notice in notices if "is encoded as AAC" in notice]) == copied.count(False)


ODD = (
    "ae_h264-png.mp4 ae_test_yuv422p.mp4 ae_testsrc.mkv av1_video.mkv bt709_full_range.mp4 enst_video.h264 "
    "h264_10bits.mp4 realshort.mp4 video_0.mov video_90.mov video_270.mov"
)


@pytest.mark.real_data
@pytest.mark.parametrize("name", ODD.split())
def test_videos_of_other_peoples_making(real_data, tmp_path, name):
    video = real_data / "video" / "odd" / name
    summary = overlay_video(video, TheUpperHalfIsSky(), tmp_path, INVISIBLE)
    overlay = OverlayFiles.of(video, tmp_path).overlay
    assert picture_times(overlay) == picture_times(video)
    check_sound(video, overlay, summary.notices)
    with VideoReader(video) as before, VideoReader(overlay) as after:
        for old, new in zip(before, after, strict=True):
            assert np.abs(old.to_rgb((32, 16)).astype(int) - new.to_rgb((32, 16))).mean() <= 3


def summary_of(video):
    """Make an overlay and return the content of its summary file."""
    out = video.parent / "out"
    overlay_video(video, TheUpperHalfIsSky(), out, INVISIBLE)
    return json.loads(OverlayFiles.of(video, out).summary.read_text())


def test_the_summary_tells_of_packets_that_were_skipped(real_data, tmp_path):
    video = tmp_path / "corrupted.mp4"
    video.symlink_to(real_data / "video" / "odd" / "corrupted.mp4")
    summary = summary_of(video)
    assert (summary["decoder_events"]["corrupt_packets"], summary["frames"]) == (1, 49)


def test_the_summary_tells_of_a_silent_end(tmp_path):
    clip = make_clip(tmp_path / "clip.mkv", pts=range(48), time_base=Fraction(1, 10), noise=True)
    clip.path.write_bytes(clip.path.read_bytes()[: clip.path.stat().st_size // 2])
    summary = summary_of(clip.path)
    assert summary["decoder_events"]["truncated_seconds"] == pytest.approx(4.8 - summary["duration_seconds"], abs=0.1)


def test_the_summary_tells_that_reading_stopped_early(tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "MAX_DECODE_FAILURES", 4)
    clip = make_clip(tmp_path / "clip.avi", codec="mjpeg", pixel_format="yuvj420p", pts=range(40))
    zero_packets(clip.path, 10, 40)
    summary = summary_of(clip.path)
    assert (summary["frames"], summary["decoder_events"]["corrupt_packets"]) == (10, 5)
    assert any(notice.startswith("reading stopped early") for notice in summary["notices"])


def test_the_summary_tells_of_high_dynamic_range(tmp_path):
    params = "colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc"
    clip = make_clip(tmp_path / "clip.mp4", pixel_format="yuv420p10le", options={"x264-params": params})
    assert any(notice.startswith("high dynamic range") for notice in summary_of(clip.path)["notices"])


def test_the_summary_tells_of_clocks_that_restart(tmp_path):
    clip = make_clip(tmp_path / "clip.ts", pts=range(50), options={"bf": "0"})
    clip.path.write_bytes(clip.path.read_bytes() * 2)
    assert summary_of(clip.path)["decoder_events"]["timestamps_repaired"] == 1


@pytest.mark.parametrize(("size", "lost"), [((63, 48), "column"), ((64, 47), "row"), ((63, 47), "column and row")])
def test_the_summary_tells_what_is_lost_of_odd_sizes(tmp_path, size, lost):
    clip = make_clip(tmp_path / "clip.mp4", size=size, pixel_format="yuv444p")
    said = f"the last {lost} of odd {size[0]}x{size[1]} pixels is cut off"
    assert said in summary_of(clip.path)["notices"]


@pytest.mark.real_data
def test_very_tall_and_very_small_files_of_other_makers(real_data, tmp_path):
    tall = overlay_video(real_data / "cases" / "o_16x4096.mp4", TheUpperHalfIsSky(), tmp_path)
    assert (tall.width_px, tall.height_px) == (16, 4096)
    assert write_report(OverlayFiles.of(Path(tall.video), tmp_path)).is_file()
    with pytest.raises(VideoError, match="frames of 1x1 pixels cannot be encoded"):
        overlay_video(real_data / "cases" / "bitmap.mp4", TheUpperHalfIsSky(), tmp_path)
