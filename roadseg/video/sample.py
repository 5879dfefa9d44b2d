"""Evenly spread frames of a video, without decoding all of it where possible."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roadseg.errors import VideoError
from roadseg.video.container import BROKEN, undecodable
from roadseg.video.frame import Frame
from roadseg.video.interval import WHOLE, Interval
from roadseg.video.reader import VideoReader

SEEKING_THREADS = 1
"""Decoder threads where single keyframes are wanted: each further one decodes a frame behind them for nothing."""


def sample_frames(video: Path, size: tuple[int, int], count: int, track: int | None = None) -> NDArray[np.uint8]:
    """Return at most `count` frames of a video, in order.

    Keyframes are used where there are enough for half of `count`, as in a video of some minutes. A shorter video is
    decoded completely.

    Args:
        video: the file.
        size: (width, height) in pixels that frames are scaled to.
        count: at least 1. A video that is decoded completely gives more than half as many, if it has them.
        track: see `VideoReader`.

    Returns:
        (N, H, W, 3) uint8 RGB, 1 <= N <= count.

    Raises:
        VideoError: the video cannot be read, or has no frames.
    """
    with VideoReader(video, track=track) as reader:
        images = [frame.to_rgb(size) for frame in reader.keyframes(count)]
    if 2 * len(images) < count:
        with VideoReader(video, track=track) as reader:
            images = [image for _, image in _thinned(reader, size, count)]
    if not images:
        raise undecodable(video)
    return np.stack(images)


def timed_frames(
    video: Path,
    size: tuple[int, int],
    *,
    every: float,
    most: int,
    enough: int,
    track: int | None = None,
    frame_rate: Fraction | None = None,
    interval: Interval = WHOLE,
) -> tuple[list[float], NDArray[np.uint8]]:
    """Return frames of a video with their times, in order: keyframes, where there are enough, or some of all frames.

    Args:
        video: the file.
        size: (width, height) in pixels that frames are scaled to.
        every: seconds from one frame to the next, where the distance of keyframes and `most` allow it.
        most: largest number of frames, at least 1.
        enough: number of keyframes that suffices; a video with fewer, which is short, is decoded completely.
        track: see `VideoReader`.
        frame_rate: see `VideoReader`.
        interval: part of the video that they are taken from.

    Returns:
        Times in seconds, ascending, as in `Frame.seconds`; frames (N, H, W, 3) uint8 RGB, 1 <= N <= `most`.

    Raises:
        VideoError: the video cannot be read, or has no frames.
    """
    with VideoReader(video, track=track, frame_rate=frame_rate, threads=SEEKING_THREADS) as reader:
        first = float((reader.info.start_pts or 0) * reader.info.time_base)
        begin, seconds = interval.within(first, reader.info.duration_seconds or 0.0)
        count = max(1, min(most, round(seconds / every)))
        places = (begin + (place + 0.5) * seconds / count for place in range(count))
        frames = (frame for frame in reader.keyframes_near(places) if not interval.is_ahead(frame))
        found = [(frame.seconds, frame.to_rgb(size)) for frame in frames]
    if len(found) < enough:
        with VideoReader(video, track=track, frame_rate=frame_rate, interval=interval) as reader:
            found = _thinned(reader, size, most)
    if not found:
        raise undecodable(video)
    return [seconds for seconds, _ in found], np.stack([image for _, image in found])


def frames_at(
    video: Path,
    size: tuple[int, int],
    times: Sequence[float],
    *,
    track: int | None = None,
    frame_rate: Fraction | None = None,
) -> NDArray[np.uint8]:
    """Return the frames that `timed_frames` found at some of its times, at another size.

    Args:
        video: the file.
        size: (width, height) in pixels that frames are scaled to.
        times: some of the times that it returned for this video, ascending, at least one.
        track: as it was given there.
        frame_rate: as it was given there.

    Returns:
        (N, H, W, 3) uint8 RGB, one for each time.

    Raises:
        VideoError: the video cannot be read any more.
    """
    wanted = set(times)
    with VideoReader(video, track=track, frame_rate=frame_rate, threads=SEEKING_THREADS) as reader:
        found = {frame.seconds: frame.to_rgb(size) for frame in reader.keyframes_near(times) if frame.seconds in wanted}
    if len(found) < len(wanted):
        with VideoReader(video, track=track, frame_rate=frame_rate) as reader:
            found = {frame.seconds: frame.to_rgb(size) for frame in reader if frame.seconds in wanted}
    if len(found) < len(wanted):
        raise VideoError(f"{video}: some of its frames cannot be decoded any more", BROKEN)
    return np.stack([found[seconds] for seconds in times])


def _thinned(frames: Iterable[Frame], size: tuple[int, int], count: int) -> list[tuple[float, NDArray[np.uint8]]]:
    """Return every 2^k-th frame as its time and RGB, for the smallest k that leaves at most `count`."""
    found: list[tuple[float, NDArray[np.uint8]]] = []
    step = 1
    for number, frame in enumerate(frames):
        if number % step:
            continue
        if len(found) == count:
            del found[1::2]
            step *= 2
            if number % step:
                continue
        found.append((frame.seconds, frame.to_rgb(size)))
    return found
