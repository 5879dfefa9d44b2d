"""`roadseg report` as people use it."""

import json

import pytest
from helpers.report_clips import make_results
from helpers.training_runs import write_training


@pytest.fixture
def out(tmp_path):
    for name in ("a", "b"):
        make_results(tmp_path / f"{name}.mp4", tmp_path / "out" / name)
    return tmp_path / "out"


def test_pages_are_made_of_all_results_below(roadseg, out, capsys):
    assert roadseg("report", out) == 0
    pages = [out / "a" / "a.report.html", out / "b" / "b.report.html", out / "index.html"]
    assert capsys.readouterr().out.split() == list(map(str, pages))
    assert all("<!doctype html>" in page.read_text() for page in pages)
    assert [path.parent for path in out.rglob("plotly.min.js")] == [out]


def test_a_broken_result_stops_no_other(roadseg, out, capsys):
    (out / "a" / "a.overlay.mp4").write_bytes(b"")
    (out / "b" / "half.frames.parquet").touch()
    assert roadseg("report", out, "--json") == 1
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert document["written"] == [str(out / "b" / "b.report.html")]
    assert [one["result"] for one in document["failed"]] == [str(out / "a" / "a.frames.parquet")]
    assert "a.overlay.mp4: the file is empty" in captured.err and "1 of 2 reports failed" in captured.err
    assert not (out / "index.html").exists()
    assert roadseg("report", out) == 1
    assert "left out (not finished, no summary): 1" in capsys.readouterr().err


def test_run_folders_have_theirs_beside_overlays(roadseg, out, capsys):
    run = write_training(out.parent / "runs" / "mine")
    assert roadseg("report", out.parent, "--json") == 0
    written = json.loads(capsys.readouterr().out)["written"]
    assert str(run.page) in written and len(written) == 4
    run.recipe.write_text("= no TOML")
    assert roadseg("report", run.path, "--json") == 1
    captured = capsys.readouterr()
    assert [one["result"] for one in json.loads(captured.out)["failed"]] == [str(run.path)]
    assert "recipe.toml: cannot be read" in captured.err


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [(["."], 1, "no finished results"), (["no"], 1, "no: no such folder"), ([], 2, "DIR")],
)
def test_mistakes_are_told_in_a_line(roadseg, tmp_path, monkeypatch, capsys, arguments, code, expected):
    monkeypatch.chdir(tmp_path)
    assert roadseg("report", *arguments) == code
    captured = capsys.readouterr()
    assert captured.out == "" and expected in captured.err and "Traceback" not in captured.err
