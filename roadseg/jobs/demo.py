"""The job behind `roadseg demo`: the whole chain, on a rendered drive or on a video of yours.

It is a recipe of videos (`roadseg.jobs.video_run`), whose video may be rendered first, together with its truth.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from roadseg.datasets.catalogue import dataset_kind
from roadseg.datasets.rendered import CLIP, render_drive
from roadseg.evaluation.evaluate import Evaluation, evaluate, network_predictor
from roadseg.fetch.manifest import Manifest
from roadseg.jobs.before_after import AFTER, BEFORE, BeforeAfter
from roadseg.jobs.video_recipe import VIDEOS, VideoRecipe
from roadseg.jobs.video_run import StageWatcher, VideoFolder, fetched, run_video_recipe
from roadseg.models.weights import DEFAULT, load_model
from roadseg.runtime import start
from roadseg.training.recipe import resolve_as

DRIVE_SEED = 2
DRIVE_SECONDS = 24.0
DRIVE_RATE = Fraction(12)
DRIVE_SIZE = (480, 360)
SCORED_EVERY = 6
"""Frames of the drive from one that is scored to the next."""
RECIPE: dict[str, Any] = {
    "frames_every": 0.25,
    "method": "pseudo-labels",
    "init": DEFAULT,
    "size": DRIVE_SIZE,
    "source_count": 800,
    "batch_size": 2,
    "steps": 200,
    "learning_rate": 1e-4,
    "checkpoint_every": 50,
}
"""Sized so that the whole demo takes minutes on two cores."""


@dataclass(frozen=True)
class DemoResult:
    """What a demo made."""

    folder: VideoFolder
    videos: BeforeAfter
    scores: dict[str, Evaluation]
    """`before` and `after`, on the drive's ground truth; empty for a video of yours, which has none."""


def demo(out: Path, video: str | None, *, seed: int, data: Path, watcher: StageWatcher) -> DemoResult:
    """Run the chain into `out`: fetch, frames, adaptation of the weights that ship, overlays, scores.

    Args:
        out: folder of everything that is made.
        video: a path or an http(s) address; None for the rendered drive, which is served on 127.0.0.1.
        seed: of the adaptation.
        data: where streets are rendered to.
        watcher: callbacks.

    Raises:
        RoadsegError: a stage cannot do its work.
        KeyboardInterrupt: after what is half done was saved; the same call goes on.
    """
    folder = VideoFolder(out)
    address = video or str(_rendered_drive(out / "drive", folder.videos, watcher))
    recipe = resolve_as(VideoRecipe, {**RECIPE, VIDEOS: [address], "seed": seed}, origin="demo")
    result = run_video_recipe(recipe, out, data=data, watcher=watcher)
    assert result is not None, "the demo is one process"
    scores = {}
    if video is None:
        watcher.on_stage("roadseg evaluate, before and after, on the drive's ground truth")
        weights = {BEFORE: Path(recipe.init), AFTER: folder.run.path}
        scores = {label: _score(run, out / "drive", watcher) for label, run in weights.items()}
    return DemoResult(folder, result, scores)


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


def _rendered_drive(drive: Path, videos: Path, watcher: StageWatcher) -> Path:
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
        return fetched(f"{address}/{CLIP}", videos, watcher)


def _score(run: Path, drive: Path, watcher: StageWatcher) -> Evaluation:
    network, card = load_model(run)
    runtime = start()
    streets = dataset_kind("streets").open(drive).every(SCORED_EVERY)
    return evaluate(
        network_predictor(runtime.place(network), runtime),
        card.label_space,
        streets,
        input_size=card.input_size,
        on_progress=partial(watcher.on_progress, "evaluating"),
    )
