"""Class shares along the road, against figures worked out by hand."""

import csv
import json
import math
from datetime import timedelta
from itertools import pairwise

import pyarrow.parquet as pq
import pytest
from helpers.tables import METRES_A_DEGREE, along_equator, write_table

import roadseg
from roadseg.along.sums import sum_video
from roadseg.errors import InputError
from roadseg.labels.catalogue import CAMVID_11, CITYSCAPES_19, SYNTHIA_13
from roadseg.overlay.totals import overlay_stats
from roadseg.report.stats_tables import stats_tables
from roadseg.video.find import ClipPlace

GREEN, GREY = {"vegetation": 60, "road": 40}, {"building": 50, "road": 30, "sidewalk": 15, "person": 5}


def halting_drive(path, **options):
    """A drive of 300 m east on the equator at 10 m/s: green for 150 m, then grey with a halt of 30 s at 250 m."""
    metres = [*range(0, 250, 10), *[250] * 31, *range(260, 301, 10)]
    frames = [GREEN if metre < 150 else GREY for metre in metres]
    return write_table(path, frames, along_equator(metres, **options.pop("place", {})), **options)


def test_shares_by_distance_and_by_time_of_each_segment(tmp_path):
    halting_drive(tmp_path / "drive")
    found = roadseg.stats_along([tmp_path], along=95)  # no frame begins on a border
    first, second, third, _ = found.records()
    assert (first["from_m"], first["to_m"], first["frames"], first["seconds"]) == (0, 95, 10, 10)
    assert first["metres"] == pytest.approx(100, abs=0.1) and first["speed_mps"] == pytest.approx(10, abs=0.01)
    assert first["vegetation_by_distance"] == first["green_view_by_time"] == pytest.approx(0.6)
    # The second: five frames of green, then four of grey.
    assert second["vegetation_by_distance"] == pytest.approx(5 / 9 * 0.6, abs=1e-3)
    assert second["people_in_sight_by_distance"] == pytest.approx(4 / 9, abs=1e-3)
    assert second["walkable_by_time"] == pytest.approx(4 * 15 / (5 * 40 + 4 * 30), abs=1e-6)
    assert second["enclosure_by_time"] == pytest.approx((5 * 60 + 4 * 50) / (5 * 40 + 4 * 45), abs=1e-3)
    # The halt weighs in time, not in distance.
    assert third["seconds"] == 40 and third["metres"] == pytest.approx(100, abs=0.1)
    assert found.overall["vegetation_by_distance"] == pytest.approx(0.6 * 150 / 300, abs=1e-3)
    assert found.overall["vegetation_by_time"] == pytest.approx(0.6 * 15 / 61, abs=1e-6)
    assert (found.frames, found.seconds, found.drives, found.unplaced_frames) == (61, 61, 1, 0)
    assert found.metres == pytest.approx(300, abs=0.1)
    assert found.notices == ()


def test_shares_of_a_place_add_up_to_one(tmp_path):
    halting_drive(tmp_path / "drive")
    for record in roadseg.stats_along([tmp_path], along=50).records():
        for way in ("distance", "time"):
            shares = [record[f"{name.replace(' ', '_')}_by_{way}"] for name in (*CITYSCAPES_19.classes, "unlabelled")]
            assert None in shares or sum(shares) == pytest.approx(1, abs=1e-5)


def test_lines_of_segments_join_and_lie_on_the_way(tmp_path):
    halting_drive(tmp_path / "drive")
    found = roadseg.stats_along([tmp_path], along=100)
    lines = [record["geometry"]["coordinates"] for record in found.records() if record["geometry"]]
    assert all(before[-1] == after[0] for before, after in pairwise(lines))
    assert [round(lon * METRES_A_DEGREE) for line in lines for lon, _ in (line[0], line[-1])] == (
        [0, 100, 100, 200, 200, 300]
    )


def test_frames_without_position_are_counted_and_placed_nowhere(tmp_path):
    fixes = [fix for fix in along_equator([10 * second for second in range(60)]) if not 20 <= fix[0] < 40]
    write_table(tmp_path / "gap", [GREEN] * 60, fixes)
    write_table(tmp_path / "none", [GREY] * 7, [])
    found = roadseg.stats_along([tmp_path])
    assert (found.videos, found.unplaced_frames, found.unplaced_seconds) == (1, 27, 27)
    assert found.metres == pytest.approx(590 - 210, abs=0.5)
    assert found.notices == (
        "Left out: 27 frames, 27.0 s, without a position, 1 whole video among them.",
        "Left out: 210 of 590 m driven, in gaps between positions or videos.",
    )
    assert all(record["geometry"]["type"] == "LineString" for record in found.records())
    # A segment that reaches over the gap is drawn in two lines.
    (long,) = roadseg.stats_along([tmp_path], along=1000).records()
    assert [len(part) > 1 for part in long["geometry"]["coordinates"]] == [True, True]


def test_the_ends_of_a_drive_are_trimmed(tmp_path):
    halting_drive(tmp_path / "drive")
    write_table(tmp_path / "short", [GREEN] * 5, along_equator([0, 10, 20, 30, 40], lat=1))
    found = roadseg.stats_along([tmp_path], trim_ends=60)
    points = [lon for record in found.records() if record["geometry"] for lon, _ in record["geometry"]["coordinates"]]
    assert min(points) * METRES_A_DEGREE >= 59.9 and max(points) * METRES_A_DEGREE <= 240.1
    assert found.metres == pytest.approx(180, abs=10)  # frames lie 10 m apart
    assert found.notices == ("Left out by --trim-ends: 1 of 2 drives as a whole.",)
    with pytest.raises(InputError, match="no frame is left"):
        roadseg.stats_along([tmp_path], trim_ends=1000)


def test_cells_add_up_all_drives(tmp_path):
    halting_drive(tmp_path / "one" / "drive")
    halting_drive(tmp_path / "two" / "drive", place={"lat": 1e-5})
    alone, both = (roadseg.stats_along([folder], grid=100) for folder in (tmp_path / "one", tmp_path))
    assert [record["cell"] for record in alone.records()] == [record["cell"] for record in both.records()]
    for once, twice in zip(alone.records(), both.records(), strict=True):
        assert (twice["drives"], twice["frames"]) == (2, 2 * once["frames"])
        assert twice["vegetation_by_distance"] == pytest.approx(once["vegetation_by_distance"], abs=1e-6)
        ((*_, last),) = twice["geometry"]["coordinates"]
        (west, south), (east, north) = twice["geometry"]["coordinates"][0][0], twice["geometry"]["coordinates"][0][2]
        assert last == [west, south]
        assert (east - west) * METRES_A_DEGREE == pytest.approx(100, rel=0.01)
        assert (north - south) * 110_574 == pytest.approx(100, rel=0.01)


@pytest.mark.parametrize(
    "place", [{"lat": 0}, {"lon": 179.999}, {"lat": -33.9, "lon": 151.2}, {"lat": 64, "lon": -179.9995}]
)
def test_segments_keep_their_length_everywhere_on_earth(tmp_path, place):
    scale = math.cos(math.radians(place.get("lat", 0)))
    write_table(tmp_path / "drive", [GREEN] * 31, along_equator([10 * n / scale for n in range(31)], **place))
    found = roadseg.stats_along([tmp_path])
    assert found.metres == pytest.approx(300, rel=0.005)
    for line in (part for shape in found.shapes if shape for part in shape.parts):
        assert abs(line[-1, 0] - line[0, 0]) < 0.01


def test_label_spaces_that_lack_a_class_have_no_such_index(tmp_path):
    halting_drive(tmp_path / "drive", space=SYNTHIA_13)
    found = roadseg.stats_along([tmp_path])
    assert found.overall["green_view_by_time"] is None and found.overall["sky_view_by_time"] == 0
    assert found.notices == (
        "green_view is null: synthia-13 has no class terrain.",
        "enclosure is null: synthia-13 has no class wall.",
    )
    write_table(tmp_path / "other", [{"Tree": 1}] * 3, along_equator([0, 5, 10]), space=CAMVID_11)
    with pytest.raises(InputError, match=r"counts classes of (camvid-11|synthia-13), but"):
        roadseg.stats_along([tmp_path])


def test_larger_classes_stand_for_their_parts(tmp_path):
    frames = [{"Tree": 30, "Pavement": 10, "Road": 40, "Fence": 20}] * 3
    write_table(tmp_path / "drive", frames, along_equator([0, 10, 20]), space=CAMVID_11)
    overall = roadseg.stats_along([tmp_path]).overall
    assert overall["green_view_by_time"] == pytest.approx(0.3)
    assert overall["walkable_by_time"] == pytest.approx(0.25)
    assert overall["enclosure_by_time"] == pytest.approx(1.0)


def test_own_indices(tmp_path):
    halting_drive(tmp_path / "drive")
    file = tmp_path / "own.toml"
    file.write_text(
        '[trees]\nnumerator = ["vegetation"]\ndenominator = ["vegetation", "building"]\nweight = "time"\n'
        '[busy]\nnumerator = ["person", "car"]\nin_sight = 0.06\n'
    )
    found = roadseg.stats_along([tmp_path], indices=file)
    assert found.indices[-2:] == ("trees", "busy")
    assert found.overall["trees_by_time"] == pytest.approx(15 * 60 / (15 * 60 + 46 * 50))
    assert "trees_by_distance" not in found.table.column_names
    assert found.overall["busy_by_distance"] == 0  # 5 % of a frame are too few


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "has no index"),
        ("[trees", "not TOML"),
        ("[trees]\n", r"\[trees\] numerator"),
        ('[trees]\nnumerator = ["tree"]', "cityscapes-19 has no class 'tree'"),
        ('[trees]\nnumerator = ["sky"]\ndenom = ["road"]', "unknown key 'denom'"),
        ('[sky_view]\nnumerator = ["sky"]', "there is one of this name"),
        ('["a b"]\nnumerator = ["sky"]', "letters, digits"),
        ('[a]\nnumerator = ["sky"]\nin_sight = 0.1\ndenominator = ["road"]', "leave denominator out"),
        ('[a]\nnumerator = ["sky"]\nweight = "space"', "weight"),
        ("a = 1", r"\[a\]"),
    ],
)
def test_mistakes_in_own_indices_are_named(tmp_path, text, cause):
    halting_drive(tmp_path / "drive")
    (tmp_path / "own.toml").write_text(text)
    with pytest.raises(InputError, match=cause) as caught:
        roadseg.stats_along([tmp_path], indices=tmp_path / "own.toml")
    assert caught.value.remedy


def test_files_of_all_formats_agree(tmp_path):
    halting_drive(tmp_path / "=drive", place={"lon": 179.999})
    found = roadseg.stats_along([tmp_path], out=tmp_path / "road.geojson")
    roadseg.stats_along([tmp_path], out=tmp_path / "road.csv")
    roadseg.stats_along([tmp_path], out=tmp_path / "road.parquet")
    features = json.loads((tmp_path / "road.geojson").read_text())["features"]
    table = pq.read_table(tmp_path / "road.parquet")
    rows = list(csv.DictReader((tmp_path / "road.csv").read_text().splitlines()))
    assert len(features) == table.num_rows == len(rows) == len(found.shapes)
    assert [feature["properties"]["sky_by_time"] for feature in features] == table["sky_by_time"].to_pylist()
    assert [float(row["road_by_time"]) for row in rows] == table["road_by_time"].to_pylist()
    assert rows[0]["drive"] == "'=drive" and rows[0]["utc_begins"] == "2023-11-14T22:13:20.000Z"
    assert features[1]["geometry"]["type"] == "MultiLineString" and rows[1]["WKT"].startswith("MULTILINESTRING ((")
    geo = json.loads(table.schema.metadata[b"geo"])
    assert geo["version"] == "1.1.0" and geo["columns"]["geometry"]["geometry_types"] == [
        "LineString",
        "MultiLineString",
    ]
    assert geo["columns"]["geometry"]["bbox"] == [-180, 0, 180, 0]
    assert geo["columns"]["geometry"]["crs"]["id"] == {"authority": "EPSG", "code": 4326}


@pytest.mark.extra("pyogrio", "shapely")
def test_geographic_programs_read_the_files(tmp_path):
    import sqlite3

    import pyogrio
    import shapely

    halting_drive(tmp_path / "drive", place={"lon": 11, "lat": -5e-4})
    for suffix in ("gpkg", "geojson", "parquet"):
        found = roadseg.stats_along([tmp_path], out=tmp_path / f"road.{suffix}")
    shapes = [shapely.from_wkb(shape.wkb()) for shape in found.shapes if shape]
    assert all(shape.is_valid for shape in shapes)
    info = pyogrio.read_info(tmp_path / "road.gpkg")
    assert (info["crs"], info["geometry_type"], info["features"]) == ("EPSG:4326", "LineString", len(found.shapes))
    with sqlite3.connect(tmp_path / "road.gpkg") as base:
        assert base.execute("PRAGMA application_id").fetchone() == (0x47504B47,)
        assert base.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    base.close()
    for suffix in ("gpkg", "geojson"):
        meta, _, geometry, fields = pyogrio.raw.read(tmp_path / f"road.{suffix}")
        assert [shapely.from_wkb(each) for each in geometry if each is not None] == shapes
        columns = dict(zip(meta["fields"], fields, strict=True))
        assert columns["metres"].tolist() == pytest.approx(found.table["metres"].to_pylist())
    wkb = [value.as_py() for value in pq.read_table(tmp_path / "road.parquet")["geometry"]]
    assert [shapely.from_wkb(each) for each in wkb if each is not None] == shapes
    roadseg.stats_along([tmp_path], grid=100, out=tmp_path / "cells.gpkg")
    _, _, cells, _ = pyogrio.raw.read(tmp_path / "cells.gpkg")
    assert all(shapely.is_ccw(shapely.from_wkb(each).exterior) for each in cells)
    assert not list(tmp_path.glob(".*gpkg*"))


def test_clips_of_a_drive_make_one_line_and_channels_never_mix(tmp_path):
    """Two clips of 125 m one after the other: the third segment begins in one and ends in the other."""
    first, second = [10 * n for n in range(13)], [130 + 10 * n for n in range(13)]
    for number, (metres, frame) in enumerate(((first, GREEN), (second, GREY))):
        place = ClipPlace("monday", "front", number, 13.0 * number)
        write_table(tmp_path / "monday" / f"c{number}", [frame] * 13, along_equator(metres), drive=place)
        rear = ClipPlace("monday", "rear", number, 13.0 * number)
        write_table(tmp_path / "monday" / "rear" / f"c{number}", [GREY] * 13, along_equator(metres), drive=rear)
    found = roadseg.stats_along([tmp_path], along=51)
    records = list(found.records())
    assert [(record["drive"], record["segment"], record["video"]) for record in records] == [
        *(("monday", segment, "c0") for segment in range(3)),
        *(("monday", segment, "c1") for segment in range(3, 5)),
    ]
    # 110 and 120 m of the first clip, 130, 140 and 150 m of the second; the 10 m between the two belong to no frame.
    assert (records[2]["frames"], records[2]["metres"]) == (5, pytest.approx(40, abs=0.5))
    assert records[2]["vegetation_by_time"] == pytest.approx(0.6 * 2 / 5)
    assert all(record["geometry"]["type"] == "LineString" for record in records)
    ends = [record["geometry"]["coordinates"] for record in records]
    assert all(before[-1] == after[0] for before, after in pairwise(ends))
    assert found.notices[0] == "Left out: 2 videos of the channel rear."
    assert roadseg.stats_along([tmp_path], channel="rear").overall["vegetation_by_time"] == 0
    with pytest.raises(InputError, match="no results of the channel 'cabin'"):
        roadseg.stats_along([tmp_path], channel="cabin")


def test_seconds_that_two_clips_have_count_once(tmp_path):
    """The second clip begins 4 s and 40 m before the first ends; it counts from there."""
    for number, (begin, frame) in enumerate(((0, GREEN), (90, GREY))):
        place = ClipPlace("monday", "front", number, begin / 10)
        fixes = along_equator([begin + 10 * n for n in range(13)])
        write_table(tmp_path / "monday" / f"c{number}", [frame] * 13, fixes, drive=place)
    found = roadseg.stats_along([tmp_path], along=1000)
    assert (found.frames, found.seconds) == (22, 22.0)
    assert found.table["to_m"].to_pylist() == [pytest.approx(210, abs=0.5)]
    assert found.overall["vegetation_by_time"] == pytest.approx(0.6 * 9 / 22)
    assert "Counted once: 4.0 s that two clips of a drive both have." in found.notices
    stats = overlay_stats([tmp_path])
    assert (stats.totals.frames, stats.drives()["monday"].seconds) == (22, 22.0)
    assert stats.overlaps == ("Counted once: 4.0 s that two clips of a drive both have.",)


def test_hours_are_those_of_the_place(tmp_path):
    """Positions begin at 22:13:20 UTC; the place keeps India's time."""
    write_table(tmp_path / "delhi", [GREEN] * 3, [(float(n), 28.6, 77.2) for n in range(3)])
    found = overlay_stats([tmp_path])
    assert list(found.hours) == [3] and found.zones == ("Asia/Kolkata",)
    assert found.videos[0].as_dict()["recorded"] == "2023-11-15T03:43:20+05:30"
    assert stats_tables(found)[1].notes == ("Hours are Asia/Kolkata by the positions.",)
    assert list(overlay_stats([tmp_path], utc_offset=timedelta()).hours) == [22]


def test_a_second_call_reads_the_rows_of_new_tables_only(tmp_path, monkeypatch):
    read = []

    def noted(clip, *rest):
        read.append(clip.name)
        return sum_video(clip, *rest)

    monkeypatch.setattr("roadseg.along.cache.sum_video", noted)
    halting_drive(tmp_path / "one")
    before = roadseg.stats_along([tmp_path])
    halting_drive(tmp_path / "two", place={"lat": 1})
    both = roadseg.stats_along([tmp_path])
    assert read == ["one", "two"]
    assert before.table.equals(both.table.slice(0, before.table.num_rows))
    assert before.shapes[0].wkt() == both.shapes[0].wkt()
    # Another length, another threshold and another table are read again; so is a file that was damaged.
    (tmp_path / "own.toml").write_text('[sky]\nnumerator = ["sky"]\nin_sight = 0.1\n')
    halting_drive(tmp_path / "two", place={"lat": 2})
    (tmp_path / ".one.segments.npz").write_bytes(b"PK no")
    for options in ({}, {"along": 50}, {"along": 50, "indices": tmp_path / "own.toml"}, {"grid": 50}):
        read.clear()
        roadseg.stats_along([tmp_path], **options)
        assert read == ["one", "two"]
    read.clear()
    assert roadseg.stats_along([tmp_path], grid=50).frames == both.frames
    assert read == []


def test_drives_beyond_a_batch_of_rows_have_the_same_sums(tmp_path, monkeypatch):
    halting_drive(tmp_path / "drive")
    whole = roadseg.stats_along([tmp_path], along=95)
    for rows in (1, 2, 7):
        monkeypatch.setattr("roadseg.along.sums.ROWS_AT_ONCE", rows)
        (tmp_path / ".drive.segments.npz").unlink()
        found = roadseg.stats_along([tmp_path], along=95)
        assert [shape and shape.wkt() for shape in found.shapes] == [shape and shape.wkt() for shape in whole.shapes]
        assert found.table.equals(whole.table)
