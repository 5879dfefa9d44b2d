"""Gains of one run over another: pairs, intervals of the difference, classes that both know."""

import numpy as np
import pytest

from roadseg.errors import InputError
from roadseg.evaluation.by_drive import ScoresByDrive
from roadseg.evaluation.gains import comparable, gain_table, gains
from roadseg.evaluation.score_tables import as_markdown, evaluation_table
from roadseg.evaluation.scores import Evaluation
from roadseg.labels.space import LabelSpace

SPACE = LabelSpace("two", ("road", "sky"), ((128, 64, 128), (70, 130, 180)))


def counts(right: int, wrong: int) -> np.ndarray:
    """Pixels of one block: of each class so many right, and so many taken for the other."""
    return np.array([[right, wrong, 0], [wrong, right, 0], [0, 0, 0]])


def evaluation(*blocks: np.ndarray, drives: tuple[Evaluation, ...] = (), name: str = "drive") -> Evaluation:
    return Evaluation(name, SPACE, SPACE.classes, np.sum(blocks, 0), len(blocks), blocks=blocks, drives=drives)


def scores(*blocks: np.ndarray) -> ScoresByDrive:
    return ScoresByDrive({"set": evaluation(*blocks)})


def test_the_interval_is_that_of_the_difference():
    hard, easy = (20, 80), (90, 10)
    before = scores(*(counts(*block) for block in (hard, easy) * 5))
    after = scores(*(counts(right + 5, wrong - 5) for right, wrong in (hard, easy) * 5))
    (gain,) = gains(after, before)
    assert (gain.before, gain.after) == (before.rows[0].miou, after.rows[0].miou)
    assert 0 < gain.low < gain.gain < gain.high
    assert gain.high - gain.low < (after.rows[0].high - after.rows[0].low) / 2, "what is hard for both is left out"
    assert gains(before, before)[0].as_dict() | {"before": 0, "after": 0} == {
        "dataset": "set", "drive": "all", "images": 10, "before": 0, "after": 0, "gain": 0, "low": 0, "high": 0
    }  # fmt: skip


def test_a_gain_of_one_image_of_many_is_not_certain():
    same = [counts(50, 50)] * 9
    (gain,) = gains(scores(counts(90, 10), *same), scores(counts(50, 50), *same))
    assert gain.low == 0 < gain.gain < gain.high


def test_the_mean_over_drives_is_that_of_their_gains():
    def of(*right: int) -> ScoresByDrive:
        drives = tuple(evaluation(counts(one, 100 - one), name=str(place)) for place, one in enumerate(right))
        return ScoresByDrive({"set": evaluation(*(drive.confusion for drive in drives), drives=drives)})

    rows = gains(of(60, 70, 90), of(50, 75, 80))
    assert [row.drive for row in rows] == ["0", "1", "2", "all", ""]
    assert rows[-1].dataset == "mean over 3 drives"
    assert rows[-1].gain == pytest.approx(np.mean([row.gain for row in rows[:3]]))
    assert rows[1].gain < 0 and np.isnan(rows[1].low), "one block has no interval"
    assert rows[-1].low <= rows[1].gain and rows[-1].high >= rows[2].gain
    assert f"| set | 1 | 1 | {rows[1].before:.2f} | {rows[1].after:.2f} | {rows[1].gain:.2f} | - | - |" in as_markdown(
        [gain_table(rows, "gains")]
    )


def test_classes_that_one_run_does_not_know_are_left_out_and_named():
    one, other = scores(counts(90, 10)), scores(counts(80, 20))
    fewer = ScoresByDrive({"set": other.sets["set"].over(["road"])})
    after, before, notices = comparable(one, fewer)
    assert after.sets["set"].classes == before.sets["set"].classes == ("road",)
    assert notices == ("left out of the scores, since they are not scored for both runs: sky",)
    assert comparable(one, other)[2] == ()
    table = evaluation_table(after.sets["set"], "both", before=before.sets["set"])
    assert table.rows[0] == ("road", "66.67", "81.82", "+15.15")


def test_scores_that_cannot_be_compared_are_refused():
    one = scores(counts(90, 10))
    with pytest.raises(InputError, match="same data sets"):
        comparable(one, ScoresByDrive({"another": one.sets["set"]}))
    road, sky = (ScoresByDrive({"set": one.sets["set"].over([name])}) for name in SPACE.classes)
    with pytest.raises(InputError, match="share no class"):
        comparable(road, sky)
