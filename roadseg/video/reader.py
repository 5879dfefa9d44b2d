"""Video files as a sequence of `Frame`, whatever their format, and however damaged."""

from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import numpy as np
from av.packet import Packet
from av.video.stream import VideoStream

from roadseg.errors import VideoError
from roadseg.video.colour import ACCURATE, SWS_MATRIX, plane_views, reformatter, sws_range
from roadseg.video.container import BROKEN, default_threads, demux, open_input, picture_stream
from roadseg.video.frame import Frame, Matrix
from roadseg.video.probe import MATRICES, VideoInfo, probe
from roadseg.video.timeline import Timeline

MAX_DECODE_FAILURES = 300
"""Packets in a row that may fail before reading stops: a decoder that lost its way resumes at the next keyframe, and
encoders by default put one at least every 250 pictures."""

MAX_READ_FAILURES = 8
"""Attempts to read on after an error of the container or of the disk."""

TRUNCATION_TOLERANCE = 0.5
"""Seconds by which pictures may end before the duration that the container states; sound often outlasts them."""

# The nearest of the three matrices that a `Frame` knows; None: it has to be guessed.
NEAREST_MATRIX: dict[str, Matrix] = {
    "rgb": "bt709",
    "bt709": "bt709",
    "fcc": "bt601",
    "bt470bg": "bt601",
    "smpte170m": "bt601",
    "smpte240m": "bt709",
    "bt2020nc": "bt2020",
    "bt2020c": "bt2020",
}


@dataclass
class DecodeEvents:
    """What went wrong, or had to be assumed, while a video was read."""

    corrupt_packets: int = 0
    """Packets that could not be read or decoded and were skipped."""
    damaged_frames: int = 0
    """Frames that were decoded from damaged data: parts of them may be wrong."""
    timestamps_repaired: int = 0
    """Timestamps that were missing, repeated or went back."""
    truncated_seconds: float = 0.0
    """How much earlier than the container states the pictures end."""
    notices: list[str] = field(default_factory=list)
    """Assumptions, each in a sentence."""

    def as_dict(self) -> dict[str, Any]:
        """All of it, ready for JSON."""
        return asdict(self)


class VideoReader:
    """Decodes a video from its first to its last frame, once, as a file object is read.

        with VideoReader(Path("drive.mp4")) as video:
            for frame in video:
                ...

    All frames have the size, matrix and range of the first (others are converted), are turned upright, and have
    strictly increasing `pts` of at least 0; a frame lasts until the next begins, for an hour at most. Packets that
    cannot be decoded are skipped and counted in `events`, where it also stands if reading stopped early. Frames may
    outlive the reader.
    """

    def __init__(self, path: Path, *, frame_rate: Fraction | None = None, threads: int | None = None) -> None:
        """Open a video.

        Args:
            path: the file.
            frame_rate: Hz, for streams without timestamps; those with timestamps keep theirs.
            threads: decoder threads, by default as many as processors but at most 4.

        Raises:
            VideoError: the file is no video, or none of its pictures can be decoded.
        """
        self.events = DecodeEvents()
        self.info = self._timed(probe(path), frame_rate)
        self.matrix: Matrix = self._choose_matrix()
        """Of all frames."""
        self.full_range = self.info.colour_range == "full" and self.info.colour_matrix != "rgb"
        """Of all frames."""
        if self.info.hdr:
            self._notice("high dynamic range: shown without tone mapping, so colours look pale")
        self._container = open_input(path)
        self._stream = picture_stream(self._container, path)
        self._stream.thread_type = "AUTO"
        self._stream.thread_count = threads or default_threads()
        self._failures = 0
        self._frames = self._decode()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __iter__(self) -> Iterator[Frame]:
        """Frames from where the last iteration stopped."""
        return self._frames

    def keyframes(self, count: int) -> Iterator[Frame]:
        """At most `count` pictures that decode by themselves, evenly spread over the video: sought, not read up to.

        None twice, and none where the container does not tell its duration or cannot be sought in. `index` counts them,
        `duration` is not known and 1. They move the place that iteration goes on from: take another reader for that.
        """
        seconds, start = self.info.duration_seconds or 0.0, self._container.start_time or 0
        last = None
        found = 0
        for position in range(count if seconds else 0):
            try:
                self._container.seek(start + round((position + 0.5) * seconds / count * av.time_base))
            except (av.error.FFmpegError, OSError, OverflowError):  # the last where the duration is insane
                return
            picture = next((picture for picture in self._pictures() if picture.key_frame), None)
            if picture is not None and picture.pts is not None and picture.pts != last:
                last = picture.pts
                yield self._frame(picture, found, max(0, last), 1)
                found += 1

    def shown_at(self, seconds: float) -> Frame:
        """The picture that is shown at a time, sought and decoded from the keyframe before it on.

        The first before it begins, the last after it has ended. `index` is 0 and `duration` 1: neither is known. Moves
        the place that iteration goes on from, as `keyframes` does.

        Raises:
            VideoError: the container cannot be sought in, or no picture can be decoded there.
        """
        try:
            self._container.seek(round(seconds * av.time_base))
        except (av.error.FFmpegError, OSError) as error:
            raise VideoError(f"{self.info.path}: cannot be sought in ({error.strerror})", BROKEN) from error
        # Half a tick later, for a time that was a picture's own before it was rounded.
        limit = seconds / float(self.info.time_base) + 0.5
        shown = None
        for picture in self._pictures():
            if shown is not None and picture.pts is not None and picture.pts > limit:
                break
            shown = picture
        if shown is None:
            raise VideoError(f"{self.info.path}: no picture can be decoded at {seconds:.3f} s", BROKEN)
        return self._frame(shown, 0, max(0, shown.pts or 0), 1)

    def close(self) -> None:
        """Free the decoder; frames that were given out stay valid."""
        self._frames.close()
        self._container.close()

    def _timed(self, info: VideoInfo, frame_rate: Fraction | None) -> VideoInfo:
        """`info` with a clock that counts frames where the stream has no timestamps."""
        if info.start_pts is not None:
            return info
        rate = frame_rate or info.frame_rate or Fraction(25)
        if frame_rate is None:
            self._notice(f"no timestamps in the stream: {float(rate):g} frames a second assumed")
        return replace(info, frame_rate=rate, time_base=1 / rate)

    def _choose_matrix(self) -> Matrix:
        stated = self.info.colour_matrix
        if stated in NEAREST_MATRIX:
            return NEAREST_MATRIX[stated]
        lines = min(self.info.width, self.info.height)
        guess: Matrix = "bt709" if lines >= 720 else "bt601"
        self._notice(f"colour matrix not stated: {guess} assumed for {lines} lines")
        return guess

    def _notice(self, text: str) -> None:
        self.events.notices.append(text)

    def _decode(self) -> Generator[Frame]:
        """Frames; each is held back until the next one tells how long it is shown."""
        timeline = Timeline(self.info.time_base, from_zero=True)
        counted = self.info.start_pts is None
        held: tuple[av.VideoFrame, int] | None = None
        index = shown = 0
        first = None
        for picture in self._pictures():
            length = 1 if counted else timeline.plausible(picture.duration) or shown
            pts = timeline.place(index if counted else picture.pts, length)
            self.events.timestamps_repaired = timeline.repaired
            self.events.damaged_frames += picture.is_corrupt
            if held is not None:
                shown = pts - held[1]
                yield self._frame(held[0], index - 1, held[1], shown)
            held = picture, pts
            first = pts if first is None else first
            index += 1
        if held is not None and first is not None:
            length = max(1, (0 if counted else timeline.plausible(held[0].duration)) or shown)
            self._check_length(float((held[1] + length - first) * self.info.time_base))
            yield self._frame(held[0], index - 1, held[1], length)

    def _check_length(self, seconds: float) -> None:
        missing = (self.info.duration_seconds or 0.0) - seconds
        if missing > TRUNCATION_TOLERANCE:
            self.events.truncated_seconds = missing

    def _pictures(self) -> Iterator[av.VideoFrame]:
        for packet in self._packets():
            try:
                pictures = packet.decode()
            except av.error.FFmpegError as error:
                if self._gives_up(error):
                    return
                continue
            if pictures:
                self._failures = 0
            yield from pictures

    def _packets(self) -> Iterator["Packet[VideoStream]"]:
        """Packets of the picture stream and, last, the empty one that flushes the decoder."""
        packets = demux(self._container, self._stream)
        failures = 0
        while True:
            try:
                packet = next(packets, None)
            except av.error.FFmpegError as error:
                self.events.corrupt_packets += 1
                failures += 1
                if failures == MAX_READ_FAILURES:
                    self._notice(f"reading stopped early: {error.strerror}")
                    return
                packets = demux(self._container, self._stream)
                continue
            if packet is None:
                return
            failures = 0
            # An empty packet in mid-stream would flush the decoder, after which it takes no more.
            if packet.size or packet.dts is None:
                yield packet

    def _gives_up(self, error: av.error.FFmpegError) -> bool:
        """Count a packet that cannot be decoded; whether to stop reading."""
        self.events.corrupt_packets += 1
        self._failures += 1
        if self._failures <= MAX_DECODE_FAILURES:
            return False
        self._notice(f"reading stopped early: {self._failures} packets in a row cannot be decoded ({error.strerror})")
        return True

    def _frame(self, picture: av.VideoFrame, index: int, pts: int, duration: int) -> Frame:
        planes = plane_views(self._converted(picture))
        if self.info.rotation:
            planes = tuple(np.ascontiguousarray(np.rot90(plane, self.info.rotation // 90)) for plane in planes)
        y, u, v = planes
        return Frame(y, u, v, self.matrix, self.full_range, index, pts, self.info.time_base, duration)

    def _converted(self, picture: av.VideoFrame) -> av.VideoFrame:
        """The picture as 8-bit 4:2:0 of the stream's size, matrix and range; itself where it is that already."""
        width, height = self.info.width, self.info.height
        if self.info.rotation in (90, 270):
            width, height = height, width
        stated = MATRICES.get(picture.colorspace, "")
        matrix = NEAREST_MATRIX.get(stated, self.matrix)
        is_rgb = picture.format.is_rgb or stated == "rgb"
        full_range = is_rgb or picture.format.name.startswith("yuvj") or picture.color_range == sws_range(True)
        if (picture.format.name in ("yuv420p", "yuvj420p")) and (
            (picture.width, picture.height, matrix, full_range) == (width, height, self.matrix, self.full_range)
        ):
            return picture
        return reformatter().reformat(
            picture,
            width,
            height,
            "yuv420p",
            src_colorspace=None if is_rgb else SWS_MATRIX[matrix],
            dst_colorspace=SWS_MATRIX[self.matrix],
            src_color_range=sws_range(full_range),
            dst_color_range=sws_range(self.full_range),
            interpolation=ACCURATE,
            threads=1,
        )
