"""Codecs that work on this machine, found by using them: FFmpeg also lists codecs whose hardware is missing."""

import base64
import io
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import cv2
import numpy as np
from av import logging
from numpy.typing import NDArray

from roadseg.errors import RoadsegError
from roadseg.video.encoders import EncoderName
from roadseg.video.frame import Frame
from roadseg.video.joining import join_videos
from roadseg.video.reader import VideoReader
from roadseg.video.writer import VideoWriter

NOT_BUILT_IN = "not built into PyAV"

TRIED_FRAMES = 6
"""Frames of each segment with which an encoder is tried."""
LEAST_PSNR = 32.0
"""Least PSNR in dB of each plane: x264 reaches 34 at 256x144 and 47 at 1080p. A wrong range gives 31.7, a wrong frame
18."""

_SMALL = Frame.from_rgb(np.zeros((360, 640, 3), np.uint8), index=0, pts=0, time_base=Fraction(1, 30), duration=1)
"""The kind of frames to try by default: hardware encoders refuse frames smaller than about 150 × 50."""

# One grey frame of 64 × 64 pixels in each codec, as (FFmpeg's name of the container, bytes in base64).
SAMPLES = {
    "h264": (
        "h264",
        "AAAAAWdkAAqs2UQmhAAAAwAEAAADAAg8SJZYAAAAAWjr48siwAAAAAFliIQAFf/+98zebxdTzjQefWOEKcHrJ8gbspjZgQ==",
    ),
    "hevc": (
        "hevc",
        "AAAAAUABDAH//wFgAAADAJAAAAMAAAMAHpWYCQAAAAFCAQEBYAAAAwCQAAADAAADAB6gIIEFllZpJMrmgIAAAAMAgAAAAwCEAAAAAUQBwXK0IkAA"
        "AAEoAa8TgOalXnrPYA==",
    ),
    "vp9": (
        "ivf",
        "REtJRgAAIABWUDkwQABAAAEAAAABAAAAAQAAAAAAAAAXAAAAAAAAAAAAAACCSYNCAAPwA/YAOCQcGEoAADBgAABBAA==",
    ),
    "av1": (
        "ivf",
        "REtJRgAAIABBVjAxQABAAAEAAAABAAAAAQAAAAAAAAAdAAAAAAAAAAAAAAASAAoKAAAAAq//jV8wCDINEAC6AgggQQEAAAiYIA==",
    ),
}


def ffmpeg_version() -> str:
    """Return the version of the FFmpeg libraries inside PyAV, for example `8.1.2`."""
    return str(av.ffmpeg_version_info)


def try_encoder(
    name: EncoderName,
    like: Frame | None = None,
    *,
    together: int = 1,
) -> str | None:
    """Encode a moving pattern, decode it and compare; return None if all is right, else the reason why not.

    It is written as overlays are, in joined segments, at times with gaps.

    Args:
        name: a key of `ENCODERS`.
        like: a frame with the size, time base, matrix and range to try; by default a small one.
        together: number of encoders that are open at the same time, each for a segment.
    """
    like = _SMALL if like is None else like
    frames = _moving_pattern(like, together * TRIED_FRAMES)
    with TemporaryDirectory() as folder, _logged_errors():
        parts = [Path(folder, f"{number}.mp4") for number in range(together)]
        try:
            with ExitStack() as stack:
                writers = [stack.enter_context(VideoWriter.like(part, like, encoder=name)) for part in parts]
                for place in range(TRIED_FRAMES):
                    for writer, frame in zip(writers, frames[place::TRIED_FRAMES], strict=True):
                        writer.write(frame)
            joined = Path(folder, "joined.mp4")
            join_videos(parts, joined, time_base=like.time_base)
            with VideoReader(joined) as video:
                decoded = list(video)
        except (RoadsegError, ValueError) as error:
            return _reason(error.__cause__ or error)
    return _difference(frames, decoded)


def _moving_pattern(like: Frame, count: int) -> list[Frame]:
    """Return frames of smooth spots that move to the right; every third time is left out."""
    rng = np.random.default_rng(0)
    planes = [cv2.resize(rng.integers(24, 232, (9, 16), np.uint8), plane.shape[::-1]) for plane in _planes(like)]
    steps = [plane.shape[1] // 32 + 1 for plane in planes]
    frames = []
    for index in range(count):
        y, u, v = (np.roll(plane, index * step, 1).astype(np.uint8) for plane, step in zip(planes, steps, strict=True))
        frames.append(replace(like, y=y, u=u, v=v, index=index, pts=(index + index // 2) * like.duration))
    return frames


def _difference(frames: Sequence[Frame], decoded: Sequence[Frame]) -> str | None:
    if len(decoded) != len(frames):
        return f"of {len(frames)} frames {len(decoded)} came back"
    if [frame.seconds for frame in decoded] != [frame.seconds for frame in frames]:
        return "frames came back at other times"
    if {(frame.matrix, frame.full_range) for frame in decoded} != {(frames[0].matrix, frames[0].full_range)}:
        return "the meaning of colours was lost"
    ratios = [
        cv2.PSNR(plane[: found.shape[0], : found.shape[1]], found)
        for frame, back in zip(frames, decoded, strict=True)
        for plane, found in zip(_planes(frame), _planes(back), strict=True)
    ]
    worst = min(ratios)
    return None if worst >= LEAST_PSNR else f"another picture came back: PSNR {worst:.0f} dB, wanted {LEAST_PSNR:.0f}"


def _planes(frame: Frame) -> list[NDArray[np.uint8]]:
    return [frame.y, frame.u, frame.v]


def try_decoder(name: str) -> str | None:
    """Decode one small frame; return None if it works, else the reason why not.

    Args:
        name: the codec, a key of `SAMPLES`.
    """
    container_format, sample = SAMPLES[name]
    try:
        with av.open(io.BytesIO(base64.b64decode(sample)), "r", format=container_format) as container:
            frames = list(container.decode(video=0))
    except (av.error.FFmpegError, ValueError, IndexError) as error:
        return _reason(error)
    return None if frames else "it produces no frame"


@contextmanager
def _logged_errors() -> Iterator[None]:
    """Let errors of FFmpeg carry its last message: of hardware its codes, such as "not permitted", say nothing."""
    level = logging.get_level()
    logging.set_level(logging.ERROR)
    try:
        with logging.Capture(local=False):
            yield
    finally:
        logging.set_level(level)


def _reason(error: BaseException) -> str:
    if isinstance(error, av.codec.codec.UnknownCodecError):
        return NOT_BUILT_IN
    if log := getattr(error, "log", None):
        return str(log[2]).strip()
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
