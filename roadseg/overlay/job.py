"""Overlay of one video: drawn labels, a table of its frames and a summary.

decode -> prepare -> segment [-> smooth] -> draw (blend, count) -> encode, each stage in its own thread. On a GPU:
decode -> device (scale, segment, blend) -> encode, or decode -> score -> smooth -> draw -> encode.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from fractions import Fraction
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from itertools import chain, islice
from math import ceil
from pathlib import Path

import numpy as np

from roadseg import __version__
from roadseg.adaptation.batch_norm import IMAGES
from roadseg.cores import opencv_in_one_thread, usable_cores
from roadseg.errors import InputError, RoadsegError, UnexpectedError, VideoError
from roadseg.fetch.manifest import title_of
from roadseg.files import held
from roadseg.inference.confidence import confidence_at
from roadseg.inference.label_frames import Labelled, Labeller
from roadseg.inference.sections import AdaptedSections, adapt_to_sections
from roadseg.inference.segmenter import Segmenter
from roadseg.inference.smoothing import Memory
from roadseg.labels.space import IGNORE, LabelSpace
from roadseg.overlay.appearance import Appearance
from roadseg.overlay.device import device_overlay, draws_on_device
from roadseg.overlay.draw import Overlay
from roadseg.overlay.encoding import encode_segments, encoders_at_once
from roadseg.overlay.failures import Failure
from roadseg.overlay.files import OverlayFiles
from roadseg.overlay.heatmaps import sample_grid
from roadseg.overlay.look import classes_shown
from roadseg.overlay.masking import Mask, mask_of
from roadseg.overlay.parts import SEGMENT_FRAMES, OverlayParts, remove_parts
from roadseg.overlay.place_line import PlaceLine
from roadseg.overlay.stages import Decoded, Drawn, drawn_on_device
from roadseg.overlay.stats import count_pixels
from roadseg.overlay.summary import (
    OverlayJob,
    OverlayOptions,
    OverlaySummary,
    SectionSummary,
    StageTiming,
    earlier_summary,
)
from roadseg.overlay.tasks import Task
from roadseg.positions.summary import PositionSummary
from roadseg.video.container import undecodable
from roadseg.video.find import ClipPlace
from roadseg.video.frame import Frame
from roadseg.video.pipeline import Pipeline
from roadseg.video.reader import VideoReader
from roadseg.video.sample import sample_frames
from roadseg.video.selection import frames_every
from roadseg.video.writer import MAX_SIDE, MIN_SIDE

OnProgress = Callable[[int, int | None], None]
"""Called with the number of frames done and, where the container states it, the number of frames."""

DEFAULTS = OverlayOptions()
VERSIONED = ("torch", "openvino", "av", "opencv-python", "numpy", "pyarrow")
"""Packages whose versions are written into summaries beside that of roadseg, if they are installed."""

BATCH_BYTES = 64 * 10**6
"""Memory of the decoded frames of a batch, at most; about eight batches are in work at any time."""
DEVICE_BATCH_BYTES = 4 * BATCH_BYTES
"""The same for a GPU, where four batches are in work and small ones leave it idle."""
DEVICE_DECODER_THREADS = 16
"""Threads of the decoder, at most, where a GPU takes frames faster than the usual four give them."""


def overlay_or_failure(
    task: Task,
    segmenter: Segmenter,
    options: OverlayOptions = DEFAULTS,
    *,
    on_progress: OnProgress = lambda done, total: None,
) -> OverlaySummary | Failure:
    """Call `overlay_video`; return its error as a `Failure`, so that one broken video does not stop the others."""
    options = options if task.track is None else replace(options, track=task.track)
    options = options if task.interval is None else replace(options, interval=task.interval)
    files = task.files(options.container)
    try:
        return overlay_video(
            *(task.video, segmenter, task.out, options), files=files, place=task.place, on_progress=on_progress
        )
    except RoadsegError as error:
        return Failure.of(task, error)
    except Exception as error:
        return Failure.of(task, UnexpectedError.of(error, task.video))


def overlay_video(
    video: Path,
    segmenter: Segmenter,
    out: Path,
    options: OverlayOptions = DEFAULTS,
    *,
    files: OverlayFiles | None = None,
    place: ClipPlace | None = None,
    on_progress: OnProgress = lambda done, total: None,
) -> OverlaySummary:
    """Draw labels on one video: write its overlay, a table of its frames and a summary into the folder `out`.

    The overlay has the frames, times and sound of the video. The three files appear whole or not at all, the summary
    last. If a summary of the same job is there, nothing is done. If the same job was cut off, even by `kill -9`, it
    continues after the last finished segment, and its labels, tables, times and frames are those of an uninterrupted
    job; the encoder now and then encodes equal frames differently.

    Args:
        video: in any format that FFmpeg decodes.
        segmenter: its labels are scaled to the video by nearest neighbour.
        out: made if it is missing.
        options: how to draw.
        files: paths of the results in `out`; by default named after the video.
        place: place of the video in a drive, for the summary; it changes nothing else.
        on_progress: called after every frame.

    Raises:
        VideoError: the video cannot be read.
        InputError: the encoder does not work here.
        OutputError: the results cannot be written, another process writes them or holds `out` for itself, or results
            of that name are there from another video, network or options.
    """
    if options.confidence and not segmenter.has_scores:
        raise InputError(f"{segmenter.name}: gives labels without probabilities", "Leave --confidence out.")
    files = files or OverlayFiles.of(video, out, container=options.container)
    reader = open_video(video, segmenter, options)
    # The name in MP4 is held whatever the container: parts have one name for all.
    with opencv_in_one_thread(), reader, held(files.overlays["mp4"]):
        segmenter = segmenter.fitted(reader.info.aspect_ratio)
        job = OverlayJob.of(video, segmenter, options)
        earlier = None if options.overwrite else earlier_summary(files, job)
        if earlier is not None:
            remove_parts(files)
            if earlier.drive != place:
                earlier = earlier.model_copy(update={"drive": place})
                earlier.write(files)
            return earlier.model_copy(update={"video": str(video)})
        started = time.perf_counter()
        track = options.position.track(video, reader.info)  # first: a wrong file of positions should cost no time
        sections = None
        if options.batch_norm is not None and options.sections:
            sections = adapt_to_sections(
                video, segmenter, options.batch_norm, track=options.track, frame_rate=options.frame_rate
            )
        elif options.batch_norm is not None:
            images = sample_frames(video, segmenter.input_size, IMAGES, options.track)
            segmenter = segmenter.adapted_to(images, options.batch_norm)
        size = reader.info.width, reader.info.height
        _check_size(video, min(size[0], MAX_SIDE), min(size[1], MAX_SIDE))  # larger ones may be scaled
        decoded = _decode(reader, options.every)
        first = next(decoded, None)
        if first is None:
            raise undecodable(video)
        like = first.frame
        begins = 0 if options.interval.is_whole else like.pts
        found_at = files.mask, files.mask_preview
        mask, mask_notices = mask_of(
            video, options.mask, size, *found_at, track=options.track, interval=options.interval
        )
        versions = _versions()
        aspect_ratio = reader.info.shown_aspect_ratio
        space = segmenter.label_space
        with OverlayParts(files, job, versions, space, aspect_ratio, track) as parts, _while_there(video):
            look = partial(
                classes_shown,
                *(video, segmenter, mask),
                track=options.track,
                frame_rate=options.frame_rate,
                interval=options.interval,
            )
            overlay = _overlay(segmenter.label_space, options.appearance, like, partial(parts.named, look))
            shown = overlay.like(like)
            _check_size(video, shown.width, shown.height)
            at_once = encoders_at_once(segmenter, shown, options.encoder)
            resumed = parts.frames
            # Decoding from the start again costs little and meets the same damage in the same state of the decoder.
            left = islice(chain([first], decoded), resumed, None)
            pipeline = _drawn(left, segmenter, sections, options, overlay, like, mask, parts.memory())
            encode = partial(encode_segments, parts, shown, at_once)
            if track is not None and options.position.line:
                line = PlaceLine(track, overlay.layout(like))
                pipeline = pipeline.then("place line", line.put_on)
            with pipeline.then("encode", encode) as done:
                total = _expected(reader, options.every)
                for frames in done:
                    on_progress(resumed + frames, total)
            if not video.exists():
                raise VideoError(f"{video}: no longer there")
            cut = options.interval.end is not None
            totals, lost = parts.join(shown, sound=video, start=begins, cut_sound=cut)
            wall = time.perf_counter() - started
            fresh = totals.frames - resumed
            events = reader.events.as_dict()
            if options.appearance.blur and mask is not None and files.mask_preview.exists():
                mask_notices = [*mask_notices, f"{files.mask_preview.name} shows a frame without blur"]
            cut_off = [] if options.appearance.height else _cut_off(like)
            found = [str(sections)] if sections else []
            placed = [f"positions: {notice}" for notice in (track.notices if track is not None else ())]
            notices = [*segmenter.notices, *found, *events.pop("notices"), *mask_notices, *cut_off, *lost, *placed]
            summary = OverlaySummary(
                video=str(video),
                chosen_overlay=files.overlay.name if files.is_chosen else "",
                fetched_title=title_of(video),
                drive=place,
                job=job,
                width_px=like.width,
                height_px=like.height,
                frames=totals.frames,
                frames_declared=reader.info.frame_count,
                frames_resumed=resumed,
                duration_seconds=totals.seconds,
                begins_seconds=float(begins * like.time_base),
                creation_time=reader.info.creation_time,
                classes=totals.shares(),
                colours=list(overlay.label_space.colours),
                contains=dict(segmenter.label_space.contains),
                legend=overlay.layout(like).named,
                masked_share=mask.share if mask else 0.0,
                position=PositionSummary.of(track),
                sections=SectionSummary.all_of(sections) if sections else [],
                sections_seconds=sections.seconds if sections else {},
                wall_seconds=wall,
                frames_per_second=fresh / wall,
                stages={name: StageTiming.of(timing, fresh) for name, timing in pipeline.timings.items()},
                decoder_events=events,
                notices=notices,
                versions=versions,
            )
            summary.write(files)
        return summary


def open_video(video: Path, segmenter: Segmenter, options: OverlayOptions) -> VideoReader:
    """Open the video of an overlay.

    Raises:
        VideoError: the video cannot be read.
    """
    threads = min(DEVICE_DECODER_THREADS, usable_cores()) if draws_on_device(segmenter) else None
    return VideoReader(
        video, track=options.track, frame_rate=options.frame_rate, threads=threads, interval=options.interval
    )


def _expected(reader: VideoReader, every: Fraction | None) -> int | None:
    """Return the number of frames to draw, estimated for a part of a video; None where the container states none."""
    if every is None:
        return reader.frames_expected
    seconds = reader.info.duration_seconds
    return ceil(reader.length_of(seconds) / every) if seconds else None


def _overlay(
    label_space: LabelSpace, appearance: Appearance, like: Frame, look: Callable[[], tuple[str, ...]]
) -> Overlay:
    """Return the drawing of frames like `like`; only a legend needs a look at the video."""
    overlay = Overlay(label_space, appearance)
    return Overlay(label_space, appearance, look()) if overlay.layout(like).named else overlay


def _check_size(video: Path, width: int, height: int) -> None:
    """Make sure that frames of this size can be encoded."""
    if not all(MIN_SIDE <= side <= MAX_SIDE for side in (width, height)):
        raise VideoError(
            f"{video}: frames of {width}x{height} pixels cannot be encoded as H.264",
            f"Scale it, for example with --height: sides of {MIN_SIDE} to {MAX_SIDE} pixels are possible.",
        )


def _cut_off(frame: Frame) -> list[str]:
    """Return a notice about the row or column that frames of odd sizes lose."""
    lost = [name for name, side in (("column", frame.width), ("row", frame.height)) if side % 2]
    return [f"the last {' and '.join(lost)} of odd {frame.width}x{frame.height} pixels is cut off"] if lost else []


@contextmanager
def _while_there(video: Path) -> Iterator[None]:
    """Report a video that has vanished, as after a card is pulled out, by an error that keeps its finished parts."""
    try:
        yield
    except VideoError as error:
        if video.exists():
            raise
        raise InputError(
            f"{video}: no longer there", "Put it back, or its card in, and repeat the call: what is finished is kept."
        ) from error


@cache
def _versions() -> dict[str, str]:
    found = {"roadseg": __version__}
    for package in VERSIONED:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def batch_size_for(options: OverlayOptions, segmenter: Segmenter, frame: Frame) -> int:
    """Return the number of frames in a batch, limited by memory: several batches are in work at any time."""
    limit = DEVICE_BATCH_BYTES if draws_on_device(segmenter) else BATCH_BYTES
    fit = limit // (frame.y.nbytes + frame.u.nbytes + frame.v.nbytes)
    return max(1, min(options.batch_size or segmenter.batch_size, fit))


def _drawn(
    decoded: Iterable[Decoded],
    segmenter: Segmenter,
    sections: AdaptedSections | None,
    options: OverlayOptions,
    overlay: Overlay,
    like: Frame,
    mask: Mask | None,
    memory: Memory | None,
) -> Pipeline[Drawn]:
    """Return all stages but the last."""
    batch_size = batch_size_for(options, segmenter, like)
    if draws_on_device(segmenter) and sections is None:  # several networks take turns on the CPU's path
        on_device, seen = device_overlay(segmenter, overlay, like, mask, options.tta)
        return drawn_on_device(
            *(decoded, on_device, seen, batch_size, segmenter.concurrency, options.smoothing, memory),
            options.confidence,
        )
    labeller = Labeller(
        [segmenter],
        lambda decoded, size: decoded.frame.to_rgb(size),
        _same,
        adapted=(lambda decoded: [sections.at(decoded.frame.seconds)]) if sections else None,
        batch_size=batch_size,
        align=SEGMENT_FRAMES,  # so a frame is in the same batch whichever segment the work begins with
        tta=options.tta,
        smoothing=options.smoothing,
        memories=[memory] if memory else [],
        confidence=options.confidence,
    )
    return labeller.after(Pipeline("decode", decoded)).then("draw", partial(_draw, overlay, mask))


def _same(decoded: Decoded) -> Decoded:
    return decoded


def _decode(reader: VideoReader, every: Fraction | None) -> Iterator[Decoded]:
    known = 0
    for frame in reader if every is None else frames_every(reader, every):
        errors = reader.events.corrupt_packets + reader.events.damaged_frames
        yield Decoded(frame, errors > known)
        known = errors


def _draw(overlay: Overlay, mask: Mask | None, batches: Iterator[Labelled[Decoded]]) -> Iterator[Drawn]:
    for items, (label_maps,), memories, confidences in batches:
        seen = mask.seen_at(label_maps[0].shape) if mask else None
        memory = memories[0] if memories else None
        for place, ((frame, damaged), labels) in enumerate(zip(items, label_maps, strict=True)):
            shown = labels if seen is None else np.where(seen, labels, np.uint8(IGNORE))
            counts, grid = count_pixels(shown, seen), sample_grid(shown, seen)
            confidence = confidence_at(shown, confidences[0][place]) if confidences else None
            yield Drawn(overlay.draw(frame, shown), damaged, shown, counts, grid, memory, confidence)
