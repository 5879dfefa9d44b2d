import pytest

from roadseg.video.codecs import ENCODERS, NOT_BUILT_IN, SAMPLES, ffmpeg_version, try_decoder, try_encoder


def test_the_encoder_that_every_overlay_needs_works():
    assert ENCODERS[0] == "libx264"
    assert try_encoder("libx264") is None


@pytest.mark.parametrize("codec", SAMPLES)
def test_the_decoders_of_the_wheel_work(codec: str):
    assert try_decoder(codec) is None


def test_an_encoder_that_does_not_exist_is_told_apart_from_one_that_fails():
    assert try_encoder("no_such_encoder") == NOT_BUILT_IN
    # An image encoder that takes no yuv420p: it is there, and cannot encode the frame.
    assert try_encoder("png") not in (None, NOT_BUILT_IN)


def test_a_broken_sample_gives_a_reason(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(SAMPLES, "h264", ("h264", "AAAAAWdkAAo="))
    assert try_decoder("h264")


def test_ffmpeg_version_is_a_version():
    assert ffmpeg_version()[0].isdigit()
