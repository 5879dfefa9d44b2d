"""Live sources: cameras and streams, read in a thread that keeps the newest frame alone."""

import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from fractions import Fraction
from http.client import HTTPException
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urljoin
from urllib.request import urlopen

import av
import cv2
import numpy as np
from av.codec.context import Flags

from roadseg.errors import RoadsegError, VideoError
from roadseg.video.container import default_threads, fraction, has_timestamps
from roadseg.video.conversion import FrameConverter, matrix_of
from roadseg.video.find import VIDEO_SUFFIXES
from roadseg.video.frame import Frame, Moment
from roadseg.video.interval import WHOLE, Interval
from roadseg.video.probe import describe
from roadseg.video.reader import VideoReader

REAL_TIME = ("rtsp://", "rtsps://", "rtmp://", "rtmps://", "rtp://", "udp://", "srt://")
"""Addresses of streams that send each frame when it is there; others, such as HLS, are shown by their times."""
PLAYLIST_BYTES = 1 << 20
OPEN_SECONDS, READ_SECONDS = 10.0, 10.0
"""Longest wait for a connection, and for data of it."""
ATTEMPTS = 5
"""Attempts to connect again after a stream broke off."""
LONGEST_PAUSE = 8.0
"""Seconds before such an attempt, at most; the first waits a second, each further one twice as long as the last."""
LATE, IN_TIME = 1.0, 0.2
"""Seconds behind the source above which only keyframes are decoded, and below which all frames are again."""
JUMP = 10.0
"""Seconds by which the times of a source may differ from the clock until that is taken for a jump."""
DRIFT = 0.001
"""Seconds in a second by which the clock of a source may be slow."""
TICK = Fraction(1, 1_000_000)
"""Seconds per tick of cameras."""


@dataclass(frozen=True)
class LiveSource:
    """A camera, a stream, or a video that is played as if it were live."""

    name: str
    """Name for people."""
    frames: Callable[[threading.Event], Generator[Frame]]
    """Opens the source; its frames come when they are due, until the event is set. Raises `VideoError`."""
    ends: bool = False
    """True for a video, whose end is not a fault."""


def live_source(given: str, interval: Interval = WHOLE) -> LiveSource:
    """Return the source that a number of a camera, an address of a stream or the path of a video names.

    Args:
        given: `0` for the first camera; an address such as `rtsp://...` or `https://.../stream.m3u8`; or a path.
        interval: part of a video that is played.
    """
    if is_camera(given):
        return LiveSource(f"camera {given}", lambda stop: camera_frames(int(given), stop))
    if "://" in given:
        return LiveSource(given, lambda stop: stream_frames(given, stop))
    return LiveSource(given, lambda stop: video_frames(Path(given), interval, stop), ends=True)


def is_camera(given: str) -> bool:
    """Return True for the number of a camera, unless a file or folder has that name."""
    return given.isascii() and given.isdigit() and len(given) < 4 and not Path(given).exists()


def is_real_time(given: str) -> bool:
    """Return True for what is always live: a camera, or an address of a real-time stream."""
    return is_camera(given) or given.lower().startswith(REAL_TIME)


def is_endless(given: str) -> bool:
    """Return True for an address without an end, by its server: Motion JPEG, or an HLS stream that goes on."""
    if not given.lower().startswith(("http://", "https://")) or Path(given).suffix.lower() in VIDEO_SUFFIXES:
        return False
    with suppress(OSError, ValueError, HTTPException):  # fetching it says what is wrong
        kind, text = _beginning(given)
        if kind.startswith("multipart/"):
            return True
        variants = [line for line in text.splitlines() if line and not line.startswith("#")]
        if "#EXT-X-STREAM-INF" in text and variants:  # a list of qualities
            _, text = _beginning(urljoin(given, variants[0]))
        return text.startswith("#EXTM3U") and "#EXT-X-ENDLIST" not in text
    return False


def _beginning(address: str) -> tuple[str, str]:
    """Return the type of what a server sends, and its text if it is a playlist."""
    with urlopen(address, timeout=OPEN_SECONDS) as answer:
        kind = answer.headers.get_content_type()
        text = answer.read(PLAYLIST_BYTES).decode(errors="replace") if "mpegurl" in kind or ".m3u8" in address else ""
    return kind, text


def camera_frames(index: int, stop: threading.Event) -> Generator[Frame]:
    """Yield the frames of a camera as they come.

    Raises:
        VideoError: there is no such camera, another program has it, or it was unplugged.
    """
    before = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    camera = cv2.VideoCapture(index)
    cv2.utils.logging.setLogLevel(before)
    try:
        if not camera.isOpened():
            raise VideoError(f"camera {index}: there is none, or another program has it", _camera_remedy())
        camera.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        started, count = time.monotonic(), 0
        while not stop.is_set():
            there, image = camera.read()
            if not there:
                raise VideoError(f"camera {index}: gives no more images", "Check its cable.")
            rgb = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
            pts = round((time.monotonic() - started) / TICK)
            yield Frame.from_rgb(rgb, index=count, pts=pts, time_base=TICK, duration=1)
            count += 1
    finally:
        camera.release()


def _camera_remedy() -> str:
    if sys.platform == "linux":
        found = sorted(path.name.removeprefix("video") for path in Path("/dev").glob("video[0-9]*"))
        if found:
            return f"Cameras here: {', '.join(found)}."
    return "Plug one in; the first is 0. Or give a video or the address of a stream."


def video_frames(path: Path, interval: Interval, stop: threading.Event) -> Generator[Frame]:
    """Yield frames of a video when they are due; frames that are late are left out.

    Raises:
        VideoError: it cannot be read.
    """
    clock = SourceClock(stop, is_paced=True)
    with VideoReader(path, interval=interval) as video:
        for frame in video.chosen(lambda moment: clock.wait(float(moment.pts * moment.time_base)) < IN_TIME):
            if stop.is_set():
                return
            begun = time.monotonic()
            yield frame
            clock.shift(time.monotonic() - begun)


def stream_frames(address: str, stop: threading.Event) -> Generator[Frame]:
    """Yield the frames of a stream: of a real-time one as they come, of others when they are due.

    Raises:
        VideoError: it cannot be opened, or breaks off.
    """
    name = Path(address)
    try:
        options = {"rtsp_transport": "tcp"} if address.lower().startswith("rtsp") else {}
        with av.open(address, timeout=(OPEN_SECONDS, READ_SECONDS), options=options) as container:
            if not container.streams.video:
                raise VideoError(f"{address}: a stream without video", "Give the address of a video stream.")
            stream = container.streams.video[0]
            # Threads that decode several frames at once would hold each back until the next ones are there.
            stream.thread_type, stream.thread_count = "SLICE", default_threads()
            context = stream.codec_context
            context.flags |= Flags.low_delay
            timed = has_timestamps(container)
            clock = SourceClock(stop, is_paced=timed and not address.lower().startswith(REAL_TIME))
            tick = fraction(stream.time_base) or TICK
            converter = None
            for index, frame in enumerate(_decoded(container, stream)):
                if stop.is_set():
                    return
                late = 0.0
                if timed and frame.pts is not None:
                    late = clock.wait(float(frame.pts * tick))
                if late > LATE:
                    context.skip_frame = "NONKEY"
                elif late < IN_TIME:
                    context.skip_frame = "DEFAULT"
                if converter is None:
                    info = describe(name, container, stream, frame)
                    matrix = matrix_of(info, _ignore)
                    full_range = info.colour_range == "full" and info.colour_matrix != "rgb"
                    converter = FrameConverter(info, matrix, full_range, _ignore)
                yield converter.frame(frame, Moment(index, max(0, frame.pts or 0), tick, 1))
    except (av.error.FFmpegError, OSError) as error:
        raise VideoError(
            f"{address}: {error.strerror or error}", "Check the address, the network, and that the camera is on."
        ) from None


def _decoded(container: av.container.InputContainer, stream: av.video.stream.VideoStream) -> Iterator[av.VideoFrame]:
    """Yield the frames of a stream without those that cannot be decoded."""
    for packet in container.demux(stream):
        with suppress(av.error.InvalidDataError):
            yield from packet.decode()


def _ignore(notice: str) -> None:
    """Leave out a notice: a live look shows at once what it says."""


class SourceClock:
    """Clock of a source beside that of this machine.

    Args:
        stop: ends waiting.
        is_paced: wait until frames are due, as for a file that can be read ahead; otherwise they come when they are
            due, and only their delay is measured.
    """

    def __init__(self, stop: threading.Event, *, is_paced: bool) -> None:
        self._stop = stop
        self._is_paced = is_paced
        self._start: float | None = None
        """Time of this machine at 0 of the source; without delay, if frames come when they are due."""
        self._last = 0.0

    def shift(self, seconds: float) -> None:
        """Shift the clock by the seconds for which the source stood still."""
        if self._start is not None:
            self._start += seconds

    def wait(self, seconds: float) -> float:
        """Wait until the frame at this time of the source is due; return by how many seconds it is late."""
        now = time.monotonic()
        start = now - seconds
        if self._start is None or abs(start - self._start) > JUMP:
            self._start = start
        elif not self._is_paced:
            self._start = min(start, self._start + DRIFT * (now - self._last))
        self._last = now
        late = start - self._start
        if late < 0:
            self._stop.wait(-late)
        return max(0.0, late)


@dataclass(frozen=True)
class LiveFrame:
    """A frame that is the newest one of its source."""

    frame: Frame
    arrived: float
    """Time at which it was decoded and due, by `time.monotonic`."""
    dropped: int
    """Number of frames since the one taken last that were dropped for newer ones."""


class Newest:
    """The newest frame of a source, which a thread reads; frames that nobody took in time are dropped.

        with Newest(live_source("0")) as newest:
            while (live := newest.take()) is not None:
                ...

    A stream that breaks off is connected to again.

    Args:
        source: is opened when the block begins.
        on_notice: called, in the thread, with sentences about connections.
    """

    def __init__(self, source: LiveSource, on_notice: Callable[[str], None] = lambda notice: None) -> None:
        self._source = source
        self._on_notice = on_notice
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self._frame: tuple[Frame, float] | None = None
        self._last: int | None = None
        self._takes = 0
        self._ended = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="roadseg-live", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        # A stream that says nothing any more lets go only when its time is over; the thread ends with the process then.
        self._thread.join(timeout=2)

    def take(self) -> LiveFrame | None:
        """Return the newest frame, after waiting for one that was not taken before; None at the end of a video.

        Raises:
            VideoError: the source cannot be opened, or does not come back.
        """
        with self._changed:
            self._takes += 1
            self._changed.notify_all()
            # In pieces, so that Ctrl-C is heard on Windows too.
            while self._frame is None and not self._ended:
                self._changed.wait(0.2)
            taken, self._frame = self._frame, None
            if taken is None:
                if self._error is not None:
                    raise self._error
                return None
            frame, arrived = taken
            # A stream that was connected to again counts from 0.
            before = frame.index - 1 if self._last is None else self._last if frame.index > self._last else -1
            self._last = frame.index
            return LiveFrame(frame, arrived, frame.index - before - 1)

    def _run(self) -> None:
        try:
            self._read()
        except BaseException as error:  # raised in the caller's thread
            self._error = error
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _read(self) -> None:
        attempts, begun = 0, False
        while not self._stop.is_set():
            try:
                with closing(self._source.frames(self._stop)) as frames:
                    for frame in frames:
                        attempts, begun = 0, True
                        self._put(frame)
                        if self._source.ends:
                            self._wait_for_the_first()
                cause = f"{self._source.name}: the stream ended"
            except RoadsegError as error:
                if not begun or self._source.ends:
                    raise
                cause = error.cause
            if self._source.ends or self._stop.is_set():
                return
            if attempts == ATTEMPTS:
                raise VideoError(
                    f"{cause}, and is not back after {ATTEMPTS} attempts", "Check the network and the camera."
                )
            pause = min(2.0**attempts, LONGEST_PAUSE)
            attempts += 1
            self._on_notice(f"{cause}: connecting again in {pause:g} s ({attempts} of {ATTEMPTS})")
            self._stop.wait(pause)

    def _wait_for_the_first(self) -> None:
        """Let a video wait until its first frame was used, for which engines start."""
        with self._changed:
            while self._takes < 2 and not self._stop.is_set():
                self._changed.wait(0.2)

    def _put(self, frame: Frame) -> None:
        with self._changed:
            self._frame = frame, time.monotonic()
            self._changed.notify_all()
