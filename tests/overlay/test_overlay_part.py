"""Overlays of a part of a video, and of a frame every so often."""

from fractions import Fraction

import numpy as np
import pyarrow.parquet as pq
import pytest
from helpers.clips import make_clip, sound_packets
from helpers.drive_clips import TheUpperHalfIsSky, make_drive
from helpers.written import times

from roadseg.errors import InputError, OutputError
from roadseg.overlay import encoding, job, parts
from roadseg.overlay.appearance import NO_LEGEND
from roadseg.overlay.files import OverlayFiles
from roadseg.overlay.job import overlay_video
from roadseg.overlay.summary import OverlayOptions
from roadseg.video.interval import Interval
from roadseg.video.reader import VideoReader

FIRST, FRAMES = 10, 20
PART = OverlayOptions(appearance=NO_LEGEND, interval=Interval.lasting(Fraction(FIRST, 25), Fraction(FRAMES, 25)))


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return make_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", pts=range(50), sound="aac").path


@pytest.fixture(autouse=True)
def short_segments(monkeypatch):
    for module in (parts, job, encoding):
        monkeypatch.setattr(module, "SEGMENT_FRAMES", 8)


def columns(files, *names):
    table = pq.read_table(files.frames)
    return [table[name].to_numpy().tolist() for name in names]


def test_the_overlay_begins_at_0_with_its_sound_and_the_table_keeps_the_video_s_times(clip, tmp_path):
    summary = overlay_video(clip, TheUpperHalfIsSky(), tmp_path, PART)
    files = OverlayFiles.of(clip, tmp_path)
    assert times(files.overlay) == [(Fraction(index, 25), Fraction(1, 25)) for index in range(FRAMES)]
    indices, seconds = columns(files, "index", "seconds")
    assert indices == list(range(FIRST, FIRST + FRAMES))
    assert seconds == [index / 25 for index in indices]
    assert (summary.begins_seconds, summary.duration_seconds) == (0.4, pytest.approx(0.8))
    assert not any("sound" in notice for notice in summary.notices)
    original = {data: at for data, at, _ in sound_packets(clip)}
    copied = sound_packets(files.overlay)
    assert all(original[data] - at == Fraction(FIRST, 25) for data, at, _ in copied)
    # Every packet that is heard, and no more than decoders need before it.
    heard = [data for data, at, length in sound_packets(clip) if at + length > 0.4 and at < 1.2]
    assert [data for data, at, length in copied if at + length > 0] == heard
    assert min(at for _, at, _ in copied) > -0.15


def test_what_is_cut_off_goes_on_exactly(clip, tmp_path, monkeypatch):
    whole, resumed = tmp_path / "whole", tmp_path / "resumed"
    overlay_video(clip, TheUpperHalfIsSky(), whole, PART)
    with monkeypatch.context() as patch:
        patch.setattr(parts, "join_videos", cut_off)
        with pytest.raises(KeyboardInterrupt):
            overlay_video(clip, TheUpperHalfIsSky(), resumed, PART)
    (resumed / ".clip.parts" / "000001.parquet").unlink()  # the second segment of eight frames was not finished
    assert overlay_video(clip, TheUpperHalfIsSky(), resumed, PART).frames_resumed == 8
    one, other = (OverlayFiles.of(clip, folder) for folder in (whole, resumed))
    assert pq.read_table(one.frames).equals(pq.read_table(other.frames))
    assert times(one.overlay) == times(other.overlay)
    assert sound_packets(one.overlay) == sound_packets(other.overlay)


def cut_off(*_, **__):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (OverlayOptions(appearance=NO_LEGEND), "--start and --duration"),
        (OverlayOptions(appearance=NO_LEGEND, interval=PART.interval, every=Fraction(1, 5)), "--every"),
    ],
)
def test_another_part_is_another_job(clip, tmp_path, other, named):
    overlay_video(clip, TheUpperHalfIsSky(), tmp_path, PART)
    assert overlay_video(clip, TheUpperHalfIsSky(), tmp_path, PART).skipped
    with pytest.raises(OutputError, match=rf"made with another choice of {named}\n"):
        overlay_video(clip, TheUpperHalfIsSky(), tmp_path, other)


def test_masks_keep_the_video_s_times_and_as_a_video_those_of_the_overlay(tmp_path):
    clip = make_drive(tmp_path / "clip.mp4", (2, 1, 3, 1, 1))  # begin at 0, 2, 3, 6 and 7 tenths of a second
    for form in ("npz", "mp4"):
        options = OverlayOptions(interval=Interval.lasting(0.3), masks=form, overwrite=True)
        overlay_video(clip, TheUpperHalfIsSky(), tmp_path, options)
        files = OverlayFiles.of(clip, tmp_path)
        if form == "npz":
            with np.load(files.masks["npz"]) as arrays:
                assert arrays["seconds"] == pytest.approx([0.3, 0.6, 0.7])
    assert [float(at) for at, _ in times(files.masks["mp4"])] == pytest.approx([0, 0.3, 0.4])


def test_a_frame_every_so_often_is_shown_until_the_next(clip, tmp_path):
    overlay_video(clip, TheUpperHalfIsSky(), tmp_path, OverlayOptions(every=Fraction(4, 5)))
    files = OverlayFiles.of(clip, tmp_path)
    assert columns(files, "index", "seconds", "duration_seconds") == [[0, 20, 40], [0, 0.8, 1.6], [0.8, 0.8, 0.4]]
    assert times(files.overlay) == [
        (step * Fraction(4, 5), Fraction(length, 5)) for step, length in enumerate((4, 4, 2))
    ]
    assert len(sound_packets(files.overlay)) == len(sound_packets(clip))
    with VideoReader(files.overlay) as video:
        assert video.info.duration_seconds == pytest.approx(2, abs=0.05)


@pytest.mark.parametrize("every", [0, -1, 7200])
def test_steps_that_are_none_are_refused(every):
    with pytest.raises(InputError, match=r"every: .* wanted above 0 up to 3600"):
        OverlayOptions(every=Fraction(every))
