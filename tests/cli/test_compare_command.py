import json

import pytest
from helpers.comparison_runs import write_run


@pytest.fixture
def runs(tmp_path):
    return [
        write_run(tmp_path / "multi", 40.0, published="gta5-cityscapes/multi-level"),
        write_run(tmp_path / "base", 35.0, method="source-only"),
    ]


@pytest.mark.parametrize("columns", [60, 80, 160])
def test_no_line_is_wider_than_the_terminal(roadseg, runs, capsys, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert roadseg("compare", *runs) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= columns
    assert "42.35" in shown
    assert "-2.35" in shown


def test_json_and_files(roadseg, runs, tmp_path, capsys):
    for suffix in ("md", "csv", "json"):
        assert roadseg("compare", *runs, "--json", "--out", tmp_path / f"table.{suffix}") == 0
        result = json.loads(capsys.readouterr().out)
        assert result["comparisons"][0]["rows"][0]["published"]["miou"] == 42.35
    assert json.loads((tmp_path / "table.json").read_text()) == result
    assert "42.35" in (tmp_path / "table.md").read_text()
    assert "42.35" in (tmp_path / "table.csv").read_text()


def test_a_run_that_cannot_be_compared_is_left_out_with_a_warning(roadseg, runs, tmp_path, capsys):
    unscored = write_run(tmp_path / "unscored", None)
    assert roadseg("compare", *runs, unscored) == 0
    assert "left out" in capsys.readouterr().err
    assert roadseg("compare", unscored) == 1
    assert "was not scored" in capsys.readouterr().err
    assert roadseg("compare", *runs, "default") == 0
    assert "default: weights without scores of their own. Score the runs now: " in capsys.readouterr().err


def test_different_data_sets_are_warned_of(roadseg, runs, tmp_path, capsys):
    assert roadseg("compare", *runs, write_run(tmp_path / "other", dataset="camvid")) == 0
    assert "different data sets" in capsys.readouterr().err


def test_published_rows_are_listed(roadseg, capsys):
    assert roadseg("compare", "--published", "--json") == 0
    rows = {row["id"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["synthia-camvid/multi-level"]["miou"] == 31.2
    assert "14" in rows["synthia-camvid/multi-level"]["note"]
    assert roadseg("compare", "--published") == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line.split()[1:] for line in shown[1::2]] == [[name] for name in rows]  # whole, with nothing behind them


def test_wrong_usage(roadseg, runs, tmp_path):
    assert roadseg("compare") == 2
    assert roadseg("compare", *runs, "--published") == 2
    assert roadseg("compare", *runs, "--out", tmp_path / "table.pdf") == 2
