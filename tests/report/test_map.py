"""Maps of pages: projection, lines and their pieces."""

import json

import numpy as np
import pytest

from roadseg.positions.track import Positions
from roadseg.report.drive_map import PIECES, POINTS, driven_line
from roadseg.report.map import Measure, Plane, listed, map_data, thinned


def projected(lat_0, lon_0, *points):
    lat, lon = np.array(points, float).T
    return Plane(lat_0, lon_0).project(lat, lon)


def test_a_degree_has_its_length():
    # By hand: a sqrt(1 - e2) = 6,356,752.3 m is the mean radius of curvature at the equator, times pi / 180.
    assert projected(0, 10, (0, 11), (1, 10), (0, 10)) == pytest.approx(
        np.array([[110_946.3, 0], [0, 110_946.3], [0, 0]]), abs=0.1
    )
    # At 60 degrees the parallel is half as long: 6,388,859 m * pi / 180 * cos 60.
    assert projected(60, 0, (60, 0.01))[0] == pytest.approx([557.5, 0], abs=0.1)


def test_the_date_line_is_no_border():
    assert projected(0, 180, (0, 179.99), (0, -179.99)) == pytest.approx(np.array([[-1109.5, 0], [1109.5, 0]]), abs=0.1)
    middle = Plane.around(np.array([-17.0, -17.0]), np.array([179.9, -179.9]))
    assert abs(middle.lon) == pytest.approx(180) and middle.lat == pytest.approx(-17, abs=1e-3)


def test_a_line_across_the_pole_is_straight():
    # a^2 / b = 6,399,593.6 m times pi / 180 for each degree from the pole.
    over = projected(90, 0, (89.9, 0), (90, 0), (89.9, 180), (89.9, 90))
    assert over == pytest.approx(np.array([[0, -11_169.4], [0, 0], [0, 11_169.4], [11_169.4, 0]]), abs=0.1)


def test_thinned_lines_keep_their_ends_and_a_point_in_each_stretch():
    line = np.array([[0, 0], [1, 0], [2, 0], [3, 0], [3, 7], [3, 7], [3, 8]], float)
    assert thinned(line, 3).tolist() == [0, 3, 4, 6]
    assert thinned(line[:1], 3).tolist() == [0]


def positions_of(lat, lon, metres):
    unknown = np.full(len(lat), np.nan)
    return Positions(unknown, np.array(lat, float), np.array(lon, float), unknown, unknown, np.array(metres, float))


def test_gaps_divide_the_line_and_pieces_meet():
    nan = np.nan
    # 1.5 m a second, unknown at the fourth second, and no frame between the sixth and the twentieth.
    metres = [0, 1.5, 3, nan, 6, 7.5, 9, 10.5]
    seconds = np.array([0, 1, 2, 3, 4, 5, 20, 21], float)
    lat = [nan if each != each else 50 + each / 1e5 for each in metres]
    line = driven_line(seconds, np.ones(8), positions_of(lat, np.zeros(8), metres))
    assert line.points.tolist() == [0, 1, 2, 4, 5, 6, 7]
    assert line.parts == ((0, 2), (1, 3), (2, 3), (3, 5), (4, 5), (5, 7), (6, 7))
    assert line.runs.tolist() == [0, 3, 5]
    assert line.mean(np.arange(8.0), np.ones(8)).tolist() == [0, 1, 2, 4, 5, 6, 7]


def test_a_halt_is_one_piece_and_clips_count_from_zero():
    # A drive of two clips; the first stands in its middle for as long as it drives.
    metres = [0, 50, 50, 50, 100, 0, 50]
    lat = 50 + np.array([0, 50, 50, 50, 100, 150, 200]) / 111_229
    line = driven_line(np.arange(7.0), np.ones(7), positions_of(lat, np.zeros(7), metres))
    assert line.pieces.tolist() == [0, 1, 4, 5, 6] and line.runs.tolist() == [0]
    weights = np.array([1, 1, 2, 1, 1, 1, 1.0])
    assert line.mean(np.array([0, 0, 1, 0, 0, 0, 0.0]), weights)[1] == 0.5


def test_100_000_frames_become_a_line_that_a_page_can_hold():
    count = 100_000
    metres = np.arange(count) * 0.5
    lon = 20 + metres / 1e5
    line = driven_line(np.arange(count) / 30, np.full(count, 1 / 30), positions_of(np.zeros(count), lon, metres))
    assert PIECES * 0.9 < len(line.pieces) <= PIECES + 1
    assert len(line.points) <= PIECES + 2 * POINTS
    assert max(np.diff(metres[line.points])) <= 1 + metres[-1] / POINTS


def test_a_single_position_is_a_place():
    nan = np.nan
    line = driven_line(np.arange(3.0), np.ones(3), positions_of([nan, -33, nan], [nan, 151, nan], [nan, 0, nan]))
    assert line.parts == ((0, 1),) and line.points.tolist() == [1]
    none = positions_of([nan], [nan], [nan])
    assert driven_line(np.zeros(1), np.ones(1), none) is None


def test_numbers_are_short_and_unknown_ones_null():
    assert listed(np.array([1.0, 12.3456, np.nan, 1e-5])) == [1, 12.35, None, 1e-05]
    assert listed(np.array([-0.04, 2.26]), decimals=1) == [0, 2.3]
    measure = Measure("sky", "Sky", "Classes", "% of the frame", np.array([np.nan]))
    data = map_data(np.zeros((1, 2)), [[(0, 1)]], [measure])
    assert json.loads(json.dumps(data))["measures"][0]["values"] == [None]
    assert len(set(data["palette"])) == 16 and all(len(colour) == 7 for colour in data["palette"])
