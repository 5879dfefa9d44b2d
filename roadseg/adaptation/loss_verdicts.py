"""Verdicts on losses: the balance between segmenter and discriminators, and losses worse than chance.

Ratios of adversarial to supervised gradients are judged too.

The healthy range is known for the vanilla loss of two answers: 0.2 to 0.5 (the authors of Tsai et al., CVPR 2018);
ln 2 = 0.693 is chance and near 0 is always right. Other losses are read on the same scale, by the probability that a
discriminator with such a loss gives to the right answer; see docs/methods.md.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

FIRST_JUDGED = 200
"""First step at which losses are judged: discriminators with a learning rate of 1e-4 need that long to learn."""
WINDOW = 50
"""Steps whose mean is judged, since single steps vary."""
RATIO_WINDOW = 200
"""The same for ratios of gradients, which are measured in few steps and vary tenfold from one to the next."""

STARVED, DROWNING = 0.02, 0.5
"""Bounds of a healthy ratio of gradients: measured with AdamW on short runs, where 0.1 to 0.2 gained most."""

Verdict = Literal[
    "too early to tell",
    "healthy",
    "weak",
    "strong",
    "guessing",
    "matched",
    "has won",
    "fooled",
    "worse than guessing",
    "balanced",
    "starved",
    "drowns the labels",
]


@dataclass(frozen=True)
class LossKind:
    """Interpretation of a loss: the mean penalty of a classifier's or discriminator's answers, or a ratio."""

    role: Literal["discriminator", "classifier", "gradient-ratio"]
    """A gradient ratio is not a loss: lambda |adversarial gradient| / |supervised gradient| on the shared trunk."""
    penalty: Literal["cross-entropy", "squared-error"] = "cross-entropy"
    """Penalty on raw scores; the squared error is the distance from 0 or 1, the right one of two answers."""
    answers: int = 2
    """Number of possible answers."""
    summed: int = 1
    """Number of such means that add up to the loss."""

    def skill(self, loss: float) -> float:
        """Return the skill of answers with this loss: 0 = chance, 1 = always right, below 0 = worse than chance."""
        mean = max(0.0, loss) / self.summed
        right = math.exp(-mean) if self.penalty == "cross-entropy" else 1 - math.sqrt(mean)
        return (right * self.answers - 1) / (self.answers - 1)

    def loss(self, skill: float) -> float:
        """Return the loss of answers with this skill; the inverse of `skill`."""
        right = (1 + skill * (self.answers - 1)) / self.answers
        return self.summed * (-math.log(right) if self.penalty == "cross-entropy" else (1 - right) ** 2)

    @property
    def guessing(self) -> float | None:
        """Loss if all answers are taken for equally likely; None for ratios."""
        return None if self.role == "gradient-ratio" else self.loss(0.0)

    @property
    def healthy(self) -> tuple[float, float] | None:
        """Bounds of a healthy value; None for losses that cannot be too small."""
        if self.role == "gradient-ratio":
            return STARVED, DROWNING
        return (self.loss(_STRONG), self.loss(_WEAK)) if self.role == "discriminator" else None


_VANILLA = LossKind("discriminator")
_WON, _STRONG, _WEAK, _GUESSING, _FOOLED = map(_VANILLA.skill, (0.05, 0.2, 0.5, 0.67, 0.72))
"""Bounds between the verdicts on discriminators, as losses of the published form."""
_KNEW = _VANILLA.skill(0.62)
"""Skill that a discriminator of which half the skill is left once had."""


@dataclass(frozen=True)
class Judgement:
    """Verdict on the last steps of a loss."""

    loss: float
    """Mean of the last steps."""
    verdict: Verdict
    advice: str
    """One sentence: the meaning, and a remedy if one is needed."""

    @property
    def alarming(self) -> bool:
        """True if training is likely to fail unless this changes."""
        return self.verdict in ("guessing", "has won", "fooled", "worse than guessing")

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        return {"loss": round(self.loss, 4), "verdict": self.verdict, "advice": self.advice}


ADVICE: dict[Verdict, str] = {
    "too early to tell": f"Losses are judged from step {FIRST_JUDGED} on.",
    "healthy": "It distinguishes the domains, but not with certainty: the segmenter can learn from it.",
    "weak": "It distinguishes the domains little better than chance: it learns slowly, or they look alike to it.",
    "strong": "It is nearly always right: if it becomes always right, the segmenter learns nothing from it.",
    "guessing": (
        "It cannot distinguish the domains, so nothing is adapted: raise discriminator_learning_rate or "
        "discriminator_width, or train longer."
    ),
    "matched": "It distinguished the domains before, and they look alike to it now: the segmenter has adapted to it.",
    "has won": (
        "It is always right and the segmenter cannot fool it, so nothing is adapted: lower "
        "discriminator_learning_rate, or raise the adversarial weight."
    ),
    "fooled": (
        "It is wrong more often than by chance, so it teaches noise: lower the adversarial weight, or "
        "learning_rate; if the loss oscillates, also lower discriminator_learning_rate."
    ),
    "worse than guessing": (
        "It is worse than chance: training has diverged (lower learning_rate), or the labels do not fit the "
        "network's classes."
    ),
    "balanced": "The segmenter follows both the labels and the discriminators; 0.1 to 0.2 is a good aim.",
    "starved": (
        "The discriminators hardly move the segmenter: raise lambda_adv, the weight or auxiliary_weight, unless the "
        "discriminator is weak or guesses: then train it first."
    ),
    "drowns the labels": "Adversarial gradients drown the labels: lower lambda_adv, the weight or auxiliary_weight.",
}


def judge(points: Sequence[tuple[int, float]], kind: LossKind) -> Judgement | None:
    """Judge a loss by its means over the last steps.

    Args:
        points: (step, mean loss since the point before), in the order of steps, at least one.
        kind: interpretation of the loss.

    Returns:
        None for a classifier that is better than chance.
    """
    last, _ = points[-1]
    window = RATIO_WINDOW if kind.role == "gradient-ratio" else WINDOW
    recent = [loss for step, loss in points if step > last - window]
    loss = math.fsum(recent) / len(recent)
    verdict = _verdict(loss, kind) if last >= FIRST_JUDGED else "too early to tell"
    if verdict in ("weak", "guessing") and _best_skill(points, kind) > max(_KNEW, 2 * kind.skill(loss)):
        verdict = "matched"
    if kind.role == "classifier" and verdict != "worse than guessing":
        return None
    return Judgement(loss, verdict, ADVICE[verdict])


def _best_skill(points: Sequence[tuple[int, float]], kind: LossKind) -> float:
    """Return the highest skill of a stretch of steps as long as the one that is judged."""
    stretches: dict[int, list[float]] = {}
    for step, loss in points:
        stretches.setdefault((step - 1) // WINDOW, []).append(loss)
    return max(kind.skill(math.fsum(losses) / len(losses)) for losses in stretches.values())


def judge_all(points: Mapping[str, Sequence[tuple[int, float]]], kinds: Mapping[str, LossKind]) -> dict[str, Judgement]:
    """Judge every loss whose kind is known, by name."""
    judged = {name: judge(points[name], kind) for name, kind in kinds.items() if points.get(name)}
    return {name: judgement for name, judgement in judged.items() if judgement is not None}


def _verdict(loss: float, kind: LossKind) -> Verdict:
    if kind.role == "gradient-ratio":
        return "starved" if loss < STARVED else "drowns the labels" if loss > DROWNING else "balanced"
    skill = kind.skill(loss)
    if kind.role == "classifier":
        return "worse than guessing" if skill < 0 else "healthy"
    for bound, verdict in _BOUNDS:
        if skill > bound:
            return verdict
    return "fooled"


_BOUNDS: tuple[tuple[float, Verdict], ...] = (
    (_WON, "has won"),
    (_STRONG, "strong"),
    (_WEAK, "healthy"),
    (_GUESSING, "weak"),
    (_FOOLED, "guessing"),
)
"""Verdicts on discriminators, each with the skill above which it holds, highest first."""
