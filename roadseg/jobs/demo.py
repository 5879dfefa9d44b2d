"""The job of `roadseg demo`: the whole chain on a rendered drive, or on your own video.

It runs a recipe of videos (`roadseg.jobs.video_run`); the video may be rendered first, together with its truth.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from roadseg.datasets.catalogue import dataset_kind
from roadseg.datasets.rendered import CLIP, render_drive
from roadseg.fetch.manifest import Manifest
from roadseg.jobs.before_after import BeforeAfter
from roadseg.jobs.video_run import StageCallbacks, VideoFolder, fetched, run_video_recipe
from roadseg.models.names import DEFAULT
from roadseg.training.recipe import resolve_as
from roadseg.training.video_recipe import VIDEOS, VideoRecipe

DRIVE_SEED = 25
"""Seed of a drive along a bazaar with cars, people, two-wheelers and auto-rickshaws: of seeds 0 to 79 the one where the
least of their shares is largest, by the truth of frames 2 s apart."""
DRIVE_SCENES = {"indian": 1.0}
DRIVE_SECONDS = 24.0
DRIVE_RATE = Fraction(12)
DRIVE_SIZE = (480, 360)
SCORED_EVERY = 6
"""Every sixth frame of the drive is scored."""
RECIPE: dict[str, Any] = {
    "frames_every": 0.25,
    "method": "pseudo-labels",
    "init": DEFAULT,
    "size": DRIVE_SIZE,
    "source_count": 800,
    "source_texture": 1.0,
    "source_degradation": 1.0,
    "batch_size": 2,
    "steps": 200,
    "learning_rate": 1e-4,
    "checkpoint_every": 50,
}
"""Small enough for the whole demo to take minutes on two cores."""


def demo(out: Path, video: str | None, *, seed: int, data: Path, callbacks: StageCallbacks) -> BeforeAfter:
    """Run the chain into `out`: fetch, frames, adaptation of the default weights, overlays, scores, report.

    Args:
        out: folder for all results, see `roadseg.jobs.video_run.VideoFolder`.
        video: a path or an http(s) address; None for the rendered drive, which is served on 127.0.0.1.
        seed: seed of the adaptation.
        data: folder for rendered streets.
        callbacks: called as stages begin, progress and fail.

    Returns:
        The results; with scores for the rendered drive, which has ground truth.

    Raises:
        RoadsegError: a stage fails.
        KeyboardInterrupt: after unfinished work was saved; the same call continues it.
    """
    drive, truth = out / "drive", None
    if video is None:
        video = str(_rendered_drive(drive, VideoFolder(out).videos, callbacks))
        truth = dataset_kind("streets").open(drive).every(SCORED_EVERY)
    recipe = resolve_as(VideoRecipe, {**RECIPE, VIDEOS: [video], "seed": seed}, origin="demo")
    result = run_video_recipe(recipe, out, data=data, truth=truth, callbacks=callbacks)
    assert result is not None, "the demo is one process"
    return result


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve `folder` over HTTP on 127.0.0.1 while the block runs; yields the address."""

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
        """Print nothing: callbacks show progress."""


class _QuietServer(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing: a client that reads the head of a file and hangs up is no error."""


def _rendered_drive(drive: Path, videos: Path, callbacks: StageCallbacks) -> Path:
    """Render the drive, serve it, and fetch it as if it came from the net."""
    callbacks.on_stage(
        "render a drive through streets that the segmenter never saw, with ground truth to score against"
    )
    render_drive(
        drive,
        seed=DRIVE_SEED,
        seconds=DRIVE_SECONDS,
        size=DRIVE_SIZE,
        look="target",
        frame_rate=DRIVE_RATE,
        scenes=DRIVE_SCENES,
        on_progress=partial(callbacks.on_progress, "rendering the drive"),
    )
    # The address changes from call to call, so a repeated call knows the video by its folder.
    for entry in Manifest(videos).entries:
        if (videos / entry.file).exists():
            return videos / entry.file
    with serving(drive) as address:
        return fetched(f"{address}/{CLIP}", videos, callbacks)
