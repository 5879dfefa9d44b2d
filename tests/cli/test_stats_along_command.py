"""`roadseg stats --along` as people use it."""

import json

import pytest
from helpers.tables import along_equator, write_table


@pytest.fixture
def out(tmp_path):
    write_table(tmp_path / "out" / "drive", [{"road": 1, "sky": 3}] * 25, along_equator(range(0, 250, 10)))
    return tmp_path / "out"


def test_a_table_and_a_file(roadseg, out, tmp_path, capsys):
    assert roadseg("stats", out, "--along", "0.1km", "--out", tmp_path / "road.geojson") == 0
    captured = capsys.readouterr()
    assert "3 segments, 1 drive, 0.24 km, 25.0 s" in captured.out and "sky_view" in captured.out
    assert "road.geojson" in captured.err
    assert len(json.loads((tmp_path / "road.geojson").read_text())["features"]) == 3


def test_a_map_alone_is_of_segments_of_100_m(roadseg, out, tmp_path, capsys):
    assert roadseg("stats", out, "--map", tmp_path / "map.html") == 0
    printed = capsys.readouterr()
    assert "3 segments, 1 drive, 0.24 km" in printed.out and "map.html" in printed.err
    assert '"kind": "segment"' in (tmp_path / "map.html").read_text()


def test_json(roadseg, out, capsys):
    assert roadseg("stats", out, "--grid", "1km", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["kind"], document["frames"], document["overall"]["sky_view_by_time"]) == ("grid", 25, 0.75)


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["--along", "0m"], 2, "is not a length"),
        (["--basemap", "streets.geojson"], 2, "--basemap goes with --map"),
        (["--map", "map.pdf"], 1, "End it in .html."),
        (["--along", "100 miles"], 2, "is not a length"),
        (["--along", "0.1m"], 1, "wanted at least 1 m"),
        (["--along", "100m", "--grid", "100m"], 2, "only one of"),
        (["--trim-ends", "100m"], 2, "goes with --along"),
        (["--along", "100m", "--out", "road.shp"], 1, "unknown format"),
        (["--along", "100m", "--out", "road.md"], 1, "End it in .geojson"),
        (["--along", "100m", "--indices", "none.toml"], 1, "cannot be read"),
        (["--out", "road.geojson"], 2, "end it in .md, .csv or .json"),
    ],
)
def test_mistakes_are_told_in_two_lines(roadseg, out, monkeypatch, capsys, arguments, code, expected):
    monkeypatch.chdir(out)
    assert roadseg("stats", out, *arguments) == code
    captured = capsys.readouterr()
    assert captured.out == "" and expected in captured.err and "Traceback" not in captured.err
    assert not list(out.glob("road*"))


def test_results_without_positions(roadseg, tmp_path, capsys):
    write_table(tmp_path / "drive", [{"road": 1}] * 3, [])
    assert roadseg("stats", tmp_path, "--along", "100m", "--out", tmp_path / "x.csv") == 1
    first, second = capsys.readouterr().err.splitlines()
    assert "no frame has a position" in first and "--gps" in second
    assert not (tmp_path / "x.csv").exists()
