"""Evenly spread frames of a video, without decoding all of it where possible."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roadseg.errors import VideoError
from roadseg.video.container import BROKEN
from roadseg.video.frame import Frame
from roadseg.video.reader import VideoReader


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
            images = _thinned(reader, size, count)
    if not images:
        raise VideoError(f"{video}: none of its frames can be decoded", BROKEN)
    return np.stack(images)


def _thinned(frames: Iterable[Frame], size: tuple[int, int], count: int) -> list[NDArray[np.uint8]]:
    """Return every 2^k-th frame as RGB, for the smallest k that leaves at most `count`."""
    images: list[NDArray[np.uint8]] = []
    step = 1
    for number, frame in enumerate(frames):
        if number % step:
            continue
        if len(images) == count:
            del images[1::2]
            step *= 2
            if number % step:
                continue
        images.append(frame.to_rgb(size))
    return images
