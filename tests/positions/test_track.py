"""Tracks: what lies between fixes, halts, metres, and the fixes that are not believed."""

from math import cos, nan, radians

import numpy as np
import pytest

from roadseg.positions.cleaning import believed
from roadseg.positions.fixes import Fix
from roadseg.positions.geodesy import distance
from roadseg.positions.track import MAX_GAP, Track

DEGREE = 111_319.49  # metres of longitude on the equator, and there nearly of latitude


def eastwards(seconds, metres, *, lat=0.0, lon=10.0, speed=nan, noise=None):
    """Fixes along a parallel, by their metres east of `lon`."""
    scale = DEGREE * cos(radians(lat))
    north = np.zeros(len(metres)) if noise is None else noise[:, 1]
    east = np.asarray(metres, float) + (0 if noise is None else noise[:, 0])
    return [
        Fix(lat + n / DEGREE, (lon + e / scale + 180) % 360 - 180, 1e9 + at, at, speed)
        for at, e, n in zip(seconds, east, north, strict=True)
    ]


@pytest.mark.parametrize(
    ("one", "other", "metres"),
    [
        ((0.0, 0.0), (0.0, 1.0), 111_319.491),  # a degree of the equator
        ((49.5, 8.0), (50.5, 8.0), 111_229.0),  # a degree of the meridian around 50
        ((60.0, 5.0), (60.0, 5.1), 5_580.0),  # a tenth of a degree on the parallel of 60
        ((-33.0, 179.99), (-33.0, -179.99), 1_869.0),  # over the date line
    ],
)
def test_distances_on_the_ellipsoid(one, other, metres):
    assert distance(np.array([one[0]]), np.array([one[1]]), *other)[0] == pytest.approx(metres, rel=2e-4)


def test_between_fixes_it_interpolates_and_outside_it_invents_nothing():
    track = Track.of(eastwards([1.0, 2, 3, 4, 5], [0, 10, 20, 30, 40], speed=10.0))
    at = track.at(np.array([0.99, 1.0, 2.25, 5.0, 5.01]))
    assert np.isnan(at.lat[[0, 4]]).all() and np.isnan(at.utc[[0, 4]]).all() and np.isnan(at.distance_m[[0, 4]]).all()
    assert at.distance_m[1:4] == pytest.approx([0, 12.5, 40], abs=0.01)
    assert at.utc[2] == 1e9 + 2.25
    assert at.heading_deg[1:4] == pytest.approx([90] * 3)
    assert at.speed_mps[1:4] == pytest.approx([10] * 3)


def test_a_gap_over_the_limit_is_unknown_and_counts_as_a_straight_line():
    track = Track.of(eastwards([0, 1, 11, 12, 12 + MAX_GAP + 1], [0, 10, 110, 120, 230], speed=10.0))
    assert track.at(np.array([6.0])).distance_m == pytest.approx([60], abs=0.1)
    assert np.isnan(track.at(np.array([15.0])).lat).all()
    assert track.distance_m[-1] == pytest.approx(230, abs=0.2)


def test_over_the_date_line_it_goes_the_short_way():
    track = Track.of(eastwards(range(5), [0, 20, 40, 60, 80], lat=-17.0, lon=179.9997))
    at = track.at(np.array([1.5, 2.5]))
    assert (np.abs(at.lon) > 179.99).all() and ((at.lon >= -180) & (at.lon < 180)).all()
    assert track.distance_m[-1] == pytest.approx(80, rel=0.01)
    assert track.heading_deg == pytest.approx([90] * 5)


def test_headings_turn_through_north():
    fixes = [
        fix._replace(heading_deg=h) for fix, h in zip(eastwards([0, 1], [0, 9], speed=9.0), (350, 20), strict=True)
    ]
    assert Track.of(fixes).at(np.array([0.0, 0.5, 0.75])).heading_deg == pytest.approx([350, 5, 12.5])


@pytest.mark.parametrize("rate", [1, 10])
def test_a_car_that_stands_does_not_creep(rate):
    """20 s of driving, a minute at a red light, 20 s of driving, with 2 m of noise and no speed from the receiver."""
    noise = np.random.default_rng(3).normal(0, 2.0, (100 * rate, 2))
    seconds = np.arange(100 * rate) / rate
    metres = np.interp(seconds, [0, 20, 80, 100], [0, 200, 200, 400])
    track = Track.of(eastwards(seconds, metres, lat=52.0, noise=noise))
    assert track.distance_m[-1] == pytest.approx(400, rel=0.04)
    halt = track.at(np.arange(26.0, 74.0))
    assert (halt.speed_mps == 0).all() and np.ptp(halt.distance_m) == 0
    assert np.ptp(halt.heading_deg) == 0 and halt.heading_deg[0] == pytest.approx(90, abs=25)
    assert track.at(np.arange(3.0, 17.0)).speed_mps == pytest.approx([10] * 14, abs=2.5)


@pytest.mark.parametrize("step", [2.0, 5.0])
def test_fixes_that_are_seconds_apart_have_speeds_and_headings(step):
    track = Track.of(eastwards(step * np.arange(8), 10.0 * step * np.arange(8)))
    at = track.at(np.arange(0, 7 * step + 0.1, 0.5))
    assert at.speed_mps == pytest.approx(10.0, rel=0.01)
    assert at.heading_deg == pytest.approx(90.0, abs=0.1)


def test_speeds_of_the_receiver_say_whether_it_stands():
    metres = [0, 10, 20, 20.9, 19.6, 21.2, 20.2, 30, 40]  # it wanders while it stands
    fixes = eastwards(range(9), metres)
    fixes = [fix._replace(speed_mps=v) for fix, v in zip(fixes, [10, 10, 9, 0.1, 0.2, 0, 0.3, 9, 10], strict=True)]
    track = Track.of(fixes)
    assert track.speed_mps.tolist()[3:7] == [0] * 4
    assert np.ptp(track.distance_m[3:7]) == 0
    assert (np.diff(track.distance_m) >= 0).all()


def test_metres_begin_with_the_video():
    track = Track.of(eastwards(range(20), np.arange(20) * 10, speed=10.0)).within(5.5, 9.0)
    assert track.seconds[[0, -1]].tolist() == [5, 9]
    assert track.at(np.array([5.5, 9.0])).distance_m == pytest.approx([0, 35], abs=0.1)


def test_an_empty_track_knows_nothing():
    assert np.isnan(Track.of([]).within(0, 9).at(np.array([0.0, 1.0])).lat).all()


def drive(*others):
    """A drive of ten seconds in the southern and western hemispheres, with other fixes after the fourth second."""
    fixes = eastwards(range(10), np.arange(10) * 12, lat=-22.9, lon=-43.2)
    return [*fixes[:5], *others, *fixes[5:]]


@pytest.mark.parametrize(
    ("other", "notice"),
    [
        (Fix(0.0, 0.0, seconds=4.5), "at 0/0 or outside the globe"),
        (Fix(0.00001, -0.00002, seconds=4.5), "at 0/0 or outside the globe"),
        (Fix(-91.0, 10.0, seconds=4.5), "at 0/0 or outside the globe"),
        (Fix(-22.9, 543.2, seconds=4.5), "at 0/0 or outside the globe"),
        (Fix(22.9, 43.2, seconds=4.5), "over 100 m/s"),  # both signs lost
        (Fix(-22.9, -43.19, seconds=4.5), "over 100 m/s"),  # a kilometre away
        (Fix(-22.9, -43.2, seconds=1.5), "go back in time"),
        (Fix(-22.9, -43.1995, seconds=4.5, hdop=25.0), "dilution of precision above 10"),
        (Fix(-22.9005, -43.1995, seconds=4.5), "further than a car can swerve"),  # 55 m to the side
        (Fix(-22.9, -43.2), "without a time"),
    ],
)
def test_fixes_that_cannot_be_are_left_out(other, notice):
    kept, notices = believed(drive(other))
    assert kept == drive()
    assert len(notices) == 1 and notices[0].startswith("1 of 11 positions left out") and notice in notices[0]


def test_a_receiver_that_starts_or_stays_elsewhere_does_not_win():
    away = eastwards([4.2, 4.4, 4.6, 4.8], [0, 1, 2, 3], lat=-22.0, lon=-43.2)
    assert believed(drive(*away))[0] == drive()
    first = Fix(-22.897, -43.2, seconds=-1.0)
    assert believed([first, *drive()])[0] == drive()


def test_unknown_speeds_of_phones_are_not_speeds():
    kept, _ = believed([fix._replace(speed_mps=-1, heading_deg=-1) for fix in drive()])
    assert all(np.isnan(fix.speed_mps) and np.isnan(fix.heading_deg) for fix in kept)
