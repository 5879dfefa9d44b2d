"""The job of `roadseg compare`: runs side by side by their own scores, on a data set, or on a video."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, overload

from roadseg.datasets.catalogue import open_dataset
from roadseg.errors import InputError
from roadseg.evaluation.comparison.groups import Comparison, compare_runs, named_runs
from roadseg.evaluation.comparison.method_tables import comparison_tables
from roadseg.evaluation.comparison.runs import read_run
from roadseg.evaluation.comparison.scoreboard import Scoreboard, score_runs
from roadseg.evaluation.score_tables import ScoreTable, write_tables
from roadseg.inference.engines import EngineName, load_segmenter
from roadseg.inference.smoothing import WEIGHT
from roadseg.models.tta import TTA
from roadseg.overlay.side_by_side import SideBySide, check_number
from roadseg.overlay.side_by_side import compare_on_video as draw_side_by_side
from roadseg.report.comparison_files import write_comparison
from roadseg.runtime import DeviceName
from roadseg.video.interval import Interval

IMAGES = 4
"""Images of a data set to draw by default."""
Progress = Callable[[str, int, int | None], None]
"""Called with (task, done, in all); None where the total is not known."""


@dataclass(frozen=True)
class FinishedRuns:
    """Finished runs compared by the scores that they were saved with."""

    comparisons: list[Comparison]
    """One comparison for each data set and set of classes that runs were scored on."""
    left_out: list[InputError]
    """The reason for each run that cannot be compared."""

    def tables(self) -> list[ScoreTable]:
        """Return the tables of all comparisons."""
        return [table for comparison in self.comparisons for table in comparison_tables(comparison)]

    def as_dict(self) -> dict[str, Any]:
        """Return the comparisons for JSON."""
        return {"comparisons": [comparison.as_dict() for comparison in self.comparisons]}


@overload
def compare(runs: Sequence[str | Path], *, out: str | Path | None = None) -> FinishedRuns: ...


@overload
def compare(
    runs: Sequence[str | Path],
    *,
    dataset: str,
    out: str | Path,
    images: int = IMAGES,
    input_size: tuple[int, int] | None = None,
    flip: bool = False,
    smooth: bool = False,
    device: DeviceName = "auto",
    engine: EngineName = "exact",
    on_progress: Progress = ...,
) -> Scoreboard: ...


@overload
def compare(
    runs: Sequence[str | Path],
    *,
    video: str | Path,
    out: str | Path,
    input_size: tuple[int, int] | None = None,
    flip: bool = False,
    smooth: bool = False,
    start: float | Fraction = 0,
    duration: float | Fraction | None = None,
    device: DeviceName = "auto",
    engine: EngineName = "auto",
    on_progress: Progress = ...,
) -> SideBySide: ...


def compare(
    runs: Sequence[str | Path],
    *,
    dataset: str | None = None,
    video: str | Path | None = None,
    out: str | Path | None = None,
    **options: Any,
) -> FinishedRuns | Scoreboard | SideBySide:
    """Compare runs by the scores they were saved with, on a labelled data set, or on a video.

    Calls `compare_finished`, `compare_on_dataset` or `compare_on_video`, which list the options.

    Args:
        runs: run folders, `model.safetensors` files or names of packaged weights.
        dataset: score the runs on this labelled data set, KIND:ROOT or KIND:ROOT:SPLIT.
        video: draw the labels of the runs on this video.
        out: folder for the results on a data set or a video; without both a file for the tables, or None.
        options: options of the function that is called.

    Returns:
        The tables of finished runs, the scores on the data set, or the video that was written.

    Raises:
        InputError: both a data set and a video are given, or `out` is missing for one of them.
        RoadsegError: as the function that is called.
    """
    if dataset is not None and video is not None:
        raise InputError("a data set and a video are given", "Compare on one of them.")
    if dataset is None and video is None:
        return compare_finished(runs, out=out, **options)
    if out is None:
        raise InputError("no folder for the results is given", "Give one as out.")
    if dataset is not None:
        return compare_on_dataset(runs, dataset, out, **options)
    assert video is not None
    return compare_on_video(runs, video, out, **options)


def compare_finished(runs: Sequence[str | Path], *, out: str | Path | None = None) -> FinishedRuns:
    """Compare finished runs by the scores that they were saved with, beside published ones.

    Args:
        runs: run folders. A run that is not finished or not scored is left out, unless all are.
        out: file for the tables, .md, .csv or .json; None writes none.

    Returns:
        The comparisons, and why runs were left out.

    Raises:
        InputError: no run can be compared.
        OutputError: `out` cannot be written.
    """
    readable, left_out = [], []
    for run in runs:
        try:
            readable.append(read_run(Path(run)))
        except InputError as error:
            left_out.append(error)
    if not readable:
        raise left_out[0] if left_out else InputError("no runs to compare", "Give at least one run folder.")
    finished = FinishedRuns(compare_runs(readable), left_out)
    if out is not None:
        write_tables(Path(out), finished.tables(), finished.as_dict())
    return finished


def compare_on_dataset(
    runs: Sequence[str | Path],
    dataset: str,
    out: str | Path,
    *,
    images: int = IMAGES,
    input_size: tuple[int, int] | None = None,
    flip: bool = False,
    smooth: bool = False,
    device: DeviceName = "auto",
    engine: EngineName = "exact",
    on_progress: Progress = lambda task, done, total: None,
) -> Scoreboard:
    """Score runs on a labelled data set and write a page, a PNG grid and tables.

    Args:
        runs: run folders, `model.safetensors` files or names of packaged weights.
        dataset: KIND:ROOT or KIND:ROOT:SPLIT; `val` where no split is written and the kind has it.
        out: folder for compare.html, comparison.png, comparison.md and comparison.json; made if it is missing.
        images: number of images to draw, at least 1, evenly spread over the data set.
        input_size: (width, height) in pixels that images are resized to; see `load_segmenter`.
        flip: average class probabilities with those of the mirrored image.
        smooth: average class scores over time along the motion; for a data set that is a video.
        device: device to run on.
        engine: `exact` scores as papers do; the others score what overlays draw. See `evaluate`.
        on_progress: called with (name of a run, images done, images in all).

    Returns:
        The scores of all runs.

    Raises:
        WeightsError: a run has no readable model.
        DatasetError: the data set cannot be read, or shares no class with the runs.
        InputError: an option does not go with the data set or this machine.
        OutputError: the folder cannot be written to.
    """
    named = named_runs([Path(run) for run in runs])
    board = score_runs(
        named,
        open_dataset(dataset),
        images,
        device=device,
        engine=engine,
        input_size=input_size,
        tta=TTA(flip),
        smoothing=WEIGHT if smooth else 0.0,
        on_progress=on_progress,
    )
    options = {"Data set": dataset}
    options |= {"Test-time augmentation": "each image and its mirror image"} if flip else {}
    options |= {"Smoothing": f"weight of the past {WEIGHT}"} if smooth else {}
    write_comparison(board, Path(out), options)
    return board


def compare_on_video(
    runs: Sequence[str | Path],
    video: str | Path,
    out: str | Path,
    *,
    input_size: tuple[int, int] | None = None,
    flip: bool = False,
    smooth: bool = False,
    start: float | Fraction = 0,
    duration: float | Fraction | None = None,
    device: DeviceName = "auto",
    engine: EngineName = "auto",
    on_progress: Progress = lambda task, done, total: None,
) -> SideBySide:
    """Write a video with the labels of each run in a pane of its own.

    Args:
        runs: 2 to 4 run folders, `model.safetensors` files or names of packaged weights.
        video: a video file.
        out: folder for NAME.comparison.mp4; made if it is missing.
        input_size: (width, height) in pixels that frames are resized to; see `load_segmenter`.
        flip: average class probabilities with those of the mirrored frame.
        smooth: average class scores over time along the motion.
        start: draw on frames that begin at this time, in seconds of the video's clock, or later.
        duration: draw on so many seconds from `start` on; None for all that follows.
        device: device to run on.
        engine: program that runs the networks, see `load_segmenter`.
        on_progress: called with (name of the video, frames done, frames in all or None).

    Returns:
        The video that was written.

    Raises:
        WeightsError: a run has no readable model.
        VideoError: the video cannot be read, or has no frame in that part.
        InputError: fewer than 2 runs or more than 4, or an option does not go with this machine.
        OutputError: the file cannot be written.
    """
    video = Path(video)
    named = named_runs([Path(run) for run in runs])
    check_number(len(named))
    interval = Interval.lasting(start, duration)  # refuses what is out of range before weights are read
    segmenters = {
        name: load_segmenter(path, device=device, engine=engine, input_size=input_size) for name, path in named.items()
    }
    return draw_side_by_side(
        video,
        segmenters,
        Path(out),
        tta=TTA(flip),
        smoothing=WEIGHT if smooth else 0.0,
        interval=interval,
        on_progress=lambda done, total: on_progress(video.name, done, total),
    )
