"""Cost of `roadseg stats --along` over many drives: `python benchmarks/along_road.py [DRIVES...]`, 100 and 400.

A drive is one table of 10,000 frames, 5 km. Tables are made in a temporary folder: one by the code of overlays, the
others as copies of it in other places. For each number of drives, another process adds them up and tells its time and
its greatest memory (Linux): first all of them, then again with one drive more, then by cells.
"""

import shutil
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from roadseg.labels.catalogue import CITYSCAPES_19
from roadseg.labels.space import LabelSpace
from roadseg.overlay.appearance import DEFAULT_APPEARANCE
from roadseg.overlay.files import OverlayFiles
from roadseg.overlay.frame_table import ROWS_A_GROUP, FrameTable
from roadseg.overlay.stats import ClassTotals
from roadseg.overlay.summary import OverlayJob, OverlaySummary
from roadseg.positions.fixes import Fix
from roadseg.positions.summary import PositionSummary
from roadseg.positions.track import Track
from roadseg.video.find import ClipPlace
from roadseg.video.frame import Frame

FRAMES, RATE, SPEED = 10_000, 25, 12.5
"""Frames of a drive, frames a second, metres a second."""
MEASURED = """
import resource, sys, time
import roadseg
out, *options = sys.argv[1:]
add_up = roadseg.stats_along
began = time.perf_counter(), time.process_time()
found = add_up([out], **{name: float(value) for name, value in (each.split("=") for each in options)})
wall, core = time.perf_counter() - began[0], time.process_time() - began[1]
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
size = f"{len(found.shapes):7} places {found.frames / 1e6:6.2f} M frames"
print(f"{size} {wall:6.1f} s {core:6.1f} core-s {memory:5.0f} MB")
"""


def made_results(
    path: Path,
    pixels: NDArray[np.int64],
    fixes: list[Fix],
    *,
    space: LabelSpace = CITYSCAPES_19,
    rate: int = RATE,
    drive: ClipPlace | None = None,
) -> Path:
    """Write the table and the summary of a video that was never drawn; return the path of the table.

    Args:
        path: the files without extension.
        pixels: (N, C + 1) by frame and class, `unlabelled` last.
        fixes: positions, with times on the clock of the video.
        space: classes.
        rate: frames a second.
        drive: place in a drive.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    files = OverlayFiles(path.parent, path.name)
    totals = ClassTotals(FrameTable.names(space))
    totals.add(pixels, np.full(len(pixels), 1 / rate))
    picture = np.zeros((2, 2, 3), np.uint8)
    track = Track.of(fixes)
    with FrameTable(files.frames, space, Fraction(1, rate), track) as table:
        for index, counts in enumerate(np.pad(pixels, ((0, 0), (0, 256 - pixels.shape[1])))):
            table.add(Frame.from_rgb(picture, index=index, pts=index, time_base=Fraction(1, rate), duration=1), counts)
    job = OverlayJob(
        video_fingerprint=str(path),
        segmenter="none",
        label_space=space.name,
        input_size_px=(2, 2),
        appearance=DEFAULT_APPEARANCE,
        frame_rate_hz=None,
        flip=False,
        scales=(),
        smoothing=0,
        batch_norm_prior=None,
        batch_norm_scenes="",
    )
    OverlaySummary(
        video=f"{path.name}.mp4",
        drive=drive,
        job=job,
        width_px=2,
        height_px=2,
        frames=len(pixels),
        frames_declared=None,
        frames_resumed=0,
        duration_seconds=len(pixels) / rate,
        creation_time=None,
        classes=totals.shares(),
        colours=list(space.colours),
        contains=dict(space.contains),
        position=PositionSummary.of(track),
        wall_seconds=1,
        frames_per_second=1,
        stages={},
        decoder_events={},
        notices=[],
        versions={},
    ).write(files)
    return files.frames


def first_drive(path: Path) -> Path:
    """Make the drive that others are copies of."""
    draw = np.random.default_rng(0)
    mean = draw.dirichlet(np.full(len(CITYSCAPES_19) + 1, 0.5)) * 9600
    pixels = draw.poisson(mean, (FRAMES, len(mean))) + 1
    seconds = np.arange(0, FRAMES / RATE + 1)
    fixes = [Fix(48 + SPEED * second / 111_195, 11.0, 1.7e9 + second, second, SPEED, 0.0) for second in seconds]
    return made_results(path, pixels, fixes)


def copy_drive(first: Path, folder: Path, number: int) -> None:
    """Write the drive again, some streets further east."""
    name = f"drive{number:05}"
    table = pq.read_table(first)
    east = pa.array(table["lon"].to_numpy() + number * 0.002)
    table = table.set_column(table.schema.names.index("lon"), "lon", east)
    files = OverlayFiles(folder, name)
    pq.write_table(table, files.frames, row_group_size=ROWS_A_GROUP, compression="zstd")
    summary = OverlaySummary.model_validate_json(OverlayFiles.of_table(first).summary.read_bytes())
    job = summary.job.model_copy(update={"video_fingerprint": name})
    summary.model_copy(update={"video": f"{name}.mp4", "job": job}).write(files)


def measure(title: str, folder: Path, *options: str) -> None:
    """Add a folder up in another process, and print what it says."""
    command = [sys.executable, "-c", MEASURED, str(folder), *options]
    print(
        f"{title:28}", subprocess.run(command, check=True, capture_output=True, text=True).stdout.rstrip(), flush=True
    )


def main() -> None:
    """Measure the numbers of drives on the command line."""
    with tempfile.TemporaryDirectory() as temporary:
        first = first_drive(Path(temporary) / "first" / "drive")
        folder = Path(temporary) / "drives"
        folder.mkdir()
        made = 0
        for drives in map(int, sys.argv[1:] or ("100", "400")):
            for hidden in folder.glob(".*.npz"):
                hidden.unlink()
            for number in range(made, drives):
                copy_drive(first, folder, number)
            made = drives
            measure(f"{drives} drives", folder)
            copy_drive(first, folder, made)
            made += 1
            measure("again, with one more", folder)
            measure("cells", folder, "grid=100")
        size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
        print(f"{size:.0f} MB on the disk")
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
