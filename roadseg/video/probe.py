"""Properties of a video file, found by opening it and decoding its first frame."""

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from roadseg.errors import VideoError
from roadseg.video.container import (
    BROKEN,
    codec_name,
    demux,
    fraction,
    has_timestamps,
    open_input,
    undecodable,
    video_stream,
)
from roadseg.video.orientation import Orientation

# Names of the code points of ITU-T H.273 that videos use.
MATRICES = {
    0: "rgb",
    1: "bt709",
    4: "fcc",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "ycgco",
    9: "bt2020nc",
    10: "bt2020c",
    14: "ictcp",
}
RANGES = {1: "limited", 2: "full"}
TRANSFERS = {
    1: "bt709",
    4: "gamma22",
    5: "gamma28",
    6: "smpte170m",
    7: "smpte240m",
    8: "linear",
    13: "srgb",
    14: "bt2020-10",
    15: "bt2020-12",
    16: "pq",
    18: "hlg",
}
PRIMARIES = {
    1: "bt709",
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    9: "bt2020",
    11: "dci-p3",
    12: "display-p3",
}
_CLOCK_TIME = re.compile(r"(\d{1,9}):(\d{1,2}):(\d{1,2}(?:\.\d{1,9})?)", re.ASCII)


@dataclass(frozen=True)
class VideoInfo:
    """A video file and its video stream. Properties that the file does not state are None."""

    path: Path
    container: str
    """FFmpeg's name of the container format, for example `mov,mp4,m4a,3gp,3g2,mj2`."""
    codec: str
    """FFmpeg's name of the codec, for example `h264`."""
    pixel_format: str
    """FFmpeg's name of the stored pixel format, for example `yuv420p10le`."""
    width: int
    """Width in pixels as shown, after rotation."""
    height: int
    """Height in pixels as shown, after rotation."""
    orientation: Orientation
    """Rotation and mirroring with which stored frames are shown."""
    sample_aspect_ratio: Fraction
    """Width of a stored pixel over its height; 1 where the file does not state it."""
    frame_rate: Fraction | None
    """Average in frames per second."""
    time_base: Fraction
    """Seconds per tick of `start_pts`."""
    start_pts: int | None
    """Presentation time of the first frame in ticks; None in streams without timestamps, such as raw H.264."""
    duration_seconds: float | None
    creation_time: datetime | None
    """Start of the recording in UTC, as the format defines it; many cameras write their local time instead."""
    frame_count: int | None
    """Number of frames that the container states; not counted."""
    audio_codecs: tuple[str, ...]
    """FFmpeg's name of the codec of each sound track; `unknown` where it has no name."""
    colour_matrix: str | None
    colour_range: str | None
    """`limited` or `full`."""
    colour_transfer: str | None
    colour_primaries: str | None

    @property
    def shown_aspect_ratio(self) -> Fraction:
        """Width over height of a pixel as shown, after rotation."""
        return 1 / self.sample_aspect_ratio if self.orientation.swaps_sides else self.sample_aspect_ratio

    @property
    def aspect_ratio(self) -> float:
        """Width over height of the image as shown."""
        return float(self.shown_aspect_ratio * self.width / self.height)

    @property
    def hdr(self) -> bool:
        """True for the transfer functions of high dynamic range, PQ and HLG."""
        return self.colour_transfer in ("pq", "hlg")


def probe(path: str | os.PathLike[str], *, track: int | None = None) -> VideoInfo:
    """Open a video, decode its first frame, and return its properties.

    Args:
        path: the file.
        track: number of the video track, from 1; None for the one that FFmpeg finds best.

    Raises:
        VideoError: the path is missing, not a video, without frames, or none of its frames can be decoded.
    """
    path = Path(path)
    with open_input(path) as container:
        stream = video_stream(container, path, track)
        # One thread returns the first frame soonest; several would first be filled with packets.
        stream.thread_type, stream.thread_count = "SLICE", 1
        return describe(path, container, stream, _first_frame(path, container, stream))


def _first_frame(path: Path, container: InputContainer, stream: VideoStream) -> av.VideoFrame:
    error: av.error.FFmpegError | None = None
    try:
        for packet in demux(container, stream):
            try:
                frames = packet.decode()
            except av.error.FFmpegError as failure:
                error = error or failure
                continue
            if frames:
                return frames[0]
    except av.error.FFmpegError as failure:
        error = error or failure
    raise undecodable(path, error.strerror if error else None) from error


def describe(path: Path, container: InputContainer, stream: VideoStream, frame: av.VideoFrame) -> VideoInfo:
    """Return the properties of an opened video from its first frame."""
    orientation = Orientation.of(frame)
    width, height = frame.width, frame.height
    if orientation.swaps_sides:
        width, height = height, width
    time_base = fraction(stream.time_base)
    if time_base is None:
        raise VideoError(f"{path}: its video stream has no time base", BROKEN)
    return VideoInfo(
        path=path,
        container=container.format.name,
        codec=codec_name(stream),
        pixel_format=frame.format.name,
        width=width,
        height=height,
        orientation=orientation,
        sample_aspect_ratio=fraction(stream.sample_aspect_ratio) or Fraction(1),
        frame_rate=fraction(stream.average_rate),
        time_base=time_base,
        start_pts=frame.pts if has_timestamps(container) else None,
        duration_seconds=read_duration(container, stream, time_base),
        creation_time=read_creation_time(container, stream),
        frame_count=stream.frames or None,
        audio_codecs=tuple(codec_name(track) for track in container.streams.audio),
        colour_matrix="rgb" if frame.format.is_rgb else MATRICES.get(frame.colorspace),
        colour_range="full" if frame.format.name.startswith("yuvj") else RANGES.get(frame.color_range),
        colour_transfer=TRANSFERS.get(frame.color_trc),
        colour_primaries=PRIMARIES.get(frame.color_primaries),
    )


def read_creation_time(container: InputContainer, stream: VideoStream) -> datetime | None:
    """Read the creation time; None where it is not a time, or where the camera's clock was never set (before
    1970-01-02)."""
    text = container.metadata.get("creation_time") or stream.metadata.get("creation_time", "")
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    return time if time > datetime(1970, 1, 2, tzinfo=UTC) else None


def read_duration(container: InputContainer, stream: VideoStream, time_base: Fraction) -> float | None:
    """Return the duration of a video track in seconds; None where the file does not state it."""
    if stream.duration:
        # FFmpeg counts the duration of fragmented MP4, which states no number of frames, from 0.
        is_fragmented = "mp4" in container.format.name and not stream.frames
        before = (stream.start_time or 0) if is_fragmented else 0
        return float((stream.duration - max(0, before)) * time_base)
    if not container.duration:
        return None
    seconds = container.duration / av.time_base
    if "matroska" in container.format.name:
        # The whole file's duration is that of its longest track, counted from 0; tags state that of each.
        stated = _CLOCK_TIME.fullmatch(stream.metadata.get("DURATION", ""))
        if stated:
            hours, minutes, rest = map(float, stated.groups())
            seconds = min(seconds, hours * 3600 + minutes * 60 + rest)
        seconds -= float(max(0, stream.start_time or 0) * time_base)
    return seconds
