import errno
from fractions import Fraction

import numpy as np
import pyarrow.parquet as pq
import pytest

from roadseg.labels.catalogue import CAMVID_11
from roadseg.labels.space import IGNORE, LabelSpace
from roadseg.overlay.frame_table import COLUMNS, POSITION_COLUMNS, ROWS_A_GROUP, FrameTable, read_frames
from roadseg.overlay.stats import ClassTotals, count_pixels
from roadseg.video.frame import Frame

TWO = LabelSpace("two", ("road", "traffic light"), ((1, 2, 3), (4, 5, 6)))
TIME_BASE = Fraction(1, 10)


def frame(index, duration=1, pts=None):
    y, c = np.zeros((2, 2), np.uint8), np.zeros((1, 1), np.uint8)
    return Frame(y, c, c, "bt709", False, index, index if pts is None else pts, TIME_BASE, duration)


def counts(*labels):
    return count_pixels(np.array([labels], np.uint8))


def totals_of(path, label_space):
    """Totals of a written table."""
    totals = ClassTotals(FrameTable.names(label_space))
    for rows in read_frames(path, totals.names):
        totals.add(rows.pixels, rows.durations)
    return totals


def test_count_pixels():
    counted = count_pixels(np.array([[0, 0, 3], [IGNORE, 3, 3]], np.uint8))
    assert counted.shape == (256,) and counted.dtype == np.int64
    assert {label: int(count) for label, count in enumerate(counted) if count} == {0: 2, 3: 3, IGNORE: 1}


def test_count_pixels_where_they_are_seen():
    labels = np.array([[0, 0, 3], [IGNORE, 3, 3]], np.uint8)
    counted = count_pixels(labels, np.array([[True, False, True], [True, False, False]]))
    assert {label: int(count) for label, count in enumerate(counted) if count} == {0: 1, 3: 1, IGNORE: 1}


def test_count_pixels_of_a_map_that_is_a_view():
    batch = np.arange(2 * 4 * 6, dtype=np.uint8).reshape(2, 4, 6)
    assert np.array_equal(count_pixels(batch[1, :, ::2]), np.bincount(batch[1, :, ::2].ravel(), minlength=256))


def test_shares_count_every_frame_for_as_long_as_it_is_shown(tmp_path):
    with FrameTable(tmp_path / "t.parquet", TWO, TIME_BASE) as table:
        table.add(frame(0, duration=9), counts(0, 0, 0, 0))
        table.add(frame(1, duration=1, pts=9), counts(0, 0, 1, IGNORE))
    totals = totals_of(tmp_path / "t.parquet", TWO)
    road, light, unlabelled = totals.shares()
    assert (road.name, light.name, unlabelled.name) == ("road", "traffic light", "unlabelled")
    assert road.share == pytest.approx(0.9 * 1 + 0.1 * 0.5)
    assert light.share == unlabelled.share == pytest.approx(0.1 * 0.25)
    assert (road.frames, light.frames) == (2, 1)
    assert (road.seconds, light.seconds) == (pytest.approx(1.0), pytest.approx(0.1))
    assert (totals.frames, totals.seconds) == (2, pytest.approx(1.0))


def test_flicker_is_jumps_relative_to_the_share_and_not_even_change():
    """Two classes: one grows evenly from 10 to 50 pixels of 100; the other is what is left, but for one jump of 8."""
    grown = np.array([[10, 90], [20, 80], [30, 70], [40, 60], [50, 50]])
    durations = np.full(5, 0.1)
    even = ClassTotals(["a", "b"])
    even.add(grown, durations)
    assert [share.flicker for share in even.shares()] == pytest.approx([0, 0])

    grown[2] = (38, 62)
    jumped = ClassTotals(["a", "b"])
    jumped.add(grown, durations)
    # Middle frames are off the mean of their neighbours by 4, 8 and 4 of 100 pixels.
    expected = [16 / (10 + 20 + 38 + 40 + 50), 16 / (90 + 80 + 62 + 60 + 50)]
    assert [share.flicker for share in jumped.shares()] == pytest.approx(expected, abs=1e-6)

    parts = ClassTotals(["a", "b"])
    for start, end in ((0, 1), (1, 4), (4, 5)):
        parts.add(grown[start:end], durations[start:end])
    assert [share.flicker for share in parts.shares()] == pytest.approx(expected, abs=1e-6)
    both = ClassTotals.of(jumped.shares(), jumped.frames, jumped.seconds)
    both.include(even)
    pixels = sum(range(10, 60, 10)) + 10 + 20 + 38 + 40 + 50
    assert both.shares()[0].flicker == pytest.approx(16 / pixels, abs=1e-6)

    seldom = ClassTotals(["a", "b"])
    seldom.add(grown, np.array([0.5, 0.5, 0.5, 0.5, 0.02]))  # the last frame of a video is often short
    assert [share.flicker for share in seldom.shares()] == [None, None]


def test_rows_say_what_was_added(tmp_path):
    with FrameTable(tmp_path / "t.parquet", TWO, TIME_BASE) as table:
        table.add(frame(0, duration=2, pts=-1), counts(0, 0, 0, 1))
        table.add(frame(1, duration=3, pts=1), counts(1, 1, 5, IGNORE), decode_error=True)
    read = pq.read_table(tmp_path / "t.parquet")
    assert read.to_pydict() == {
        "index": [0, 1],
        "pts": [-1, 1],
        "seconds": [-0.1, 0.1],
        "duration_seconds": [0.2, 0.3],
        "decode_error": [False, True],
        **{name: [None, None] for name in POSITION_COLUMNS},
        "fraction_road": [0.75, 0.0],
        "fraction_traffic_light": [0.25, 0.5],
        "fraction_unlabelled": [0.0, 0.5],
        "pixels_road": [3, 0],
        "pixels_traffic_light": [1, 2],
        "pixels_unlabelled": [0, 2],
    }
    assert read.schema.metadata[b"columns"] == COLUMNS.encode()
    assert read.schema.metadata | {b"columns": b""} == {b"time_base": b"1/10", b"label_space": b"two", b"columns": b""}


def test_rows_are_written_in_groups_as_they_come(tmp_path):
    path = tmp_path / "t.parquet"
    with FrameTable(path, CAMVID_11, TIME_BASE) as table:
        for index in range(2 * ROWS_A_GROUP + 1):
            table.add(frame(index), counts(index % 11))
            assert len(table._rows) < ROWS_A_GROUP
        assert path.stat().st_size > 1000
    file = pq.ParquetFile(path)
    groups = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
    assert groups == [ROWS_A_GROUP, ROWS_A_GROUP, 1]
    assert file.read()["index"].to_pylist() == list(range(2 * ROWS_A_GROUP + 1))
    assert sum(share.share for share in totals_of(path, CAMVID_11).shares()) == pytest.approx(1)


def test_a_table_without_frames_can_be_read(tmp_path):
    with FrameTable(tmp_path / "t.parquet", TWO, TIME_BASE):
        pass
    assert pq.read_table(tmp_path / "t.parquet").num_rows == 0
    assert [share.share for share in totals_of(tmp_path / "t.parquet", TWO).shares()] == [0, 0, 0]


def test_a_full_disk_is_an_os_error_that_says_so():
    with pytest.raises(OSError) as caught, FrameTable("/dev/full", TWO, TIME_BASE) as table:
        table.add(frame(0), counts(0))
    assert caught.value.errno == errno.ENOSPC
