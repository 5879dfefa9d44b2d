"""The page of `roadseg stats --map`: what it holds, and what is refused."""

import json
import re

import pytest
from helpers.tables import along_equator, write_table

import roadseg
from roadseg.errors import InputError

GREEN = {"vegetation": 1, "road": 3}


def data_of(page):
    return json.loads(re.search(r'<script id="data" type="application/json">(.*?)</script>', page.read_text())[1])


@pytest.fixture
def drives(tmp_path):
    write_table(tmp_path / "out/one", [GREEN] * 20, along_equator([10 * second for second in range(20)]))
    return tmp_path / "out"


def test_a_map_of_segments(drives, tmp_path):
    page = tmp_path / "map.html"
    roadseg.stats_along([drives], map_page=page)
    data = data_of(page)
    assert data["kind"] == "segment" and data["facts"]["to_m"]["values"] == [100, 190]
    assert data["facts"]["drive"] == {"texts": ["one"], "values": [0, 0]}
    assert data["ends"] == [[0, len(data["x"]) - 1]] and not data["areas"]
    assert data["x"][-1] - data["x"][0] == pytest.approx(190, rel=0.004)
    units = {measure["name"]: measure["unit"] for measure in data["measures"]}
    assert units["Green view"] == "% of the frame" and units["Enclosure"] == "" and units["Speed"] == "km/h"
    assert units["People in sight"] == "% of the metres"
    assert [measure["name"] for measure in data["measures"] if measure["group"] == "Classes"] == ["road", "vegetation"]
    assert data["overall"][0] == 25 and data["measures"][0]["values"] == [25, 25]
    assert "src=" not in page.read_text().split("<body>")[1]  # whole in itself


def test_a_map_of_cells_has_areas(drives, tmp_path):
    roadseg.stats_along([drives], grid=100, map_page=tmp_path / "map.html")
    data = data_of(tmp_path / "map.html")
    assert data["areas"] and data["kind"] == "cell" and not data["ends"]
    first, end = data["places"][0]
    assert end - first == 5 and (data["x"][first], data["y"][first]) == (data["x"][end - 1], data["y"][end - 1])


def test_what_cannot_be_a_map_is_refused_before_the_work(drives, tmp_path, monkeypatch):
    for options, cause in (
        ({"map_page": "map.pdf"}, "a map is a page"),
        ({"basemap": "base.geojson"}, "background of a map"),
        ({"map_page": "map.html", "basemap": tmp_path / "none.geojson"}, "No such file"),
    ):
        with pytest.raises(InputError, match=cause):
            roadseg.stats_along([tmp_path / "nowhere"], **options)
    monkeypatch.setattr("roadseg.report.map_page.MAX_PLACES", 1)
    with pytest.raises(InputError, match="2 places, more than the 1"):
        roadseg.stats_along([drives], out=tmp_path / "road.csv", map_page=tmp_path / "map.html")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


def test_a_car_that_only_stood_has_no_map(tmp_path):
    write_table(tmp_path / "out/one", [GREEN] * 20, along_equator([0] * 20))
    with pytest.raises(InputError, match="only stood"):
        roadseg.stats_along([tmp_path / "out"], map_page=tmp_path / "map.html")
