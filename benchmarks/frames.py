"""Taking frames from a video: `roadseg frames` beside the ffmpeg binary, both as commands, start-up included.

    python benchmarks/frames.py [VIDEO] [--ffmpeg PATH]

Both write the same frames as JPEG, in turn; the best of several rounds counts, for time and processor time alike. On a
machine with other work compare processor times. By default the video is a rendered drive. Near-duplicates are kept,
because ffmpeg does not detect them.
"""

import argparse
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

ROUNDS = 3
INTERVALS = (10.0, 1.0, 0.1)
"""Seconds from one frame to the next."""


def cost(command: list[str]) -> tuple[float, float]:
    """Return wall and processor time in s."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("video", nargs="?")
    parser.add_argument("--ffmpeg", default=shutil.which("ffmpeg"))
    arguments = parser.parse_args()
    with TemporaryDirectory() as scratch:
        video = arguments.video or rendered(Path(scratch, "drive"))
        for every in INTERVALS:
            measure(video, every, arguments.ffmpeg)
    if arguments.ffmpeg is None:
        print("no ffmpeg on the PATH to compare with: name one with --ffmpeg")


def rendered(folder: Path) -> str:
    command = [sys.executable, "-m", "roadseg", "synth", str(folder), "--drive", "20", "--quiet"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return str(folder / "drive.mp4")


def measure(video: str, every: float, ffmpeg: str | None) -> None:
    costs: dict[str, list[tuple[float, float]]] = {}
    for _ in range(ROUNDS):
        with TemporaryDirectory() as folder:
            for name, command in commands(video, every, ffmpeg, Path(folder)).items():
                costs.setdefault(name, []).append(cost(command))
    best = {name: tuple(map(min, zip(*taken, strict=True))) for name, taken in costs.items()}
    for name, (wall, core) in best.items():
        print(f"{name:8} a frame every {every:g} s: {wall:6.2f} s, {core:6.2f} core-s")
    if ffmpeg:
        wall, core = (ours / theirs for ours, theirs in zip(best["roadseg"], best["ffmpeg"], strict=True))
        print(f"ratio {wall:.2f}, in core-s {core:.2f}")


def commands(video: str, every: float, ffmpeg: str | None, folder: Path) -> dict[str, list[str]]:
    ours = f"-m roadseg frames --every {every:g}s --min-change 0 --quiet --out"
    found = {"roadseg": [sys.executable, *ours.split(), str(folder / "roadseg"), video]}
    if ffmpeg:
        images = folder / "ffmpeg"
        images.mkdir()
        theirs = f"-vf fps={1 / every:g} -q:v 2"
        found["ffmpeg"] = [ffmpeg, "-v", "error", "-i", video, *theirs.split(), str(images / "%06d.jpg")]
    return found


if __name__ == "__main__":
    main()
