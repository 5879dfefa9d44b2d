"""Codecs that work on this machine, found by using them: FFmpeg also lists codecs whose hardware is missing."""

import base64
import io
from fractions import Fraction

import av
from av.video.codeccontext import VideoCodecContext

ENCODERS = ("libx264", "h264_nvenc", "h264_qsv", "h264_amf", "h264_videotoolbox")
"""H.264 encoders, software first."""

NOT_BUILT_IN = "not built into PyAV"

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


def try_encoder(name: str) -> str | None:
    """Encode one small frame; return None if it works, else the reason why not.

    Args:
        name: FFmpeg's name of the encoder, for example `libx264`.
    """
    try:
        context = av.CodecContext.create(name, "w")
        assert isinstance(context, VideoCodecContext)
        # Hardware encoders refuse frames smaller than about 150 × 50.
        context.width, context.height, context.pix_fmt = 256, 144, "yuv420p"
        context.time_base = Fraction(1, 30)
        frame = av.VideoFrame(256, 144, "yuv420p")
        frame.pts = 0
        packets = context.encode(frame) + context.encode(None)
    except (av.error.FFmpegError, ValueError) as error:
        return _reason(error)
    return None if packets else "it produces no packets"


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


def _reason(error: Exception) -> str:
    if isinstance(error, av.codec.codec.UnknownCodecError):
        return NOT_BUILT_IN
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
