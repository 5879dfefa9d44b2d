import csv
import io
import json

import pytest
from helpers.comparison_runs import write_run

from roadseg.errors import InputError
from roadseg.evaluation.comparison.groups import compare_runs
from roadseg.evaluation.comparison.method_tables import comparison_tables, swept_key
from roadseg.evaluation.comparison.runs import read_run
from roadseg.evaluation.score_tables import ScoreTable, as_csv, as_markdown

MULTI_LEVEL = "gta5-cityscapes/multi-level"


def one_comparison(*paths):
    (comparison,) = compare_runs([read_run(path) for path in paths])
    return comparison


def cells(comparison, position=0):
    table = comparison_tables(comparison)[position]
    return [dict(zip(table.header, row, strict=True)) for row in table.rows]


def test_methods_stand_beside_the_published_rows(tmp_path):
    ours = write_run(tmp_path / "a", 40.0, method="multi-level", published=MULTI_LEVEL)
    base = write_run(tmp_path / "b", 35.5, method="source-only", target="")
    comparison = one_comparison(base, ours)
    assert cells(comparison) == [
        {
            "run": "source-only",
            "method": "source-only",
            "network": "fast",
            "mIoU": "35.50",
            "published": "-",
            "difference": "-",
        },
        {
            "run": "multi-level",
            "method": "multi-level",
            "network": "fast",
            "mIoU": "40.00",
            "published": "42.35",
            "difference": "-2.35",
        },
    ]
    classes = cells(comparison, -1)
    assert [row["run"] for row in classes] == ["source-only", "multi-level", "published"]
    assert classes[1]["train"] == "-"
    assert classes[2]["train"] == "3.85"
    assert classes[2]["mIoU"] == "42.35"


def test_what_goes_with_every_method_is_told_beside_it(tmp_path):
    plain = write_run(tmp_path / "a", method="pseudo-labels")
    more = write_run(tmp_path / "b", method="pseudo-labels", adapt_bn=True, fourier_beta=0.1)
    told = [row["method"] for row in cells(one_comparison(plain, more))]
    assert told == ["pseudo-labels", "pseudo-labels, Fourier alignment, batch norm adapted"]


def test_what_was_left_to_the_run_is_told(tmp_path):
    plain = write_run(tmp_path / "a", method="pseudo-labels")
    kept = write_run(tmp_path / "b", method="pseudo-labels", adapt_bn="auto", keep_start_if_worse=True)
    metrics = json.loads((kept / "metrics.json").read_text())
    (kept / "metrics.json").write_text(json.dumps(metrics | {"kept_start": True}))
    methods, *_ = comparison_tables(one_comparison(plain, kept))
    assert methods.rows[1][1] == "pseudo-labels, batch norm adapted (auto)"
    assert "b: 1 of 1 runs kept the weights of the start." in methods.notes


def test_a_sweep_beside_a_method_without_the_key_is_a_table_of_settings(tmp_path):
    swept = [write_run(tmp_path / f"w{weight}", adversarial={"weight": weight}) for weight in (0.01, 0.03)]
    baseline = write_run(tmp_path / "baseline", method="source-only", target="")
    comparison = one_comparison(*swept, baseline)
    assert swept_key(comparison) is None
    assert cells(comparison, 1) == [
        {"setting": "adversarial.weight", "w0.01": "0.01", "w0.03": "0.03", "baseline": "-"}
    ]


def test_seeds_of_one_setting_share_a_row(tmp_path):
    runs = [write_run(tmp_path / f"s{seed}", miou, seed=seed) for seed, miou in enumerate((30.0, 32.0, 34.0))]
    (row,) = cells(one_comparison(*runs))
    assert (row["run"], row["seeds"], row["mIoU"]) == ("s0 and 2 more", "3", "32.00 ± 2.00")


def test_runs_that_start_from_seeds_of_one_setting_are_seeds_of_one_setting(tmp_path):
    runs = []
    for seed in range(2):
        before = write_run(tmp_path / f"before{seed}", method="source-only", seed=seed)
        runs.append(write_run(tmp_path / f"after{seed}", seed=seed, init=str(before)))
    assert len(one_comparison(*runs).groups) == 1
    other = write_run(tmp_path / "other", method="source-only", steps=77)
    assert len(one_comparison(*runs, write_run(tmp_path / "after2", init=str(other))).groups) == 2


def test_a_sweep_has_its_values_as_columns(tmp_path):
    runs = [
        write_run(tmp_path / str(weight), miou, adversarial={"weight": weight}, published=MULTI_LEVEL)
        for weight, miou in ((0.004, 41.0), (0.0005, 40.0), (0.001, 42.0))
    ]
    comparison = one_comparison(*runs)
    assert swept_key(comparison) == "adversarial.weight"
    assert cells(comparison, 1) == [
        {"adversarial.weight": "multi-level", "0.0005": "40.00", "0.001": "42.00", "0.004": "41.00"},
        {"adversarial.weight": "multi-level, published", "0.0005": "41.75", "0.001": "42.35", "0.004": "41.51"},
    ]
    assert [row["run"] for row in cells(comparison)] == [
        "adversarial.weight=0.004",
        "adversarial.weight=0.0005",
        "adversarial.weight=0.001",
    ]


def test_what_differs_is_found_in_the_resolved_recipes(tmp_path):
    plain = write_run(tmp_path / "x" / "run")
    other = write_run(tmp_path / "y" / "run", crop=(200, 100), steps=2000, device="cpu", workers=3)
    comparison = one_comparison(plain, other)
    assert cells(comparison, 1) == [
        {"setting": "crop", "x/run": "320 240", "y/run": "200 100"},
        {"setting": "steps", "x/run": "1000", "y/run": "2000"},
    ]


def test_a_run_given_twice_counts_once(tmp_path):
    run = write_run(tmp_path / "run")
    assert len(one_comparison(run, run / ".." / "run").groups[0].runs) == 1


def test_data_sets_are_kept_apart_and_foreign_published_rows_pointed_out(tmp_path):
    first = write_run(tmp_path / "a", published=MULTI_LEVEL)
    second = write_run(tmp_path / "b", dataset="camvid", published=MULTI_LEVEL)
    comparisons = compare_runs([read_run(first), read_run(second)])
    assert [comparison.dataset for comparison in comparisons] == ["cityscapes", "camvid"]
    notes = [" ".join(comparison_tables(comparison)[0].notes) for comparison in comparisons]
    assert ["Not comparable" in text for text in notes] == [False, True]


def test_runs_that_cannot_be_compared_say_why(tmp_path):
    unscored = write_run(tmp_path / "unscored", None)
    begun = write_run(tmp_path / "begun")
    (begun / "metrics.json").unlink()
    (begun / "log.jsonl").write_text('{"step": 300, "rate": 1}\n')
    damaged = write_run(tmp_path / "damaged")
    (damaged / "metrics.json").write_text("{")
    for run, message in (
        (unscored, "was not scored"),
        (begun, "at step 300 of 1000"),
        (damaged, "not readable"),
        (tmp_path, "no run here"),
    ):
        with pytest.raises(InputError, match=message):
            read_run(run)


def test_files_hold_the_same_figures(tmp_path):
    comparison = one_comparison(write_run(tmp_path / "a"), write_run(tmp_path / "b", steps=5))
    tables = comparison_tables(comparison)
    markdown = as_markdown(tables)
    assert "| steps=5 | multi-level | fast | 60.00 |" in markdown
    rows = list(csv.reader(io.StringIO(as_csv(tables))))
    assert ["mIoU % on cityscapes, 500 images", "steps=5", "multi-level", "fast", "60.00"] in rows
    assert comparison.as_dict()["rows"][1]["iou"]["train"] is None


def test_names_of_videos_are_text_in_every_format():
    names = ("=cmd|' /C calc'!A0", "+1-2", "a\x1b[31m\n| b <b>", "-0.5")
    table = ScoreTable("by video", ("video", "share %"), tuple((name, "-1.50") for name in names))
    rows = list(csv.reader(io.StringIO(as_csv([table]))))
    assert [row[1:] for row in rows[1:]] == [
        ["'=cmd|' /C calc'!A0", "-1.50"],
        ["'+1-2", "-1.50"],
        ["a\\x1b[31m\\n| b <b>", "-1.50"],
        ["-0.5", "-1.50"],
    ]
    lines = as_markdown([table]).splitlines()
    assert "| a\\x1b[31m\\n\\| b &lt;b> | -1.50 |" in lines
