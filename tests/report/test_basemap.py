"""Backgrounds of maps: what is read, and what is refused."""

import json

import numpy as np
import pytest

from roadseg.errors import InputError
from roadseg.report.basemap import read_basemap
from roadseg.report.map import Plane


def written(path, content):
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_a_background_keeps_what_is_near(tmp_path):
    square = [[[0, 0], [0.001, 0], [0.001, 0.001], [0, 0]]]
    features = [
        {
            "type": "Feature",
            "properties": {},
            "geometry": {"type": "LineString", "coordinates": [[0, 0], [0.001, 0, 7]]},
        },
        {"type": "Feature", "properties": None, "geometry": None},
        {"type": "GeometryCollection", "geometries": [{"type": "Polygon", "coordinates": square}]},
        {"type": "MultiLineString", "coordinates": [[[10, 10], [10, 11]]]},
        {"type": "Point", "coordinates": [0, 0]},
    ]
    path = written(tmp_path / "base.geojson", {"type": "FeatureCollection", "features": features})
    found = read_basemap(path).as_dict(Plane(0, 0), np.array([[0, 0], [100, 50.0]]))
    assert found == {"areas": [[0, 0, 110.9, 0, 110.9, 110.9, 0, 0]], "lines": [[0, 0, 110.9, 0]]}


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        ("{", "not a background for maps"),
        ([], "not a GeoJSON object"),
        ({"type": "Topology", "arcs": []}, "'Topology' is not a geometry"),
        ({"type": "FeatureCollection"}, "without its list"),
        ({"type": "LineString", "coordinates": [[5e5, 4e6], [5e5, 4e6]]}, "not degrees"),
        ({"type": "LineString", "coordinates": [[0, 0], ["x", 1]]}, "not a list of two numbers"),
        ({"type": "LineString", "coordinates": 3}, "not a list"),
        ({"type": "LineString", "coordinates": []}, "without positions"),
        ('{"type": "LineString", "coordinates": [[NaN, 0], [1, 1]]}', "not degrees"),
        ({"type": "Point", "coordinates": [0, 0]}, "neither lines nor areas"),
        ('{"type": "Feature", "geometry": ' * 30 + "null" + "}" * 30, "nested too deeply"),
    ],
)
def test_other_backgrounds_are_refused(tmp_path, content, cause):
    with pytest.raises(InputError, match=cause) as caught:
        read_basemap(written(tmp_path / "base.geojson", content))
    assert str(tmp_path) in caught.value.cause and len(str(caught.value).splitlines()) == 2


def test_a_background_that_is_missing_or_too_large_is_refused(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="No such file"):
        read_basemap(tmp_path / "none.geojson")
    monkeypatch.setattr("roadseg.report.basemap.MAX_BASEMAP_BYTES", 10)
    with pytest.raises(InputError, match="more than the 10"):
        read_basemap(written(tmp_path / "base.geojson", {"type": "Point"}))
    line = {"type": "LineString", "coordinates": [[0, 0], [0.001, 0]]}
    monkeypatch.setattr("roadseg.report.basemap.MAX_BASEMAP_BYTES", 1000)
    monkeypatch.setattr("roadseg.report.basemap.MAX_POINTS", 1)
    base = read_basemap(written(tmp_path / "line.geojson", line))
    with pytest.raises(InputError, match="2 corners near the drives"):
        base.as_dict(Plane(0, 0), np.zeros((1, 2)))
