"""Clips in which a white flash and a beep come at once, and the times of both in a file."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

SOUND_RATE = 48_000
FRAME_RATE = 25


def make_flash_clip(
    path: Path, *, frames: int = 60, sound_seconds: float | None = None, flash: int = 30, offset: float = 0.0
) -> Path:
    """Encode black frames, of which `flash` and the next two are white, with a beep from there on for 0.1 s.

    Args:
        path: file of a format that FFmpeg chooses by its suffix.
        frames: number of frames, 25 per second.
        sound_seconds: length of the sound; by default that of the frames.
        flash: number of the first white frame.
        offset: seconds that are added to all times.
    """
    seconds = sound_seconds or frames / FRAME_RATE
    samples = np.zeros(round(seconds * SOUND_RATE), np.float32)
    start = flash * SOUND_RATE // FRAME_RATE
    samples[start : start + SOUND_RATE // 10] = 0.5 * np.sin(2 * np.pi * np.arange(SOUND_RATE // 10) / 48)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FRAME_RATE, options={"preset": "ultrafast", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 90_000)
        track = container.add_stream("aac", rate=SOUND_RATE, layout="mono")
        for index in range(max(frames, round(seconds * FRAME_RATE))):
            if index < frames:
                image = np.full((48, 64, 3), 255 * (flash <= index < flash + 3), np.uint8)
                frame = av.VideoFrame.from_ndarray(image, "rgb24")
                frame.pts, frame.time_base = round((index / FRAME_RATE + offset) * 90_000), Fraction(1, 90_000)
                container.mux(stream.encode(frame))
            first = index * SOUND_RATE // FRAME_RATE
            part = samples[first : first + SOUND_RATE // FRAME_RATE]
            if part.size:
                sound = av.AudioFrame.from_ndarray(part[None], "fltp", "mono")
                sound.sample_rate, sound.time_base = SOUND_RATE, Fraction(1, SOUND_RATE)
                sound.pts = first + round(offset * SOUND_RATE)
                container.mux(track.encode(sound))
        container.mux(stream.encode())
        container.mux(track.encode())
    return path


def flash_times(path: Path) -> list[float]:
    """Return the times in seconds at which the picture turns bright."""
    times, was_bright = [], False
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            bright = frame.reformat(format="gray").to_ndarray().mean() > 120
            if bright and not was_bright:
                times.append(float(frame.pts * frame.time_base))
            was_bright = bright
    return times


def beep_times(path: Path) -> list[float]:
    """Return the times in seconds at which sound begins after half a second of silence."""
    times, last = [], -np.inf
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            level = np.abs(frame.to_ndarray().astype(float)).max(axis=0)
            for sample in np.flatnonzero(level > 0.05):
                time = float(frame.pts * frame.time_base) + sample / frame.sample_rate
                if time - last > 0.5:
                    times.append(time)
                last = time
    return times
