"""Actions of the page: videos, previews, overlays, adaptations; each calls the public function for it."""

import threading
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

import cv2
import numpy as np

from roadseg.app.library import Library
from roadseg.app.requests import AdaptRequest, OverlayRequest, PreviewRequest
from roadseg.app.results import Results, finished
from roadseg.app.runs import Runs
from roadseg.app.work import Job, Work
from roadseg.errors import OutputError, RoadsegError
from roadseg.jobs.adapt import adapt, recipe_of
from roadseg.jobs.overlay import OverlayProgress, overlay_videos
from roadseg.jobs.preview import Preview, preview_overlay
from roadseg.jobs.step_time import steps_within
from roadseg.labels.palettes import PaletteName
from roadseg.models.names import DEFAULT
from roadseg.overlay.appearance import LegendPlace, Style
from roadseg.overlay.files import OverlayFiles
from roadseg.report.images import jpeg_bytes
from roadseg.report.training_page import training_charts
from roadseg.training.callbacks import Callbacks
from roadseg.training.meter import Report
from roadseg.training.recipe import AdaptRecipe
from roadseg.training.run_folder import RunFolder
from roadseg.video.extract import extract_frames

PREVIEW_WIDTH = 1600
"""Widest preview in pixels."""
KEPT_PREVIEWS = 4
REPLACE = "Replace the earlier result, or start roadseg app with another --out."
TRAINING = "training"
"""Stage of a job."""
VERDICTS = {
    "better": "Better than the start, judged without labels.",
    "worse": "Worse than the start, judged without labels.",
    "unclear": "No clear difference from the start, judged without labels.",
}


class Session:
    """State of the page: the list of videos, the weights, the job, and what was made.

    Args:
        folder: its videos are listed.
        out: for overlays, extracted frames and new runs.
        data: for rendered streets, see `roadseg.adapt`.
        runs: a further folder whose runs are offered.
        run: weights that the page begins with: run folder, weight file or name of packaged weights.
        recipe: recipe of adaptations, see `roadseg.adapt`.
    """

    def __init__(
        self,
        folder: Path,
        out: Path,
        *,
        data: Path = Path("data"),
        runs: Path = Path("runs"),
        run: Path = Path(DEFAULT),
        recipe: AdaptRecipe | str | Path | None = None,
    ) -> None:
        self.out, self.data, self.recipe = out, data, recipe
        self.library = Library(folder)
        self.runs = Runs([out / "runs", runs], run)
        self.work = Work()
        self.results = Results()
        self.is_warm = False
        """True once the first weights are loaded."""
        self._preparing: list[threading.Thread] = []
        self._previews: OrderedDict[tuple[int, str, float], Preview] = OrderedDict()
        self._previewing = threading.Lock()
        self._training: RunFolder | None = None

    def begin(self) -> None:
        """Look for videos and load the first weights, in threads."""
        self._preparing = [threading.Thread(target=task, daemon=True) for task in (self.library.search, self._load)]
        for thread in self._preparing:
            thread.start()

    def close(self) -> None:
        """Stop the job, which keeps what is finished, and wait for the ends of all threads."""
        self.work.close()
        for thread in self._preparing:
            thread.join()

    def _load(self) -> None:
        with suppress(RoadsegError):  # the first frame that is asked for meets it again
            self.runs.warm_up()
        self.is_warm = True

    def as_dict(self) -> dict[str, Any]:
        """Return everything that the page shows."""
        return {
            "library": self.library.as_dict(),
            "out": str(self.out.absolute()),
            "warm": self.is_warm,
            "runs": self.runs.as_list(),
            "first_run": self.runs.first,
            "choices": {
                "palette": list(get_args(PaletteName)),
                "style": list(get_args(Style)),
                "legend": list(get_args(LegendPlace)),
            },
            "job": None if self.work.job is None else self.work.job.as_dict(),
            "results": self.results.as_list(),
        }

    def video(self, number: int) -> dict[str, Any]:
        """Return the properties of a video.

        Raises:
            InputError: there is none of this number.
            VideoError: it cannot be read.
        """
        info = self.library.info(number)
        return {
            "seconds": info.duration_seconds,
            "width": info.width,
            "height": info.height,
            "rate": None if info.frame_rate is None else float(info.frame_rate),
            "bytes": info.path.stat().st_size,
        }

    def classes(self, run: str) -> list[str]:
        """Return the names of the classes of a run.

        Raises:
            RoadsegError: the run cannot be loaded.
        """
        return list(self.runs.segmenter(run).label_space.classes)

    def preview(self, asked: PreviewRequest) -> tuple[bytes, float]:
        """Return a labelled frame as JPEG, and its time in seconds; the same frame is labelled once.

        Raises:
            RoadsegError: the video cannot be read, or an option is wrong.
        """
        video, segmenter = self.library[asked.video], self.runs.segmenter(asked.run)
        key = (asked.video, asked.run, asked.seconds)
        with self._previewing:
            if key not in self._previews:
                self._previews[key] = preview_overlay(video.path, asked.seconds, segmenter)
                while len(self._previews) > KEPT_PREVIEWS:
                    self._previews.popitem(last=False)
            preview = self._previews[key]
            picture = preview.draw(**asked.look.options())
        height, width = picture.shape[:2]
        if width > PREVIEW_WIDTH:
            size = PREVIEW_WIDTH, max(1, round(height * PREVIEW_WIDTH / width))
            picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
        return jpeg_bytes(picture), preview.frame.seconds

    def overlay(self, asked: OverlayRequest) -> Job:
        """Start the overlay of a video.

        Raises:
            InputError: another job runs, or there is no such video or run.
        """
        video, run = self.library[asked.video], self.runs[asked.run]

        def work(job: Job) -> dict[str, Any]:
            job.go_on("loading the network", 0, None)
            segmenter = self.runs.segmenter(run.name)

            def on_progress(progress: OverlayProgress) -> None:
                job.go_on("labelling and drawing", progress.frames, progress.frames_in_all, "frames")

            job.go_on("looking at the video", 0, None)
            out = self.out / video.folder
            options: dict[str, Any] = {"smooth": asked.smooth, "overwrite": asked.overwrite, **asked.look.options()}
            try:
                summary = finished(
                    overlay_videos(
                        *(video.path, out, segmenter), **options, on_progress=on_progress, on_warning=job.note
                    )
                )
            except OutputError as error:
                if "--overwrite" not in error.remedy:
                    raise
                job.result["replaceable"] = True
                raise OutputError(error.cause, REPLACE) from None
            return {"result": self.results.add(OverlayFiles.of(video.path, out), summary, video.path.name)}

        return self.work.start("overlay", video.path.name, asked.model_dump(), work)

    def adapt(self, asked: AdaptRequest) -> Job:
        """Start an adaptation to the frames of videos.

        Raises:
            InputError: another job runs, or there is no such video.
        """
        videos = [self.library[number].path for number in asked.videos]
        path = self.runs.new(asked.name or videos[0].stem)

        def work(job: Job) -> dict[str, Any]:
            extraction = extract_frames(
                videos,
                self.out / "frames",
                on_progress=lambda video, done, total: job.go_on(f"frames of {video.name}", done, total, "frames"),
            )
            for failure in extraction.failures:
                job.note(f"left out: {failure.error.cause}")
            job.go_on("measuring the speed of this machine", 0, None)
            steps = steps_within(asked.minutes, recipe=self.recipe, data=self.data)
            targets = [str(each.folder) for each in extraction.videos]
            job.result["steps"] = steps
            return self._train(job, RunFolder(path), recipe=self.recipe, target=targets, steps=steps)

        return self.work.start("adapt", path.name, asked.model_dump(), work)

    def resume(self, name: str) -> Job:
        """Continue an adaptation that was stopped.

        Raises:
            InputError: another job runs, or there is no such run.
        """
        path = self.runs[name].path

        def work(job: Job) -> dict[str, Any]:
            job.result["steps"] = recipe_of(path).steps
            return self._train(job, RunFolder(path), resume=True)

        return self.work.start("adapt", name, {"run": name}, work)

    def charts(self) -> list[dict[str, Any]]:
        """Return the charts of the training that runs or ran last; none before its first report.

        Raises:
            InputError: its log cannot be read.
        """
        run = self._training
        return training_charts(run) if run is not None and run.log.is_file() else []

    def _train(self, job: Job, run: RunFolder, **options: Any) -> dict[str, Any]:
        """Train with `adapt`; afterwards the run is in the list, finished or not."""
        steps = job.result["steps"]
        self._training = run

        def on_start(message: str) -> None:
            if job.stage != TRAINING:
                job.show(message, 0, None)

        def on_step(step: int) -> None:
            job.show(TRAINING, step, steps, "steps")

        def on_report(report: Report) -> None:
            on_step(report.step)
            if report.step >= steps:
                job.show("saving, and comparing with the start", 0, None)

        # Within the training only `should_stop` may end the job: the step is finished and a checkpoint saved.
        callbacks = Callbacks(
            on_start=on_start,
            on_warning=job.note,
            on_render=lambda done, total: job.go_on("rendering streets, the first time only", done, total, "streets"),
            on_count=lambda done, total: job.go_on("counting classes", done, total, "images"),
            on_label=lambda done, total: job.go_on("labelling your frames", done, total, "images"),
            on_step=on_step,
            on_report=on_report,
            on_evaluate=lambda done, total: job.show("evaluating", done, total, "images"),
            should_stop=lambda: job.state == "stopping",
        )
        try:
            outcome = adapt(run.path, data=self.data, callbacks=callbacks, **options)
        finally:
            self.runs.find()
        verdict = outcome.verdict
        return {
            "run": run.path.name,
            "steps": outcome.steps,
            "minutes": outcome.seconds / 60,
            "verdict": "" if verdict is None else VERDICTS[verdict.outcome],
            "detail": "" if verdict is None else f"{verdict}. {verdict.evidence}",
            "outcome": "" if verdict is None else verdict.outcome,
            "kept_start": outcome.kept_start,
        }
