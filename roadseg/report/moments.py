"""Moments of a video worth a look: frames with the most people, traffic or vegetation."""

from dataclasses import dataclass

import numpy as np

from roadseg.labels.space import LabelSpace
from roadseg.report.overlay_results import Results
from roadseg.report.timeline import binned

PEOPLE, TRAFFIC, PLANTS = "Most people", "Most traffic", "Densest vegetation"
THEMES = (
    (PEOPLE, ("person", "rider", "Child")),
    (
        TRAFFIC,
        (
            *("car", "truck", "bus", "train", "motorcycle", "bicycle", "autorickshaw", "vehicle fallback"),
            *("SUVPickupTruck", "OtherMoving"),
        ),
    ),
    (PLANTS, ("vegetation",)),
)
"""Titles with classes by any of their names; a class counts for the first theme that has it."""
SECOND = {PEOPLE: "Many people", TRAFFIC: "Much traffic", PLANTS: "Dense vegetation"}
"""Titles of moments that are not the best of their theme."""
A_THEME = 2
"""Most moments of a theme."""
LEAST_SHARE = 0.002
"""Share of the frame below which a class is a speck, and often a mistake."""
LEAST_OF_BEST = 0.5
"""Share that a moment needs, relative to the best moment of its theme."""
LEAST_GAP, GAP_SHARE = 2.0, 0.05
"""Smallest distance between two moments: seconds, and share of the video."""
THEME_GAP, THEME_GAP_SHARE = 10.0, 0.2
"""The same for two moments of one theme, which show the same cars where they lie close together."""


@dataclass(frozen=True)
class Moment:
    """A frame that shows much of a theme."""

    title: str
    seconds: float
    """Time of the middle of the frame, in seconds."""
    share: float
    """Share of the frame, 0..1."""


def theme_classes(space: LabelSpace) -> dict[str, list[int]]:
    """Return the train ids of each theme; themes without a class in the label space are left out."""
    taken: set[int] = set()
    found = {}
    for title, names in THEMES:
        counterparts = {space.counterpart(name) for name in names} - {None}
        ids = sorted({space.classes.index(str(name)) for name in counterparts} - taken)
        if ids:
            found[title] = ids
            taken.update(ids)
    return found


def moments(results: Results) -> list[Moment]:
    """Return moments of all themes by theme and time: the seconds that show most, well apart from each other."""
    seconds, durations, end = results.seconds, results.durations, results.end
    length = end - seconds[0]
    gap, theme_gap = max(LEAST_GAP, GAP_SHARE * length), max(THEME_GAP, THEME_GAP_SHARE * length)
    chosen: list[Moment] = []
    for title, ids in theme_classes(results.label_space).items():
        shares = results.shares[:, ids].sum(axis=1, keepdims=True)
        by_second = binned(seconds, durations, shares, max(1, round(length)))
        starts = np.searchsorted(seconds, by_second.seconds)
        ends = np.append(starts[1:], len(seconds))
        scores = by_second.shares[:, 0]
        best = max(LEAST_SHARE, LEAST_OF_BEST * float(scores.max()))
        found: list[Moment] = []
        for place in np.argsort(-scores, kind="stable"):
            if scores[place] < best or len(found) == A_THEME:
                break
            frame = starts[place] + int(shares[starts[place] : ends[place], 0].argmax())
            middle = float(seconds[frame] + durations[frame] / 2)
            apart = all(abs(middle - other.seconds) >= gap for other in chosen)
            if apart and all(abs(middle - other.seconds) >= theme_gap for other in found):
                found.append(Moment(SECOND[title] if found else title, middle, float(shares[frame, 0])))
        chosen += sorted(found, key=lambda moment: moment.seconds)
    return chosen
