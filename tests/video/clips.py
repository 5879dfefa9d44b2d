"""Small videos made for tests with PyAV alone, so that reader and writer are not tested against each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

SOUND_RATE = 48_000


@dataclass(frozen=True)
class Clip:
    """A video, and what a reader must find in it."""

    path: Path
    width: int
    height: int
    seconds: tuple[Fraction, ...]
    """Presentation time of each picture."""
    tolerance: Fraction = Fraction(0)
    """By which the container rounds times, in seconds."""


def level(index: int) -> int:
    """Grey level of picture `index`, which tells 50 pictures apart."""
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
) -> Clip:
    """Encode `picture(0)`, `picture(1)`... at `pts`; stored turned, so that `rotation` degrees set them upright."""
    width, height = size
    generator = np.random.default_rng(0)
    with av.open(str(path), "w", format=container_format, container_options=container_options or {}) as container:
        container.metadata.update(metadata or {})
        stream = container.add_stream(codec, rate=25, options=options or ({"crf": "12"} if codec == "libx264" else {}))
        stream.pix_fmt = pixel_format
        stream.width, stream.height = size if rotation % 180 == 0 else size[::-1]
        stream.codec_context.time_base = time_base
        if rotation:
            stream.set_display_rotation(rotation)
        track = container.add_stream(sound, rate=SOUND_RATE, layout="mono") if sound else None
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
        container.mux(stream.encode())
        if track is not None:
            container.mux(track.encode())
    return Clip(path, width, height, tuple(ticks * time_base for ticks in pts), tolerance)


def stored(image: np.ndarray, pixel_format: str) -> av.VideoFrame:
    """An RGB picture in another pixel format."""
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
    """A file of a second of sound, with or without a cover picture."""
    with av.open(str(path), "w") as container:
        track = container.add_stream(codec, rate=SOUND_RATE, layout="mono")
        stream = None
        if cover:
            stream = container.add_stream("png", rate=1, width=32, height=32, pix_fmt="rgb24")
            stream.disposition = av.stream.Disposition.attached_pic
        for start in range(0, SOUND_RATE, 960):
            for frame in tone(start, start + 960):
                container.mux(track.encode(frame))
        container.mux(track.encode())
        if stream is not None:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(0, 32, 32), "rgb24")))
            container.mux(stream.encode())
    return path
