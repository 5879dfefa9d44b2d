"""One clock for all streams of a file: jumps of time are found once, and pictures and sound move by the same amount."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.format import Flags
from av.packet import Packet
from av.video.stream import VideoStream

from roadseg.video.container import demux, fraction, has_timestamps, open_input, video_stream
from roadseg.video.timeline import MAX_START

JUMP_BACK = 0.1
"""Seconds by which the decoding times of a stream may go back before it is a jump, as in FFmpeg."""
JUMP_AHEAD = 10.0
"""Seconds by which they may leave a gap before it is a jump, as in FFmpeg."""
NEAR = 5.0
"""Largest distance in seconds between the times at which the streams of one recording reach their first packets."""
LEADING_PACKETS = 3000
"""Packets of the beginning that are searched for the first time stamp."""
REORDERED_PACKETS = 16
"""Packets of the beginning among which the first frame is, the largest number that H.264 and HEVC reorder."""
MAX_READ_FAILURES = 8
"""Errors of the container after which the search for jumps ends."""


class _Run(NamedTuple):
    """Consecutive packets of one stream that belong to one recording."""

    first: int
    """Number of the first of these packets in its stream."""
    seconds: Fraction | None
    """Seconds to add to their stamps; None if these are damaged."""


@dataclass
class _Recording:
    """A part of a file over which its clock runs on: one of several recordings that were joined."""

    last: float
    """Latest decoding time in seconds so far, in the recording's own clock."""
    starts: dict[int, Fraction] = field(default_factory=dict)
    """First presentation time in seconds by stream."""
    ends: dict[int, Fraction] = field(default_factory=dict)
    """Latest end of a packet in seconds by stream."""
    shown: dict[int, Fraction] = field(default_factory=dict)
    """Presentation time in seconds of the packet seen last, by stream."""
    is_damage: bool = False
    """True if its streams went back to the recording before it: a few wrong stamps made it up."""
    left: int = 0
    """Number of the recording from which a stream came here first."""
    begun: float = 0.0
    """Decoding time in seconds of the first packet, in the recording's own clock."""
    back: float = 0.0
    """Seconds by which that packet went back; 0 or less if it went ahead."""

    def is_left_by(self, before: float, seconds: float) -> bool:
        """Return True if a stream that goes from `before` ahead to `seconds` undoes the step back that led here."""
        return self.back > 0 and seconds - before > self.back and before - self.begun < NEAR


@dataclass(frozen=True)
class Clock:
    """Offsets of the time stamps of a file's packets, for all of its streams.

    Formats for broadcasting (MPEG transport and program streams) count with few bits and may be joined end to end: each
    jump of time is found there, and all streams move by the same amount, so that the recording behind the jump begins
    where the longest stream of the one before it ends. In every format, a video that begins before 0 moves to 0 and its
    sound with it.
    """

    first: Fraction | None
    """Time in seconds of the first video packet, after the move; counted back from the next stamp where the first
    packets have none. None if none of them has a stamp."""
    start: Fraction
    """Seconds by which all stamps move, at least 0."""
    runs: dict[int, tuple[_Run, ...]]
    """Runs of each stream in which time jumps, by the index of the stream."""
    jumps: int
    """Number of places at which time jumps."""

    def reading(self) -> "ClockReading":
        """Begin a pass over the packets from the start of the file."""
        return ClockReading(self)


class ClockReading:
    """One pass over the packets of a file; every packet of a stream has to be moved in order."""

    def __init__(self, clock: Clock) -> None:
        self._start = clock.start
        self._waiting = {stream: deque(runs) for stream, runs in clock.runs.items()}
        self._counts: Counter[int] = Counter()
        self._current: dict[int, Fraction | None] = {}

    def move(self, packet: "Packet[Any]") -> None:
        """Move the stamps of a packet; packets without data, which flush a decoder, stay as they are."""
        if not packet.size:
            return
        stream = packet.stream_index
        waiting = self._waiting.get(stream)
        if waiting and waiting[0].first == self._counts[stream]:
            self._current[stream] = waiting.popleft().seconds
        self._counts[stream] += 1
        seconds = self._current.get(stream, self._start)
        if seconds is None:
            packet.pts = packet.dts = None
        elif seconds:
            ticks = round(seconds / packet.time_base)
            packet.pts = None if packet.pts is None else packet.pts + ticks
            packet.dts = None if packet.dts is None else packet.dts + ticks


def read_clock(path: Path, track: int | None = None) -> Clock:
    """Find the clock of a file; formats in which time may jump are read to their end once, without decoding.

    Args:
        path: the file.
        track: the video track that begins at 0 or later, as for `video_stream`.

    Raises:
        VideoError: the path is not a video.
    """
    version = None
    with suppress(OSError):  # opening the file reports what is wrong with it
        state = path.stat()
        version = (state.st_size, state.st_mtime_ns)
    return _read_clock(path, track, version)


@lru_cache(maxsize=16)
def _read_clock(path: Path, track: int | None, version: tuple[int, int] | None) -> Clock:
    with open_input(path) as container:
        video = video_stream(container, path, track) if container.streams.video else None
        search = _Search(-1 if video is None else video.index)
        jumps = Flags.ts_discont in Flags(container.format.flags)
        for count, packet in enumerate(_packets(container)):
            if not has_timestamps(container) or (not jumps and (search.has_begun or count == LEADING_PACKETS)):
                break
            search.see(packet, jumps=jumps)
    return search.clock()


def _packets(container: InputContainer) -> Iterator["Packet[Any]"]:
    """Yield the packets that carry data of all streams of pictures and sound."""
    tracks: list[VideoStream | AudioStream] = [*container.streams.video, *container.streams.audio]
    for _ in range(MAX_READ_FAILURES):
        try:
            yield from (packet for packet in demux(container, *tracks) if packet.size)
            return
        except av.error.FFmpegError:
            continue


class _Search:
    """Finds the recordings of a file from its packets, and how each has to be moved."""

    def __init__(self, video: int) -> None:
        self.first: Fraction | None = None
        """Time of the first video packet in the file's own clock."""
        self._video = video
        self._tick = Fraction(1)
        self._unstamped = Fraction()
        self._recordings: list[_Recording] = []
        self._place: dict[int, tuple[int, float]] = {}  # by stream: its recording, and its last decoding time
        self._entered: dict[int, list[tuple[int, int]]] = defaultdict(list)  # by stream: (packet, recording)
        self._counts: Counter[int] = Counter()

    @property
    def has_begun(self) -> bool:
        """True once `first` is known: frames may be shown in another order than that of their packets."""
        return self.first is not None and self._counts[self._video] >= REORDERED_PACKETS

    def see(self, packet: "Packet[Any]", *, jumps: bool) -> None:
        """Take the next packet of the file; `jumps` is True where its format may jump in time."""
        stream, time_base = packet.stream_index, fraction(packet.time_base)
        number = self._counts[stream]
        self._counts[stream] += 1
        stamp = packet.dts if packet.dts is not None else packet.pts
        if time_base is None:
            return
        length = (packet.duration or 0) * time_base
        if stamp is None:
            if stream == self._video and self.first is None:
                self._unstamped += length
            return
        shown = (packet.pts if packet.pts is not None else stamp) * time_base
        # What the edit list of an MP4 file cuts off is decoded but not shown.
        if stream == self._video and not self.has_begun and not packet.is_discard:
            self._tick = time_base
            self.first = shown - self._unstamped if self.first is None else min(self.first, shown)
        if not jumps:
            return
        seconds = float(stamp * time_base)
        which = self._recording(stream, seconds)
        if self._place.get(stream, (None,))[0] != which:
            self._entered[stream].append((number, which))
        self._place[stream] = which, seconds
        recording = self._recordings[which]
        recording.starts.setdefault(stream, shown)
        recording.last = max(recording.last, seconds)
        end = shown + (length or shown - recording.shown.get(stream, shown))
        recording.ends[stream] = max(recording.ends.get(stream, end), end)
        recording.shown[stream] = shown

    def clock(self) -> Clock:
        """Return the clock of what was seen."""
        moves: list[Fraction | None] = []
        ends: dict[int, Fraction] = {}
        for recording in self._recordings:
            if recording.is_damage:
                moves.append(None)
                continue
            overlaps = [ends[stream] - start for stream, start in recording.starts.items() if stream in ends]
            move = max(overlaps, default=Fraction())
            ends |= {stream: end + move for stream, end in recording.ends.items()}
            moves.append(move)
        start = Fraction()
        if self.first is not None and -MAX_START * self._tick < self.first < 0:
            start = -self.first
        runs = {
            stream: tuple(_Run(number, _sum(moves[which], start)) for number, which in entered)
            for stream, entered in self._entered.items()
        }
        first = None if self.first is None else self.first + start
        return Clock(first, start, runs, jumps=sum(move is not None for move in moves[1:]))

    def _recording(self, stream: int, seconds: float) -> int:
        """Return the number of the recording that a packet belongs to, perhaps a new one."""
        if not self._recordings:
            self._recordings.append(_Recording(seconds))
        if stream not in self._place:
            return len(self._recordings) - 1
        which, before = self._place[stream]
        others = {place for other, (place, _) in self._place.items() if other != stream}
        recording = self._recordings[which]
        if which not in others and others <= {recording.left} and recording.is_left_by(before, seconds):
            recording.is_damage = True
            return recording.left
        latest = max(before, recording.last)
        if before - JUMP_BACK <= seconds <= latest + JUMP_AHEAD:
            return which
        for other in sorted(others - {which}, reverse=True):
            if abs(seconds - self._recordings[other].last) < NEAR:
                self._recordings[which].is_damage |= other < which and which not in others
                return other
        self._recordings.append(_Recording(seconds, left=which, begun=seconds, back=before - seconds))
        return len(self._recordings) - 1


def _sum(one: Fraction | None, other: Fraction) -> Fraction | None:
    return None if one is None else one + other
