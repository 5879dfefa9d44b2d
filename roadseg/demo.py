"""The job behind `roadseg demo`: the whole chain, on a rendered drive or on a video of yours.

Every stage leaves files and is skipped where they are there, so that a cut demo goes on where it was.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from roadseg.adapt import adapt, resume
from roadseg.assembly import Watcher
from roadseg.datasets.catalogue import open_dataset
from roadseg.errors import FetchError
from roadseg.evaluation.evaluate import Evaluation, evaluate, network_predictor
from roadseg.fetch import fetch
from roadseg.inference.overlay_summary import OverlaySummary
from roadseg.inference.overlay_video import overlay_video
from roadseg.inference.torch_engine import load_segmenter
from roadseg.manifest import Manifest
from roadseg.models.weights import load_model
from roadseg.recipe import AdaptRecipe, resolve
from roadseg.runtime import start
from roadseg.synth import CLIP, render_drive
from roadseg.training.run_folder import RunFolder
from roadseg.video.extract import extract_frames

DRIVE_SEED = 2
DRIVE_SECONDS = 24.0
DRIVE_RATE = Fraction(12)
DRIVE_SIZE = (480, 360)
INPUT_SIZE = (320, 240)
"""What the network sees: at twice the area, training would take twice as long."""
FRAME_EVERY = Fraction(1, 4)
"""Seconds between the frames taken for adaptation."""
SCORED_EVERY = 6
"""Frames of the drive from one that is scored to the next."""

BEFORE, AFTER = "source-only", "multi-level"
COMMON = {"size": INPUT_SIZE, "source_count": 800, "head_factor": 4.0, "checkpoint_every": 50}
RECIPES: dict[str, dict[str, Any]] = {
    BEFORE: {**COMMON, "method": BEFORE, "init": "imagenet", "steps": 400, "learning_rate": 5e-4},
    AFTER: {
        **COMMON,
        "method": AFTER,
        "steps": 200,
        "learning_rate": 2e-4,
        "fourier_beta": 0.03,
        "target_jitter": 0.2,
        "discriminator_width": 32,
        "map_stride": 2,
    },
}
"""Sized so that the whole demo takes under six minutes on two cores; see docs/experiments.md for what they reach."""


@dataclass(frozen=True)
class DemoWatcher:
    """Callbacks for whoever watches a demo."""

    on_stage: Callable[[str], None]
    """Told what begins."""
    on_progress: Callable[[str, int, int | None], None]
    """Told (task, done, in all)."""
    on_report: Callable[[Any, int], None]
    """Told (training report, steps in all)."""


@dataclass(frozen=True)
class DemoResult:
    """What a demo made."""

    out: Path
    video: Path
    frames: int
    """Unlabelled pictures adapted to."""
    scores: dict[str, Evaluation]
    """By method, on the drive's ground truth; empty for a video of yours, which has none."""
    overlays: dict[str, OverlaySummary]
    """By method."""


def demo(out: Path, video: str | None, *, seed: int, data: Path, watcher: DemoWatcher) -> DemoResult:
    """Run the chain into `out`: fetch, frames, source-only training, adaptation, scores, overlays.

    Args:
        out: folder of everything that is made.
        video: a path or an http(s) address; None for the rendered drive, which is served on 127.0.0.1.
        seed: of the training runs.
        data: where streets are rendered to.
        watcher: callbacks.

    Raises:
        RoadsegError: a stage cannot do its work.
        KeyboardInterrupt: after what is half done was saved; the same call goes on.
    """
    if video is None:
        path = _rendered_drive(out / "drive", out / "videos", watcher)
    else:
        path = _fetched(video, out / "videos", watcher) if "://" in video else Path(video)

    watcher.on_stage(f"roadseg frames {path}")
    extract_frames(
        [path],
        out / "frames",
        every=FRAME_EVERY,
        on_progress=lambda _, done, total: watcher.on_progress("extracting frames", done, total),
    )

    runs = {name: out / "runs" / name for name in RECIPES}
    for name, values in RECIPES.items():
        watcher.on_stage(f"roadseg adapt --method {name} --out {runs[name]}")
        places = {"target": str(out / "frames"), "init": str(runs[BEFORE])} if name != BEFORE else {}
        _train(resolve({**values, **places, "seed": seed}, origin="demo"), runs[name], data, watcher)

    scores = {}
    if video is None:
        watcher.on_stage("roadseg evaluate, before and after, on the drive's ground truth")
        scores = {name: _score(run, out / "drive", watcher) for name, run in runs.items()}

    watcher.on_stage(f"roadseg overlay {path}, before and after")
    overlays = {
        name: overlay_video(
            path,
            load_segmenter(run),
            out / "overlay" / name,
            on_progress=partial(watcher.on_progress, f"overlay, {name}"),
        )
        for name, run in runs.items()
    }
    return DemoResult(out, path, len(open_dataset("frames", out / "frames")), scores, overlays)


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve `folder` over HTTP on 127.0.0.1 while the block runs; gives the address."""

    with _QuietServer(("127.0.0.1", 0), partial(_QuietHandler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the watcher is told of progress elsewhere."""


class _QuietServer(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that looks at the head of a file and hangs up is no error."""


def _rendered_drive(drive: Path, videos: Path, watcher: DemoWatcher) -> Path:
    """Render the drive, serve it, and fetch it as if it came from the net."""
    watcher.on_stage("render a drive through streets that the segmenter never saw, with ground truth to score against")
    render_drive(
        drive,
        seed=DRIVE_SEED,
        seconds=DRIVE_SECONDS,
        size=DRIVE_SIZE,
        look="target",
        frame_rate=DRIVE_RATE,
        on_progress=partial(watcher.on_progress, "rendering the drive"),
    )
    # The address changes from call to call, so a repeated call knows the video by its folder.
    for entry in Manifest(videos).entries:
        if (videos / entry.file).exists():
            return videos / entry.file
    with serving(drive) as address:
        return _fetched(f"{address}/{CLIP}", videos, watcher)


def _fetched(url: str, videos: Path, watcher: DemoWatcher) -> Path:
    watcher.on_stage(f"roadseg fetch {url}")
    (record,) = fetch(
        [url],
        videos,
        on_progress=lambda _, bytes_: watcher.on_progress("fetching", bytes_.downloaded_bytes, bytes_.total_bytes),
    ).records
    if record.file is None:
        raise FetchError(f"{url}: {record.cause}", record.remedy)
    return record.file


def _train(recipe: AdaptRecipe, out: Path, data: Path, watcher: DemoWatcher) -> None:
    run = RunFolder(out)
    if run.model.exists():
        return
    callbacks = Watcher(
        on_render=partial(watcher.on_progress, "rendering streets"),
        on_report=lambda report: watcher.on_report(report, recipe.steps),
    )
    if run.recipe.exists():
        resume(out, data=data, watcher=callbacks)
    else:
        adapt(recipe, out, data=data, watcher=callbacks)


def _score(run: Path, drive: Path, watcher: DemoWatcher) -> Evaluation:
    network, card = load_model(run)
    runtime = start()
    streets = open_dataset("streets", drive).every(SCORED_EVERY)
    return evaluate(
        network_predictor(runtime.place(network), runtime),
        card.label_space,
        streets,
        input_size=card.input_size,
        on_progress=partial(watcher.on_progress, "evaluating"),
    )
