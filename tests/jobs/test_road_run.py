"""A recipe leads from a camera's card to indices along the road."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from helpers.drive_clips import TheUpperHalfIsSky
from helpers.positions import write_clip

from roadseg.cli.main import main
from roadseg.errors import InputError, RecipeError, VideoError
from roadseg.jobs import road_run
from roadseg.jobs.overlay import overlay_videos
from roadseg.jobs.road_run import run_road_recipe
from roadseg.training.recipe_files import read_any_recipe, read_recipe

GPX = '<gpx xmlns="http://www.topografix.com/GPX/1/1" version="1.1" creator="test"><trk><trkseg>{}</trkseg></trk></gpx>'


@pytest.fixture
def card(tmp_path):
    """Two clips of one drive, eight seconds each at 10 m/s to the north, and a file that is no video."""
    folder = tmp_path / "card"
    folder.mkdir()
    for number, name in enumerate(("20240814_083000_NF", "20240814_083008_NF")):
        begin = datetime(2024, 8, 14, 8, 30, 8 * number, tzinfo=UTC)
        write_clip(folder / f"{name}.mp4", creation=begin)
        points = "".join(
            f'<trkpt lat="{0.5 + (8 * number + second) * 10 / 110_575:.9f}" lon="1">'
            f"<time>2024-08-14T08:30:{8 * number + second:02}Z</time></trkpt>"
            for second in range(9)
        )
        (folder / f"{name}.gpx").write_text(GPX.format(points))
    (folder / "20240814_090000_NF.mp4").write_bytes(b"")
    return folder


@pytest.fixture(autouse=True)
def halves(monkeypatch):
    def drawn(videos, out, run, **options):
        assert run == "default"
        return overlay_videos(videos, out, TheUpperHalfIsSky(), **options)

    monkeypatch.setattr(road_run, "overlay_videos", drawn)


@pytest.mark.slow
def test_the_recipe_of_the_package(card, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    command = ["roadseg", "run", "green_view", "--set", f"clips={card}", "--set", "every=1", "--set", "along=50"]
    for _ in range(2):  # the second time everything is there
        monkeypatch.setattr("sys.argv", [*command, "--set", "mask=", "--json"])
        with pytest.raises(SystemExit) as end:
            main()
        assert not end.value.code
        document = json.loads(capsys.readouterr().out)
        segments, cells = document["places"]["segments"], document["places"]["cells"]
        assert (segments["drives"], segments["videos"], segments["frames"]) == (1, 2, 16)
        assert segments["overall"]["sky_view_by_distance"] == pytest.approx(0.5)
        assert segments["metres"] == pytest.approx(cells["metres"]) == pytest.approx(140, abs=5)
    out = Path("runs/green-view")
    features = json.loads((out / "segments.geojson").read_text())["features"]
    assert [feature["properties"]["from_m"] for feature in features] == [0, 50, 100]
    for name in (
        "segments.csv",
        "segments.html",
        "cells.geojson",
        "cells.csv",
        "indices.md",
        "recipe.toml",
        "overlays/2024-08-14_08-30-00/2024-08-14_08-30-00.report.html",
    ):
        assert (out / name).is_file(), name
    page = (out / "report.html").read_text()
    assert "green_view" in page and "segments.geojson" in page and "0.14 km" in page


def test_what_cannot_be_used_is_told(card, tmp_path):
    recipe = read_any_recipe("green_view", clips=[str(card)], gps="none", mask="")
    warnings = []
    with pytest.raises(InputError, match="no frame has a position"):
        run_road_recipe(recipe, tmp_path / "out", on_warning=warnings.append)
    assert any("20240814_090000_NF.mp4: the file is empty" in warning for warning in warnings)
    with pytest.raises(RecipeError, match="gps 'none' -> 'auto'"):
        run_road_recipe(recipe.model_copy(update={"gps": "auto"}), tmp_path / "out")
    with pytest.raises(VideoError, match="none of 2 clips can be labelled"):
        run_road_recipe(recipe.model_copy(update={"trim_ends": 1000, "gps": "auto"}), tmp_path / "trimmed")


def test_mistakes_in_a_recipe_of_the_road_are_named():
    with pytest.raises(RecipeError, match=r"along = .*unknown key 'formats'|unknown key 'formats'.*along = "):
        read_any_recipe("green_view", clips=["card"], along=0, formats=["csv"])
    with pytest.raises(RecipeError, match="clips"):
        read_any_recipe("green_view")
    with pytest.raises(RecipeError, match="trains no run"):
        read_recipe("green_view", clips=["card"])
