"""The job behind `roadseg run` of a recipe of videos: fetch, frames, adaptation, overlays before and after, a report.

Every stage leaves files and is skipped where they are there, so that an interrupted job continues.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from roadseg.datasets.catalogue import dataset_kind
from roadseg.datasets.dataset import ImageDataset
from roadseg.errors import FetchError, InputError, RoadsegError, VideoError
from roadseg.evaluation.comparison.grid import OverlayColumns
from roadseg.evaluation.evaluate import evaluate
from roadseg.fetch.job import fetch_videos
from roadseg.files import LOCK_NAME, locked, shortened_name, write_json, write_text
from roadseg.inference.engines import load_segmenter
from roadseg.inference.segmenter import Segmenter
from roadseg.inputs.documents import read_json
from roadseg.jobs.before_after import (
    AFTER,
    BEFORE,
    REPORT,
    RUN,
    BeforeAfter,
    Footage,
    comparison_path,
    overlay_files,
)
from roadseg.jobs.overlay import OverlayProgress, overlay_videos
from roadseg.jobs.recipe_run import is_done, refuse_another, run_recipe
from roadseg.overlay.failures import Failure
from roadseg.overlay.side_by_side import join_videos
from roadseg.overlay.summary import OverlaySummary
from roadseg.overlay.tasks import clashes, find_tasks
from roadseg.report.run_page import PAGE
from roadseg.runtime import is_main_process, main_process_first, process_group
from roadseg.training.callbacks import Callbacks
from roadseg.training.recipe import resolve_as
from roadseg.training.recipe_values import recipe_values
from roadseg.training.run_folder import RunFolder
from roadseg.training.video_recipe import FRAMES, VideoRecipe
from roadseg.video.extract import extract_frames

SHOWN_FRAMES = 5
"""Rows of the image in the report."""


@dataclass(frozen=True)
class StageCallbacks:
    """Callbacks of a job of several stages; by default they do nothing."""

    on_stage: Callable[[str], None] = field(default=lambda what: None)
    """Called with the command or description of a stage that begins."""
    on_progress: Callable[[str, int, int | None], None] = field(default=lambda task, done, total: None)
    """Called with (task, done, in all)."""
    on_warning: Callable[[str], None] = field(default=lambda warning: None)
    """Called with problems that do not stop the job."""
    training: Callbacks = field(default_factory=Callbacks)


@dataclass(frozen=True)
class VideoFolder:
    """The files of a recipe of videos; see docs/architecture.md for what each holds."""

    path: Path

    @property
    def recipe(self) -> Path:
        """Recipe that the folder was begun with, TOML."""
        return self.path / "recipe.toml"

    @property
    def videos(self) -> Path:
        """Folder of fetched videos."""
        return self.path / "videos"

    @property
    def footage(self) -> Path:
        """Videos that are adapted to, and those that could not be used, JSON; written once, before training."""
        return self.path / "videos.json"

    @property
    def frames(self) -> Path:
        """Frames to adapt to."""
        return self.path / FRAMES

    @property
    def run(self) -> RunFolder:
        """Run folder of the adaptation."""
        return RunFolder(self.path / RUN)

    def overlays(self, label: str) -> Path:
        """Return the folder of the overlays `before` or `after`."""
        return self.path / "overlay" / label

    @property
    def seconds(self) -> Path:
        """Wall time by stage, JSON, over all calls."""
        return self.path / "seconds.json"

    @property
    def facts(self) -> Path:
        """Facts of the report, JSON."""
        return self.path / REPORT

    @property
    def report(self) -> Path:
        """Page for a browser; written last."""
        return self.path / PAGE

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the duration of the block to that of the stage, however it ends, unless an error left no file behind."""
        began = time.monotonic()
        try:
            yield
        finally:
            if any(path.name != LOCK_NAME for path in self.path.glob("*")):
                seconds = self.read_seconds()
                seconds[stage] = round(seconds.get(stage, 0.0) + time.monotonic() - began, 2)
                write_json(self.seconds, seconds)

    def read_seconds(self) -> dict[str, float]:
        """Return the wall time of each stage so far, in seconds; none if the file is missing or damaged."""
        try:
            seconds = read_json(self.seconds)
            return {stage: float(value) for stage, value in seconds.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}

    def read_footage(self) -> tuple[Footage, ...]:
        """Return the videos that are adapted to, and those that could not be used.

        Raises:
            InputError: the file is not readable.
        """
        try:
            return tuple(Footage(**one) for one in read_json(self.footage))
        except (OSError, ValueError, TypeError):
            remedy = "Delete it and repeat the command; what is finished is kept."
            raise InputError(f"{self.footage}: not the list of videos that training began with", remedy) from None


def run_video_recipe(
    recipe: VideoRecipe,
    out: Path,
    *,
    data: Path = Path("data"),
    truth: ImageDataset | None = None,
    callbacks: StageCallbacks | None = None,
) -> BeforeAfter | None:
    """Run the stages of a recipe of videos that are not finished yet in the folder `out`.

    The videos are fixed when training begins: one that cannot be fetched or read gives a warning, stays in the report
    and is not tried again.

    Args:
        recipe: videos, and options of the adaptation.
        out: folder of everything that is made; a folder that was begun with this recipe continues.
        data: folder of rendered streets.
        truth: labelled frames of the videos, to score the weights on before and after; the report shows some of them.
        callbacks: called as stages begin, progress and fail.

    Returns:
        The result; None in processes other than the main one.

    Raises:
        RecipeError: the folder was begun with another recipe.
        InputError: the list of its videos is damaged.
        FetchError, VideoError: none of the videos can be used.
        WeightsError: the recipe does not start from weights that can draw on the videos before adaptation.
        RoadsegError: as `roadseg.jobs.adapt.adapt`.
        KeyboardInterrupt: after unfinished work was saved; the same call continues.
    """
    folder, callbacks = VideoFolder(out), callbacks or StageCallbacks()
    if not is_main_process():
        with process_group(), main_process_first():
            pass
        run_recipe(recipe.adaptation(folder.frames), folder.run.path, data=data, callbacks=callbacks.training)
        return None
    with locked(out):
        with process_group(), main_process_first():
            footage = _prepare(recipe, folder, callbacks)
        _train(recipe, folder, data, callbacks)
        weights = {BEFORE: Path(recipe.init), AFTER: folder.run.path}
        segmenters = {label: load_segmenter(run, device=recipe.device) for label, run in weights.items()}
        overlays = {}
        for label, segmenter in segmenters.items():
            callbacks.on_stage(f"roadseg overlay --run {weights[label]} -> {folder.overlays(label)}")
            overlays[label] = _draw(label, segmenter, footage, folder, callbacks)
        result = BeforeAfter(
            name=folder.path.name,
            what=f"{recipe.method}, {recipe.steps} steps from {recipe.init}",
            footage=footage,
            seconds={},
            overlays=overlays,
        )
        done = folder.report.is_file() and all(one.skipped for some in overlays.values() for one in some.values())
        _join(result, folder, callbacks)
        scores = {} if truth is None else _scores(weights, truth, folder, callbacks, again=not done)
        drawing = {
            f"overlay, {label}": sum(one.wall_seconds for one in some.values()) for label, some in overlays.items()
        }
        result = replace(result, seconds=folder.read_seconds() | drawing, scores=scores)
        if not done:
            callbacks.on_stage(f"report -> {folder.report}")
            headings = {BEFORE: f"before: {recipe.init}", AFTER: f"after: {recipe.method}, {recipe.steps} steps"}
            headed = {headings[label]: segmenter for label, segmenter in segmenters.items()}
            frames = truth or dataset_kind("frames").open(folder.frames)
            result.write(folder.path, OverlayColumns.of(headed, frames, SHOWN_FRAMES))
        return result


def fetched(address: str, videos: Path, callbacks: StageCallbacks) -> Path:
    """Download a video into the folder `videos` unless it is there.

    Raises:
        FetchError: it cannot be downloaded.
    """
    callbacks.on_stage(f"roadseg fetch {address}")
    (record,) = fetch_videos(
        [address],
        videos,
        on_progress=lambda _, bytes_: callbacks.on_progress("fetching", bytes_.downloaded_bytes, bytes_.total_bytes),
    ).records
    if record.file is None:
        raise FetchError(f"{record.url}: {record.cause}", record.remedy)
    return record.file


def _prepare(recipe: VideoRecipe, folder: VideoFolder, callbacks: StageCallbacks) -> tuple[Footage, ...]:
    """Fetch and read the videos, unless this was done."""
    if folder.recipe.is_file():
        begun = resolve_as(VideoRecipe, recipe_values(folder.recipe), origin=str(folder.recipe))
        refuse_another(begun, recipe, folder.path)
    if folder.footage.is_file():
        return folder.read_footage()
    load_segmenter(Path(recipe.init), device=recipe.device)  # fails before downloads begin
    with folder.timed("fetch"):
        footage = [_obtained(address, folder, callbacks) for address in recipe.videos]
    _require_some(footage, FetchError)
    # From here on the folder belongs to this recipe: a misspelt address can be corrected, but frames of other videos
    # could not be recognised.
    write_text(folder.recipe, recipe.as_toml())
    with folder.timed("frames"):
        footage = _with_frames(footage, recipe, folder, callbacks)
    _require_some(footage, VideoError)
    write_json(folder.footage, [asdict(one) for one in footage])
    return tuple(footage)


def _obtained(address: str, folder: VideoFolder, callbacks: StageCallbacks) -> Footage:
    try:
        file = fetched(address, folder.videos, callbacks) if "://" in address else _present(Path(address))
    except (FetchError, InputError) as error:
        return _failed(address, error, callbacks)
    return Footage(address, str(file))


def _present(video: Path) -> Path:
    with suppress(OSError):  # a name that is too long, or a folder above it that is closed to us
        if video.is_file():
            return video
    remedy = "Check the path; addresses begin with http:// or https://."
    raise InputError(f"{shortened_name(video)}: no such file", remedy)


def _with_frames(
    footage: Iterable[Footage], recipe: VideoRecipe, folder: VideoFolder, callbacks: StageCallbacks
) -> list[Footage]:
    files = {Path(one.file): one for one in footage if one.file}
    for refused in clashes(find_tasks(files, folder.overlays(BEFORE))).values():
        raise refused  # now, not after hours of training
    callbacks.on_stage(f"roadseg frames, one every {recipe.frames_every:g} s -> {folder.frames}")
    extraction = extract_frames(
        list(files),
        folder.frames,
        every=recipe.frames_every,
        on_progress=lambda video, done, total: callbacks.on_progress(f"frames of {video.name}", done, total),
    )
    results = {one.video: Footage(files[one.video].address, str(one.video), one.images) for one in extraction.videos}
    results |= {one.video: _failed(files[one.video].address, one.error, callbacks) for one in extraction.failures}
    return [results[Path(one.file)] if one.file else one for one in footage]


def _failed(address: str, error: RoadsegError, callbacks: StageCallbacks) -> Footage:
    callbacks.on_warning(f"left out: {error.cause}")
    return Footage(address, cause=error.cause, remedy=error.remedy)


def _require_some(footage: list[Footage], kind: type[FetchError] | type[VideoError]) -> None:
    if any(one.file for one in footage):
        return
    first = footage[0]
    if len(footage) == 1:
        raise kind(first.cause, first.remedy)
    raise kind(f"none of {len(footage)} videos can be used, the first: {first.cause}", first.remedy)


def _train(recipe: VideoRecipe, folder: VideoFolder, data: Path, callbacks: StageCallbacks) -> None:
    adaptation = recipe.adaptation(folder.frames)
    if is_done(folder.run, adaptation):
        return
    callbacks.on_stage(f"roadseg adapt --method {recipe.method} -> {folder.run.path}")
    with folder.timed("adapt"):
        run_recipe(
            adaptation, folder.run.path, data=data, callbacks=callbacks.training, on_problem=callbacks.on_warning
        )


def _draw(
    label: str, segmenter: Segmenter, footage: Iterable[Footage], folder: VideoFolder, callbacks: StageCallbacks
) -> dict[str, OverlaySummary]:
    """Draw overlays of all videos by one set of weights; return their summaries by file."""
    videos = [Path(one.file) for one in footage if one.file]

    def on_progress(progress: OverlayProgress) -> None:
        assert progress.video is not None
        callbacks.on_progress(f"{label}, {progress.video.name}", progress.frames, progress.frames_in_all)

    results = overlay_videos(
        *(videos, folder.overlays(label), segmenter),
        on_progress=on_progress,
        on_warning=callbacks.on_warning,
    )
    summaries = {}
    for result in results:
        if isinstance(result, Failure):
            callbacks.on_warning(result.error.cause)
        else:
            summaries[result.video] = result
    return summaries


def _join(result: BeforeAfter, folder: VideoFolder, callbacks: StageCallbacks) -> None:
    """Put both overlays of each video side by side, unless that is done."""
    missing = [
        Path(file)
        for file in result.drawn
        if not (folder.path / comparison_path(Path(file))).exists()
        or not all(result.overlays[label][file].skipped for label in (BEFORE, AFTER))
    ]
    if missing:
        callbacks.on_stage(f"before and after, side by side -> {folder.path / 'overlay'}")
    for video in missing:
        overlays = {label: folder.path / overlay_files(video, label).overlay for label in (BEFORE, AFTER)}
        join_videos(
            overlays,
            folder.path / comparison_path(video),
            on_progress=partial(callbacks.on_progress, f"side by side, {video.name}"),
        )


def _scores(
    weights: Mapping[str, Path], truth: ImageDataset, folder: VideoFolder, callbacks: StageCallbacks, *, again: bool
) -> Mapping[str, Mapping[str, Any]]:
    """Score weights on the truth; return the scores of the report where it is done."""
    if not again:
        with suppress(OSError, ValueError, TypeError, KeyError):
            known = read_json(folder.facts)["scores"]
            if known.keys() == weights.keys():
                return dict(known)
    callbacks.on_stage("roadseg evaluate, before and after, on the ground truth")
    progress = partial(callbacks.on_progress, "evaluating")
    with folder.timed("evaluate"):
        return {label: evaluate(run, truth, on_progress=progress).as_dict() for label, run in weights.items()}
