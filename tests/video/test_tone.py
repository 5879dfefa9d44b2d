"""Video of high dynamic range is shown in standard range."""

import numpy as np
import pytest
from helpers.clips import make_clip

from roadseg.video.reader import VideoReader
from roadseg.video.tone import PEAK, WHITE, tone_mapped

PQ = {100: 0.508, 203: 0.581, 1000: 0.752, 4000: 0.903, 10_000: 1.0}
"""Luminance in cd/m2 -> signal of PQ (SMPTE ST 2084; 203 is diffuse white in ITU-R BT.2408)."""


def levels(y, transfer="pq", *, chroma=512, full_range=False):
    luma = np.array([[y, y], [y, y]], np.uint16)
    other = np.array([[chroma]], np.uint16)
    mapped = tone_mapped(luma, other, other, transfer, full_range=full_range)
    return int(mapped[0][0, 0]), int(mapped[1][0, 0])


def test_luminance_follows_the_published_curve():
    for luminance, signal in PQ.items():
        bright = luminance / WHITE
        linear = min(1, bright * (1 + bright * (WHITE / PEAK) ** 2) / (1 + bright))
        level = round(64 + 876 * signal)
        assert levels(level)[0] == pytest.approx(16 + 219 * linear ** (1 / 2.4), abs=1)


@pytest.mark.parametrize(("transfer", "full_range"), [("pq", False), ("hlg", False), ("hlg", True)])
def test_black_stays_black_white_becomes_white_and_order_is_kept(transfer, full_range):
    low, high = (0, 1023) if full_range else (64, 940)
    black, white = (0, 255) if full_range else (16, 235)
    assert levels(low, transfer, full_range=full_range) == (black, 128)
    assert levels(high, transfer, full_range=full_range) == (white, 128)
    mapped = [levels(level, transfer, full_range=full_range)[0] for level in range(low, high)]
    assert mapped == sorted(mapped)


def test_grey_stays_grey_and_colours_become_stronger_where_pq_is_pale():
    assert levels(500)[1] == 128
    assert levels(500, chroma=612)[1] - 128 > 100 / 4
    assert levels(64, chroma=612)[1] == 128


@pytest.mark.parametrize(("name", "transfer"), [("smpte2084", "pq"), ("arib-std-b67", "hlg")])
def test_a_video_is_mapped_and_says_so(tmp_path, name, transfer):
    params = f"colorprim=bt2020:transfer={name}:colormatrix=bt2020nc"
    clip = make_clip(tmp_path / "clip.mp4", pixel_format="yuv420p10le", options={"crf": "5", "x264-params": params})
    with VideoReader(clip.path) as video:
        frames = list(video)
        assert video.info.hdr and video.matrix == "bt2020"
        assert f"high dynamic range ({transfer}): tone-mapped to standard range" in video.events.notices
    grey = frames[10].to_rgb()[30:, 40:].reshape(-1, 3).mean(axis=0)
    assert np.ptp(grey) < 3
    level = round(64 + 876 * (40 + 4 * 10) / 255)
    assert grey.mean() == pytest.approx((levels(level, transfer)[0] - 16) / 219 * 255, abs=4)
