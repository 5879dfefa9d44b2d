"""Whether losses are where they should be: the balance between adversaries, and what guessing would come to.

What is healthy is known of the vanilla loss of two answers: 0.2 to 0.5 (the authors of Tsai et al., CVPR 2018), while
ln 2 = 0.693 is guessing and near 0 is always right. Other losses are read on the same scale, by the probability that
a discriminator of such a loss gives to the right answer; see docs/methods.md.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

WARM_UP = 200
"""Steps before anything is judged: discriminators of a rate of 1e-4 take that long to learn something."""
WINDOW = 50
"""Steps whose mean is judged: single ones scatter."""

Verdict = Literal[
    "too early to tell", "healthy", "weak", "strong", "guessing", "has won", "fooled", "worse than guessing"
]


@dataclass(frozen=True)
class LossKind:
    """How to read a loss: the mean of a penalty for wrong answers, whoever gives them."""

    role: Literal["discriminator", "classifier"]
    penalty: Literal["cross-entropy", "squared-error"] = "cross-entropy"
    """Of raw scores; the squared error is from 0 or 1, the right one of two answers."""
    answers: int = 2
    """That are to choose from."""
    summed: int = 1
    """Such means that are added up in the loss."""

    def sureness(self, loss: float) -> float:
        """How much better than by guessing answers of this loss are: 0 guesses, 1 is always right, below 0 is worse."""
        mean = max(0.0, loss) / self.summed
        right = math.exp(-mean) if self.penalty == "cross-entropy" else 1 - math.sqrt(mean)
        return (right * self.answers - 1) / (self.answers - 1)

    def loss(self, sureness: float) -> float:
        """The loss of answers that are so sure; the inverse of `sureness`."""
        right = (1 + sureness * (self.answers - 1)) / self.answers
        return self.summed * (-math.log(right) if self.penalty == "cross-entropy" else (1 - right) ** 2)

    @property
    def guessing(self) -> float:
        """The loss of whoever takes all answers for equally likely."""
        return self.loss(0.0)

    @property
    def healthy(self) -> tuple[float, float] | None:
        """Bounds of a healthy loss; None where too small a loss is no sign of trouble."""
        return (self.loss(_STRONG), self.loss(_WEAK)) if self.role == "discriminator" else None


_VANILLA = LossKind("discriminator")
_WON, _STRONG, _WEAK, _GUESSING, _FOOLED = map(_VANILLA.sureness, (0.05, 0.2, 0.5, 0.67, 0.72))
"""Bounds between the verdicts on discriminators, as losses of the published form."""


@dataclass(frozen=True)
class Judgement:
    """What the last steps say of a loss."""

    loss: float
    """Mean of the last steps."""
    verdict: Verdict
    advice: str
    """One sentence: what it means, and what to do where something should be done."""

    @property
    def alarming(self) -> bool:
        """Whether training is unlikely to come to something if this stays so."""
        return self.verdict in ("guessing", "has won", "fooled", "worse than guessing")

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"loss": round(self.loss, 4), "verdict": self.verdict, "advice": self.advice}


ADVICE: dict[Verdict, str] = {
    "too early to tell": f"Losses are judged from step {WARM_UP} on.",
    "healthy": "It tells the domains apart, but not for sure: the segmenter has something to learn from it.",
    "weak": "It tells the domains apart little better than by guessing: it learns slowly, or they look alike to it.",
    "strong": "It is nearly always right: if it comes to be always right, the segmenter learns nothing from it.",
    "guessing": (
        "What it sees tells it nothing, so nothing is adapted: raise discriminator_learning_rate or "
        "discriminator_width, or train longer; if it was lower before, the domains look alike to it now."
    ),
    "has won": (
        "It is always right and the segmenter cannot fool it, so nothing is adapted: lower "
        "discriminator_learning_rate, or raise adv_weight."
    ),
    "fooled": (
        "It is wrong more often than by guessing, so what it teaches is noise: lower adv_weight, or "
        "learning_rate; if it swings, lower discriminator_learning_rate too."
    ),
    "worse than guessing": (
        "All classes being equally likely would be less wrong: training has diverged, lower learning_rate, or the "
        "labels are not what the network predicts."
    ),
}


def judge(points: Sequence[tuple[int, float]], kind: LossKind) -> Judgement | None:
    """Judge a loss by its means over the last steps.

    Args:
        points: (step, mean loss since the point before), in the order of steps, at least one.
        kind: how to read it.

    Returns:
        None where there is nothing to say: of a classifier that does better than guessing.
    """
    last, _ = points[-1]
    recent = [loss for step, loss in points if step > last - WINDOW]
    loss = math.fsum(recent) / len(recent)
    verdict = _verdict(kind.sureness(loss), kind) if last >= WARM_UP else "too early to tell"
    if kind.role == "classifier" and verdict != "worse than guessing":
        return None
    return Judgement(loss, verdict, ADVICE[verdict])


def judge_all(points: Mapping[str, Sequence[tuple[int, float]]], kinds: Mapping[str, LossKind]) -> dict[str, Judgement]:
    """`judge` every loss whose kind is known, by name."""
    judged = {name: judge(points[name], kind) for name, kind in kinds.items() if points.get(name)}
    return {name: judgement for name, judgement in judged.items() if judgement is not None}


def _verdict(sureness: float, kind: LossKind) -> Verdict:
    if kind.role == "classifier":
        return "worse than guessing" if sureness < 0 else "healthy"
    for bound, verdict in _BOUNDS:
        if sureness > bound:
            return verdict
    return "fooled"


_BOUNDS: tuple[tuple[float, Verdict], ...] = (
    (_WON, "has won"),
    (_STRONG, "strong"),
    (_WEAK, "healthy"),
    (_GUESSING, "weak"),
    (_FOOLED, "guessing"),
)
"""Verdicts on discriminators, each with the sureness above which it holds, from the surest on."""
