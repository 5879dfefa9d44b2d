"""Writer of MP4 and Matroska files: encoded frames, and the sound of another file in step with them."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
from av.audio.stream import AudioStream
from av.packet import Packet
from av.video.stream import VideoStream

from roadseg.errors import OutputError
from roadseg.files import output_errors, writing
from roadseg.video.clock import read_clock
from roadseg.video.container import open_input
from roadseg.video.sound import SoundCopy

FORMATS = {".mp4": "mp4", ".mkv": "matroska"}

MIN_TIMESCALE = 10_000
MAX_TIMESCALE = 2**31 - 1
"""Timescale limit in MP4, which counts time in ticks of 1 / timescale seconds; FFmpeg takes a signed 32-bit number."""

SOUND_TAIL = Fraction(1)
"""Seconds by which sound may outlast the frames; later sound belongs to frames that were not written."""


class Muxer:
    """A file with one video stream and the sound tracks of another file.

    MP4 keeps presentation times to the tick, including variable frame rates, late starts and the length of the last
    frame. Matroska counts milliseconds from 0 and states only when the last frame begins: times are rounded, and all
    move by the few milliseconds that sound may begin before 0. The file appears under its name when the block ends
    without an error, and not at all when it raises.
    """

    def __init__(
        self,
        path: Path,
        time_base: Fraction,
        audio_from: Path | None = None,
        *,
        audio_start: Fraction = Fraction(0),
        cut_audio: bool = False,
    ) -> None:
        """Describe the file; nothing is written before the `with` block begins.

        Args:
            path: the file to write, `.mp4` or `.mkv`.
            time_base: seconds per tick of the frames.
            audio_from: a file whose sound is copied packet by packet.
            audio_start: seconds of that file that become 0; earlier sound is left out.
            cut_audio: end the sound where the frames end, since a part of the file was wanted.

        Raises:
            OutputError: the extension is neither `.mp4` nor `.mkv`.
        """
        if path.suffix.lower() not in FORMATS:
            raise OutputError(f"{path}: not a file name for a video", "End it in .mp4 or .mkv.")
        self.notices: list[str] = []
        """Notices about sound that could not be kept, each a sentence."""
        self._path = path
        self._time_base = time_base
        self._audio_from = audio_from
        self._audio_start = audio_start
        self._cut_audio = cut_audio
        self._stack = ExitStack()
        self._sound: SoundCopy | None = None
        self._stream: VideoStream | None = None

    def __enter__(self) -> Self:
        with self.errors(), ExitStack() as stack:
            part = stack.enter_context(writing(self._path))
            self._source = stack.enter_context(open_input(self._audio_from)) if self._audio_from else None
            kind = FORMATS[self._path.suffix.lower()]
            self._container = av.open(str(part.absolute()), "w", format=kind, container_options=self._options(kind))
            stack.push(self._close)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self.errors():
            self._stack.__exit__(kind, error, at)

    def add_encoder(self, codec: str, options: dict[str, str]) -> VideoStream:
        """Add the video stream for frames that FFmpeg's encoder `codec` encodes; call it once, before anything else."""
        stream = self._container.add_stream(codec, options=options)
        assert isinstance(stream, VideoStream)
        return self._added(stream)

    def add_copy(self, stream: VideoStream) -> VideoStream:
        """Add the video stream for packets encoded like those of `stream`; call it once, before anything else."""
        return self._added(self._container.add_stream_from_template(stream))

    def add_sound(self, stream: AudioStream) -> AudioStream:
        """Add a stream for sound packets encoded like those of `stream`, which `copy` writes."""
        with self.errors():
            return self._container.add_stream_from_template(stream)

    def copy(self, packet: "Packet[Any]", stream: VideoStream | AudioStream) -> None:
        """Write a packet, its times as they are, to a stream of this file."""
        with self.errors():
            packet.stream = stream
            self._container.mux(packet)

    def write(self, packets: Iterable["Packet[VideoStream]"]) -> None:
        """Write encoded frames in decoding order, and the sound that begins before them.

        Raises:
            OutputError: the disk is full, or the file cannot be written for another reason.
        """
        assert self._stream is not None
        with self.errors():
            for packet in packets:
                if self._sound is not None and packet.dts is not None:
                    self._sound.write_until(packet.dts * packet.time_base)
                packet.stream = self._stream
                self._container.mux(packet)

    def end(self, seconds: Fraction) -> None:
        """Write the remaining sound of frames that end at `seconds`."""
        if self._sound is None:
            return
        with self.errors():
            self._sound.write_until(seconds if self._cut_audio else seconds + SOUND_TAIL)
            if self._sound.waiting and not self._cut_audio:
                self.notices.append(f"sound after {float(seconds):.1f} s is left out: the frames end there")

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn PyAV's errors while writing into an `OutputError`."""
        try:
            with output_errors(self._path):
                yield
        except av.error.FFmpegError as error:
            raise OutputError(
                f"{self._path}: cannot be written ({error.strerror})", "Try another --out, on another disk."
            ) from error

    def _added(self, stream: VideoStream) -> VideoStream:
        self._stream = stream
        if self._source is not None and self._audio_from is not None:
            clock = read_clock(self._audio_from)
            self._sound = SoundCopy(self._source, self._container, clock, start=self._audio_start)
            self.notices = self._sound.notices  # it grows
        return stream

    def _options(self, kind: str) -> dict[str, str]:
        if kind != "mp4":
            return {}
        timescale = self._time_base.denominator
        while timescale < MIN_TIMESCALE:
            timescale *= 2
        # The start of a track is counted in the movie's timescale: equal timescales keep late starts to the tick too.
        scales = {"video_track_timescale": str(timescale), "movie_timescale": str(timescale)}
        return {"movflags": "+faststart"} | (scales if timescale <= MAX_TIMESCALE else {})

    def _close(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Complete the file, or after an error just close it."""
        if kind is None:
            self._container.close()
            return
        with suppress(av.error.FFmpegError):
            self._container.close()
