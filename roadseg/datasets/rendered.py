"""Rendered streets on disk: images/, labels/ (train ids), dataset.toml, and for a drive the video of its images."""

import multiprocessing
import signal
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import tomli_w
from numpy.typing import NDArray

from roadseg.cores import usable_cores
from roadseg.datasets.streets import DRIVE
from roadseg.errors import InputError, OutputError
from roadseg.files import write_png, write_text
from roadseg.labels.catalogue import CITYSCAPES_19
from roadseg.streets.drive import drive, frame_count
from roadseg.streets.looks import Look
from roadseg.streets.presets import DEFAULT_SCENES, Scenes, mixture
from roadseg.streets.render import RENDERER_VERSION, check, render_street
from roadseg.video.frame import Frame
from roadseg.video.writer import VideoWriter

DESCRIPTION = "dataset.toml"
SUFFIX = ".png"
CLIP = "drive.mp4"
Progress = Callable[[int, int], None]
"""Called with (images done, total)."""


def render_dataset(
    folder: Path,
    *,
    count: int,
    seed: int,
    size: tuple[int, int],
    look: Look,
    scenes: Scenes = DEFAULT_SCENES,
    shared: bool = False,
    workers: int | None = None,
    on_progress: Progress = lambda done, total: None,
) -> None:
    """Render streets 0 to `count` - 1 of a set into a folder; finished streets are kept, so a call can be repeated.

    Args:
        folder: folder for images/, labels/ and dataset.toml.
        count: number of streets.
        seed: seed of the set.
        size: (width, height) in pixels.
        look: `game` or `target`.
        scenes: presets with weights, see `roadseg.streets.presets`.
        shared: True shows the same streets in both looks, see `render_street`.
        workers: number of processes; by default one for each available CPU.
        on_progress: called with (streets done, total).

    Raises:
        InputError: an argument that cannot be rendered.
        OutputError: the folder holds a set with other options, or cannot be written to.
    """
    check(seed, size, look)
    scenes = mixture(scenes)
    contents = "stills of streets that both looks show" if shared else "stills"
    describe(folder, contents, seed=seed, size=size, look=look, scenes=scenes)
    missing = [index for index in range(count) if not label_path(folder, index).exists()]
    done = count - len(missing)
    on_progress(done, count)
    if not missing:
        return
    workers = min(workers or usable_cores(), len(missing))
    # Spawned, not forked: the caller may run threads of torch or OpenCV, which a fork would leave in a broken state.
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _start_worker) as pool:
        try:
            for _ in pool.map(partial(_render_one, folder, seed, size, look, scenes, shared), missing, chunksize=4):
                done += 1
                on_progress(done, count)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def render_drive(
    folder: Path,
    *,
    seed: int,
    seconds: float,
    size: tuple[int, int],
    look: Look,
    frame_rate: Fraction,
    scenes: Scenes = DEFAULT_SCENES,
    on_progress: Progress = lambda done, total: None,
) -> None:
    """Render a drive into a folder: image n and label map n belong to frame n of the video, which is written last.

    Args:
        folder: folder for images/, labels/, dataset.toml and drive.mp4; a finished drive is left unchanged.
        seed: seed of the street.
        seconds: length of the drive.
        size: (width, height) in pixels, both even, as H.264 needs.
        look: `game` or `target`.
        frame_rate: frames per second.
        scenes: presets with weights, one of which is drawn.
        on_progress: called with (frames rendered, total).

    Raises:
        InputError: an argument that cannot be rendered, or an odd side.
        OutputError: the folder holds a set with other options, or cannot be written to.
    """
    if size[0] % 2 or size[1] % 2:
        raise InputError(f"a clip of {size[0]}x{size[1]} cannot be written", "Give even sides, which H.264 needs.")
    frames = drive(seed, seconds, size, look, frame_rate, scenes)
    contents = f"{DRIVE} of {seconds:g} s at {frame_rate} frames/s"
    describe(folder, contents, seed=seed, size=size, look=look, scenes=mixture(scenes))
    clip = folder / CLIP
    if clip.exists():
        return
    total = frame_count(seconds, frame_rate)
    time_base = 1 / frame_rate
    with VideoWriter(clip, width=size[0], height=size[1], time_base=time_base) as writer:
        for index, (image, label) in enumerate(frames):
            write_street(folder, index, image, label)
            writer.write(Frame.from_rgb(image, index=index, pts=index, time_base=time_base, duration=1))
            on_progress(index + 1, total)


def describe(
    folder: Path, contents: str, *, seed: int, size: tuple[int, int], look: Look, scenes: Mapping[str, float]
) -> None:
    """Write dataset.toml, or check that the existing one has the same content.

    Args:
        folder: folder of the set.
        contents: distinguishes stills from a drive.
        seed: seed of the set.
        size: (width, height) in pixels.
        look: `game` or `target`.
        scenes: presets with weights that add up to 1.

    Raises:
        OutputError: the existing one differs, or the folder cannot be written to.
    """
    text = tomli_w.dumps(
        {
            "kind": "streets",
            "contents": contents,
            "label_space": CITYSCAPES_19.name,
            "look": look,
            "seed": seed,
            "size": list(size),
            "renderer_version": RENDERER_VERSION,
            "scenes": dict(scenes),
        }
    )
    description = folder / DESCRIPTION
    if not description.exists():
        write_text(description, text)
    elif description.read_text(encoding="utf-8") != text:
        raise OutputError(
            f"{folder}: holds streets rendered with other options or another version",
            "Delete it, or choose another folder.",
        )


def write_street(folder: Path, index: int, image: NDArray[np.uint8], label: NDArray[np.uint8]) -> None:
    """Write an image (H, W, 3) uint8 RGB, then its label map (H, W) uint8: the latter's presence means that both are
    complete."""
    write_png(image_path(folder, index), image)
    write_png(label_path(folder, index), label)


def image_path(folder: Path, index: int) -> Path:
    """Return the path of the image of street `index`."""
    return folder / "images" / f"{index:06}{SUFFIX}"


def label_path(folder: Path, index: int) -> Path:
    """Return the path of the label map of street `index`."""
    return folder / "labels" / f"{index:06}{SUFFIX}"


def _render_one(
    folder: Path, seed: int, size: tuple[int, int], look: Look, scenes: Scenes, shared: bool, index: int
) -> None:
    write_street(folder, index, *render_street(seed, index, size, look, scenes, shared=shared))


def _start_worker() -> None:
    # One process for each CPU is enough; OpenCV's own threads would only slow them down.
    cv2.setNumThreads(1)
    # Ctrl-C reaches every process of the terminal, but the parent decides to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
