"""The job behind `roadseg overlay`: overlays of many videos, a record of failures, and report pages."""

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing, nullcontext
from fractions import Fraction
from functools import partial
from itertools import chain
from math import inf
from os import PathLike, fspath
from pathlib import Path
from typing import Literal, NamedTuple, Unpack

from roadseg.adaptation.batch_norm import BatchNormAdaptation
from roadseg.adaptation.defaults import PRIOR
from roadseg.errors import InputError, RoadsegError
from roadseg.inference.engines import EngineName, load_segmenter
from roadseg.inference.segmenter import Segmenter
from roadseg.inference.smoothing import WEIGHT
from roadseg.jobs.overlay_pages import Pages
from roadseg.models.names import DEFAULT
from roadseg.models.tta import TTA
from roadseg.overlay.appearance import Appearance, AppearanceOptions
from roadseg.overlay.chosen_file import chosen_file, refuse_several
from roadseg.overlay.encoding import refuse_unusable
from roadseg.overlay.failures import Failure, FailureRecord, failure_record
from roadseg.overlay.files import OverlayFiles
from roadseg.overlay.job import overlay_or_failure
from roadseg.overlay.masking import AUTO, read_mask
from roadseg.overlay.masks import MasksFormat
from roadseg.overlay.ray_jobs import overlay_on_ray
from roadseg.overlay.summary import OverlayOptions, OverlaySummary
from roadseg.overlay.tasks import Shard, Task, clashes, find_tasks
from roadseg.overlay.trimmed import without_ends
from roadseg.positions.options import PositionChoice, refuse_as_videos
from roadseg.positions.read import NONE
from roadseg.runtime import DeviceName
from roadseg.video.encoders import DEFAULT_ENCODER, EncoderName
from roadseg.video.find import Container, FoundVideo, Given
from roadseg.video.gif import SECONDS, Gif, write_gif
from roadseg.video.interval import Interval


class OverlayProgress(NamedTuple):
    """Progress of `overlay_videos`."""

    videos: int
    """Number of videos of this call."""
    video: Path | None
    """The video in work; None on a Ray cluster, which works on several."""
    number: int
    """Place of that video, from 1; 0 on a Ray cluster."""
    frames: int
    """Frames done of that video; on a Ray cluster, of all videos."""
    frames_in_all: int | None
    """Frames of that video; None where they are not known."""
    workers: int
    """Processes at work."""


def overlay_videos(
    videos: Given | Iterable[Given],
    out: str | PathLike[str],
    run: str | PathLike[str] | Segmenter = DEFAULT,
    *,
    input_size: tuple[int, int] | None = None,
    smooth: bool = False,
    mask: str | PathLike[str] | None = None,
    masks: MasksFormat | None = None,
    confidence: bool = False,
    flip: bool = False,
    scales: tuple[float, ...] = (1.0,),
    adapt_bn: bool = False,
    bn_prior: int = PRIOR,
    bn_scenes: str = "",
    bn_sections: bool = False,
    batch_size: int | None = None,
    track: int | Literal["all"] | None = None,
    container: Container = "mp4",
    encoder: EncoderName = DEFAULT_ENCODER,
    gps: str | PathLike[str] = "auto",
    gps_offset: float | None = None,
    trim_ends: float = 0.0,
    place_line: bool = False,
    frame_rate: float | Fraction | None = None,
    start: float | Fraction = 0,
    duration: float | Fraction | None = None,
    every: float | Fraction | None = None,
    device: DeviceName = "auto",
    engine: EngineName = "auto",
    shard: tuple[int, int] | None = None,
    ray: str | None = None,
    ray_cpus: int = 1,
    ray_gpu_share: float = 1.0,
    ray_verbose: bool = False,
    gif: bool = False,
    overwrite: bool = False,
    join: bool = False,
    on_progress: Callable[[OverlayProgress], None] = lambda progress: None,
    on_result: Callable[[OverlaySummary | Failure], None] = lambda result: None,
    on_gif: Callable[[Gif], None] = lambda gif: None,
    on_page: Callable[[Path], None] = lambda page: None,
    on_joined: Callable[[Path], None] = lambda joined: None,
    on_warning: Callable[[str], None] = lambda warning: None,
    **appearance: Unpack[AppearanceOptions],
) -> list[OverlaySummary | Failure]:
    """Segment videos: write a coloured overlay, per-frame statistics, a summary and a report page of each.

    Results are NAME.overlay.mp4, NAME.frames.parquet, NAME.summary.json and NAME.report.html, in the sub-folders of
    `out` in which the videos lie below a given folder; index.html leads to several pages. Results that are there are
    skipped, and a job that was cut off continues: repeat the call. One broken video does not stop the others;
    failures.jsonl lists what failed.

    Args:
        videos: one or several paths, folders, patterns such as "drives/**/*.mp4", and @lists, see `find_videos`; or the
            clips of drives, `find_drives(folder).videos()`, whose results go to `out/DRIVE` with one page for a drive.
        out: folder for the results, made if it is missing; or for one video the path of the overlay, which ends in .mp4
            or .mkv and decides the container. Its table, summary and page are beside it under the same name.
        run: a run folder, a `model.safetensors`, `default` or `indian` for packaged weights, or a segmenter.
        input_size: (width, height) in pixels that frames are scaled to for the network; by default as in
            `load_segmenter`.
        smooth: average class scores over time along the motion: labels flicker less.
        mask: "auto" to find the bonnet and stamps of each video and leave them out, or the path of a PNG file whose
            white area is left out.
        masks: keep the label map of each frame, lossless and with its time: "png" for a folder NAME.masks of indexed
            images, "npz" for arrays in NAME.masks.npz, "mp4" for a grey video NAME.masks.mp4. See docs/architecture.md.
        confidence: keep the mean probability of the labels of each class: in the table for every frame, in the summary
            and on the page; and with `masks` "npz" or "png" that of every pixel.
        flip: average class probabilities with those of the mirrored frame; takes twice as long.
        scales: average class probabilities over these factors on the input size, 0.5 to 2.
        adapt_bn: adapt batch-norm statistics to each video. About 30 s of CPU time up front, no cost afterwards.
        bn_prior: number of frames that the statistics of training count for; less adapts more.
        bn_scenes: scenes that the video looks like, for example "indian", for networks trained on rendered streets;
            "auto" for those that make its labels steadier, or no adaptation if none do.
        bn_sections: divide each video where its light changes, as at a tunnel or at dusk, and adapt to each scene by
            itself; not where that makes its labels less steady.
        batch_size: frames that the network sees at once; by default what suits the engine.
        track: number of the video track, from 1, of files with several; by default the one that FFmpeg finds best. With
            "all", each track of such a file gets results of its own, NAME.track1.overlay.mp4 and so on.
        container: "mp4", or "mkv" for overlays as Matroska, NAME.overlay.mkv, which keep more kinds of sound as they
            are (PCM, AC-3, MP2 and others); MP4 gets them encoded as AAC.
        encoder: "x264", which runs on every CPU, or "nvenc", the H.264 encoder of NVIDIA's graphics cards that have one
            (not A100 and H100). It is tried before a video begins: what it wrote must decode to the same frames.
        gps: "auto" to read where each video was from the video itself or a file of its name beside it, the path of a
            file, or "none": then nothing of it is read or written. See docs/position.md.
        gps_offset: seconds that are added to the times of the positions.
        trim_ends: leave the first and last so many metres of each drive, or of each video by itself, out of all
            results; a video without positions is refused.
        place_line: burn a line with time (UTC), speed and place into each frame where they are known.
        frame_rate: frames per second, for streams without timestamps such as raw H.264.
        start: draw on frames that begin at this time, in seconds of the video's clock, or later. The overlay begins
            with the first of them, its sound too; tables, pages and masks with times keep those of the video.
        duration: draw on so many seconds from `start` on; None for all that follows.
        every: draw on a frame every so many seconds, which is shown until the next; None for every frame.
        device: see `load_segmenter`.
        engine: see `load_segmenter`.
        shard: (number, count): work on every `count`-th video, from the `number`-th on; the first is 1.
        ray: address of a Ray cluster: "local" (this machine), "auto" (the running one) or HOST:PORT.
        ray_cpus: processors of each Ray worker.
        ray_gpu_share: part of a GPU that each Ray worker takes, above 0 up to 1.
        ray_verbose: let Ray and its workers print their messages.
        gif: write a GIF of each overlay too, NAME.overlay.gif: its first 10 seconds, or up to 30 of `duration`, in at
            most 480 pixels of width and 8 MB.
        overwrite: replace earlier results.
        join: write the overlays of each drive as one video too, DRIVE.joined.overlay.mp4, without encoding them again.
        on_progress: called after every frame, on a Ray cluster about twice a second.
        on_result: called when a video has ended.
        on_gif: called with each GIF that was written.
        on_page: called with each report page that was written, of a video or a drive, last with that of the whole
            folder.
        on_joined: called with the joined video of each drive.
        on_warning: called with the reason why a page or a joined video could not be written.
        **appearance: what people see, see `AppearanceOptions`.

    Returns:
        For each video its summary or its failure, in the order of the videos; on a Ray cluster as they end.

    Raises:
        InputError: an option is outside its range or excludes another, no video is found, a file of positions is given
            as one, or the encoder does not work.
        WeightsError: there is no readable model.
        OutputError: another process does the same, or `out` cannot be written.
    """
    if ray is not None and shard is not None:
        raise InputError("ray and shard exclude each other", "Ray gives every video to one of its workers.")
    if isinstance(run, Segmenter) and (ray is not None or input_size is not None):
        raise InputError("run: a segmenter, where input_size or ray needs the path of a run", "Give the path.")
    if not 0 <= trim_ends < inf:
        raise InputError(f"trim_ends: {trim_ends}, wanted metres from 0 on", "200 hides a home in most towns.")
    if trim_ends and fspath(gps) == NONE:
        raise InputError("trim_ends needs positions, of which nothing is to be read", "Leave one of the two out.")
    if not 0 < ray_gpu_share <= 1:
        raise InputError(f"ray_gpu_share: {ray_gpu_share}, wanted above 0 up to 1", "Give 0.25 for four workers a GPU.")
    file = chosen_file(Path(out), "a video")
    out, part = Path(out) if file is None else file.parent, Shard(*shard) if shard else None
    if file is not None:
        container = OverlayFiles.at(file).container
    options = OverlayOptions(
        appearance=Appearance.of(appearance),
        batch_size=batch_size,
        track=None if track == "all" else track,
        container=container,
        encoder=encoder,
        frame_rate=None if frame_rate is None else Fraction(frame_rate).limit_denominator(10**6),
        interval=Interval.lasting(start, duration),
        every=None if every is None else Fraction(every).limit_denominator(10**6),
        overwrite=overwrite,
        tta=TTA(flip, tuple(scales)),
        smoothing=WEIGHT if smooth else 0.0,
        batch_norm=BatchNormAdaptation.chosen(adapt_bn, bn_prior, bn_scenes),
        sections=bn_sections,
        masks=masks,
        confidence=confidence,
        position=PositionChoice.of(gps, gps_offset, line=place_line),
        mask=None if mask is None else AUTO if fspath(mask) == AUTO else read_mask(Path(mask)),
    )
    videos = [videos] if isinstance(videos, str | PathLike | FoundVideo) else list(videos)
    refuse_as_videos(videos)
    tasks = find_tasks(videos, out, every_track=track == "all")
    if join and not any(task.place for task in tasks):
        raise InputError(
            "join: there is no drive among the videos", "Give a drive file: roadseg drives FOLDER --out drives.json"
        )
    if file is not None:
        refuse_several(file, videos, len(tasks))
        tasks = [tasks[0]._replace(overlay=file)]
        beside = tasks[0].files()
        if gif and beside.gif.exists() and not beside.summary.exists() and not overwrite:
            raise InputError(f"{beside.gif}: there already", "Replace it with --overwrite, or choose another --out.")
    refused: dict[Task, RoadsegError] = {}
    if trim_ends:
        tasks, refused = without_ends(tasks, options.position, options.interval, trim_ends, on_warning)
    refused |= clashes(tasks, container)
    tasks = part.of(tasks) if part else tasks
    pages = Pages(*(tasks, container, out), join=join, on_page=on_page, on_joined=on_joined, on_warning=on_warning)
    failures = [Failure.of(task, refused[task]) for task in tasks if task in refused]
    tasks = [task for task in tasks if task not in refused]
    found: Generator[OverlaySummary | Failure]
    if ray is not None:
        assert not isinstance(run, Segmenter)  # refused above
        found = overlay_on_ray(
            *(tasks, partial(load_segmenter, run, device=device, engine=engine, input_size=input_size), out, options),
            address=ray,
            device=device,
            cpus=ray_cpus,
            gpu_share=ray_gpu_share,
            verbose=ray_verbose,
            on_progress=lambda workers, frames: on_progress(
                OverlayProgress(len(tasks), None, 0, frames, None, workers)
            ),
        )
    else:
        refuse_unusable(encoder)  # on a cluster the workers encode
        segmenter = run
        if not isinstance(segmenter, Segmenter):
            segmenter = load_segmenter(segmenter, device=device, engine=engine, input_size=input_size)
        options.appearance.check(segmenter.label_space)  # before a folder is made
        found = _one_by_one(tasks, segmenter, options, on_progress)
    results: list[OverlaySummary | Failure] = []
    with closing(found), nullcontext() if file else FailureRecord(failure_record(out, part)) as record:
        for result in chain(failures, found):
            results.append(result)
            if isinstance(result, Failure) and record is not None:
                record.add(result)
            on_result(result)
            pages.add(result)
            if gif and not isinstance(result, Failure):
                made = pages.task(result).files(container)
                if not (result.skipped and made.gif.exists()):
                    _write_gif(made, SECONDS if duration is None else float(duration), on_gif, on_warning)
    if file is None:
        pages.end()
    return results


def _one_by_one(
    tasks: Sequence[Task],
    segmenter: Segmenter,
    options: OverlayOptions,
    on_progress: Callable[[OverlayProgress], None],
) -> Generator[OverlaySummary | Failure]:
    for number, task in enumerate(tasks, start=1):

        def show(done: int, total: int | None, video: Path = task.video, number: int = number) -> None:
            on_progress(OverlayProgress(len(tasks), video, number, done, total, 1))

        yield overlay_or_failure(task, segmenter, options, on_progress=show)


def _write_gif(
    files: OverlayFiles, seconds: float, on_gif: Callable[[Gif], None], on_warning: Callable[[str], None]
) -> None:
    try:
        on_gif(write_gif(files.overlay, files.gif, seconds=seconds))
    except RoadsegError as error:
        on_warning(f"no GIF: {error.cause}")
