"""The line with time, speed and place in the picture."""

from fractions import Fraction
from math import nan

import numpy as np
import pytest

from roadseg.errors import InputError
from roadseg.labels.catalogue import CAMVID_11
from roadseg.overlay.appearance import NO_LEGEND, Appearance
from roadseg.overlay.draw import Overlay
from roadseg.overlay.place_line import PlaceLine
from roadseg.overlay.stages import Drawn
from roadseg.positions.fixes import Fix
from roadseg.positions.options import PositionChoice
from roadseg.positions.track import Track
from roadseg.video.frame import Frame

TRACK = Track.of([Fix(-22.9, -43.2 + 1e-4 * at, 1786698000.0 + at, float(at), 12.5) for at in range(3)])


def drawn(seconds, width=640, height=360):
    image = np.full((height, width, 3), 200, np.uint8)
    frame = Frame.from_rgb(image, index=0, pts=10 * seconds, time_base=Fraction(1, 10), duration=10)
    return Drawn(frame, False, np.zeros((1, 1), np.uint8), np.zeros(256, np.int64), np.zeros((1, 1), np.uint8), None)


def line(appearance=NO_LEGEND, track=TRACK):
    return PlaceLine(track, Overlay(CAMVID_11, appearance).layout(drawn(0).frame))


def test_the_line_says_time_speed_and_place():
    assert line().text(1.0) == "2026-08-14 09:00:01 UTC   45 km/h   22.90000 S 43.19990 W"
    assert line().text(2.5) == ""
    north = Track.of([Fix(51.5, 0.125, nan, float(at)) for at in range(3)])
    assert line(track=north).text(1.0) == "0 km/h   51.50000 N 0.12500 E"


def test_it_is_drawn_where_the_place_is_known_and_the_frame_given_stays():
    items = [drawn(0), drawn(5)]
    before = items[0].frame.y.copy()
    known, unknown = line().put_on(items)
    assert unknown is items[1] and (items[0].frame.y == before).all()
    changed = np.argwhere(known.frame.y != before)
    (top, left), (bottom, right) = changed.min(axis=0), changed.max(axis=0)
    assert top >= 8 and left >= 8 and bottom < 40 and 200 < right < 400


def test_it_stands_below_a_title():
    appearance = Appearance(legend="none", title="Along the coast")
    (with_title,) = line(appearance).put_on([drawn(0)])
    (without,) = line().put_on([drawn(0)])
    first = [int(np.argwhere(item.frame.y != drawn(0).frame.y)[:, 0].min()) for item in (with_title, without)]
    assert first[0] > first[1] + 20


def test_a_picture_without_room_has_no_line():
    layout = Overlay(CAMVID_11, NO_LEGEND).layout(drawn(0, 64, 16).frame)
    item = drawn(0, 64, 16)
    assert list(PlaceLine(TRACK, layout).put_on([item])) == [item]


def test_it_needs_positions():
    with pytest.raises(InputError, match="place_line needs positions"):
        PositionChoice.of("none", None, line=True)
