"""Small videos made for tests with PyAV alone, so that reader and writer are not tested against each other."""

import os
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import OutputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

SOUND_RATE = 48_000


@dataclass(frozen=True)
class Clip:
    """A video and the properties that a reader must find."""

    path: Path
    width: int
    height: int
    seconds: tuple[Fraction, ...]
    """Presentation time of each frame."""
    tolerance: Fraction = Fraction(0)
    """Seconds to which the container rounds times."""


def level(index: int) -> int:
    """Grey level of frame `index`, different for 50 successive frames."""
    return 40 + 4 * (index % 50)


def picture(index: int, width: int, height: int) -> np.ndarray:
    """(H, W, 3) uint8 RGB: grey `level(index)`, but for a red upper left quarter that shows which side is up."""
    image = np.full((height, width, 3), level(index), np.uint8)
    image[: height // 2, : width // 2] = (220, 30, 30)
    return image


def make_clip(
    path: Path,
    *,
    size: tuple[int, int] = (64, 48),
    pts: Sequence[int] = range(12),
    time_base: Fraction = Fraction(1, 25),
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    container_format: str | None = None,
    rotation: int = 0,
    sound: str | None = None,
    tolerance: Fraction = Fraction(0),
    noise: bool = False,
    metadata: dict[str, str] | None = None,
    aspect: Fraction = Fraction(1),
    cover: bool = False,
    second_size: tuple[int, int] | None = None,
) -> Clip:
    """Encode `picture(0)`, `picture(1)`... at `pts`; stored turned, so that `rotation` degrees set them upright.

    `aspect` is that of the pixels as stored. A cover image or a second, smaller video may be added.
    """
    width, height = size
    generator = np.random.default_rng(0)
    with av.open(str(path), "w", format=container_format, container_options=container_options or {}) as container:
        container.metadata.update(metadata or {})
        stream = container.add_stream(codec, rate=25, options=options or ({"crf": "12"} if codec == "libx264" else {}))
        stream.pix_fmt = pixel_format
        stream.width, stream.height = size if rotation % 180 == 0 else size[::-1]
        stream.codec_context.time_base = time_base
        stream.codec_context.sample_aspect_ratio = aspect
        if rotation:
            stream.set_display_rotation(rotation)
        track = container.add_stream(sound, rate=SOUND_RATE, layout="mono") if sound else None
        small = container.add_stream(codec, rate=25) if second_size else None
        if small is not None:
            small.width, small.height = second_size
        attached = add_cover(container) if cover else None
        for index, ticks in enumerate(pts):
            image = np.rot90(picture(index, width, height), -(rotation // 90))
            if noise:
                image = np.clip(image + generator.normal(0, 12, image.shape), 0, 255).astype(np.uint8)
            frame = stored(np.ascontiguousarray(image), pixel_format)
            frame.pts, frame.time_base = ticks, time_base
            container.mux(stream.encode(frame))
            if track is not None:
                for part in tone(index * SOUND_RATE // 25, (index + 1) * SOUND_RATE // 25):
                    container.mux(track.encode(part))
            if small is not None:
                container.mux(small.encode(stored(np.zeros((*second_size[::-1], 3), np.uint8), small.pix_fmt)))
        container.mux(stream.encode())
        if small is not None:
            container.mux(small.encode())
        if attached is not None:
            mux_cover(container, attached)
        if track is not None:
            container.mux(track.encode())
    if codec == "libsvtav1" and sys.platform == "linux":
        # For root, this encoder makes the calling thread a real-time one, which takes its processor from all others.
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    return Clip(path, width, height, tuple(ticks * time_base for ticks in pts), tolerance)


def stored(image: np.ndarray, pixel_format: str) -> av.VideoFrame:
    """An RGB image in another pixel format."""
    if pixel_format == "pal8":
        colours, indices = np.unique(image.reshape(-1, 3), axis=0, return_inverse=True)
        palette = np.full((256, 4), 255, np.uint8)
        palette[: len(colours), 1:] = colours
        return av.VideoFrame.from_ndarray((indices.reshape(image.shape[:2]).astype(np.uint8), palette), "pal8")
    return av.VideoFrame.from_ndarray(image, "rgb24").reformat(format=pixel_format)


def tone(start: int, stop: int) -> list[av.AudioFrame]:
    """Samples `start` to `stop` of a 440 Hz tone."""
    wave = 0.3 * np.sin(2 * np.pi * 440 / SOUND_RATE * np.arange(start, stop))
    frame = av.AudioFrame.from_ndarray(wave.astype(np.float32)[None], "fltp", "mono")
    frame.sample_rate, frame.pts, frame.time_base = SOUND_RATE, start, Fraction(1, SOUND_RATE)
    return [frame]


def make_sound(path: Path, codec: str = "aac", cover: bool = False) -> Path:
    """A file of a second of sound, with or without a cover image."""
    with av.open(str(path), "w") as container:
        track = container.add_stream(codec, rate=SOUND_RATE, layout="mono")
        stream = add_cover(container) if cover else None
        for start in range(0, SOUND_RATE, 960):
            for frame in tone(start, start + 960):
                container.mux(track.encode(frame))
        container.mux(track.encode())
        if stream is not None:
            mux_cover(container, stream)
    return path


def hide_sound_format(path: Path) -> None:
    """Give the mono PCM sound of an AVI file a number (in WAVEFORMATEX, before channels and Hz) that means nothing."""
    data = path.read_bytes()
    known, hidden = (struct.pack("<HHI", number, 1, SOUND_RATE) for number in (1, 0x7777))
    assert data.count(known) == 1
    path.write_bytes(data.replace(known, hidden))


def zero_packets(path: Path, first: int, stop: int) -> None:
    """Overwrite packets of the video with zeros."""
    with av.open(str(path)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    for position, size in packets[first:stop]:
        data[position + 8 : position + 8 + size] = bytes(size)
    path.write_bytes(data)


def add_cover(container: OutputContainer) -> VideoStream:
    """A stream for a cover image."""
    stream = container.add_stream("png", rate=1, width=32, height=32, pix_fmt="rgb24")
    stream.disposition = Disposition.attached_pic
    return stream


def mux_cover(container: OutputContainer, stream: VideoStream) -> None:
    """Encode the cover image."""
    container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(0, 32, 32), "rgb24")))
    container.mux(stream.encode())


def picture_times(path):
    """Seconds at which frames are shown, by FFmpeg alone; counted at 25 Hz where they have no timestamps."""
    with av.open(str(path)) as container:
        frames = [(frame.pts, frame.time_base) for frame in container.decode(container.streams.best("video"))]
    return [Fraction(number, 25) if pts is None else pts * time_base for number, (pts, time_base) in enumerate(frames)]


def sound_tracks(path):
    """Codec, and bytes of each packet, of each sound track."""
    with av.open(str(path)) as container:
        tracks = {
            track.index: (track.codec_context.codec.canonical_name, [], container.format.name == "mpegts")
            for track in container.streams.audio
        }
        for packet in container.demux(*container.streams.audio) if tracks else ():
            if packet.size:
                _, packets, has_headers = tracks[packet.stream_index]
                # MPEG-TS puts a header (ADTS, ISO/IEC 13818-7) of seven bytes before each packet of AAC, MP4 none.
                packets.append(bytes(packet)[7:] if has_headers else bytes(packet))
    return [(codec, packets) for codec, packets, _ in tracks.values()]


def sound_packets(path):
    """Bytes, time in seconds and duration of each sound packet."""
    with av.open(str(path)) as container:
        return [
            (bytes(packet), packet.pts * packet.time_base, packet.duration * packet.time_base)
            for packet in container.demux(audio=0)
            if packet.size
        ]
