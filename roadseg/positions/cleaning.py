"""Fixes that are believed: no 0/0, no poor precision, no leap that a car cannot make, no clock that goes back."""

from collections.abc import Sequence
from math import cos, hypot, inf, isfinite, nan, radians

import numpy as np

from roadseg.positions.fixes import Fix
from roadseg.positions.geodesy import distance, wrapped

MAX_HDOP = 10.0
"""Horizontal dilution of precision above which a fix is left out; 1 to 2 are usual under an open sky."""
MAX_SPEED = 100.0
"""Metres per second between two fixes, 360 km/h: more is an error of the receiver."""
SLACK = 30.0
"""Metres that a fix may be off."""
SPIKE = 20.0
"""Metres that a fix may be off the line between those beside it, by the noise of a receiver alone."""
MAX_TURN = 20.0
"""Metres per second squared, twice what tyres give a car sideways or in braking."""
MAX_ROUNDS = 10
"""Rounds in which fixes beside the line are looked for: a line that swings ever wider takes no end of time."""
NULL_ISLAND = 1e-3
"""Degrees around 0/0, in the Gulf of Guinea: receivers without a fix write it."""
MAX_LINES = 16
"""Contradicting lines of fixes that are followed at the same time."""


def believed(fixes: Sequence[Fix]) -> tuple[list[Fix], list[str]]:
    """Return the fixes that agree with each other, in the order of time, and notices of what was left out.

    Args:
        fixes: with `seconds`, or else with `utc`, of the same kind for all.
    """
    found = [fix for fix in fixes if fix.has_position]
    placed = [fix for fix in found if _is_on_the_globe(fix)]
    sharp = [fix for fix in placed if is_plausible(fix)]
    timed = _without_doubles([fix for fix in sharp if isfinite(_time(fix))])
    untimed = sum(not isfinite(_time(fix)) for fix in sharp)
    joined = _longest_line(timed)
    line = _without_spikes(joined)
    losses = {
        "at 0/0 or outside the globe": len(found) - len(placed),
        f"with a horizontal dilution of precision above {MAX_HDOP:g}": len(placed) - len(sharp),
        "without a time": untimed,
        f"that go back in time or are over {MAX_SPEED:g} m/s from the others": len(timed) - len(joined),
        "beside the line of the others, further than a car can swerve": len(joined) - len(line),
    }
    notices = [f"{count} of {len(found)} positions left out {why}" for why, count in losses.items() if count]
    return [_plausible(fix) for fix in line], notices


def _plausible(fix: Fix) -> Fix:
    """Return a fix without a speed or heading that cannot be; phones write -1 for those that they do not know."""
    return fix._replace(
        speed_mps=fix.speed_mps if 0 <= fix.speed_mps <= MAX_SPEED else nan,
        heading_deg=fix.heading_deg if 0 <= fix.heading_deg <= 360 else nan,
    )


def is_plausible(fix: Fix) -> bool:
    """Return True for a fix with a position that is on the globe, not at 0/0, and precise enough."""
    return fix.has_position and _is_on_the_globe(fix) and not fix.hdop > MAX_HDOP


def _is_on_the_globe(fix: Fix) -> bool:
    is_null_island = abs(fix.lat) < NULL_ISLAND and abs(fix.lon) < NULL_ISLAND
    return -90 <= fix.lat <= 90 and -180 <= fix.lon <= 180 and not is_null_island


def _time(fix: Fix) -> float:
    return fix.seconds if isfinite(fix.seconds) else fix.utc


def _longest_line(fixes: Sequence[Fix]) -> list[Fix]:
    """Return the largest set of fixes through which a car can have driven one after the other.

    Every fix joins the line that it follows at the lowest speed, or begins one; of fixes at the same time the first
    counts.
    """
    lines: list[list[Fix]] = []
    for fix in fixes:
        if any(_time(fix) == _time(line[-1]) and _metres(line[-1], fix) <= SLACK for line in lines):
            continue
        speeds = [_speed(line[-1], fix) for line in lines]
        best = min(range(len(lines)), key=speeds.__getitem__, default=None)
        if best is not None and speeds[best] <= MAX_SPEED:
            lines[best].append(fix)
            continue
        lines.append([fix])
        if len(lines) > MAX_LINES:
            lines.remove(min(lines[:-1], key=len))
    return max(lines, key=len, default=[])


def _without_doubles(fixes: Sequence[Fix]) -> list[Fix]:
    """Leave out fixes of the same time and place as the one before."""
    return [fix for fix, before in zip(fixes, [Fix(), *fixes], strict=False) if not _is_double(before, fix)]


def _is_double(one: Fix, other: Fix) -> bool:
    return (_time(one), one.lat, one.lon) == (_time(other), other.lat, other.lon)


def _without_spikes(line: Sequence[Fix]) -> list[Fix]:
    """Leave out single fixes that lie off the line between the two beside them, in the order of how far."""
    kept = list(line)
    for _ in range(MAX_ROUNDS):
        if len(kept) < 3:
            break
        times = np.array([_time(fix) for fix in kept])
        lat, lon = np.array([fix.lat for fix in kept]), np.array([fix.lon for fix in kept])
        before, after = np.diff(times)[:-1], np.diff(times)[1:]
        share = before / (before + after)
        middle_lat = lat[:-2] + share * (lat[2:] - lat[:-2])
        middle_lon = lon[:-2] + share * wrapped(lon[2:] - lon[:-2])
        off = distance(lat[1:-1], lon[1:-1], middle_lat, middle_lon) - SPIKE - MAX_TURN / 2 * before * after
        padded = np.concatenate([[-inf], off, [-inf]])
        spikes = (off > 0) & (off >= padded[:-2]) & (off > padded[2:])
        if not spikes.any():
            break
        kept = [fix for fix, spike in zip(kept, [False, *spikes, False], strict=True) if not spike]
    return kept


def _speed(last: Fix, fix: Fix) -> float:
    """Return the lowest speed at which a car comes from one fix to the next; infinite if the time does not go on."""
    later = _time(fix) - _time(last)
    return max(0.0, _metres(last, fix) - SLACK) / later if later > 0 else inf


def _metres(one: Fix, other: Fix) -> float:
    """Return about the distance of two fixes, for limits: on a sphere that is flat between them."""
    east = ((other.lon - one.lon + 180) % 360 - 180) * cos(radians((one.lat + other.lat) / 2))
    return 111_195 * hypot(other.lat - one.lat, east)
