"""Heatmaps of classes: grids of label maps, their sums, and their copy in the table of frames."""

from fractions import Fraction

import numpy as np
import pyarrow.parquet as pq
import pytest
from test_stats import TIME_BASE, TWO, counts, frame

from roadseg.errors import InputError
from roadseg.labels.space import IGNORE
from roadseg.overlay.frame_table import FrameTable, join_frames, read_frames, read_heatmaps
from roadseg.overlay.heatmaps import COLUMNS, MASKED, METADATA_KEY, HeatMaps, sample_grid


@pytest.mark.parametrize(
    ("size", "rows"), [((128, 64), 32), ((64, 48), 48), ((100, 75), 48), ((640, 360), 36), ((3, 2), 43), ((999, 1), 1)]
)
def test_grids_keep_the_proportions(size, rows):
    labels = np.random.default_rng(0).integers(0, 9, size[::-1], np.uint8)
    grid = sample_grid(labels)
    assert grid.shape == (rows, COLUMNS)
    x, y = (np.arange(COLUMNS) + 0.5) * size[0] / COLUMNS, (np.arange(rows) + 0.5) * size[1] / rows
    assert np.array_equal(grid, labels[np.ix_(y.astype(int), x.astype(int))])


def test_cells_add_up_for_as_long_as_they_are_shown():
    labels = np.zeros((32, 64), np.uint8)
    labels[16:] = 1
    labels[16:, 32:] = IGNORE
    seen = np.ones((32, 64), bool)
    seen[:, :8] = False
    maps = HeatMaps.empty(2, sample_grid(labels))
    maps.add(sample_grid(labels), 3)
    maps.add(sample_grid(labels[::-1], seen), 2)
    seconds = maps.seconds(Fraction(1, 2))
    assert seconds.shape == (3, 32, 64)
    assert (seconds[0, :16] == 1.5).all() and (seconds[0, 16:, 8:] == 1).all() and not seconds[0, 16:, :8].any()
    assert (seconds[1, 16:, :32] == 1.5).all() and (seconds[2, 16:, 32:] == 1.5).all()
    assert (seconds.sum(0)[:, :8] == 1.5).all() and (seconds.sum(0)[:, 8:] == 2.5).all()
    assert (sample_grid(labels, seen)[:, :8] == MASKED).all()


def test_parts_of_a_table_join_to_the_table_of_all(tmp_path):
    draw = np.random.default_rng(1)
    grids = draw.integers(-1, 3, (9, 4, COLUMNS)).astype(np.int16)

    def write(name, chosen):
        with FrameTable(tmp_path / name, TWO, TIME_BASE) as table:
            for index in chosen:
                table.add(frame(index, 1 + index % 3), counts(0, 1), grids[index])
        return tmp_path / name

    whole = write("whole.parquet", range(9))
    parts = [write("a.parquet", range(4)), write("b.parquet", range(4, 5)), write("c.parquet", range(5, 9))]
    join_frames(parts, tmp_path / "joined.parquet")
    joined = pq.ParquetFile(tmp_path / "joined.parquet")
    assert joined.metadata.metadata == pq.read_metadata(whole).metadata
    assert joined.read().to_pydict() == pq.read_table(whole).to_pydict()
    seconds = read_heatmaps(whole)
    assert np.array_equal(seconds, read_heatmaps(tmp_path / "joined.parquet"))
    expected = np.stack([np.tensordot(1 + np.arange(9) % 3, grids == label, 1) for label in range(3)]) / 10
    assert seconds == pytest.approx(expected)


def test_a_table_without_grids_has_no_heat_maps(tmp_path):
    with FrameTable(tmp_path / "t.parquet", TWO, TIME_BASE) as table:
        table.add(frame(0), counts(0))
    join_frames([tmp_path / "t.parquet"], tmp_path / "joined.parquet")
    assert read_heatmaps(tmp_path / "joined.parquet") is None
    assert sum(len(rows.seconds) for rows in read_frames(tmp_path / "joined.parquet", ["road"])) == 1


@pytest.mark.parametrize("value", [b"", b"?", b"UEsDBA=="])
def test_damaged_heat_maps_are_told(tmp_path, value):
    path = tmp_path / "t.parquet"
    with FrameTable(path, TWO, TIME_BASE) as table:
        table._writer.add_key_value_metadata({METADATA_KEY: value})
    with pytest.raises(InputError, match=r"t\.parquet: not a table of frames, or damaged"):
        read_heatmaps(path)
