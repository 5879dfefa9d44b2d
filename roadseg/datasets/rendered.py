"""Rendered streets on disk: images/, labels/ (train ids), dataset.toml, and for a drive the video of its images."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import tomli_w
from numpy.typing import NDArray

from roadseg.cores import opencv_in_one_thread, usable_cores
from roadseg.datasets.image_files import read_colours, read_ids
from roadseg.datasets.streets import DRIVE, STREETS_FILE
from roadseg.errors import InputError, OutputError, RoadsegError
from roadseg.files import in_turn, write_png, write_text
from roadseg.labels.catalogue import INDIAN_20
from roadseg.streets.contact_sheet import contact_sheet
from roadseg.streets.drive import drive_frames, frame_count
from roadseg.streets.looks import LOOKS, Look
from roadseg.streets.presets import DEFAULT_SCENES, Scenes, mixture
from roadseg.streets.render import RENDERER_VERSION, check, render_street
from roadseg.video.frame import Frame
from roadseg.video.writer import VideoWriter

SUFFIX = ".png"
CLIP = "drive.mp4"
SHEET = "contact_sheet.png"
SHEET_STREETS = 12
"""Number of images on a contact sheet."""
FEW = 4
"""Streets of a task for a worker; if there are no more, the calling process renders them: others start for seconds."""
GUARD = 'In a script, put the call below `if __name__ == "__main__":`.'
Progress = Callable[[int, int], None]
"""Called with (images done, total)."""


@dataclass(frozen=True)
class RenderedStreets:
    """Result of `render_streets`."""

    folders: tuple[Path, ...]
    """Data sets of the kind `streets`: one, or one for each look."""
    count: int
    """Number of images in each."""
    scenes: dict[str, float]
    """Presets with weights that add up to 1."""

    @property
    def sheets(self) -> tuple[Path, ...]:
        """Contact sheet of each folder: some of its images above their label maps."""
        return tuple(folder / SHEET for folder in self.folders)


def render_streets(
    out: str | os.PathLike[str],
    *,
    count: int = 400,
    seed: int = 0,
    size: tuple[int, int] = (480, 360),
    look: Look | Literal["both"] = "game",
    scenes: Scenes | str = DEFAULT_SCENES,
    drive: float | None = None,
    frame_rate: float | Fraction = 15,
    workers: int | None = None,
    on_progress: Progress = lambda done, total: None,
) -> RenderedStreets:
    """Render a data set of streets, or one drive, with pixel-exact labels and a contact sheet.

    Labels are train ids of `indian-20`: the classes of Cityscapes in their order, and the autorickshaw. An interrupted
    call can be repeated: finished images are kept. A drive also leaves the video `drive.mp4`, whose frame n belongs to
    image n and label map n.

        render_streets("streets", count=2000, scenes="european=0.7,indian=0.3")
        render_streets("drive", drive=20, look="target", seed=7)

    Args:
        out: folder for images/, labels/ and dataset.toml; with `look="both"`, for a folder of each look.
        count: number of streets; ignored for a drive.
        seed: seed of the set, at least 0.
        size: (width, height) in pixels, both even for a drive.
        look: `game` (clean), `target` (hazy dashcam), or `both` (the same streets in each look).
        scenes: presets with weights, as a mapping or as text, see `roadseg.streets.presets`.
        drive: length in seconds of one drive to render instead of streets.
        frame_rate: frames per second of a drive.
        workers: number of processes for streets; by default one for each available CPU.
        on_progress: called with (images done, total).

    Returns:
        The folders, with the number of images in each.

    Raises:
        InputError: an argument that cannot be rendered.
        OutputError: a folder holds a set with other options, or cannot be written to.
    """
    out, mixed = Path(out), mixture(scenes)
    if drive is not None:
        if look == "both":
            raise InputError("a drive has one look", "Give game or target.")
        rate = Fraction(frame_rate).limit_denominator(1_000_000)
        count = frame_count(drive, rate)
        render_drive(
            out, seed=seed, seconds=drive, size=size, look=look, frame_rate=rate, scenes=mixed, on_progress=on_progress
        )
        folders = [out]
    else:
        looks: dict[Look, Path] = {one: out / one for one in LOOKS} if look == "both" else {look: out}
        for one, folder in looks.items():
            render_dataset(
                folder,
                count=count,
                seed=seed,
                size=size,
                look=one,
                scenes=mixed,
                shared=look == "both",
                workers=workers,
                on_progress=on_progress,
            )
        folders = list(looks.values())
    for folder in folders:
        _write_sheet(folder, count)
    return RenderedStreets(tuple(folders), count, mixed)


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

    A process that finds another one at work on the set waits for it.

    Args:
        folder: folder for images/, labels/ and dataset.toml.
        count: number of streets.
        seed: seed of the set.
        size: (width, height) in pixels.
        look: `game` or `target`.
        scenes: presets with weights, see `roadseg.streets.presets`.
        shared: True shows the same streets in both looks, see `render_street`.
        workers: number of processes; by default one for each available CPU. A few streets need none.
        on_progress: called with (streets done, total).

    Raises:
        InputError: an argument that cannot be rendered.
        OutputError: the folder holds a set with other options, or cannot be written to.
        RoadsegError: a rendering process ended: memory is short, or a script calls this without a `__main__` guard.
    """
    check(seed, size, look)
    scenes = mixture(scenes)
    contents = "stills of streets that both looks show" if shared else "stills"
    described = partial(describe, folder, contents, seed=seed, size=size, look=look, scenes=scenes)

    def missing() -> list[int]:
        return [index for index in range(count) if not label_path(folder, index).exists()]

    if (folder / STREETS_FILE).exists() and not missing():
        described()  # of a finished set nothing is locked or written: it may be read-only
        on_progress(count, count)
        return
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        # A worker that imports a script without a guard: it would wait for the process that waits for it.
        raise RoadsegError(f"{folder}: a process that renders streets starts others", GUARD)
    with in_turn(folder / "streets", on_wait=lambda: on_progress(count - len(missing()), count)):
        described()
        render = partial(_render_one, folder, seed, size, look, scenes, shared)
        _render(folder, missing(), count, render, workers, on_progress)


def _render(
    folder: Path,
    missing: Sequence[int],
    count: int,
    render: Callable[[int], None],
    workers: int | None,
    on_progress: Progress,
) -> None:
    """Render the missing streets of a set, in processes of their own if they are many."""
    done = count - len(missing)
    on_progress(done, count)
    if len(missing) <= FEW:
        with opencv_in_one_thread():
            for index in missing:
                render(index)
                done += 1
                on_progress(done, count)
        return
    workers = min(workers or usable_cores(), len(missing))
    # Spawned, not forked: the caller may run threads of torch or OpenCV, which a fork would leave in a broken state.
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _start_worker) as pool:
        try:
            for _ in pool.map(render, missing, chunksize=FEW):
                done += 1
                on_progress(done, count)
        except BrokenProcessPool:
            raise RoadsegError(
                f"{folder}: a process that renders streets ended unexpectedly",
                f"{GUARD} If memory is short, use --threads 1.",
            ) from None
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
    frames = drive_frames(seed, seconds, size=size, look=look, frame_rate=frame_rate, scenes=scenes)
    contents = f"{DRIVE} of {seconds:g} s at {frame_rate} frames/s"
    described = partial(describe, folder, contents, seed=seed, size=size, look=look, scenes=mixture(scenes))
    clip, total, time_base = folder / CLIP, frame_count(seconds, frame_rate), 1 / frame_rate
    if clip.exists():
        described()
        return
    with in_turn(clip):
        described()
        if clip.exists():  # of another process, meanwhile
            return
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
            "label_space": INDIAN_20.name,
            "look": look,
            "seed": seed,
            "size": list(size),
            "renderer_version": RENDERER_VERSION,
            "scenes": dict(scenes),
        }
    )
    description = folder / STREETS_FILE
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


def _write_sheet(folder: Path, count: int) -> None:
    """Show images from the whole set with their label maps."""
    pairs = []
    for index in np.linspace(0, count - 1, min(count, SHEET_STREETS)).astype(int).tolist():
        label = read_ids(label_path(folder, index)).astype(np.uint8)
        pairs.append((read_colours(image_path(folder, index)), label))
    write_png(folder / SHEET, contact_sheet(pairs))


def _render_one(
    folder: Path, seed: int, size: tuple[int, int], look: Look, scenes: Scenes, shared: bool, index: int
) -> None:
    write_street(folder, index, *render_street(seed, index, size=size, look=look, scenes=scenes, shared=shared))


def _start_worker() -> None:
    # One process for each CPU is enough; OpenCV's own threads would only slow them down.
    cv2.setNumThreads(1)
    # Ctrl-C reaches every process of the terminal, but the parent decides to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
