"""Timestamps increase strictly and change as little as possible."""

from fractions import Fraction

import pytest

from roadseg.video.timeline import Timeline


@pytest.mark.parametrize(
    ("stamps", "placed", "repaired"),
    [
        ([], [], 0),
        ([0, 1, 2], [0, 1, 2], 0),
        ([-3, 5, 600], [-3, 5, 600], 0),
        ([0, 2, 2, 4], [0, 2, 3, 4], 1),
        ([0, 4, 3, 8], [0, 4, 5, 8], 1),
        ([0, 0, 0, 1, 9], [0, 1, 2, 3, 9], 3),
        ([None, None, 7], [0, 2, 7], 2),
        ([5, None, 9], [5, 7, 9], 1),
        ([100, 102, 0, 2, 4], [100, 102, 104, 106, 108], 1),
        ([0, 100, 0, 100, 0], [0, 100, 102, 202, 204], 2),
    ],
)
def test_placing_in_a_tenth_of_a_second(stamps, placed, repaired):
    timeline = Timeline(Fraction(1, 10))
    assert [timeline.place(stamp, 2) for stamp in stamps] == placed
    assert timeline.repaired == repaired


def test_times_before_zero_are_kept_or_shifted():
    assert [Timeline(Fraction(1, 10)).place(stamp, 1) for stamp in (-3, 4)] == [-3, 4]
    timeline = Timeline(Fraction(1, 10), from_zero=True)
    assert [timeline.place(stamp, 1) for stamp in (-3, -1, 4)] == [0, 2, 7]
    assert timeline.repaired == 1
