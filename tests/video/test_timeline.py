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
        ([0, 0, 0, 1, 9], [0, 1, 3, 4, 9], 3),
        ([5, 5, 5, 5, 5], [5, 6, 8, 10, 12], 4),
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


@pytest.mark.parametrize(
    ("stamps", "placed"),
    [
        ([0, 36_000, 36_002], [0, 36_000, 36_002]),
        ([0, 36_001, 36_003], [0, 2, 4]),
        ([0, 2**62, 2, 4], [0, 2, 4, 6]),
        ([2**62, 2**62 + 2], [0, 2]),
        ([10**12, 10**12 + 3], [10**12, 10**12 + 3]),
    ],
    ids=["an hour", "more than an hour", "insane", "insane start", "late start"],
)
def test_no_frame_is_shown_for_more_than_an_hour(stamps, placed):
    timeline = Timeline(Fraction(1, 10))
    assert [timeline.place(stamp, 2) for stamp in stamps] == placed


def test_no_gap_is_longer_than_mp4_can_tell():
    for time_base in (Fraction(1, 10**7), Fraction(1001, 30_000), Fraction(7, 2**31 - 1), Fraction(10_000)):
        longest = Timeline(time_base).longest
        assert 1 <= longest * time_base.numerator < 2**31


def test_insane_lengths_are_not_believed():
    timeline = Timeline(Fraction(1, 10))
    assert [timeline.plausible(length) for length in (0, -1, 1, 36_000, 36_001, 2**62)] == [0, 0, 1, 36_000, 0, 0]
    assert [timeline.place(stamp, 2**62) for stamp in (0, None)] == [0, 1]


def test_stamps_are_kept_as_far_apart_as_is_asked_for():
    timeline = Timeline(Fraction(1, 90_000), step=2)
    assert [timeline.place(stamp, 0) for stamp in (5, 6, 7, 8, 9, 90)] == [5, 7, 9, 11, 13, 90]


def test_the_third_stamp_in_a_row_that_is_far_behind_is_a_jump():
    timeline = Timeline(Fraction(1, 100))
    stamps = [100, 104, 60, 64, 68, 72, 76]
    assert [timeline.place(stamp, 4) for stamp in stamps] == [100, 104, 105, 106, 110, 114, 118]


def test_missing_first_stamps_begin_where_it_is_said():
    timeline = Timeline(Fraction(1, 10), start=3)
    assert [timeline.place(stamp, 2) for stamp in (None, None, 7)] == [3, 5, 7]


def test_times_before_zero_are_kept_or_shifted():
    assert [Timeline(Fraction(1, 10)).place(stamp, 1) for stamp in (-3, 4)] == [-3, 4]
    timeline = Timeline(Fraction(1, 10), from_zero=True)
    assert [timeline.place(stamp, 1) for stamp in (-3, -1, 4)] == [0, 2, 7]
    assert timeline.repaired == 1
