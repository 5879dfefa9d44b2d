import pytest

from roadseg.errors import RecipeError
from roadseg.training.published import published_for, published_row, published_rows

ROWS = published_rows()
BY_CLASS = [row for row in ROWS.values() if row.iou]
SLIDES_CAMVID = "synthia-camvid/multi-level"
OTHER_MEAN = {SLIDES_CAMVID, "gta5-cityscapes/single-level"}
"""Rows whose printed mean is not that of the printed classes."""


@pytest.mark.parametrize("row", BY_CLASS, ids=lambda row: row.id)
def test_printed_classes_give_the_printed_mean_or_a_note_says_otherwise(row):
    mean = sum(row.iou.values()) / len(row.iou)
    assert (abs(mean - row.miou) < 0.06) == (row.id not in OTHER_MEAN)
    assert row.id not in OTHER_MEAN or f"{mean:.2f}" in row.note


def test_the_mean_of_the_camvid_row_was_taken_over_fourteen_classes():
    row = ROWS[SLIDES_CAMVID]
    assert sum(row.iou.values()) == pytest.approx(14 * row.miou, abs=0.05)


def test_the_tables_of_the_slides_are_whole():
    table = {"feature": 34.86, "single-level": 38.29, "multi-level": 42.35}
    assert {end: ROWS[f"gta5-cityscapes/{end}"].miou for end in table} == table
    assert len(BY_CLASS) == 8
    assert ROWS["gta5-cityscapes/multi-level"].iou["train"] == 3.85
    assert len(ROWS[SLIDES_CAMVID].iou) == 9


def test_a_run_is_set_against_the_variant_that_was_printed_for_its_settings():
    for weight, miou in ((0.0005, 41.75), (0.001, 42.35), (0.004, 41.51)):
        row = published_for({"published": "gta5-cityscapes/multi-level", "adversarial.weight": weight})
        assert row is not None
        assert row.miou == miou
    assert published_for({"published": "gta5-cityscapes/multi-level", "adversarial": {"weight": 0.1}}) is None
    assert published_for({"published": "", "adversarial.weight": 0.001}) is None


def test_an_unknown_row_is_refused_with_those_that_are_near():
    with pytest.raises(RecipeError, match=r"Did you mean .*gta5-cityscapes/multi-level"):
        published_row("gta5-cityscape/multilevel")
    with pytest.raises(RecipeError, match="compare --published"):
        published_for({"published": "?"})
