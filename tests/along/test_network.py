"""Frames on the streets of a map."""

import json
import sys

import pyarrow as pa
import pytest
from helpers.tables import METRES_A_DEGREE, along_equator, write_table

import roadseg
from roadseg.errors import InputError

pytestmark = pytest.mark.extra("pyogrio", "pyproj", "shapely")
GREEN, GREY = {"vegetation": 60, "road": 40}, {"building": 60, "road": 40}


def street(points, **properties):
    """A street through points in metres east and north of 0/0."""
    coordinates = [[east / METRES_A_DEGREE, north / 110_574.3] for east, north in points]
    return {
        "type": "Feature",
        "geometry": {"type": "LineString", "coordinates": coordinates},
        "properties": properties,
    }


def network(path, *streets):
    path.write_text(json.dumps({"type": "FeatureCollection", "features": streets}))
    return path


@pytest.fixture
def streets(tmp_path):
    """A street of two halves, one nearer but across at 100 m, one parallel 15 m to the north, and a far one."""
    return network(
        tmp_path / "streets.geojson",
        street([(100, -50), (100, 50)], name="across", osm_id=1),
        street([(-20, 6), (100, 6)], name="west half", osm_id=2),
        street([(220, 6), (160, 6), (100, 6)], name="east half", osm_id=3),
        street([(-20, 15), (220, 15)], name="parallel", osm_id=4),
        street([(0, 500), (200, 500)], name="far", osm_id=5, metres=7),
    )


def drive(path, **place):
    metres = [10 * n for n in range(21)]
    return write_table(path, [GREEN if metre <= 100 else GREY for metre in metres], along_equator(metres, **place))


def test_frames_go_to_the_nearest_street_of_their_direction(tmp_path, streets):
    drive(tmp_path / "out" / "drive")
    found = roadseg.stats_along([tmp_path / "out"], network=streets)
    west, east = found.records()
    assert (west["name"], west["osm_id"], west["street"], east["osm_id"]) == ("west half", 2, 1, 3)
    assert (west["vegetation_by_distance"], east["vegetation_by_distance"]) == (0.6, 0)
    assert west["metres"] + east["metres"] == pytest.approx(200, abs=0.1) and west["metres"] == pytest.approx(
        110, abs=0.1
    )
    assert east["geometry"]["coordinates"][0] == [round(220 / METRES_A_DEGREE, 7), round(6 / 110_574.3, 7)]
    assert west["metres_2"] is None  # a column of the map that has the name of one of ours
    assert found.notices == ()


def test_what_the_map_says_keeps_its_type_in_all_files(tmp_path):
    import pyogrio

    facts = {"id": 2**53 + 1, "lanes": 2, "oneway": True, "built": "1990-05-01", "refs": ["A", "B"], "WKT": "x"}
    # The second street has nothing, and no frame.
    map_file = network(tmp_path / "streets.json", street([(-20, 6), (220, 6)], **facts), street([(0, 500), (9, 500)]))
    drive(tmp_path / "out" / "drive")
    for suffix in ("geojson", "gpkg", "csv", "parquet"):
        roadseg.stats_along([tmp_path / "out"], network=map_file, out=tmp_path / f"by_street.{suffix}")
    for suffix in ("geojson", "gpkg"):
        _, table = pyogrio.raw.read_arrow(tmp_path / f"by_street.{suffix}")
        (row,) = table.select(["id", "lanes", "oneway", "built", "refs", "WKT_2", "utc_begins"]).to_pylist()
        assert tuple(row.values())[:3] == (2**53 + 1, 2, True) and row["built"].isoformat() == "1990-05-01"
        assert (row["refs"], row["WKT_2"]) == ("['A', 'B']", "x")
        assert row["utc_begins"].isoformat() == "2023-11-14T22:13:20+00:00"
    _, table = pyogrio.raw.read_arrow(tmp_path / "by_street.csv")
    assert table["id"].to_pylist() == [str(2**53 + 1)] and len(table["wkb_geometry"][0].as_py()) == 9 + 2 * 16


def test_metres_without_a_street_are_told(tmp_path, streets):
    drive(tmp_path / "out" / "drive")
    drive(tmp_path / "out" / "away", lat=-40 / 110_574.3)
    found = roadseg.stats_along([tmp_path / "out"], network=streets)
    assert found.notices == ("Left out: 200 m without a street of their direction within 20 m.",)
    assert [record["drives"] for record in found.records()] == [1, 1]
    near = roadseg.stats_along([tmp_path / "out"], network=streets, network_distance=50)
    assert [record["drives"] for record in near.records()] == [2, 2] and near.notices == ()
    with pytest.raises(InputError, match="no frame is left"):
        roadseg.stats_along([tmp_path / "out"], network=streets, network_distance=3)


def test_streets_in_another_projection_and_across_the_date_line(tmp_path):
    import pyogrio
    import shapely

    x = 500_000 + 0.9996 * (180 - 177) * METRES_A_DEGREE  # UTM zone 60 at the equator, near enough
    line = shapely.to_wkb(shapely.LineString([(x - 300, 5), (x + 300, 5)]))
    table = pa.table({"id": ["way/7"], "geometry": [line]})
    file = tmp_path / "streets.gpkg"
    pyogrio.write_arrow(
        table, file, driver="GPKG", geometry_name="geometry", geometry_type="LineString", crs="EPSG:32660"
    )
    drive(tmp_path / "out" / "drive", lon=180 - 100 / METRES_A_DEGREE)
    found = roadseg.stats_along([tmp_path / "out"], network=file, out=tmp_path / "by_street.gpkg")
    (record,) = found.records()
    assert (record["id"], record["frames"]) == ("way/7", 21)
    assert record["geometry"]["type"] == "MultiLineString"
    assert pyogrio.read_info(tmp_path / "by_street.gpkg")["features"] == 1


@pytest.mark.parametrize(
    ("name", "content", "cause"),
    [
        ("none.gpkg", None, "no such file"),
        ("streets.txt", "streets", "unknown format of streets"),
        ("broken.geojson", "{", "cannot be read"),
        ("broken.gpkg", "SQLite format 3", "cannot be read"),
        ("points.geojson", '{"type": "Point", "coordinates": [0, 0]}', "has no (layer of )?lines"),
        ("empty.geojson", '{"type": "FeatureCollection", "features": []}', "has no (layer of )?lines"),
    ],
)
def test_files_that_are_no_network(tmp_path, name, content, cause):
    drive(tmp_path / "out" / "drive")
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=cause) as caught:
        roadseg.stats_along([tmp_path / "out"], network=tmp_path / name)
    assert "lines in a file" in caught.value.remedy


def test_without_the_extra_two_lines_say_how_to_get_it(tmp_path, streets, monkeypatch):
    drive(tmp_path / "out" / "drive")
    monkeypatch.setitem(sys.modules, "pyogrio", None)  # as where it is not installed
    for options in ({"network": streets}, {"out": tmp_path / "road.gpkg"}):
        with pytest.raises(InputError, match="pyogrio") as caught:
            roadseg.stats_along([tmp_path / "out"], **options)
        assert "pip install 'roadseg[maps]'" in caught.value.remedy
    assert not (tmp_path / "road.gpkg").exists()
