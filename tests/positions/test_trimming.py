"""Parts of clips away from the ends of their drive."""

from math import inf

import numpy as np
import pytest

from roadseg.positions.fixes import Fix
from roadseg.positions.track import Track
from roadseg.positions.trimming import away_from_ends

METRE = 1 / 110_574.0
"""Degrees of latitude near the equator."""


def clip(begin, end, seconds=11):
    """A clip that drives north from `begin` to `end` metres at an even speed."""
    metres = np.linspace(begin, end, seconds)
    return Track.of([Fix(5 + METRE * at, 7.0, seconds=float(n), speed_mps=9.0) for n, at in enumerate(metres)])


def test_a_video_by_itself():
    assert away_from_ends([clip(0, 100)], 25) == [(3.0, 7.0)]
    assert away_from_ends([clip(0, 100)], 51) == [None]
    assert away_from_ends([clip(0, 0)], 1) == [None]
    assert away_from_ends([Track.of([])], 1) == [None]


def test_the_clips_of_a_drive():
    """A first clip of 40 m, which is all near the end, two in the middle, and gaps of 10 m between them."""
    clips = [clip(0, 40), clip(50, 150), clip(160, 260), clip(270, 370)]
    assert away_from_ends(clips, 65) == [None, (2.0, inf), (0.0, inf), (0.0, 3.0)]


def test_clips_without_positions_are_never_kept():
    clips = [Track.of([]), clip(0, 100), Track.of([]), clip(110, 210), Track.of([])]
    assert away_from_ends(clips, 20) == [None, (2.0, inf), None, (0.0, 8.0), None]


@pytest.mark.parametrize("metres", [1, 30, 60, 149])
def test_no_kept_fix_is_nearer(metres):
    clips = [clip(0, 100), clip(100, 200), clip(200, 300)]
    for number, part in enumerate(away_from_ends(clips, metres)):
        if part is not None:
            at = clips[number].at(np.clip(part, 0, 10)).distance_m + 100 * number
            assert (at >= metres - 0.5).all() and (at <= 300 - metres + 0.5).all()
