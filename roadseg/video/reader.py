"""Reader of video files of any format, damaged ones included, as a sequence of `Frame`."""

import os
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from math import ceil
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
from av.packet import Packet
from av.video.stream import VideoStream

from roadseg.errors import VideoError
from roadseg.video.avi_stamps import AviStamps
from roadseg.video.clock import ClockReading, read_clock
from roadseg.video.colour import Matrix
from roadseg.video.container import BROKEN, default_threads, demux, left_out, open_input, video_stream
from roadseg.video.conversion import FrameConverter, matrix_of
from roadseg.video.deinterlace import Deinterlacer
from roadseg.video.entry import LEAST_SECONDS, find_entry
from roadseg.video.frame import Frame, Moment
from roadseg.video.interval import WHOLE, Interval, clock
from roadseg.video.probe import VideoInfo, probe
from roadseg.video.timeline import Timeline

MAX_DECODE_FAILURES = 300
"""Consecutive packets that may fail before reading stops. A decoder that lost its state resumes at the next keyframe,
and encoders by default place one at least every 250 frames."""

MAX_READ_FAILURES = 8
"""Attempts to continue after an error of the container or of the disk."""

TRUNCATION_TOLERANCE = 0.5
"""Seconds by which frames may end before the stated duration; sound often outlasts them."""

COUNT_TOLERANCE = 0.2
"""Seconds of missing frames where the file states their number: encoders leave a few out."""


@dataclass
class DecodeEvents:
    """Problems and assumptions while a video was read."""

    corrupt_packets: int = 0
    """Number of packets that could not be read or decoded and were skipped."""
    damaged_frames: int = 0
    """Number of frames that were decoded from damaged data: parts of them may be wrong."""
    timestamps_repaired: int = 0
    """Number of timestamps that were missing, repeated or went back."""
    truncated_seconds: float = 0.0
    """Seconds by which the frames end before the duration that the container states."""
    notices: list[str] = field(default_factory=list)
    """Assumptions, each a sentence."""

    def as_dict(self) -> dict[str, Any]:
        """Return all fields, ready for JSON."""
        return asdict(self)


class VideoReader:
    """Reader that decodes a video once, from its first to its last frame.

        with VideoReader("drive.mp4") as video:
            for frame in video:
                print(frame.seconds, frame.to_rgb().shape)

    All frames have the size, matrix and range of the first (others are converted, with their proportions kept between
    black borders), are turned upright, and have strictly increasing `pts` of at least 0. A frame lasts until the next
    begins, at most an hour. Packets that cannot be decoded are skipped and counted in `events`, which also states if
    reading stopped early. Frames stay valid after the reader is closed.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        track: int | None = None,
        frame_rate: float | Fraction | None = None,
        threads: int | None = None,
        interval: Interval = WHOLE,
    ) -> None:
        """Open a video.

        Args:
            path: the file.
            track: number of the video track, from 1; None for the one that FFmpeg finds best.
            frame_rate: frames per second of streams without timestamps; other streams keep their timestamps.
            threads: decoder threads; by default the available CPUs, at most 4.
            interval: part of the video that iteration yields; the last frame ends with it. It is decoded from the key
                frame before it, or where its times are irregular from the start of the video.

        Raises:
            VideoError: the file is not a video, or none of its frames can be decoded.
        """
        path = Path(path)
        self.interval = interval
        """Part of the video that is read."""
        self._met = False
        self.events = DecodeEvents()
        self._clock = read_clock(path, track)
        self.info = self._timed(probe(path, track=track), frame_rate)
        self.matrix: Matrix = matrix_of(self.info, self._notice)
        """Colour matrix of all frames."""
        self.full_range = self.info.colour_range == "full" and self.info.colour_matrix != "rgb"
        """True if all frames use the full range of values, 0 to 255."""
        if self.info.hdr:
            self._notice(f"high dynamic range ({self.info.colour_transfer}): tone-mapped to standard range")
        self._container = open_input(path)
        self._stream = video_stream(self._container, path, track)
        self._stream.thread_type = "AUTO"
        self._stream.thread_count = threads or default_threads()
        for text in left_out(self._container, self._stream, is_chosen=track is not None):
            self._notice(text)
        self._failures = 0
        self._converter = FrameConverter(self.info, self.matrix, self.full_range, self._notice)
        self._moves: ClockReading | None = self._clock.reading()
        self._stamps = AviStamps() if self._container.format.name == "avi" else None
        far = interval.start > (self.info.start_pts or 0) * self.info.time_base + LEAST_SECONDS
        self._entry = find_entry(path, track, self._clock, interval.start) if far else None
        self._shown = self._placed()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __iter__(self) -> Iterator[Frame]:
        """Return the frames, from the place where the last iteration stopped."""
        return self.chosen(lambda moment: True)

    @property
    def frames_expected(self) -> int | None:
        """Number of frames in the interval, estimated for a part; None where the container states none."""
        frames, seconds = self.info.frame_count, self.info.duration_seconds
        if self.interval.is_whole:
            return frames
        return ceil(frames * self.length_of(seconds) / seconds) if frames and seconds else None

    def length_of(self, seconds: float) -> float:
        """Return the length in seconds of the interval in this video, which lasts `seconds`."""
        _, length = self.interval.within(float((self.info.start_pts or 0) * self.info.time_base), seconds)
        return length

    def chosen(self, wants: Callable[[Moment], bool]) -> Iterator[Frame]:
        """Yield the frames that are wanted; all are decoded, and counted in `events`, but the others not converted.

        Args:
            wants: called once for each frame of the interval, in order, from the place where the last iteration
                stopped.

        Raises:
            VideoError: the video has frames, but none in the interval.
        """
        part, moment = self.interval, None
        for frame, moment in self._shown:
            if part.is_over(moment):
                break
            if part.is_ahead(moment):
                self._converter.pass_over(frame)
                continue
            self._met = True
            kept = part.cut(moment)
            if wants(kept):
                yield self._converter.frame(frame, kept)
            else:
                self._converter.pass_over(frame)
        if moment is not None and not self._met:
            raise self._outside(moment)

    def keyframes(self, count: int) -> Iterator[Frame]:
        """Seek to keyframes that are evenly spread over the video; the frames between them are not decoded.

        No frame comes twice, and none where the container does not state its duration or does not allow seeking.
        Afterwards iteration continues behind the last keyframe: use another reader to read the video from its start.

        Args:
            count: number of places to seek to, the largest possible number of frames.

        Yields:
            Frames in order; `index` counts them, and `duration` is 1, as it is unknown.
        """
        seconds, start = self.info.duration_seconds or 0.0, (self._container.start_time or 0) / av.time_base
        return self._sought(start + (position + 0.5) * seconds / count for position in range(count if seconds else 0))

    def keyframes_near(self, times: Iterable[float]) -> Iterator[Frame]:
        """Seek to the keyframe that is shown at each time or was the last before it; see `keyframes`.

        No frame comes where the stamps of the video jump: seeking finds other places there than times of frames.

        Args:
            times: in seconds, ascending, as in `Frame.seconds`.

        Yields:
            Frames in order, none twice, with their times; `index` counts them, and `duration` is 1, as it is unknown.
        """
        start = float(self._clock.start)
        return self._sought(seconds - start for seconds in times if not self._clock.jumps)

    def _sought(self, times: Iterable[float]) -> Iterator[Frame]:
        """Seek to times of the container, which its clock moves by a constant as long as they do not jump."""
        moved = round(self._clock.start / self.info.time_base)
        last = None
        found = 0
        for seconds in times:
            self._moves = self._entry = None  # they count packets from the start
            try:
                self._container.seek(round(seconds * av.time_base))
            except (av.error.FFmpegError, OSError, OverflowError):  # OverflowError where the duration is absurd
                return
            frame = next((frame for frame in self._decoded() if frame.key_frame), None)
            if frame is not None and frame.pts is not None and frame.pts != last:
                last = frame.pts
                yield self._converter.frame(frame, Moment(found, max(0, last + moved), self.info.time_base, 1))
                found += 1

    def frame_at(self, seconds: float) -> Frame:
        """Return the frame that is shown at a time, decoded from the keyframe before it.

        Afterwards iteration continues from there, as with `keyframes`.

        Args:
            seconds: the time; before the first frame it stands for the first, after the last for the last.

        Returns:
            The frame; `index` is 0 and `duration` is 1, as both are unknown.

        Raises:
            VideoError: the container does not allow seeking, or no frame can be decoded there.
        """
        self._moves = self._entry = None  # they count packets from the start
        try:
            self._container.seek(round(seconds * av.time_base))
        except (av.error.FFmpegError, OSError) as error:
            raise VideoError(f"{self.info.path}: does not allow seeking ({error.strerror})", BROKEN) from error
        # Half a tick later, because the time may be that of a frame before it was rounded.
        limit = seconds / float(self.info.time_base) + 0.5
        shown = None
        for frame in self._decoded():
            if shown is not None and frame.pts is not None and frame.pts > limit:
                break
            self._converter.turn(frame)
            shown = frame
        if shown is None:
            raise VideoError(f"{self.info.path}: no frame can be decoded at {seconds:.3f} s", BROKEN)
        return self._converter.frame(shown, Moment(0, max(0, shown.pts or 0), self.info.time_base, 1))

    def close(self) -> None:
        """Free the decoder; frames stay valid."""
        self._shown.close()
        self._container.close()

    def _outside(self, moment: Moment) -> VideoError:
        """Return the error for an interval without a frame, after the last frame or the first behind it."""
        if self.interval.is_over(moment):
            place = f"the next one is shown at {clock(moment.pts * moment.time_base)}"
        else:
            place = f"it ends at {clock((moment.pts + moment.duration) * moment.time_base)}"
        return VideoError(
            f"{self.info.path}: no frame begins {self.interval}, {place}",
            "Choose another --start, or a longer --duration.",
        )

    def _timed(self, info: VideoInfo, frame_rate: float | Fraction | None) -> VideoInfo:
        """Return `info` with a clock that counts frames where the stream has no timestamps."""
        if info.start_pts is None and self._clock.first is not None:
            return replace(info, start_pts=round(self._clock.first / info.time_base))
        if info.start_pts is not None:
            return info
        rate = Fraction(frame_rate or info.frame_rate or 25).limit_denominator(1_000_000)
        if frame_rate is None:
            self._notice(f"no timestamps in the stream: {float(rate):g} frames a second assumed")
        return replace(info, frame_rate=rate, time_base=1 / rate)

    def _notice(self, text: str) -> None:
        """Note a sentence once."""
        if text not in self.events.notices:
            self.events.notices.append(text)

    def _placed(self) -> Generator[tuple[av.VideoFrame, Moment]]:
        """Yield frames with their times; each is held back until the next one shows how long it lasts."""
        time_base = self.info.time_base
        timeline = Timeline(time_base, from_zero=True, start=max(0, self.info.start_pts or 0))
        counted = self.info.start_pts is None
        held: tuple[av.VideoFrame, int] | None = None
        index, shown = 0 if self._entry is None else self._entry.frames, 0
        first = None
        for frame in self._progressive():
            if self._entry is not None and frame.pts is not None and frame.pts < self._entry.pts:
                continue  # it refers to frames before the keyframe
            stamp, length = frame.pts, timeline.plausible(frame.duration) or shown
            if counted:
                stamp, length = index, 1
            elif self._stamps is not None:
                stamp, length = self._stamps.of(frame), shown or length
            pts = timeline.place(stamp, length)
            self.events.timestamps_repaired = timeline.repaired + self._clock.jumps
            self.events.damaged_frames += frame.is_corrupt
            if held is not None:
                shown = pts - held[1]
                yield held[0], Moment(index - 1, held[1], time_base, shown)
            held = frame, pts
            first = pts if first is None else first
            index += 1
        if held is not None and first is not None:
            states_length = not counted and self._stamps is None
            length = max(1, (timeline.plausible(held[0].duration) if states_length else 0) or shown)
            self._check_length(float((held[1] + length - first) * time_base))
            yield held[0], Moment(index - 1, held[1], time_base, length)

    def _check_length(self, seconds: float) -> None:
        if self._clock.jumps:  # the duration is the difference of stamps of several clocks
            return
        missing = (self.info.duration_seconds or 0.0) - seconds
        if missing > TRUNCATION_TOLERANCE:
            self.events.truncated_seconds = missing
        elif self._stamps is not None and self.info.frame_count:
            # The header of AVI counts the ticks, also those without a frame; FFmpeg takes the duration from what is
            # there.
            missing = float((self.info.frame_count - self._stamps.ticks) * self.info.time_base)
            self.events.truncated_seconds = missing if missing > COUNT_TOLERANCE else 0.0

    def _progressive(self) -> Iterator[av.VideoFrame]:
        deinterlacer = Deinterlacer(self.info.time_base)
        for frame in self._decoded():
            yield from deinterlacer.take(frame)
        yield from deinterlacer.end()
        if deinterlacer.frames:
            self._notice(f"{deinterlacer.frames} frames are interlaced: deinterlaced, one frame of two fields")

    def _decoded(self) -> Iterator[av.VideoFrame]:
        for number, packet in enumerate(self._packets()):
            if self._entry is not None and number < self._entry.packets:
                continue
            try:
                frames = packet.decode()
            except av.error.FFmpegError as error:
                if self._gives_up(error):
                    return
                continue
            if frames:
                self._failures = 0
            yield from frames

    def _packets(self) -> Iterator["Packet[VideoStream]"]:
        """Yield packets of the video stream and, at the end, the empty packet that flushes the decoder."""
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
            # An empty packet in mid-stream would flush the decoder, which then accepts no more packets.
            if packet.size or packet.dts is None:
                if self._moves is not None:
                    self._moves.move(packet)
                if self._stamps is not None:
                    self._stamps.see(packet)
                yield packet

    def _gives_up(self, error: av.error.FFmpegError) -> bool:
        """Count a packet that cannot be decoded; return True if reading has to stop."""
        self.events.corrupt_packets += 1
        self._failures += 1
        if self._failures <= MAX_DECODE_FAILURES:
            return False
        self._notice(f"reading stopped early: {self._failures} packets in a row cannot be decoded ({error.strerror})")
        return True
