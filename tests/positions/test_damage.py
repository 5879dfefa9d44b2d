"""Files that are damaged or made to do harm: readers come to an end, and name no place that is not in the file."""

import struct
from datetime import UTC, datetime

import numpy as np
import pytest
from helpers.mutants import mutant
from helpers.positions import box, full_box, gopro_sample, novatek, track, with_blocks, with_track, write_clip

from roadseg.positions.boxes import BoxFile
from roadseg.positions.cleaning import MAX_SPEED, SLACK
from roadseg.positions.geodesy import distance
from roadseg.positions.read import read_track
from roadseg.video.probe import probe

MUTANTS = 100
TIMES = [datetime(2026, 8, 14, 9, 0, at, tzinfo=UTC) for at in range(8)]


def opened(path, data):
    path.write_bytes(data)
    return BoxFile(path)


@pytest.mark.parametrize(
    ("length", "whole"),
    [(b"\0\0\0\7", 1), (b"\0\0\0\1", 1), (b"\xff\xff\xff\xff", 1), (b"\0\0\0\0", 1)],
    ids=["shorter than its header", "of 64 bits that are missing", "longer than the file", "until the end"],
)
def test_lengths_inside_a_box(tmp_path, length, whole):
    bad = length + b"evil" + bytes(4)
    with opened(tmp_path / "a.mp4", box(b"moov", full_box(b"mvhd", bytes(96)), bad)) as file:
        inner = file.inside(file.top[0])
        assert [each.kind for each in inner] == [b"mvhd"]
        assert len(file.faults) == (length != bytes(4))
        assert not file.faults or "'evil' at byte 116 has a wrong length" in file.faults[0]


def test_lengths_of_64_bits_and_files_that_are_cut_off(tmp_path):
    large = struct.pack(">I4sQ", 1, b"mdat", 16 + 5) + b"12345"
    cut = struct.pack(">I4s", 4000, b"free") + b"123"
    with opened(tmp_path / "a.mp4", large + cut) as file:
        assert [(each.kind, each.end - each.start) for each in file.top] == [(b"mdat", 5), (b"free", 3)]
        assert file.faults == []


def test_many_boxes_and_samples_that_are_not_there(tmp_path):
    """Megabytes of empty boxes, and tables that state four thousand million samples, take no time and no memory."""
    with opened(tmp_path / "a.mp4", box(b"free") * 500_000) as file:
        assert len(file.top) == 50_000
    for size in (0, 1, 2**32 - 1):
        tables = box(
            b"stbl",
            full_box(b"stsd", struct.pack(">I", 1), box(b"gpmd", bytes(8))),
            full_box(b"stts", struct.pack(">3I", 1, 2**32 - 1, 2**32 - 1)),
            full_box(b"stsc", struct.pack(">7I", 2, 1, 2**32 - 1, 1, 2, 2**32 - 1, 1)),
            full_box(b"stsz", struct.pack(">2I", size, 2**32 - 1)),
            full_box(b"co64", struct.pack(">I2Q", 2, 2**64 - 1, 8)),
        )
        movie = box(b"moov", box(b"trak", box(b"mdia", box(b"minf", tables))))
        with opened(tmp_path / "b.mp4", movie) as file:
            assert sum(len(sample.data) for sample in file.tracks[0].samples()) <= 2 * file.size


def test_samples_of_a_track(tmp_path):
    data = [b"one", b"two2", b"three"]
    movie = box(b"moov", track(b"meta", b"gpmd", data, 8, milliseconds=250))
    with opened(tmp_path / "a.mp4", box(b"mdat", *data) + movie) as file:
        (found,) = file.tracks
        assert (found.handler, found.format) == (b"meta", b"gpmd")
        assert [tuple(sample) for sample in found.samples()] == [
            (0.0, 0.25, b"one"),
            (0.25, 0.25, b"two2"),
            (0.5, 0.25, b"three"),
        ]
        assert [sample.data for sample in found.samples(2)] == [b"on", b"tw", b"th"]


def test_damage_is_told_with_what_is_left(tmp_path):
    blocks = [novatek(44, when, 2254.0, 4312.0, letters=b"ASW") for when in TIMES]
    clip = with_blocks(write_clip(tmp_path / "clip.mp4"), blocks)
    data = bytearray(clip.read_bytes())
    at = data.find(b"udta")
    data[at - 4 : at] = b"\0\1\0\0"
    clip.write_bytes(data)
    found = read_track(clip)
    assert len(found) == 8
    assert any("'udta'" in notice and "wrong length" in notice for notice in found.notices)


@pytest.mark.parametrize("kind", ["novatek", "gopro"])
def test_mutants_name_no_place_that_cannot_be(tmp_path, kind):
    """Whatever is changed, the track is one that a car can drive on this globe, or there is none."""
    clip = write_clip(tmp_path / "clip.mp4")
    if kind == "gopro":
        lines = [[(-22.9, -43.2 + 1e-4 * at, 5.0)] * 2 for at in range(8)]
        samples = [gopro_sample(line, when=b"260814120000.000") for line in lines]
        with_track(clip, b"meta", b"gpmd", samples)
    else:
        blocks = [novatek(12, when, 2254.0, 4312.0 - 0.006 * at, letters=b"ASW") for at, when in enumerate(TIMES)]
        with_blocks(clip, blocks, index=True)
    info = probe(clip)
    whole, chance = clip.read_bytes(), np.random.default_rng(5)
    for _ in range(MUTANTS):
        clip.write_bytes(mutant(whole, whole[::-1], chance))
        found = read_track(clip, info=info)
        if found is not None and len(found):
            assert (np.abs(found.lat) <= 90).all() and (np.hypot(found.lat, found.lon) > 1e-3).all()
            assert (np.diff(found.seconds) > 0).all() and (np.diff(found.distance_m) >= 0).all()
            steps = distance(found.lat[1:], found.lon[1:], found.lat[:-1], found.lon[:-1])
            assert (steps <= 1.02 * (MAX_SPEED * np.diff(found.seconds) + SLACK)).all()
