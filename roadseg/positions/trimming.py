"""Parts of the clips of a drive that lie away from its ends, so that nobody sees where it began."""

from collections.abc import Sequence
from math import inf

import numpy as np

from roadseg.positions.geodesy import distance
from roadseg.positions.track import Track


def away_from_ends(tracks: Sequence[Track], metres: float) -> list[tuple[float, float] | None]:
    """Return the time of each clip in which the car is at least so many metres of driven line from both ends.

    What comes before the first position of a drive or behind the last is near its ends too, and a clip without
    positions may be.

    Args:
        tracks: those of the clips of a drive, in their order; some may be empty.
        metres: above 0.

    Returns:
        For each clip the first and the last time in seconds on its clock, 0 and infinity where it is not cut; None
        where all of it is near an end.
    """
    begins, total = _begins(tracks)
    found: list[tuple[float, float] | None] = []
    for track, begin in zip(tracks, begins, strict=True):
        driven = track.distance_m - track.distance_m[:1] + begin
        far = np.flatnonzero((driven >= metres) & (driven <= total - metres))
        found.append((float(track.seconds[far[0]]), float(track.seconds[far[-1]])) if len(far) else None)
    kept = [number for number, part in enumerate(found) if part is not None]
    return [
        part and (part[0] if number == kept[0] else 0.0, part[1] if number == kept[-1] else inf)
        for number, part in enumerate(found)
    ]


def _begins(tracks: Sequence[Track]) -> tuple[list[float], float]:
    """Return the metres driven before each clip, between clips along a straight line, and those of all."""
    begins, driven = [], 0.0
    last: Track | None = None
    for track in tracks:
        if len(track) and last is not None:
            driven += float(distance(track.lat[:1], track.lon[:1], float(last.lat[-1]), float(last.lon[-1]))[0])
        begins.append(driven)
        if len(track):
            driven += float(track.distance_m[-1] - track.distance_m[0])
            last = track
    return begins, driven
