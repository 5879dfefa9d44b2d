"""Overlays by another encoder than x264: a software encoder under the name of the one that needs a graphics card."""

import cv2
import pytest
from helpers.clips import make_clip
from helpers.drive_clips import TheUpperHalfIsSky, make_drive

from roadseg.errors import InputError, OutputError
from roadseg.jobs.overlay import overlay_videos
from roadseg.overlay import encoding, job, parts
from roadseg.overlay.encoding import encoders_at_once
from roadseg.overlay.failures import Failure
from roadseg.overlay.job import overlay_video
from roadseg.overlay.summary import OverlayOptions, OverlaySummary
from roadseg.video.encoders import ENCODERS, Encoder
from roadseg.video.probe import probe
from roadseg.video.reader import VideoReader

OTHER = Encoder("mpeg4", {"qmin": "2", "qmax": "3", "bf": "0"}, "qmax", at_once=2)
FRAMES = 40


@pytest.fixture
def other(monkeypatch):
    """MPEG-4 in place of NVENC, and segments of eight frames."""
    monkeypatch.setitem(ENCODERS, "nvenc", OTHER)
    for module in (parts, job, encoding):
        monkeypatch.setattr(module, "SEGMENT_FRAMES", 8)


@pytest.fixture
def clip(tmp_path):
    return make_clip(tmp_path / "clip.mp4", pts=[3 * tick + tick % 2 for tick in range(FRAMES)], sound="aac").path


def frames_of(path):
    with VideoReader(path) as video:
        return list(video)


@pytest.mark.usefixtures("other")
@pytest.mark.parametrize("at_once", [1, 2])
def test_an_overlay_by_another_encoder_has_the_same_frames_at_the_same_times(clip, tmp_path, monkeypatch, at_once):
    monkeypatch.setattr(encoding, "draws_on_device", lambda segmenter: at_once > 1)
    monkeypatch.setattr(encoding, "usable_cores", lambda: 64)
    out, reference = tmp_path / "out", tmp_path / "reference"
    (summary,) = overlay_videos(clip, out, TheUpperHalfIsSky(), encoder="nvenc")
    assert isinstance(summary, OverlaySummary) and summary.frames == FRAMES and summary.job.encoder == "nvenc"
    made = out / "clip.overlay.mp4"
    assert (probe(made).codec, probe(made).audio_codecs) == ("mpeg4", ("aac",))
    assert [frame.seconds for frame in frames_of(made)] == [frame.seconds for frame in frames_of(clip)]
    page = (out / "clip.report.html").read_text()
    assert "encoder" in page and "nvenc" in page

    overlay_videos(clip, reference, TheUpperHalfIsSky())
    pairs = zip(frames_of(made), frames_of(reference / "clip.overlay.mp4"), strict=True)
    assert min(cv2.PSNR(one.y, other.y) for one, other in pairs) > 30

    (again,) = overlay_videos(clip, out, TheUpperHalfIsSky(), encoder="nvenc")
    assert again.skipped
    (refused,) = overlay_videos(clip, out, TheUpperHalfIsSky())
    assert isinstance(refused, Failure) and isinstance(refused.error, OutputError)
    assert refused.error.cause == f"{made}: there already, made with another choice of --encoder"


def test_an_encoder_that_loses_frames_is_refused_before_anything_is_written(clip, tmp_path, monkeypatch):
    lossy = Encoder("mpeg4", {"skip_threshold": "1000000", "skip_factor": "1000000"}, "qmax")
    monkeypatch.setitem(ENCODERS, "nvenc", lossy)
    out = tmp_path / "out"
    with pytest.raises(InputError, match="nvenc cannot encode videos here: of 6 frames 1 came back"):
        overlay_videos(clip, out, TheUpperHalfIsSky(), encoder="nvenc")
    with pytest.raises(InputError, match="nvenc cannot encode 64x48 pixels here: of 6 frames 1 came back"):
        overlay_video(clip, TheUpperHalfIsSky(), out, OverlayOptions(encoder="nvenc"))
    assert {path.name for path in out.rglob("*")} <= {".lock"}
    with pytest.raises(InputError, match="'h264' is unknown"):
        OverlayOptions(encoder="h264")  # type: ignore[arg-type]


@pytest.mark.usefixtures("other")
def test_a_device_that_opens_fewer_encoders_gets_fewer(clip, monkeypatch):
    tried = []

    def one_session(name, like, *, together):
        tried.append(together)
        return None if together == 1 else "OpenEncodeSessionEx failed: out of memory (10)"

    monkeypatch.setattr(encoding, "draws_on_device", lambda segmenter: True)
    monkeypatch.setattr(encoding, "usable_cores", lambda: 64)
    monkeypatch.setattr(encoding, "try_encoder", one_session)
    assert encoders_at_once(TheUpperHalfIsSky(), frames_of(clip)[0], "nvenc") == 1
    assert tried == [2, 1]


@pytest.mark.usefixtures("other")
def test_an_encoder_that_stops_keeps_what_is_finished(tmp_path, monkeypatch):
    clip, out = make_drive(tmp_path / "clip.mp4", durations=[1] * FRAMES), tmp_path / "out"
    options = OverlayOptions(encoder="nvenc")
    opened = []

    class Stopping(parts.VideoWriter):
        def __enter__(self):
            opened.append(self)
            if len(opened) == 3:
                monkeypatch.setitem(self._options, "qmin", "none")
            return super().__enter__()

    with monkeypatch.context() as patch:
        patch.setattr(parts, "VideoWriter", Stopping)
        with pytest.raises(OutputError, match="the encoder mpeg4 failed") as caught:
            overlay_video(clip, TheUpperHalfIsSky(), out, options)
    assert "Run the same command again: it continues." in caught.value.remedy
    assert overlay_video(clip, TheUpperHalfIsSky(), out, options).frames_resumed == 16


@pytest.mark.usefixtures("other")
def test_segments_of_two_machines_that_do_not_fit_together_are_made_anew(tmp_path, monkeypatch):
    clip, out = make_drive(tmp_path / "clip.mp4", durations=[1] * FRAMES), tmp_path / "out"
    options = OverlayOptions(encoder="nvenc")
    with monkeypatch.context() as patch:
        patch.setattr(parts, "join_videos", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            overlay_video(clip, TheUpperHalfIsSky(), out, options)
    (out / ".clip.parts" / "000004.parquet").unlink()
    monkeypatch.setitem(ENCODERS, "nvenc", Encoder("libx264", {"bf": "0"}, "crf"))
    with pytest.raises(InputError, match="encoded with other settings"):
        overlay_video(clip, TheUpperHalfIsSky(), out, options)
    assert overlay_video(clip, TheUpperHalfIsSky(), out, options).frames_resumed == 0
