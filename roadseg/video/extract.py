"""Frames of videos as pictures on disk, for adaptation to the roads they show."""

import json
import re
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import cv2
import pyarrow as pa
import pyarrow.parquet as pq

from roadseg.errors import InputError, VideoError
from roadseg.files import PART_SUFFIX, fingerprint, locked, output_errors, write_json, writing
from roadseg.video.colour import to_rgb
from roadseg.video.frame import Frame
from roadseg.video.reader import VideoReader
from roadseg.video.selection import MIN_CHANGE, AtIntervals, AtSceneChanges, Novelty, Selection

PictureFormat = Literal["jpg", "png"]

INDEX_NAME = "frames.parquet"
RECORD_NAME = "frames.json"
"""In the folder of each video: how its pictures were chosen, and what they are. Its presence says it is complete."""

JPEG_QUALITY = 95

WRITERS = 2
"""Threads that make and write pictures while the decoder goes on."""

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
"""One row a picture: its video as it was given, its path below the folder of the index, its position among the frames
of the video, its exact time, and its size in pixels."""

OnProgress = Callable[[Path, int, int | None], None]
"""Called with the video, the frames looked at, and the frames there are in all, where its container says."""


@dataclass(frozen=True)
class _Choice:
    """The arguments of `extract_frames` that decide which pictures come out, and what they are like."""

    every: Fraction | None
    count: int | None
    scene_change: bool
    min_change: float
    picture_format: PictureFormat
    max_size: int | None
    frame_rate: Fraction | None

    def __post_init__(self) -> None:
        if (self.every is not None) + (self.count is not None) + self.scene_change != 1:
            raise InputError(
                "frames must be chosen in one way", "Give one of an interval, a number, or changes of scene."
            )
        for name, value in (("interval", self.every), ("number of frames", self.count), ("size", self.max_size)):
            if value is not None and value <= 0:
                raise InputError(f"{name} {value} is not above 0", "Give a number above 0.")

    def as_json(self) -> dict[str, Any]:
        return {key: str(value) if isinstance(value, Fraction) else value for key, value in asdict(self).items()}


@dataclass(frozen=True)
class Extracted:
    """The pictures of one video."""

    video: Path
    folder: Path
    pictures: int
    duplicates: int
    """Frames that were chosen and left out, because they looked like the one before."""
    reused: bool
    """Whether they were there already, chosen in the same way."""
    events: dict[str, Any]
    """`DecodeEvents` of reading it."""


@dataclass(frozen=True)
class Failure:
    """A video that could not be read."""

    video: Path
    error: VideoError


@dataclass(frozen=True)
class Extraction:
    """What came of extracting frames from several videos."""

    index: Path
    """The Parquet file that lists every picture in the folder, also those of earlier calls."""
    videos: tuple[Extracted, ...]
    failures: tuple[Failure, ...]

    @property
    def pictures(self) -> int:
        """How many pictures the videos gave."""
        return sum(video.pictures for video in self.videos)


def extract_frames(
    videos: Sequence[Path],
    out: Path,
    *,
    every: float | Fraction | None = None,
    count: int | None = None,
    scene_change: bool = False,
    min_change: float = MIN_CHANGE,
    picture_format: PictureFormat = "jpg",
    max_size: int | None = None,
    frame_rate: Fraction | None = None,
    on_progress: OnProgress | None = None,
) -> Extraction:
    """Write chosen frames of videos to `out/STEM-HASH/INDEX.jpg` and list all pictures of `out` in `frames.parquet`.

    Each video's folder appears whole or not at all, so an interrupted call can be repeated: what is done is kept.
    A video whose frames were chosen in another way before is done again. One that cannot be read does not stop the
    others.

    Args:
        videos: files; one given twice counts once.
        out: folder for the pictures, made if it is missing.
        every: choose a frame every so many seconds,
        count: or so many of each video, spread evenly,
        scene_change: or those that look unlike the last one chosen; exactly one of the three must be given.
        min_change: mean luma levels by which a frame must differ from the last one kept; 0 keeps all.
        picture_format: `jpg` (quality 95) or `png` (lossless).
        max_size: pixels of the longer side, to which larger frames are shrunk.
        frame_rate: Hz, for streams without timestamps.
        on_progress: called as work goes on.

    Raises:
        InputError: none or several of the three ways to choose are given, or a number is not above 0.
        VideoError: not one of the videos could be read.
        OutputError: the disk is full, or `out` cannot be written to or is in use.
    """
    step = None if every is None else Fraction(every).limit_denominator(1_000_000)
    choice = _Choice(step, count, scene_change, min_change, picture_format, max_size, frame_rate)
    extracted: list[Extracted] = []
    failures: list[Failure] = []
    with locked(out):
        for remains in out.glob(f"*{PART_SUFFIX}"):
            shutil.rmtree(remains, ignore_errors=True)
        try:
            for video in {video.absolute(): video for video in videos}.values():
                try:
                    extracted.append(_extract(video, out, choice, on_progress or (lambda *_: None)))
                except VideoError as error:
                    failures.append(Failure(video, error))
        finally:
            if extracted:
                _write_index(out)
    if not extracted:
        raise _nothing(failures)
    return Extraction(out / INDEX_NAME, tuple(extracted), tuple(failures))


def _nothing(failures: list[Failure]) -> VideoError:
    if not failures:
        return VideoError("no videos given", "Name at least one file.")
    if len(failures) == 1:
        return failures[0].error
    return VideoError(f"none of {len(failures)} videos can be read, the first: {failures[0].error.cause}")


def _extract(video: Path, out: Path, choice: _Choice, on_progress: OnProgress) -> Extracted:
    with VideoReader(video, frame_rate=choice.frame_rate) as reader:
        stem = re.sub(r"[^\w.-]+", "_", video.stem).strip("._")[:80] or "video"
        folder = out / f"{stem}-{fingerprint(video)[:8]}"
        done = _record(folder)
        if done and done["choice"] == choice.as_json():
            return Extracted(video, folder, len(done["pictures"]), done["duplicates"], True, done["events"])
        with _replacing(folder) as part, _Writers() as writers:
            pictures: list[dict[str, Any]] = []
            duplicates = 0
            for frame, is_new in _chosen(reader, choice, on_progress):
                duplicates += not is_new
                if is_new:
                    size = _size(frame, choice.max_size)
                    name = f"{frame.index:06d}.{choice.picture_format}"
                    writers.write(part / name, frame, size)
                    pictures.append(_row(video, f"{folder.name}/{name}", frame, size))
            if not pictures:
                raise VideoError(f"{video}: no frame where one was wanted", "Choose more frames.")
            writers.wait()
            record = {
                "video": str(video),
                "choice": choice.as_json(),
                "duplicates": duplicates,
                "events": reader.events.as_dict(),
                "pictures": pictures,
            }
            write_json(part / RECORD_NAME, record)
    return Extracted(video, folder, len(pictures), duplicates, False, reader.events.as_dict())


def _chosen(reader: VideoReader, choice: _Choice, on_progress: OnProgress) -> Iterator[tuple[Frame, bool]]:
    """Frames that the choice wants, each with whether it shows something new."""
    selection = _selection(reader, choice)
    novelty = Novelty(choice.min_change)
    for frame in reader:
        on_progress(reader.info.path, frame.index + 1, reader.info.frame_count)
        if selection.wants(frame):
            yield frame, novelty.is_new(frame)


def _selection(reader: VideoReader, choice: _Choice) -> Selection:
    if choice.every is not None:
        return AtIntervals(choice.every)
    if choice.count is not None:
        step = _length(reader, choice.frame_rate) / choice.count
        return AtIntervals(step, offset=step / 2)
    return AtSceneChanges()


def _length(reader: VideoReader, frame_rate: Fraction | None) -> Fraction:
    """Seconds that the pictures of a video last; read through where its container does not say."""
    if reader.info.duration_seconds:
        return Fraction(reader.info.duration_seconds)
    with VideoReader(reader.info.path, frame_rate=frame_rate) as video:
        return sum((frame.duration for frame in video), 0) * reader.info.time_base


def _size(frame: Frame, max_size: int | None) -> tuple[int, int]:
    """(width, height) of the picture."""
    longer = max(frame.width, frame.height)
    if max_size is None or longer <= max_size:
        return frame.width, frame.height
    return max(1, round(frame.width * max_size / longer)), max(1, round(frame.height * max_size / longer))


class _Writers:
    """Writes pictures in threads, while the next frames are decoded; leaving the context waits for them."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(WRITERS, "roadseg-write")
        self._begun: deque[Future[None]] = deque()

    def write(self, path: Path, frame: Frame, size: tuple[int, int]) -> None:
        """Begin to write a picture, once few others are begun and not done.

        Raises:
            OutputError: one of those before could not be written.
        """
        if len(self._begun) == 2 * WRITERS:
            self._begun.popleft().result()
        self._begun.append(self._pool.submit(_write_picture, path, frame, size))

    def wait(self) -> None:
        """Until all pictures are written.

        Raises:
            OutputError: one could not be.
        """
        while self._begun:
            self._begun.popleft().result()

    def __enter__(self) -> "_Writers":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._pool.shutdown(cancel_futures=True)


def _write_picture(path: Path, frame: Frame, size: tuple[int, int]) -> None:
    image = cv2.cvtColor(to_rgb(frame, size), cv2.COLOR_RGB2BGR)
    quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if path.suffix == ".jpg" else []
    # Not imwrite, which says no more than False of a full disk.
    _, data = cv2.imencode(path.suffix, image, quality)
    with output_errors(path):
        path.write_bytes(data.tobytes())


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
    """Give a new folder to fill, which takes the place of `folder` when the block ends well."""
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
    path = folder / RECORD_NAME
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _write_index(out: Path) -> None:
    """List the pictures of all folders that are complete; those that somebody has deleted are left out."""
    records = [_record(path.parent) for path in sorted(out.glob(f"*/{RECORD_NAME}"))]
    rows = [row for record in records if record for row in record["pictures"] if (out / row["frame"]).exists()]
    with writing(out / INDEX_NAME) as part:
        pq.write_table(pa.Table.from_pylist(rows, schema=INDEX), part, compression="zstd")
