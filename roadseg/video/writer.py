"""Writer of H.264 video, each frame at its exact time, with the sound of another file."""

import os
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av.codec.context import Flags
from av.video.stream import VideoStream

from roadseg.errors import OutputError
from roadseg.video.colour import H273_MATRIX, H273_PRIMARIES, H273_TRANSFER, Matrix, sws_range
from roadseg.video.container import default_threads
from roadseg.video.encoders import DEFAULT_ENCODER, ENCODERS, EncoderName
from roadseg.video.frame import Frame
from roadseg.video.muxer import Muxer

KEYFRAME_INTERVAL = 256
"""Largest number of frames from one keyframe to the next."""

MIN_SIDE, MAX_SIDE = 2, 16_384
"""Smallest and largest width and height of frames, in pixels, that x264 encodes in 4:2:0."""


class VideoWriter:
    """Writer of frames as H.264 in 8-bit 4:2:0, which browsers play.

        with VideoReader("drive.mp4") as video:
            with VideoWriter("out.mp4", width=1280, height=720, time_base=video.info.time_base) as out:
                for frame in video:
                    out.write(frame)

    MP4 keeps times to the tick, Matroska rounds them to milliseconds. The file appears under its name when the block
    ends without an error, and not at all when it raises.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        width: int,
        height: int,
        time_base: Fraction,
        matrix: Matrix = "bt709",
        full_range: bool = False,
        sample_aspect_ratio: Fraction = Fraction(1),
        frame_rate: Fraction | None = None,
        audio_from: str | os.PathLike[str] | None = None,
        audio_start: Fraction = Fraction(0),
        cut_audio: bool = False,
        crf: int | None = None,
        threads: int | None = None,
        encoder: EncoderName = DEFAULT_ENCODER,
    ) -> None:
        """Describe the video; nothing is written before the `with` block begins.

        Args:
            path: the file to write, `.mp4` or `.mkv`.
            width: width of the frames in pixels; the last column of an odd width is cut off, as H.264 in 4:2:0 needs
                even sizes.
            height: height of the frames in pixels; the last row of an odd height is cut off.
            time_base: seconds per tick of the frames.
            matrix: colour matrix of the frames.
            full_range: True if the frames use the full range of values, 0 to 255.
            sample_aspect_ratio: width of a pixel over its height, for players to stretch by.
            frame_rate: frames per second for which the level of H.264 is chosen; by default from the duration of the
                first frame.
            audio_from: a file whose sound is copied packet by packet.
            audio_start: seconds of that file that become 0; earlier sound is left out.
            cut_audio: end the sound where the frames end, since a part of the file was wanted.
            crf: constant quality, 0 (best) to 51; by default 24.
            threads: encoder threads; by default the available CPUs, at most 4.
            encoder: a key of `ENCODERS`: x264, or NVENC, the encoder of NVIDIA's graphics cards.

        Raises:
            OutputError: the extension is neither `.mp4` nor `.mkv`, or frames are too small or too large.
        """
        path = Path(path)
        sound = Path(audio_from) if audio_from else None
        self._muxer = Muxer(path, time_base, sound, audio_start=audio_start, cut_audio=cut_audio)
        if not all(MIN_SIDE <= side <= MAX_SIDE for side in (width, height)):
            raise OutputError(
                f"{path}: H.264 cannot have frames of {width}x{height} pixels",
                f"Use frames of {MIN_SIDE} to {MAX_SIDE} pixels a side.",
            )
        self._path = path
        self._size = width, height
        self._time_base = time_base
        self._matrix: Matrix = matrix
        self._full_range = full_range
        self._sample_aspect_ratio = sample_aspect_ratio
        self._frame_rate = frame_rate
        self._encoder = ENCODERS[encoder]
        quality = {} if crf is None else {self._encoder.quality: str(crf)}
        self._options = self._encoder.options | {"g": str(KEYFRAME_INTERVAL)} | quality
        self._threads = threads or default_threads()
        self._stack = ExitStack()
        self._last: Frame | None = None

    @classmethod
    def like(
        cls,
        path: str | os.PathLike[str],
        frame: Frame,
        *,
        sample_aspect_ratio: Fraction = Fraction(1),
        frame_rate: Fraction | None = None,
        audio_from: str | os.PathLike[str] | None = None,
        audio_start: Fraction = Fraction(0),
        cut_audio: bool = False,
        encoder: EncoderName = DEFAULT_ENCODER,
    ) -> Self:
        """Return a writer for frames with the size, time base, matrix and range of `frame`.

        Args:
            path: the file to write, `.mp4` or `.mkv`.
            frame: a frame of the video to write.
            sample_aspect_ratio: width of a pixel over its height, for players to stretch by.
            frame_rate: frames per second for which the level of H.264 is chosen.
            audio_from: a file whose sound is copied packet by packet.
            audio_start: as for `VideoWriter`, like `cut_audio`.
            cut_audio: as for `VideoWriter`.
            encoder: as for `VideoWriter`.
        """
        return cls(
            path,
            width=frame.width,
            height=frame.height,
            time_base=frame.time_base,
            matrix=frame.matrix,
            full_range=frame.full_range,
            sample_aspect_ratio=sample_aspect_ratio,
            frame_rate=frame_rate,
            audio_from=audio_from,
            audio_start=audio_start,
            cut_audio=cut_audio,
            encoder=encoder,
        )

    @property
    def notices(self) -> list[str]:
        """Notices about sound that could not be kept, each a sentence."""
        return self._muxer.notices

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self._muxer)
            stack.push(self._finish)
            with self._muxer.errors():
                self._stream = self._add_stream()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.__exit__(kind, error, at)

    def write(self, frame: Frame) -> None:
        """Encode a frame.

        Raises:
            OutputError: the disk is full, or the file cannot be written for another reason.
            ValueError: the frame differs from the video in size, time base, matrix or range, or it does not come after
                the previous one, or before 0, which players skip.
        """
        given = (frame.width, frame.height), frame.time_base, frame.matrix, frame.full_range
        expected = self._size, self._time_base, self._matrix, self._full_range
        if given != expected:
            raise ValueError(f"frame with (size, time base, matrix, full range) {given} in a video with {expected}")
        if frame.pts <= (self._last.pts if self._last else -1):
            raise ValueError(f"pts must increase, from 0 on: {frame}")
        context = self._stream.codec_context
        if self._last is None:
            # x264 chooses a level for this rate; without it, it would take every tick for a frame.
            context.framerate = self._frame_rate or 1 / (frame.duration * frame.time_base)
        self._last = frame
        self._encode(frame.to_av(context.width, context.height))

    def _add_stream(self) -> VideoStream:
        stream = self._muxer.add_encoder(self._encoder.codec, self._options)
        # The default, SLICE, cuts frames into slices: slower and larger.
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

    def _encode(self, frame: av.VideoFrame | None) -> None:
        """Encode a frame, or with None the frames that the encoder still holds."""
        try:
            packets = self._stream.encode(frame)
        except av.error.FFmpegError as error:
            raise OutputError(
                f"{self._path}: the encoder {self._encoder.codec} failed ({error.strerror})",
                "Run the same command again: it continues. If that fails too, use another --encoder.",
            ) from error
        self._muxer.write(packets)

    def _finish(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Write the frames that the encoder still holds, unless there was an error."""
        if kind is not None:
            return
        if self._last is None:
            raise OutputError(f"{self._path}: no frame to write", "Check that the input has frames.")
        self._encode(None)
        self._muxer.end((self._last.pts + self._last.duration) * self._time_base)
