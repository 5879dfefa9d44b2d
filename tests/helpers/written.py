"""Frames made for tests, and videos written of them."""

from fractions import Fraction
from itertools import pairwise

import av

from helpers.clips import picture
from roadseg.video.frame import Frame
from roadseg.video.writer import VideoWriter


def frames(pts=range(12), time_base=Fraction(1, 25), size=(64, 48), matrix="bt709"):
    """Frames at `pts`, each of which lasts until the next."""
    ticks = list(pts)
    lengths = [after - now for now, after in pairwise(ticks)] or [1]
    return [
        Frame.from_rgb(picture(i, *size), index=i, pts=at, time_base=time_base, duration=length, matrix=matrix)
        for i, (at, length) in enumerate(zip(ticks, [*lengths, lengths[-1]], strict=False))
    ]


def write(path, given, **options):
    """Write frames; returns the writer, closed."""
    first = given[0]
    with VideoWriter(path, width=first.width, height=first.height, time_base=first.time_base, **options) as video:
        for frame in given:
            video.write(frame)
    return video


def times(path):
    """Presentation times and durations in seconds, read without this project's reader."""
    with av.open(str(path)) as container:
        return [
            (Fraction(frame.pts) * frame.time_base, frame.duration * frame.time_base)
            for frame in container.decode(video=0)
        ]
