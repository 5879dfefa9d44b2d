"""Headers of videos: what they state is what `probe` finds, and damaged ones end in a `VideoError`."""

import random
import struct
from io import BytesIO

import pytest
from helpers.card import template
from helpers.clips import make_clip

from roadseg.errors import VideoError
from roadseg.video.boxes import MAX_BOXES, boxes
from roadseg.video.header import VideoHeader, read_header
from roadseg.video.probe import probe


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.ts", "a.avi"])
def test_headers_state_what_probe_finds(tmp_path, name):
    path = tmp_path / name
    make_clip(path, metadata={"creation_time": "2024-08-14T03:00:00Z"}, sound="aac" if name != "a.avi" else None)
    info, header = probe(path), read_header(path)
    assert header.duration_seconds == pytest.approx(info.duration_seconds)
    assert header.creation_time == info.creation_time
    assert len(header.tracks) == 1


def test_real_headers_state_what_probe_finds(real_data):
    for path in [*(real_data / "video").rglob("*.m[po][4v]"), real_data / "gps" / "MOV_0581.mp4"]:
        info, header = probe(path), read_header(path)
        assert header.duration_seconds == pytest.approx(info.duration_seconds, abs=0.05), path
        assert header.creation_time == info.creation_time, path


def test_boxes_of_all_lengths():
    small = struct.pack(">I4s2s", 10, b"aaaa", b"xx")
    large = struct.pack(">I4sQ2s", 1, b"bbbb", 18, b"yy")
    open_ended = struct.pack(">I4s3s", 0, b"cccc", b"zzz")
    data = small + large + open_ended
    assert [tuple(box) for box in boxes(BytesIO(data), 0, len(data))] == [
        (b"aaaa", 8, 10),
        (b"bbbb", 26, 28),
        (b"cccc", 36, 39),
    ]
    assert list(boxes(BytesIO(struct.pack(">I4s", 7, b"aaaa")), 0, 8)) == []
    endless = struct.pack(">I4s", 8, b"free") * (MAX_BOXES + 10)
    assert sum(1 for _ in boxes(BytesIO(endless), 0, len(endless))) == MAX_BOXES


def test_damaged_headers_end_in_an_error_or_in_a_header(tmp_path):
    whole, path = template(), tmp_path / "a.mp4"
    chance = random.Random(0)
    start = whole.index(b"moov") - 4
    outcomes = set()
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(start, len(data))] = chance.choice((0, 1, 127, 255))
        path.write_bytes(data[: chance.randint(start, len(data))] if chance.random() < 0.3 else data)
        try:
            found = read_header(path)
        except VideoError as error:
            found = error
        outcomes.add(type(found))
    assert outcomes == {VideoHeader, VideoError}
