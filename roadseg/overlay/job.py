"""From a video and a segmenter to an overlay folder: the video with labels drawn on, a table and a summary.

decode -> prepare (scale to RGB, batch) -> segment -> draw (blend, count) -> encode, each in its own thread.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from roadseg.adaptation.batch_norm import PICTURES
from roadseg.cores import opencv_in_one_thread
from roadseg.errors import RoadsegError, VideoError
from roadseg.files import held
from roadseg.inference.label_frames import Labelled, Labeller
from roadseg.inference.segmenter import Segmenter
from roadseg.inference.smoothing import Memory
from roadseg.labels.space import IGNORE
from roadseg.overlay.draw import Overlay
from roadseg.overlay.heatmaps import Grid, sample_grid
from roadseg.overlay.masking import Mask, mask_of
from roadseg.overlay.parts import SEGMENT_FRAMES, OverlayParts, remove_parts
from roadseg.overlay.stats import count_pixels
from roadseg.overlay.summary import (
    OverlayJob,
    OverlayOptions,
    OverlaySummary,
    StageTiming,
    earlier_summary,
)
from roadseg.overlay.tasks import Task, check_names
from roadseg.video.frame import Frame
from roadseg.video.pipeline import Pipeline
from roadseg.video.reader import VideoReader
from roadseg.video.sample import sample_frames

OnProgress = Callable[[int, int | None], None]
"""Told how many frames are done and, where the container says it, how many there are."""

DEFAULTS = OverlayOptions()
VERSIONED = ("roadseg", "torch", "openvino", "av", "opencv-python", "numpy", "pyarrow")
"""Packages whose versions a summary tells, of those that are installed."""

BATCH_BYTES = 64 * 10**6
"""Frames of a batch may take so much memory, as they were decoded; about eight batches are in work at any time."""


class Decoded(NamedTuple):
    """A frame as it comes from the decoder."""

    frame: Frame
    damaged: bool
    """The decoder met errors on the way to this frame."""


class Drawn(NamedTuple):
    """A frame that is ready to be written."""

    frame: Frame
    """With the overlay."""
    damaged: bool
    """The decoder met errors on the way to this frame."""
    counts: NDArray[np.int64]
    """(256,) pixels of each label value."""
    grid: Grid
    """Where they are, coarsely."""
    memory: Memory | None
    """State of smoothing after the batch of this frame; None without smoothing."""


@dataclass(frozen=True)
class Failure:
    """A video without results, and why."""

    video: Path
    error: RoadsegError


def overlay_video(
    video: Path,
    segmenter: Segmenter,
    out: Path,
    options: OverlayOptions = DEFAULTS,
    *,
    on_progress: OnProgress = lambda done, total: None,
) -> OverlaySummary:
    """Draw what `segmenter` sees on a video: its overlay, a table of its frames and a summary, in the folder `out`.

    The overlay has the pictures, times and sound of the video. The three files appear whole or not at all, the summary
    last. Where a summary tells of the same job, nothing is done; where the same job was cut off, even by `kill -9`, it
    goes on after the last finished segment, and its results equal those of an uninterrupted one.

    Args:
        video: in any format that FFmpeg decodes.
        segmenter: its labels are scaled to the video by nearest neighbour.
        out: made if it is missing.
        options: how to draw.
        on_progress: called after every frame.

    Raises:
        VideoError: the video cannot be read.
        OutputError: the results cannot be written, another process writes them or holds `out` for itself, or
            results of that name are there from another video, network or options.
    """
    task = Task(video, out)
    (result,) = overlay_videos([task], segmenter, options, on_progress=lambda _, *done: on_progress(*done))
    if isinstance(result, Failure):
        raise result.error
    return result


def overlay_videos(
    tasks: Sequence[Task],
    segmenter: Segmenter,
    options: OverlayOptions = DEFAULTS,
    *,
    on_progress: Callable[[Path, int, int | None], None] = lambda video, done, total: None,
) -> Iterator[OverlaySummary | Failure]:
    """`overlay_video` for one video after the other; one that fails stops no other.

    Raises:
        InputError: results of two videos would have the same name, or replace one of the videos; nothing was done.
    """
    check_names(tasks)
    for task in tasks:
        try:
            yield _overlay(task, segmenter, options, partial(on_progress, task.video))
        except RoadsegError as error:
            yield Failure(task.video, error)


def _overlay(task: Task, segmenter: Segmenter, options: OverlayOptions, on_progress: OnProgress) -> OverlaySummary:
    video, files = task.video, task.files
    with opencv_in_one_thread(), VideoReader(video, frame_rate=options.frame_rate) as reader, held(files.overlay):
        job = OverlayJob.of(video, segmenter, options)
        earlier = None if options.overwrite else earlier_summary(files, job)
        if earlier is not None:
            remove_parts(files)
            return earlier.model_copy(update={"video": str(video)})
        started = time.perf_counter()
        if options.batch_norm is not None:
            pictures = sample_frames(video, segmenter.input_size, PICTURES)
            segmenter = segmenter.adapted_to(pictures, options.batch_norm)
        size = reader.info.width, reader.info.height
        mask, mask_notices = mask_of(video, options.mask, size, files.mask, files.mask_preview)
        decoded = _decode(reader)
        first = next(decoded, None)
        if first is None:
            raise VideoError(f"{video}: no picture in it can be decoded", "Check that it plays elsewhere.")
        like = first.frame
        versions = _versions()
        with OverlayParts(files, job, versions, segmenter.label_space, reader.info.shown_aspect_ratio) as parts:
            resumed = parts.frames
            # Decoding from the start again costs little and meets the same damage in the same state of the decoder.
            left = islice(chain([first], decoded), resumed, None)
            pipeline = _drawn(left, segmenter, options, _batch_size(options, segmenter, like), mask, parts.memory())
            with pipeline.then("encode", partial(_encode, parts, like)) as done:
                for frames in done:
                    on_progress(resumed + frames, reader.info.frame_count)
            totals, lost = parts.join(like, sound=video)
            wall = time.perf_counter() - started
            fresh = totals.frames - resumed
            events = reader.events.as_dict()
            notices = [*events.pop("notices"), *mask_notices, *lost]
            summary = OverlaySummary(
                video=str(video),
                job=job,
                width_px=like.width,
                height_px=like.height,
                frames=totals.frames,
                frames_declared=reader.info.frame_count,
                frames_resumed=resumed,
                duration_seconds=totals.seconds,
                creation_time=reader.info.creation_time,
                classes=totals.shares(),
                masked_share=mask.share if mask else 0.0,
                wall_seconds=wall,
                frames_per_second=fresh / wall,
                stages={name: StageTiming.of(timing, fresh) for name, timing in pipeline.timings.items()},
                decoder_events=events,
                notices=notices,
                versions=versions,
            )
            summary.write(files)
        return summary


def _versions() -> dict[str, str]:
    found = {}
    for package in VERSIONED:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def _batch_size(options: OverlayOptions, segmenter: Segmenter, frame: Frame) -> int:
    """How many frames are worked on at once: some such batches are in memory at any time."""
    fit = BATCH_BYTES // (frame.y.nbytes + frame.u.nbytes + frame.v.nbytes)
    return max(1, min(options.batch_size or segmenter.batch_size, fit))


def _drawn(
    decoded: Iterable[Decoded],
    segmenter: Segmenter,
    options: OverlayOptions,
    batch_size: int,
    mask: Mask | None,
    memory: Memory | None,
) -> Pipeline[Drawn]:
    """Return all stages but the last."""
    labeller = Labeller(
        [segmenter],
        lambda decoded, size: decoded.frame.to_rgb(size),
        _same,
        batch_size=batch_size,
        align=SEGMENT_FRAMES,  # so a frame is in the same batch whichever segment the work begins with
        tta=options.tta,
        smoothing=options.smoothing,
        memories=[memory] if memory else [],
    )
    overlay = Overlay(segmenter.label_space, opacity=options.opacity, legend=options.legend)
    return labeller.after(Pipeline("decode", decoded)).then("draw", partial(_draw, overlay, mask))


def _same(decoded: Decoded) -> Decoded:
    return decoded


def _decode(reader: VideoReader) -> Iterator[Decoded]:
    known = 0
    for frame in reader:
        errors = reader.events.corrupt_packets + reader.events.damaged_frames
        yield Decoded(frame, errors > known)
        known = errors


def _draw(overlay: Overlay, mask: Mask | None, batches: Iterator[Labelled[Decoded]]) -> Iterator[Drawn]:
    for items, (label_maps,), memories in batches:
        seen = mask.seen_at(label_maps[0].shape) if mask else None
        memory = memories[0] if memories else None
        for (frame, damaged), labels in zip(items, label_maps, strict=True):
            shown = labels if seen is None else np.where(seen, labels, np.uint8(IGNORE))
            counts, grid = count_pixels(shown, seen), sample_grid(shown, seen)
            yield Drawn(overlay.draw(frame, shown), damaged, counts, grid, memory)


def _encode(parts: OverlayParts, like: Frame, drawn: Iterator[Drawn]) -> Iterator[int]:
    """Write one segment after the other; gives the number of frames that are encoded, from 1 on."""
    encoded = 0
    for first in drawn:
        with parts.segment(like) as segment:
            for frame, damaged, counts, grid, memory in chain([first], islice(drawn, SEGMENT_FRAMES - 1)):
                segment.writer.write(frame)
                segment.table.add(frame, counts, grid, decode_error=damaged)
                segment.memory = memory
                encoded += 1
                yield encoded
