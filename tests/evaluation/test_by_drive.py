"""Scores by drive: rows, means and bootstrap intervals."""

import json

import numpy as np
import pytest
from helpers.by_brightness import ByBrightness
from helpers.tiny import write_streets
from helpers.tiny_sets import make_camvid, make_cityscapes

from roadseg.datasets.catalogue import open_dataset
from roadseg.datasets.dataset import Sample
from roadseg.errors import InputError
from roadseg.evaluation.blocks import BLOCKS, divided
from roadseg.evaluation.by_drive import miou_interval
from roadseg.evaluation.evaluate import evaluate
from roadseg.evaluation.score_tables import as_csv, as_markdown


@pytest.fixture(scope="module")
def camvid(tmp_path_factory):
    """Two drives, one of which is in train and val."""
    root = make_camvid(tmp_path_factory.mktemp("camvid"), 3, split="val")
    make_camvid(root, 4, split="train", sequence="0006R0")
    return root


def test_rows_are_the_scores_of_each_drive_alone_and_of_all_images(camvid):
    scores = evaluate(ByBrightness(), [f"camvid:{camvid}:train+val"])
    rows = {row.drive: row for row in scores.rows}
    assert list(rows) == ["0006R0", "0016E5", "all", ""]
    for split, drive in (("train", "0006R0"), ("val", "0016E5"), ("train+val", "all")):
        alone = evaluate(ByBrightness(), f"camvid:{camvid}:{split}")
        assert (rows[drive].miou, rows[drive].images) == (alone.miou, alone.images)
    assert rows[""].miou == pytest.approx((rows["0006R0"].miou + rows["0016E5"].miou) / 2)


def test_intervals_contain_the_score_and_are_the_same_every_time(camvid, tmp_path):
    sets = [f"camvid:{camvid}:train+val", f"streets:{write_streets(tmp_path / 'streets', 5)}"]
    rows = evaluate(ByBrightness(), sets).rows
    assert rows == evaluate(ByBrightness(), sets).rows
    assert all(row.low <= row.miou <= row.high for row in rows)
    assert [row.drive for row in rows] == ["0006R0", "0016E5", "all", "all", ""]
    assert rows[-1].dataset == "mean over 3 drives"
    assert rows[-1].miou == pytest.approx(np.mean([rows[0].miou, rows[1].miou, rows[3].miou]))


def test_an_interval_is_as_wide_as_blocks_differ():
    right, wrong = np.diag([10, 10, 0]), np.array([[0, 10, 0], [10, 0, 0], [0, 0, 0]])
    assert miou_interval(np.stack([right] * 8)) == (100, 100)
    assert miou_interval(np.stack([right, wrong])) == (0, 100)
    assert np.isnan(miou_interval(right[None])).all()


def test_blocks_are_contiguous_within_a_drive():
    samples = [Sample(str(place), None, drive="ab"[place % 2]) for place in range(100)]
    blocks = divided(samples)
    assert blocks.images == {"a": 50, "b": 50}
    for drive, place in (("a", 0), ("b", 1)):
        own = blocks.of_image[place::2]
        assert own == sorted(own) and set(own) == set(blocks.of_drive[drive])
        assert {own.count(block) for block in own} == {2, 3}
    assert len(divided([*samples, Sample("one of no drive", None)]).of_drive[""]) == BLOCKS


def test_the_table_as_files(camvid):
    scores = evaluate(ByBrightness(), [f"camvid:{camvid}:train+val"])
    table = scores.table("by drive")
    first = scores.rows[0]
    assert f"| camvid:{camvid}:train+val | 0006R0 | 4 | {first.miou:.2f} | {first.low:.2f} |" in as_markdown([table])
    assert "table,data set,drive,images,mIoU %,from,to" in as_csv([table])
    written = json.loads(json.dumps(scores.as_dict(), allow_nan=False))
    assert [row["drive"] for row in written["rows"]] == ["0006R0", "0016E5", "all", ""]
    assert written["sets"][f"camvid:{camvid}:train+val"]["images"] == 7


def test_cities_are_drives_of_cityscapes_and_a_mean_over_fewer_classes_is_one_of_drives_too(tmp_path):
    root = make_cityscapes(tmp_path, 2, split="val")
    make_cityscapes(root, 2, split="train")
    scores = evaluate(ByBrightness(), [f"cityscapes:{root}:train+val"], classes="synthia-13")
    assert [row.drive for row in scores.rows] == ["aachen", "frankfurt", "all", ""]
    alone = evaluate(ByBrightness(), f"cityscapes:{root}:val", classes="synthia-13")
    assert scores.rows[1].miou == alone.miou
    assert [sample.drive for sample in open_dataset(f"cityscapes:{root}").samples] == ["frankfurt"] * 2


def test_lists_of_no_data_set_or_of_one_twice_are_refused(camvid):
    for sets, message in (([], "no data set"), ([f"camvid:{camvid}"] * 2, "named twice")):
        with pytest.raises(InputError, match=message):
            evaluate(ByBrightness(), sets)
