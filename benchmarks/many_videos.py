"""Cost of many short videos in one process: `python benchmarks/many_videos.py [CLIPS]`, 2,000 by default.

Clips of two frames go through `overlay_videos` with a segmenter that costs nothing, so what is left is the cost of a
video: opening, threads, encoder, files, report page. Then the page of the folder is written again, and `roadseg stats`
adds up its tables. Memory and open files are those of this process (Linux).
"""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roadseg.inference.segmenter import Segmenter
from roadseg.jobs.overlay import overlay_videos
from roadseg.jobs.stats import stats
from roadseg.labels.catalogue import CITYSCAPES_19
from roadseg.models.tta import NO_TTA, TTA
from roadseg.report.pages import write_index
from roadseg.video.frame import Frame
from roadseg.video.writer import VideoWriter

FRAMES, SIZE, TIME_BASE = 2, (320, 240), Fraction(1, 25)
LINES = 10
"""Lines of figures over the whole run."""


class Halves(Segmenter):
    """Labels the upper half sky and the lower half road, at once."""

    name = "halves"
    label_space = CITYSCAPES_19
    input_size = (64, 48)

    def segment(self, images: NDArray[np.uint8], tta: TTA = NO_TTA) -> NDArray[np.uint8]:
        labels = np.zeros((len(images), 24, 32), np.uint8)
        labels[:, :12] = CITYSCAPES_19.classes.index("sky")
        return labels


def make_clip(path: Path, number: int) -> None:
    shade = np.random.default_rng(number).integers(40, 200, (6, 8, 3), np.uint8)
    rgb = shade.repeat(40, axis=0).repeat(40, axis=1)
    with VideoWriter(path, width=SIZE[0], height=SIZE[1], time_base=TIME_BASE, threads=1) as writer:
        for index in range(FRAMES):
            writer.write(Frame.from_rgb(rgb, index=index, pts=index, time_base=TIME_BASE, duration=1))


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def seconds(call: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor seconds of a call."""
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    folder = Path(tempfile.mkdtemp(prefix="many-"))
    try:
        clips, out = folder / "clips", folder / "out"
        clips.mkdir()
        for number in range(count):
            make_clip(clips / f"{number:05}.mp4", number)
        done = 0
        wall, cpu = time.perf_counter(), time.process_time()

        def show(_: object) -> None:
            nonlocal done, wall, cpu
            done += 1
            step = max(1, count // LINES)
            if done % step:
                return
            ms = 1000 * (time.perf_counter() - wall) / step
            core_ms = 1000 * (time.process_time() - cpu) / step
            handles = sum(1 for _ in Path("/proc/self/fd").iterdir())
            print(
                f"{done:6} clips: {ms:6.1f} ms a clip, {core_ms:6.1f} core-ms; {resident_mb():6.0f} MB, {handles} files"
            )
            wall, cpu = time.perf_counter(), time.process_time()

        overlay_videos(clips, out, Halves(), on_result=show)
        for name, call in (
            ("page of the folder", lambda: write_index(out)),
            ("roadseg stats", lambda: stats([out], out=folder / "stats.csv")),
        ):
            took, core = seconds(call)
            print(f"{name}: {took:.2f} s, {core:.2f} core-s, {1000 * core / count:.2f} core-ms a video")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
