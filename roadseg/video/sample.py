"""Some pictures of a video, evenly spread over it, without decoding all of it where that can be helped."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roadseg.errors import VideoError
from roadseg.video.colour import to_rgb
from roadseg.video.container import BROKEN
from roadseg.video.frame import Frame
from roadseg.video.reader import VideoReader


def sample_pictures(video: Path, size: tuple[int, int], count: int) -> NDArray[np.uint8]:
    """At most `count` pictures of a video, in order.

    Keyframes are sought where there are enough for half of `count`, as there are in a video of some minutes. A shorter
    one is decoded whole.

    Args:
        video: the file.
        size: (width, height) that they are scaled to.
        count: at least 1; from a video that is decoded whole come more than half as many, if it has them.

    Returns:
        (N, H, W, 3) uint8 RGB, 1 <= N.

    Raises:
        VideoError: the video cannot be read, or has no picture.
    """
    with VideoReader(video) as reader:
        pictures = [to_rgb(frame, size) for frame in reader.keyframes(count)]
    if 2 * len(pictures) < count:
        with VideoReader(video) as reader:
            pictures = _thinned(reader, size, count)
    if not pictures:
        raise VideoError(f"{video}: no picture in it can be decoded", BROKEN)
    return np.stack(pictures)


def _thinned(frames: Iterable[Frame], size: tuple[int, int], count: int) -> list[NDArray[np.uint8]]:
    """Every 2^k-th frame as RGB, for the smallest k that leaves at most `count`, however many frames come."""
    pictures: list[NDArray[np.uint8]] = []
    step = 1
    for number, frame in enumerate(frames):
        if number % step:
            continue
        if len(pictures) == count:
            del pictures[1::2]
            step *= 2
            if number % step:
                continue
        pictures.append(to_rgb(frame, size))
    return pictures
