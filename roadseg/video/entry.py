"""Keyframe from which a part of a video can be decoded, as if all before it had been decoded too."""

from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av

from roadseg.video.clock import Clock
from roadseg.video.container import demux, fraction, has_timestamps, open_input, video_stream

LEAST_SECONDS = 10
"""Seconds ahead of a part from which a search for a keyframe is worth it; less is decoded as quickly."""


class Entry(NamedTuple):
    """Keyframe, and what comes before it."""

    packets: int
    """Packets of the stream that come before it in the file."""
    frames: int
    """Frames that are shown before it."""
    pts: int
    """Its time in ticks, on the clock of the file."""


def find_entry(path: Path, track: int | None, clock: Clock, seconds: Fraction) -> Entry | None:
    """Return the last keyframe that is shown at a time or before; None where all has to be decoded.

    Packets are read to there, but not decoded. All has to be decoded where times of the packets are missing, jump or do
    not increase, so that times of frames depend on those before them.

    Args:
        path: the file.
        track: see `VideoReader`.
        clock: clock of the file.
        seconds: the time, as in `Frame.seconds`.
    """
    if clock.jumps:
        return None
    with open_input(path) as container:
        stream = video_stream(container, path, track)
        tick = fraction(stream.time_base)
        if tick is None or not has_timestamps(container) or container.format.name == "avi":
            return None
        moved = round(clock.start / tick)
        second = round(1 / tick)
        shown: list[int] = []  # times of the frames so far
        latest = 0
        found: Entry | None = None
        last = None
        packets = (packet for packet in demux(container, stream) if packet.size)
        try:
            for number, packet in enumerate(packets):
                if packet.pts is None or packet.is_corrupt:
                    return None
                pts, dts = packet.pts + moved, None if packet.dts is None else packet.dts + moved
                if pts < latest - second or (dts is not None and (dts > pts or (last is not None and dts <= last))):
                    return None
                last, latest = dts, max(latest, pts)
                # Matroska does not state when frames are decoded that are shown in another order.
                if found is not None and (pts - second if dts is None else dts) * tick > seconds:
                    break  # all that is shown before the keyframe has come
                if not packet.is_discard:
                    shown.append(pts)
                    if packet.is_keyframe and pts * tick <= seconds:
                        found = Entry(number, 0, pts)
        except av.error.FFmpegError:
            return None
    if found is None or len(set(shown)) < len(shown) or min(shown) < 0:
        return None
    return found._replace(frames=sum(pts < found.pts for pts in shown))
