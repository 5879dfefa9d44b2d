"""GIF of a video, small enough for posts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from pathlib import Path

import av
from av.filter import Graph
from av.video.format import VideoFormat

from roadseg.files import output_errors, writing
from roadseg.video.interval import Interval
from roadseg.video.reader import VideoReader
from roadseg.video.selection import frames_every

WIDTHS = (480, 400, 320, 240, 160)
"""Widths in pixels: the first is taken that keeps the file below `MOST_BYTES`; smaller videos keep theirs."""
MOST_BYTES = 8 * 10**6
SECONDS, MOST_SECONDS = 10, 30
"""Length in seconds: by default, and at most, since all frames are held in memory."""
TICK = Fraction(1, 100)
"""Seconds by which GIF counts time."""
STEP = Fraction(1, 10)
"""Seconds between frames, at least."""


@dataclass(frozen=True)
class Gif:
    """A GIF that was written."""

    path: Path
    size: tuple[int, int]
    """(width, height) in pixels."""
    seconds: float
    bytes: int


def write_gif(video: Path, path: Path, *, seconds: float = SECONDS) -> Gif:
    """Write the beginning of a video as a GIF of ten frames a second, whole or not at all.

    Args:
        video: the video.
        path: the GIF to write.
        seconds: length, at most `MOST_SECONDS`.

    Returns:
        The size that was chosen: at most 480 pixels wide, and less where the file would have over 8 MB.

    Raises:
        VideoError: the video cannot be read.
        OutputError: the disk is full, or `path` cannot be written.
    """
    with VideoReader(video) as reader:
        shape = reader.info.aspect_ratio
        begin = (reader.info.start_pts or 0) * reader.info.time_base
    widths = sorted({min(width, reader.info.width) for width in WIDTHS}, reverse=True)
    part = Interval(begin, begin + Fraction(min(seconds, MOST_SECONDS)))
    with output_errors(path), writing(path) as written:
        for width in widths:
            size = width, max(1, round(width / shape))
            length = _write(written, video, part, size)
            if written.stat().st_size <= MOST_BYTES:
                break
        return Gif(path, size, length, written.stat().st_size)


def _write(path: Path, video: Path, part: Interval, size: tuple[int, int]) -> float:
    """Write the frames at a size, in colours that are chosen from all of them; return their length in seconds."""
    frames, end = [], Fraction()
    with VideoReader(video, interval=part) as reader:
        for frame in frames_every(reader, STEP):
            begin = frame.pts * frame.time_base - part.start
            end = begin + frame.duration * frame.time_base
            shown = av.VideoFrame.from_ndarray(frame.to_rgb(size), "rgb24")
            # The step for which it was taken: the first since it began.
            shown.pts, shown.time_base = ceil(begin / STEP) * int(STEP / TICK), TICK
            frames.append(shown)
    last = max(1, round(end / TICK) - (frames[-1].pts or 0))
    with av.open(str(path.absolute()), "w", format="gif", options={"final_delay": str(last)}) as container:
        stream = container.add_stream("gif", rate=round(1 / STEP))
        stream.width, stream.height, stream.pix_fmt = *size, "pal8"
        stream.codec_context.time_base = TICK
        for coloured in (*_in_one_palette(frames, size), None):
            container.mux(stream.encode(coloured))
    return float(((frames[-1].pts or 0) + last) * TICK)


def _in_one_palette(frames: Sequence[av.VideoFrame], size: tuple[int, int]) -> Iterator[av.VideoFrame]:
    """Yield frames in 256 colours, the same for all; only what changes is dithered anew."""
    graph = Graph()
    source = graph.add_buffer(width=size[0], height=size[1], format=VideoFormat("rgb24"), time_base=TICK)
    split, palette, sink = graph.add("split"), graph.add("palettegen"), graph.add("buffersink")
    use = graph.add("paletteuse", "dither=bayer:bayer_scale=4:diff_mode=rectangle")
    source.link_to(split)
    split.link_to(palette, 0, 0)
    split.link_to(use, 1, 0)
    palette.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()
    for frame in frames:
        source.push(frame)
    source.push(None)
    for _ in frames:
        yield graph.vpull()
