from dataclasses import replace
from fractions import Fraction

import pytest
from av import logging
from helpers.written import frames

from roadseg.video import codecs
from roadseg.video.codecs import NOT_BUILT_IN, SAMPLES, ffmpeg_version, try_decoder, try_encoder
from roadseg.video.encoders import ENCODERS, Encoder


def test_the_encoder_that_every_overlay_needs_works():
    assert try_encoder("x264") is None


@pytest.mark.parametrize("codec", SAMPLES)
def test_the_decoders_of_the_wheel_work(codec: str):
    assert try_decoder(codec) is None


@pytest.mark.parametrize("together", [1, 2])
@pytest.mark.parametrize(
    "encoder",
    [Encoder("mpeg4", {"qmin": "2", "qmax": "3", "bf": "0"}, "qmax"), Encoder("libx264", {"bf": "2"}, "crf")],
    ids=["another", "B-frames"],
)
def test_an_encoder_that_gives_frames_back_is_accepted(monkeypatch, encoder: Encoder, together: int):
    monkeypatch.setitem(ENCODERS, "nvenc", encoder)
    assert try_encoder("nvenc", together=together) is None


@pytest.mark.parametrize(
    ("encoder", "problem"),
    [
        (Encoder("no_such_encoder", {}, "qmax"), NOT_BUILT_IN),
        # FFmpeg's own message instead of "Invalid argument".
        (Encoder("libx264", {"profile": "none"}, "crf"), "Error setting profile none."),
        (Encoder("mpeg4", {"qmin": "31", "qmax": "31"}, "qmax"), "another picture came back: PSNR "),
        (Encoder("mpeg4", {"skip_threshold": "1000000", "skip_factor": "1000000"}, "qmax"), "of 6 frames 1 came back"),
    ],
    ids=["unknown", "cannot open", "coarse", "leaves frames out"],
)
def test_an_encoder_that_does_not_give_frames_back_is_refused(monkeypatch, encoder: Encoder, problem: str):
    monkeypatch.setitem(ENCODERS, "nvenc", encoder)
    assert str(try_encoder("nvenc", frames(size=(160, 96))[0])).startswith(problem)
    assert logging.get_level() is None


def test_times_and_the_meaning_of_colours_are_compared(monkeypatch):
    frame = frames(size=(160, 96), time_base=Fraction(1001, 30_000))[0]

    def read_as(**changes):
        reader = codecs.VideoReader

        class Changed(reader):
            def __iter__(self):
                return (replace(each, **changes) for each in super().__iter__())

        with monkeypatch.context() as patch:
            patch.setattr(codecs, "VideoReader", Changed)
            return try_encoder("x264", frame)

    assert read_as() is None
    assert read_as(time_base=Fraction(1, 30)) == "frames came back at other times"
    assert read_as(full_range=True) == "the meaning of colours was lost"


def test_a_broken_sample_gives_a_reason(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(SAMPLES, "h264", ("h264", "AAAAAWdkAAo="))
    assert try_decoder("h264")


def test_ffmpeg_version_is_a_version():
    assert ffmpeg_version()[0].isdigit()
