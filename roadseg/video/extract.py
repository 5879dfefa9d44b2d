"""Extract frames of videos as images on disk, for adaptation to the roads they show."""

import os
import re
import shutil
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, cast

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from roadseg.errors import InputError, VideoError
from roadseg.files import PART_SUFFIX, fingerprint, locked, output_errors, write_json, writing
from roadseg.inputs.documents import parse_json
from roadseg.video.container import separate_tracks
from roadseg.video.find import Given, find_videos
from roadseg.video.frame import Frame, Moment
from roadseg.video.interval import WHOLE, Interval
from roadseg.video.reader import VideoReader
from roadseg.video.selection import MIN_CHANGE, AtIntervals, AtSceneChanges, Novelty

ImageFormat = Literal["jpg", "png"]

INDEX_NAME = "frames.parquet"
RECORD_NAME = "frames.json"
"""File in the folder of each video with the choice of frames and the list of images; present once all are written."""
_OUR_PART = re.compile(rf".*-[0-9a-f]{{8}}(-track\d+)?{re.escape(PART_SUFFIX)}")
"""Names of the folders of videos that an ended process left unfinished."""
RECORD_KEYS = frozenset({"video", "choice", "duplicates", "events", "images"})

JPEG_QUALITY = 95

WRITERS = 2
"""Threads that convert and write images while the next frames are decoded."""

INDEX = pa.schema(
    {
        "video": pa.string(),
        "frame": pa.string(),
        "index": pa.int64(),
        "pts": pa.int64(),
        "time_base_num": pa.int64(),
        "time_base_den": pa.int64(),
        "seconds": pa.float64(),
        "width": pa.int32(),
        "height": pa.int32(),
    }
)
"""Columns of the index, one row an image: its video, its own path below the folder of the index, its number among the
frames of the video, its exact time, and its size in pixels."""

OnProgress = Callable[[Path, int, int | None], None]
"""Called with the video, the number of frames read, and the total number where the container states it."""


@dataclass(frozen=True)
class _Choice:
    """The arguments of `extract_frames` that decide which images are written, and in which form."""

    every: Fraction | None
    count: int | None
    scene_change: bool
    min_change: float
    format: ImageFormat
    max_size: int | None
    frame_rate: Fraction | None
    track: int | None
    interval: Interval = WHOLE

    def __post_init__(self) -> None:
        if (self.every is not None) + (self.count is not None) + self.scene_change != 1:
            raise InputError("frames can be chosen in one way only", "Give one of every, count and scene_change.")
        for name, value in (("interval", self.every), ("number of frames", self.count), ("size", self.max_size)):
            if value is not None and value <= 0:
                raise InputError(f"{name} {value} is not above 0", "Give a number above 0.")

    def as_json(self) -> dict[str, Any]:
        facts = {key: str(value) if isinstance(value, Fraction) else value for key, value in asdict(self).items()}
        part = {} if self.interval.is_whole else {"interval": str(self.interval)}
        return {key: value for key, value in facts.items() if key != "interval"} | part


@dataclass(frozen=True)
class Extracted:
    """Images extracted from one video."""

    video: Path
    folder: Path
    images: int
    duplicates: int
    """Number of chosen frames that were left out because they looked like the one before."""
    reused: bool
    """True if they were already there, chosen in the same way."""
    events: dict[str, Any]
    """Decoding problems, as `DecodeEvents.as_dict` returns them."""

    @property
    def warnings(self) -> list[str]:
        """Problems of this call, each a sentence; a guessed colour matrix is normal and left out."""
        if self.reused:
            return []
        events = dict(self.events)
        notices = [notice for notice in events.pop("notices") if not notice.startswith("colour matrix")]
        counts = [f"{name.replace('_', ' ')}: {value:g}" for name, value in events.items() if value]
        return [*([", ".join(counts)] if counts else []), *notices]


@dataclass(frozen=True)
class Failure:
    """A video that could not be read."""

    video: Path
    error: VideoError


@dataclass(frozen=True)
class Extraction:
    """Outcome of extracting frames from several videos."""

    index: Path
    """Parquet file that lists every image in the folder, those of earlier calls included."""
    videos: tuple[Extracted, ...]
    failures: tuple[Failure, ...]

    @property
    def images(self) -> int:
        """Number of images extracted from the videos."""
        return sum(video.images for video in self.videos)


def extract_frames(
    videos: Given | Iterable[Given],
    out: str | os.PathLike[str] = "data/frames",
    *,
    every: float | Fraction | None = None,
    count: int | None = None,
    scene_change: bool = False,
    min_change: float = MIN_CHANGE,
    format: ImageFormat = "jpg",
    max_size: int | None = None,
    track: int | Literal["all"] | None = None,
    frame_rate: float | Fraction | None = None,
    start: float | Fraction = 0,
    duration: float | Fraction | None = None,
    on_progress: OnProgress | None = None,
) -> Extraction:
    """Write chosen frames of videos to `out/STEM-HASH/INDEX.jpg` and list all images of `out` in `frames.parquet`.

    The images of a video appear all at once, so an interrupted call can be repeated: finished videos are kept. A video
    whose frames were chosen in another way before is extracted again. A video that cannot be read does not stop the
    others.

    Args:
        videos: one or several videos, folders, patterns and @lists, as `roadseg.video.find.find_videos` takes them; or
            the clips of drives, `find_drives(folder).videos()`.
        out: folder for the images, created if it is missing.
        every: seconds between the frames that are taken; 1 if none of `every`, `count` and `scene_change` is given.
        count: number of frames that are taken of each video, evenly spread.
        scene_change: take each frame that looks unlike the last one taken.
        min_change: mean difference in luma levels (0 to 255) by which a frame must differ from the last one kept; 0
            keeps all.
        format: `jpg` (quality 95) or `png` (lossless).
        max_size: longer side in pixels to which larger frames are shrunk; None keeps the size.
        track: number of the video track, from 1; see `VideoReader`. With "all", each track of a file with several gets
            a folder of its own, `STEM-HASH-track1` and so on.
        frame_rate: frames per second of streams without timestamps, such as raw H.264.
        start: take frames that begin at this time, in seconds of the video's clock, or later.
        duration: length in seconds, from `start`, of the part that frames are taken from; None for all that follows.
        on_progress: called with the video, the number of frames read, and their total number or None.

    Returns:
        The path of the index, the images of each video, and the videos that could not be read.

    Raises:
        InputError: more than one of `every`, `count` and `scene_change` is given, a number is not above 0, or a folder,
            pattern or list has no video.
        VideoError: none of the videos can be read.
        OutputError: the disk is full, or `out` cannot be written to or is in use.
    """
    if every is None and count is None and not scene_change:
        every = 1
    step, rate = _fraction(every), _fraction(frame_rate)
    given = None if track == "all" else track
    interval = Interval.lasting(start, duration)
    choice = _Choice(step, count, scene_change, min_change, format, max_size, rate, given, interval)
    found = [
        (video.path, number)
        for video in find_videos(videos)
        for number in (separate_tracks(video.path) if track == "all" and video.place is None else [video.track])
    ]
    out = Path(out)
    extracted: list[Extracted] = []
    failures: list[Failure] = []
    with locked(out):
        for remains in out.glob(f"*{PART_SUFFIX}"):
            if _OUR_PART.fullmatch(remains.name):
                shutil.rmtree(remains, ignore_errors=True)
        try:
            for video, number in found:
                try:
                    extracted.append(_extract(video, number, out, choice, on_progress or (lambda *_: None)))
                except VideoError as error:
                    failures.append(Failure(video, error))
        finally:
            if extracted:
                _write_index(out)
    if not extracted:
        raise _nothing(failures)
    return Extraction(out / INDEX_NAME, tuple(extracted), tuple(failures))


def _fraction(number: float | Fraction | None) -> Fraction | None:
    return None if number is None else Fraction(number).limit_denominator(1_000_000)


def _nothing(failures: list[Failure]) -> VideoError:
    if not failures:
        return VideoError("no videos given", "Give at least one video.")
    if len(failures) == 1:
        return failures[0].error
    return VideoError(f"none of {len(failures)} videos can be read; the first: {failures[0].error.cause}")


def _extract(video: Path, track: int | None, out: Path, choice: _Choice, on_progress: OnProgress) -> Extracted:
    """Extract the frames of a video; `track` is the number of one of several that each get a folder."""
    choice = choice if track is None else replace(choice, track=track)
    with _open(video, choice) as reader:
        stem = re.sub(r"[^\w.-]+", "_", video.stem).strip("._")[:80] or "video"
        folder = out / (f"{stem}-{fingerprint(video)[:8]}" + ("" if track is None else f"-track{track}"))
        done = _record(folder)
        if done and done["choice"] == choice.as_json():
            return Extracted(video, folder, len(done["images"]), done["duplicates"], True, done["events"])
        with _replacing(folder) as part, _Writers() as writers:
            images: list[dict[str, Any]] = []
            duplicates = 0
            for frame, is_new in _chosen(reader, choice, on_progress):
                duplicates += not is_new
                if is_new:
                    size = _size(frame, choice.max_size)
                    name = f"{frame.index:06d}.{choice.format}"
                    writers.write(part / name, frame, size)
                    images.append(_row(video, f"{folder.name}/{name}", frame, size))
            if not images:
                raise VideoError(f"{video}: no frame at the chosen times", "Choose more frames.")
            writers.wait()
            record = {
                "video": str(video),
                "choice": choice.as_json(),
                "duplicates": duplicates,
                "events": reader.events.as_dict(),
                "images": images,
            }
            write_json(part / RECORD_NAME, record)
    return Extracted(video, folder, len(images), duplicates, False, reader.events.as_dict())


def _open(video: Path, choice: _Choice) -> VideoReader:
    return VideoReader(video, track=choice.track, frame_rate=choice.frame_rate, interval=choice.interval)


def _chosen(reader: VideoReader, choice: _Choice, on_progress: OnProgress) -> Iterator[tuple[Frame, bool]]:
    """Yield the chosen frames, each with True if it differs enough from the last one kept."""
    intervals = None if choice.scene_change else _intervals(reader, choice)
    scenes = AtSceneChanges()
    novelty = Novelty(choice.min_change)

    def due(moment: Moment) -> bool:
        on_progress(reader.info.path, moment.index + 1, reader.info.frame_count)
        return intervals is None or intervals.wants(moment)

    for frame in reader.chosen(due):
        if intervals is not None or scenes.wants(frame):
            yield frame, novelty.is_new(frame)


def _intervals(reader: VideoReader, choice: _Choice) -> AtIntervals:
    if choice.count is None:
        assert choice.every is not None
        return AtIntervals(choice.every)
    step = _length(reader, choice) / choice.count
    return AtIntervals(step, offset=step / 2)


def _length(reader: VideoReader, choice: _Choice) -> Fraction:
    """Return the length of the part in seconds; it is read through where the container does not state a duration."""
    if reader.info.duration_seconds:
        begin = float((reader.info.start_pts or 0) * reader.info.time_base)
        _, length = choice.interval.within(begin, reader.info.duration_seconds)
        if length:
            return Fraction(length)
    with _open(reader.info.path, choice) as video:
        return sum((frame.duration for frame in video), 0) * reader.info.time_base


def _size(frame: Frame, max_size: int | None) -> tuple[int, int]:
    """Return (width, height) of the image."""
    longer = max(frame.width, frame.height)
    if max_size is None or longer <= max_size:
        return frame.width, frame.height
    return max(1, round(frame.width * max_size / longer)), max(1, round(frame.height * max_size / longer))


class _Writers:
    """Writes images in threads while the next frames are decoded; leaving the context waits for them."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(WRITERS, "roadseg-write")
        self._begun: deque[Future[None]] = deque()

    def write(self, path: Path, frame: Frame, size: tuple[int, int]) -> None:
        """Begin to write an image; waits while too many others are unfinished.

        Raises:
            OutputError: an earlier image could not be written.
        """
        if len(self._begun) == 2 * WRITERS:
            self._begun.popleft().result()
        self._begun.append(self._pool.submit(_write_image, path, frame, size))

    def wait(self) -> None:
        """Wait until all images are written.

        Raises:
            OutputError: an image could not be written.
        """
        while self._begun:
            self._begun.popleft().result()

    def __enter__(self) -> "_Writers":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._pool.shutdown(cancel_futures=True)


def _write_image(path: Path, frame: Frame, size: tuple[int, int]) -> None:
    image = _bgr(frame, size)
    quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if path.suffix == ".jpg" else []
    # Not imwrite, which reports a full disk only by returning False.
    _, data = cv2.imencode(path.suffix, image, quality)
    with output_errors(path):
        path.write_bytes(data.tobytes())


_local = threading.local()


def _bgr(frame: Frame, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Convert a frame for OpenCV, (H, W, 3) uint8 BGR; the result is overwritten by the thread's next call."""
    if size != (frame.width, frame.height) or frame.height % 2:
        return cast(NDArray[np.uint8], cv2.cvtColor(frame.to_rgb(size), cv2.COLOR_RGB2BGR))
    red, green, blue = frame.to_rgb_planes()
    # New memory for each image would cost as much as the rest: the system clears its pages.
    kept = getattr(_local, "image", None)
    _local.image = cv2.merge((blue, green, red), dst=kept if kept is not None and kept.shape[1::-1] == size else None)
    return cast(NDArray[np.uint8], _local.image)


def _row(video: Path, name: str, frame: Frame, size: tuple[int, int]) -> dict[str, Any]:
    values = (
        str(video),
        name,
        frame.index,
        frame.pts,
        frame.time_base.numerator,
        frame.time_base.denominator,
        frame.seconds,
        *size,
    )
    return dict(zip(INDEX.names, values, strict=True))


@contextmanager
def _replacing(folder: Path) -> Iterator[Path]:
    """Provide a new folder, which replaces `folder` when the block ends without an error."""
    part = folder.with_name(folder.name + PART_SUFFIX)
    with output_errors(folder):
        part.mkdir()
        try:
            yield part
            shutil.rmtree(folder, ignore_errors=True)
            part.rename(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def _record(folder: Path) -> dict[str, Any] | None:
    """Read the record of a complete folder; None where there is none, or where it has another form."""
    try:
        record = parse_json((folder / RECORD_NAME).read_bytes())  # as long as there are images
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and record.keys() >= RECORD_KEYS else None


def _write_index(out: Path) -> None:
    """List the images of all complete folders, without images that were deleted since."""
    records = [_record(path.parent) for path in sorted(out.glob(f"*/{RECORD_NAME}"))]
    rows = [row for record in records if record for row in record["images"] if (out / row["frame"]).exists()]
    with writing(out / INDEX_NAME) as part:
        pq.write_table(pa.Table.from_pylist(rows, schema=INDEX), part, compression="zstd")
