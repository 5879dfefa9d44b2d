"""Parts of an unfinished overlay on disk, which survive the end of the process, even by `kill -9`.

A video is drawn in segments of `SEGMENT_FRAMES`. A hidden folder beside the later results holds the overlay without
sound and the table of each segment, and a manifest with the job. At the end the segments are joined without being
encoded again.
"""

import itertools
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow.parquet as pq

from roadseg.errors import VideoError
from roadseg.files import output_errors, write_json, writing
from roadseg.inference.smoothing import Memory
from roadseg.inputs.documents import read_json
from roadseg.labels.space import LabelSpace
from roadseg.overlay.files import OverlayFiles
from roadseg.overlay.frame_table import FrameTable, join_frames, read_frames
from roadseg.overlay.masks import Masks, MasksPart, remove_masks
from roadseg.overlay.stats import ClassTotals
from roadseg.overlay.summary import OverlayJob
from roadseg.positions.track import Track
from roadseg.video.frame import Frame
from roadseg.video.joining import join_videos
from roadseg.video.writer import KEYFRAME_INTERVAL, VideoWriter

SEGMENT_FRAMES = KEYFRAME_INTERVAL
"""Frames of a segment: the distance of keyframes, so the joined video has no more keyframes than usual."""

PARTS_SUFFIX = ".parts"


@dataclass
class Segment:
    """Segment that is being written."""

    writer: VideoWriter
    table: FrameTable
    masks: MasksPart | None = None
    """Label maps that are kept; None if they are not."""
    memory: Memory | None = None
    """State of smoothing at the end of the segment; None if labels are not smoothed."""


class OverlayParts:
    """Parts of one overlay; parts of another job are deleted.

        with OverlayParts(files, job, versions, label_space, sample_aspect_ratio) as parts:
            with parts.segment(0, first) as segment:
                ...

    The parts are deleted when the block ends without an error or with a `VideoError`. After any other error, finished
    segments stay for the next call. The caller holds the name of the overlay, see `roadseg.files.held`.

    Args:
        files: paths of the later results.
        job: decides whether earlier parts can be used.
        versions: packages by name; parts that other versions made are not used.
        label_space: the classes.
        sample_aspect_ratio: width of a pixel over its height.
        track: positions of the video; None for none.

    Raises:
        OutputError: the folder cannot be written.
    """

    def __init__(
        self,
        files: OverlayFiles,
        job: OverlayJob,
        versions: Mapping[str, str],
        label_space: LabelSpace,
        sample_aspect_ratio: Fraction,
        track: Track | None = None,
    ) -> None:
        self._files = files
        self._label_space = label_space
        self._sample_aspect_ratio = sample_aspect_ratio
        self._track = track
        self._encoder = job.encoder
        self._masks = job.masks
        self._confidence = job.confidence
        self._folder = _parts_folder(files)
        manifest = {"job": job.model_dump(mode="json"), "versions": dict(versions), "segment_frames": SEGMENT_FRAMES}
        if _read(self._manifest) != manifest:
            remove_parts(files)
            write_json(self._manifest, manifest)

    @property
    def finished(self) -> int:
        """Number of finished segments, from the first on without a gap."""
        return next(number for number in itertools.count() if not self._table(number).exists())

    @property
    def frames(self) -> int:
        """Number of frames in the finished segments."""
        return sum(pq.read_metadata(self._table(number)).num_rows for number in range(self.finished))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None or issubclass(kind, VideoError) or not self.finished:
            remove_parts(self._files)

    def named(self, look: Callable[[], tuple[str, ...]]) -> tuple[str, ...]:
        """Return the classes of the legend: those of the finished segments, or what `look` returns, which is kept."""
        path = self._folder / "legend.json"
        if not path.exists():
            write_json(path, look())
        return tuple(read_json(path))

    def memory(self) -> Memory | None:
        """Return the state of smoothing at the end of the finished segments; None without smoothing."""
        path = self._memory(self.finished - 1)
        return Memory.read(path) if path.exists() else None

    @contextmanager
    def segment(self, number: int, like: Frame) -> Iterator["Segment"]:
        """Open a segment, which takes at least one frame; it counts once it is complete. Several may be open at once.

        Args:
            number: its place in the video, from 0.
            like: the first frame of the whole video; segments encoded alike can be joined.
        """
        video, table = self._video(number), self._table(number)
        writer = VideoWriter.like(
            video,
            like,
            sample_aspect_ratio=self._sample_aspect_ratio,
            frame_rate=1 / (like.duration * like.time_base),
            encoder=self._encoder,
        )
        # The table gets its name last: its presence marks the segment as finished.
        with writing(table) as part, self._rows(part, like) as rows, writer:
            segment = Segment(writer, rows, MasksPart() if self._masks else None)
            yield segment
            if segment.masks is not None:
                segment.masks.write(self._label_maps(number))
            if segment.memory is not None:
                with writing(self._memory(number)) as memory_part:
                    segment.memory.write(memory_part)

    def _rows(self, path: Path, like: Frame) -> FrameTable:
        return FrameTable(path, self._label_space, like.time_base, self._track, confidence=self._confidence)

    def join(
        self, like: Frame, sound: Path, *, start: int = 0, cut_sound: bool = False
    ) -> tuple[ClassTotals, list[str]]:
        """Join all segments into the overlay and its table; they replace earlier ones, whose summary is deleted.

        Args:
            like: as for `segment`.
            sound: file whose sound is copied into the overlay.
            start: time in ticks that becomes 0 in the overlay.
            cut_sound: end the sound where the frames end.

        Returns:
            Class totals of all frames, and notices about what could not be kept.

        Raises:
            OutputError: the disk is full, or the files cannot be written for another reason; earlier ones stay.
        """
        overlay = self._files.overlay
        video, table = self._folder / f"joined{overlay.suffix}", self._folder / "joined.parquet"
        notices = join_videos(
            [self._video(number) for number in range(self.finished)],
            video,
            time_base=like.time_base,
            audio_from=sound,
            start=start * like.time_base,
            cut_audio=cut_sound,
        )
        totals = self._join_tables(table)
        masks = self._join_masks(like.time_base, start)
        with output_errors(overlay):
            if self._files.summary.exists():
                self._files.gif.unlink(missing_ok=True)  # it shows what is replaced
            self._files.summary.unlink(missing_ok=True)  # first: it stands for complete files
            video.replace(overlay)
            for other in set(self._files.overlays.values()) - {overlay}:
                other.unlink(missing_ok=True)
            for path in self._files.masks.values():
                remove_masks(path)
            if masks is not None and self._masks is not None:
                masks.replace(self._files.masks[self._masks])
            table.replace(self._files.frames)
        return totals, notices

    def _join_tables(self, path: Path) -> ClassTotals:
        totals = ClassTotals(FrameTable.names(self._label_space))
        with writing(path) as part:
            join_frames([self._table(number) for number in range(self.finished)], part)
        for rows in read_frames(path, totals.names):
            totals.add(rows.pixels, rows.durations, rows.confidences)
        return totals

    def _join_masks(self, time_base: Fraction, start: int) -> Path | None:
        """Write the label maps of all segments in the format of the job; None if they are not kept."""
        if self._masks is None:
            return None
        path = self._folder / f"joined{self._files.masks[self._masks].name.removeprefix(self._files.name)}"
        parts = [self._label_maps(number) for number in range(self.finished)]
        Masks(parts, self._label_space, time_base, start).write(path, self._masks)
        return path

    @property
    def _manifest(self) -> Path:
        return self._folder / "manifest.json"

    def _video(self, number: int) -> Path:
        return self._folder / f"{number:06}.mp4"

    def _table(self, number: int) -> Path:
        return self._folder / f"{number:06}.parquet"

    def _label_maps(self, number: int) -> Path:
        return self._folder / f"{number:06}.masks.npz"

    def _memory(self, number: int) -> Path:
        return self._folder / f"{number:06}.npz"


def remove_parts(files: OverlayFiles) -> None:
    """Delete the parts of an overlay."""
    folder = _parts_folder(files)
    with output_errors(folder), suppress(FileNotFoundError):
        shutil.rmtree(folder)


def _parts_folder(files: OverlayFiles) -> Path:
    return files.folder / f".{files.name}{PARTS_SUFFIX}"


def _read(manifest: Path) -> object:
    try:
        return read_json(manifest)
    except (OSError, ValueError):
        return None
