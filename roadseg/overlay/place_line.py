"""Line with time, speed and place, burnt into the picture of each frame whose place is known."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from math import isnan

import numpy as np

from roadseg.overlay.layout import Layout
from roadseg.overlay.panels import Patch, draw_title
from roadseg.overlay.stages import Drawn
from roadseg.positions.track import Track
from roadseg.video.colour import Matrix
from roadseg.video.frame import Frame

TEXT_SHARE = 0.025
"""Height of the text, relative to that of the picture."""


class PlaceLine:
    """Draws the line in the upper left corner, below a title.

    Args:
        track: positions of the video.
        layout: layout of the drawn frames.
    """

    def __init__(self, track: Track, layout: Layout) -> None:
        self._track = track
        self._layout = layout
        self._patch = lru_cache(maxsize=16)(self._make_patch)

    def put_on(self, drawn: Iterable[Drawn]) -> Iterator[Drawn]:
        """Yield frames with the line."""
        for item in drawn:
            text = self.text(item.frame.seconds)
            patch = self._patch(text, item.frame.matrix, item.frame.full_range) if text else None
            yield item if patch is None else item._replace(frame=_patched(item.frame, patch))

    def text(self, seconds: float) -> str:
        """Return the line at a time; empty where the place is not known."""
        at = self._track.at(np.array([seconds]))
        utc, lat, lon, speed = (float(values[0]) for values in (at.utc, at.lat, at.lon, at.speed_mps))
        if isnan(lat):
            return ""
        time = "" if isnan(utc) else datetime.fromtimestamp(utc, UTC).strftime("%Y-%m-%d %H:%M:%S UTC   ")
        moving = "" if isnan(speed) else f"{3.6 * speed:.0f} km/h   "
        return f"{time}{moving}{abs(lat):.5f} {'NS'[lat < 0]} {abs(lon):.5f} {'EW'[lon < 0]}"

    def _make_patch(self, text: str, matrix: Matrix, full_range: bool) -> Patch | None:
        """Return the line as a patch; None if there is no room for it."""
        top, left, width, height = self._layout.line_room
        panel = draw_title(text, width, height, TEXT_SHARE)
        return None if panel is None else Patch.of(panel, (top, left), matrix, full_range)


def _patched(frame: Frame, patch: Patch) -> Frame:
    y, u, v = frame.y.copy(), frame.u.copy(), frame.v.copy()
    patch.put_on(y, u, v)
    return replace(frame, y=y, u=u, v=v)
