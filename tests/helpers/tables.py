"""Finished results of overlays without their videos: tables of frames with positions, and summaries."""

import numpy as np
from along_road import made_results

from roadseg.labels.catalogue import CITYSCAPES_19
from roadseg.positions.fixes import Fix

METRES_A_DEGREE = 111_319.490793
"""Length of a degree of longitude on the equator of WGS84."""


def write_table(path, frames, fixes, *, space=CITYSCAPES_19, rate=1, drive=None):
    """Write the results of a video that lasts len(frames) / rate seconds; return the path of the table.

    Args:
        path: where, without an extension.
        frames: by frame, a dict of class names and pixels.
        fixes: (seconds, latitude, longitude) of the positions.
        space: classes.
        rate: frames a second.
        drive: place in a drive.
    """
    pixels = np.array([[*(frame.get(name, 0) for name in space.classes), 0] for frame in frames])
    found = [Fix(lat, lon, 1_700_000_000.0 + seconds, seconds) for seconds, lat, lon in fixes]
    return made_results(path, pixels, found, space=space, rate=rate, drive=drive)


def along_equator(metres, lon=0.0, lat=0.0):
    """Fixes, one a second, at these metres east of a point."""
    return [(float(second), lat, lon + each / METRES_A_DEGREE) for second, each in enumerate(metres)]
