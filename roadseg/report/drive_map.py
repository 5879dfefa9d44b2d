"""Map of a page of an overlay: the driven line, in as many pieces as a map can show."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from roadseg.along.indices import NAMED, over_classes
from roadseg.positions.geodesy import distance
from roadseg.positions.track import MAX_GAP, Positions
from roadseg.report.basemap import Basemap
from roadseg.report.map import Measure, Numbers, Plane, Reals, index_measure, listed, map_data, steps
from roadseg.report.overlay_results import Results

PIECES = 1500
"""Largest number of pieces with a colour of their own, apart from those that gaps add."""
POINTS = 4000
"""Largest number of points by distance, and of those by time that keep a standing car where it stands."""
SHORTEST_PIECE = 1.0
"""Metres."""
MPS_IN_KMH = 3.6
SHORTEST_STEP = 0.25
"""Metres between two points, where nothing else wants both."""


@dataclass(frozen=True)
class DrivenLine:
    """The known positions of frames, thinned to points, and the pieces of line between them."""

    frames: Numbers
    """(K,) numbers of the frames with a position."""
    points: Numbers
    """(V,) those of the points."""
    pieces: Numbers
    """(P,) for each piece, where in `frames` it begins."""
    parts: tuple[tuple[int, int], ...]
    """(P,) for each piece, its first point and the one behind its last, which is the first of the next one."""
    runs: Numbers
    """(R,) points behind a gap, and the first of all."""

    def mean(self, values: Reals, weights: Reals) -> Reals:
        """Return the weighted means of values by frame over the pieces: (P,) or (P, C); NaN where a frame has NaN.

        Args:
            values: (N,) or (N, C) by frame of the video.
            weights: (N,) their weights, for example durations.
        """
        weights = np.maximum(weights[self.frames], 1e-9)
        summed = np.add.reduceat((values[self.frames].T * weights).T, self.pieces)
        return np.asarray((summed.T / np.add.reduceat(weights, self.pieces)).T)


def driven_line(seconds: Reals, durations: Reals, positions: Positions) -> DrivenLine | None:
    """Divide a driven line into pieces of equal length; None where no position is known.

    Where positions are unknown, or no frame is there for over `MAX_GAP`, the line has a gap.

    Args:
        seconds: (N,) start of each frame.
        durations: (N,) duration of each frame.
        positions: positions of the frames.
    """
    frames = np.flatnonzero(~np.isnan(positions.lat))
    if not len(frames):
        return None
    lat, lon, times = positions.lat[frames], positions.lon[frames], seconds[frames]
    missing = times[1:] - times[:-1] - durations[frames][:-1]
    behind_gap = np.append(True, (np.diff(frames) > 1) | (missing > MAX_GAP))
    run = np.cumsum(behind_gap)
    grown = np.diff(positions.distance_m[frames])
    across = distance(lat[1:], lon[1:], lat[:-1], lon[:-1])
    metres = np.append(0.0, np.cumsum(np.where(grown >= 0, grown, across)))  # they begin at 0 in each clip of a drive
    lasting = times - times[0]
    begins = behind_gap | steps(metres // max(metres[-1] / PIECES, SHORTEST_PIECE))
    kept = begins | np.append(behind_gap[1:], True)
    kept |= steps(metres // max(metres[-1] / POINTS, SHORTEST_STEP))
    kept |= steps(lasting // max(lasting[-1] / POINTS, 1.0))
    points = np.flatnonzero(kept)
    pieces = np.flatnonzero(begins)
    first = np.searchsorted(points, pieces)
    last = np.append(first[1:], len(points)) - 1
    goes_on = np.append(run[pieces[1:]] == run[pieces[:-1]], False)
    ends = last + 1 + goes_on
    parts = tuple(zip(first.tolist(), ends.tolist(), strict=True))
    return DrivenLine(frames, frames[points], pieces, parts, first[behind_gap[pieces]])


def drive_map(results: Results, basemap: Basemap | None = None) -> dict[str, Any] | None:
    """Return the map of a video, or of a drive, for the script of its page; None where no position is known.

    Args:
        results: results of the video or of the drive.
        basemap: background.

    Raises:
        InputError: the background is too large.
    """
    positions = results.positions
    line = driven_line(results.seconds, results.durations, positions)
    if line is None:
        return None
    at = line.points
    lat, lon = positions.lat[at], positions.lon[at]
    last = at[np.append(line.runs[1:], len(at)) - 1]
    track = {
        "seconds": listed(results.seconds[at], decimals=2),
        "runs": line.runs.tolist(),
        "ends": listed(results.seconds[last] + results.durations[last], decimals=2),
        "speed": listed(MPS_IN_KMH * positions.speed_mps[at], decimals=1),
        "heading": listed(positions.heading_deg[at], decimals=0),
        "lat": listed(lat, decimals=6),
        "lon": listed(lon, decimals=6),
    }
    plane = Plane.around(lat, lon)
    metres = plane.project(lat, lon)
    return {
        **map_data(
            metres,
            [[part] for part in line.parts],
            _measures(results, line),
            ends=[(0, len(at) - 1)],
        ),
        "track": track,
        "base": basemap.as_dict(plane, metres) if basemap is not None else {},
    }


def _measures(results: Results, line: DrivenLine) -> list[Measure]:
    """Return indices, class shares, the largest class first, and the speed."""
    means = line.mean(results.shares.astype(np.float64), results.durations)
    classes = results.summary.classes
    present = sorted((-entry.share, index) for index, entry in enumerate(classes) if entry.frames)
    speed = MPS_IN_KMH * line.mean(results.positions.speed_mps, results.durations)
    return [
        *_indices(results, line, means),
        *(
            Measure(f"class-{index}", classes[index].name, "Classes", "% of the frame", 100 * means[:, index])
            for _, index in present
        ),
        Measure("speed", "Speed", "Motion", "km/h", speed),
    ]


def _indices(results: Results, line: DrivenLine, means: Reals) -> Iterator[Measure]:
    """Yield the indices that the classes have, from mean shares (P, C + 1) of the pieces."""
    found, _ = over_classes(NAMED, (), results.label_space)
    for one in found:
        sees = line.mean(one.sees(results.shares.astype(np.float64)).astype(np.float64), results.durations)
        values = one.values(means, sees, np.ones(len(means)))
        if not np.isnan(values).all():
            yield index_measure(f"index-{one.index.name}", one.index, values, "time")
