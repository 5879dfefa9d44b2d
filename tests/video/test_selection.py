"""Selection of frames."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from roadseg.video.frame import Frame
from roadseg.video.selection import AtIntervals, AtSceneChanges, Novelty


def frame(index=0, pts=0, duration=1, time_base=Fraction(1, 10), luma=None):
    luma = np.full((36, 64), 100, np.uint8) if luma is None else luma
    chroma = np.full(((luma.shape[0] + 1) // 2, (luma.shape[1] + 1) // 2), 128, np.uint8)
    return Frame(luma, chroma, chroma, "bt709", False, index, pts, time_base, duration)


def chosen(rule, times):
    """Indices of the wanted frames; `times` in tenths of a second, the last one the end of the last frame."""
    frames = [frame(i, now, after - now) for i, (now, after) in enumerate(pairwise(times))]
    return [given.index for given in frames if rule.wants(given)]


@pytest.mark.parametrize(
    ("step", "times", "indices"),
    [
        ("1", range(31), [0, 10, 20]),
        ("1/2", range(31), [0, 5, 10, 15, 20, 25]),
        ("1/10", range(6), [0, 1, 2, 3, 4]),
        ("1/100", range(4), [0, 1, 2]),
        ("1/3", range(12), [0, 3, 6, 10]),
        ("1", range(1000, 1021), [0, 10]),
        ("1", [0, 7, 25, 26, 31, 45], [0, 1, 3, 4]),
        ("60", range(31), [0]),
    ],
)
def test_at_intervals_the_frame_on_the_screen_is_chosen(step, times, indices):
    assert chosen(AtIntervals(Fraction(step)), list(times)) == indices


@pytest.mark.parametrize("count", range(1, 13))
def test_as_many_frames_as_asked_for_lie_evenly(count):
    step = Fraction(12, 10) / count
    indices = chosen(AtIntervals(step, offset=step / 2), list(range(13)))
    assert len(indices) == count
    gaps = np.diff([-(indices[0] + 1), *indices])  # as if the video were preceded by its mirror image
    assert np.ptp(gaps) <= 1


def test_scenes_change_with_the_light_and_not_with_things_that_move():
    left, right = np.full((36, 64), 60, np.uint8), np.full((36, 64), 60, np.uint8)
    left[:, :20] = 200
    right[:, 30:50] = 200
    darker = left // 2
    rule = AtSceneChanges()
    pictures = [left, right, left, darker, darker, right]
    assert [rule.wants(frame(luma=picture)) for picture in pictures] == [True, False, False, True, False, True]


def test_scenes_change_slowly_too():
    rule = AtSceneChanges()
    wanted = [rule.wants(frame(luma=np.full((36, 64), 40 + level, np.uint8))) for level in range(64)]
    assert wanted[0]
    assert 4 <= sum(wanted) <= 9


def test_new_is_what_differs_from_the_last_new_one():
    base = np.random.default_rng(0).integers(30, 200, (18, 32)).astype(np.uint8).repeat(20, 0).repeat(20, 1)
    noise = np.random.default_rng(1).normal(0, 10, base.shape)
    views = [base, np.clip(base + noise, 0, 255).astype(np.uint8), base + 1, base + 3, base + 4, base]
    novelty = Novelty(2.0)
    assert [novelty.is_new(frame(luma=view)) for view in views] == [True, False, False, True, False, True]


def test_without_a_threshold_all_are_new():
    novelty = Novelty(0)
    assert [novelty.is_new(frame()) for _ in range(3)] == [True, True, True]
