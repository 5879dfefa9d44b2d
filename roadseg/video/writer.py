"""Frames to H.264 video, each at its exact time, with the sound of another file beside them."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av.codec.context import Flags
from av.packet import Packet
from av.video.frame import PictureType
from av.video.stream import VideoStream

from roadseg.errors import OutputError
from roadseg.files import output_errors, writing
from roadseg.frames import Frame, Matrix
from roadseg.video.colour import H273_MATRIX, H273_PRIMARIES, H273_TRANSFER, sws_range, to_av
from roadseg.video.container import default_threads, open_input
from roadseg.video.sound import SoundCopy

FORMATS = {".mp4": "mp4", ".mkv": "matroska"}

MIN_TIMESCALE = 10_000
MAX_TIMESCALE = 2**31 - 1
"""MP4 counts time in ticks of 1 / timescale seconds; FFmpeg takes a signed 32-bit number."""

SOUND_TAIL = Fraction(1)
"""Seconds by which sound may outlast the pictures; what begins later belongs to pictures that were not written."""


class VideoWriter:
    """Writes frames as H.264 in 8-bit 4:2:0, which browsers play.

        with VideoWriter(Path("out.mp4"), width=1280, height=720, time_base=video.info.time_base) as out:
            for frame in video:
                out.write(frame)

    Presentation times are kept to the tick in MP4, variable frame rates, late starts and the length of the last frame
    included. Matroska counts in milliseconds from 0 and tells only when the last frame begins: it rounds, and moves
    everything by the few milliseconds that sound may begin before 0. The file appears under its name when the block
    ends well, and not at all when it raises.
    """

    def __init__(
        self,
        path: Path,
        *,
        width: int,
        height: int,
        time_base: Fraction,
        matrix: Matrix = "bt709",
        full_range: bool = False,
        sample_aspect_ratio: Fraction = Fraction(1),
        audio_from: Path | None = None,
        crf: int = 23,
        preset: str = "veryfast",
        threads: int | None = None,
    ) -> None:
        """Describe the video; nothing is written before the `with` block begins.

        Args:
            path: `.mp4` or `.mkv`.
            width: of the frames in pixels; the last column of an odd width is cut off, for H.264 in 4:2:0 has none.
            height: of the frames in pixels; the last row of an odd height is cut off.
            time_base: seconds a tick, of the frames.
            matrix: of the frames.
            full_range: of the frames.
            sample_aspect_ratio: width of a pixel over its height, for players to stretch by.
            audio_from: a file whose sound is copied, packet by packet, beside the pictures.
            crf: constant rate factor of x264, 0 (lossless) to 51.
            preset: speed of x264, `ultrafast` to `placebo`.
            threads: encoder threads, by default as many as processors but at most 4.

        Raises:
            OutputError: the suffix is neither `.mp4` nor `.mkv`, or frames are smaller than 2 x 2.
        """
        if path.suffix.lower() not in FORMATS:
            raise OutputError(f"{path}: not a name for a video", "End it in .mp4 or .mkv.")
        if min(width, height) < 2:
            raise OutputError(f"{path}: {width}x{height} is too small for a video", "Use frames of at least 2x2.")
        self.notices: list[str] = []
        """What could not be kept, each in a sentence."""
        self._path = path
        self._size = width, height
        self._time_base = time_base
        self._matrix: Matrix = matrix
        self._full_range = full_range
        self._sample_aspect_ratio = sample_aspect_ratio
        self._audio_from = audio_from
        self._options = {"crf": str(crf), "preset": preset}
        self._threads = threads or default_threads()
        self._stack = ExitStack()
        self._sound: SoundCopy | None = None
        self._last: Frame | None = None
        self._waiting: av.VideoFrame | None = None
        self._rate_varies = False

    def __enter__(self) -> Self:
        with self._errors(), ExitStack() as stack:
            part = stack.enter_context(writing(self._path))
            sound = stack.enter_context(open_input(self._audio_from)) if self._audio_from else None
            kind = FORMATS[self._path.suffix.lower()]
            self._container = av.open(str(part.absolute()), "w", format=kind, container_options=self._muxing(kind))
            stack.push(self._close)
            self._stream = self._add_stream()
            if sound is not None:
                self._sound = SoundCopy(sound, self._container)
                self.notices = self._sound.notices  # it grows
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._errors():
            self._stack.__exit__(kind, error, at)

    def write(self, frame: Frame) -> None:
        """Encode the frame before this one, which waits until it is known whether it is the last.

        Raises:
            OutputError: the disk is full, or the file cannot be written for another reason.
            ValueError: the frame differs from the video in size, time base, matrix or range, or it is not later than
                the one before, or before 0: players skip what is.
        """
        given = (frame.width, frame.height), frame.time_base, frame.matrix, frame.full_range
        expected = self._size, self._time_base, self._matrix, self._full_range
        if given != expected:
            raise ValueError(f"frame with (size, time base, matrix, full range) {given} in a video with {expected}")
        if frame.pts <= (self._last.pts if self._last else -1):
            raise ValueError(f"pts must increase, from 0 on: {frame}")
        context = self._stream.codec_context
        if self._last is None:
            # x264 writes a level that suits this rate; it would take every tick for a frame without it.
            context.framerate = 1 / (frame.duration * frame.time_base)
        else:
            self._rate_varies |= frame.duration != self._last.duration
        self._last = frame
        with self._errors():
            if self._waiting is not None:
                self._mux(self._stream.encode(self._waiting))
            self._waiting = to_av(frame, context.width, context.height)

    def _muxing(self, kind: str) -> dict[str, str]:
        if kind != "mp4":
            return {}
        timescale = self._time_base.denominator
        while timescale < MIN_TIMESCALE:
            timescale *= 2
        # The start of a track is counted in the movie's timescale: alike, late starts are kept to the tick too.
        scales = {"video_track_timescale": str(timescale), "movie_timescale": str(timescale)}
        return {"movflags": "+faststart"} | (scales if timescale <= MAX_TIMESCALE else {})

    def _add_stream(self) -> VideoStream:
        stream = self._container.add_stream("libx264", options=self._options)
        # The default, SLICE, cuts pictures into slices: slower and larger.
        stream.thread_type, stream.thread_count = "AUTO", self._threads
        stream.pix_fmt = "yuv420p"
        stream.width, stream.height = (size // 2 * 2 for size in self._size)
        context = stream.codec_context
        context.time_base = self._time_base
        context.colorspace, context.color_range = H273_MATRIX[self._matrix], sws_range(self._full_range)
        context.color_trc, context.color_primaries = H273_TRANSFER[self._matrix], H273_PRIMARIES[self._matrix]
        context.sample_aspect_ratio = self._sample_aspect_ratio
        context.flags |= Flags.frame_duration
        return stream

    def _mux(self, packets: list["Packet[VideoStream]"]) -> None:
        for packet in packets:
            if self._sound is not None and packet.dts is not None:
                self._sound.write_until(packet.dts * packet.time_base)
            self._container.mux(packet)

    def _finish(self) -> None:
        if self._last is None or self._waiting is None:
            raise OutputError(f"{self._path}: no frame to write", "Check that the input has frames.")
        if self._rate_varies:
            # In MP4 a packet lasts until the next one is decoded; only the last keeps its own length. A keyframe is
            # decoded after all pictures before it, so that the last picture is the last packet.
            self._waiting.pict_type = PictureType.I
        self._mux(self._stream.encode(self._waiting))
        self._mux(self._stream.encode())
        end = (self._last.pts + self._last.duration) * self._time_base
        if self._sound is not None:
            self._sound.write_until(end + SOUND_TAIL)
            if self._sound.waiting:
                self.notices.append(f"sound after {float(end):.1f} s is left out: the pictures end there")

    def _close(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Complete the file, or after an error just let go of it."""
        if kind is not None:
            with suppress(av.error.FFmpegError):
                self._container.close()
            return
        try:
            self._finish()
        finally:
            self._container.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn what PyAV raises while writing into an `OutputError`."""
        try:
            with output_errors(self._path):
                yield
        except av.error.FFmpegError as error:
            raise OutputError(
                f"{self._path}: cannot be written ({error.strerror})", "Try another --out, on another disk."
            ) from error
