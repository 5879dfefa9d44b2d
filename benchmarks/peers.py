"""Labelling a video with one ONNX network: roadseg beside the loops that people use today.

    python benchmarks/peers.py VIDEO NETWORK.onnx --run RUN [--rounds N]

RUN is the network after `roadseg import`. The other ways: `plain`, a loop of OpenCV and ONNX Runtime, one frame after
the other, for networks that take RGB in 0..1 at one size; and `ultralytics`, its `predict` with `save`, where it is
installed (AGPL) and the network is of its export. Each is a process of its own, start-up included; ways take turns and
the fastest round counts. What they write is read back: frames, times, sound.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from roadseg.labels.catalogue import CITYSCAPES_19
from roadseg.video.reader import VideoReader


@dataclass(frozen=True)
class Cost:
    """Cost and result of one way."""

    wall: float
    """Seconds."""
    core: float
    """Processor seconds."""
    memory: float
    """Peak of resident memory in MB."""
    frames: int
    """Frames of the result."""
    time_error: float
    """Largest distance of a frame from its time in the video, in milliseconds; beyond the shorter of both, none."""
    sound: bool
    """The result has the sound of the video."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("video", type=Path)
    parser.add_argument("network", type=Path)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--way", choices=WAYS)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    if given.way:
        WAYS[given.way](given.video, given.network, given.run, given.out)
        return
    for name, cost in compared(given.video, given.network, given.run, given.rounds).items():
        print(
            f"{name:12} {cost.frames / cost.wall:6.1f} frames/s  {1000 * cost.core / cost.frames:6.1f} core-ms a frame"
            f"  {cost.memory:5.0f} MB  {cost.frames} frames, times within {cost.time_error:.0f} ms, "
            f"{'with' if cost.sound else 'no'} sound"
        )


def compared(video: Path, network: Path, run: Path, rounds: int) -> dict[str, Cost]:
    """Run all ways in turn; return the fastest round of each."""
    found: dict[str, list[Cost]] = {}
    for _ in range(rounds):
        for way in WAYS:
            if way == "ultralytics" and find_spec("ultralytics") is None:
                continue
            with TemporaryDirectory() as folder:
                found.setdefault(way, []).append(measured(way, video, network, run, Path(folder)))
    return {way: min(costs, key=lambda cost: cost.wall) for way, costs in found.items()}


def measured(way: str, video: Path, network: Path, run: Path, out: Path) -> Cost:
    """Run one way in a process of its own, and read its result back."""
    command = [sys.executable, __file__, video, network, "--run", run, "--way", way, "--out", out]
    started = time.perf_counter()
    process = os.posix_spawn(sys.executable, [str(part) for part in command], os.environ)
    _, status, usage = os.wait4(process, 0)
    wall = time.perf_counter() - started
    if status:
        raise SystemExit(f"{way} failed")
    result = next(path for path in sorted(out.rglob("*")) if path.suffix in (".mp4", ".avi", ".mkv"))
    with VideoReader(video) as given, VideoReader(result) as drawn:
        sound = bool(drawn.info.audio_codecs)
        wanted, times = ([float(frame.seconds) for frame in one] for one in (given, drawn))
    shared = min(len(wanted), len(times))
    error = float(np.abs(np.array(wanted[:shared]) - wanted[0] - np.array(times[:shared]) + times[0]).max())
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000, len(times), 1000 * error, sound)


def by_roadseg(video: Path, network: Path, run: Path, out: Path) -> None:
    from roadseg.jobs.overlay import overlay_videos

    overlay_videos(video, out, run=run, device="cpu", legend="none")


def by_plain_loop(video: Path, network: Path, run: Path, out: Path) -> None:
    import cv2
    import onnxruntime

    session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
    taken = session.get_inputs()[0]
    height, width = taken.shape[2:]
    palette = np.zeros((256, 3), np.uint8)
    palette[: len(CITYSCAPES_19)] = np.array(CITYSCAPES_19.colours)[:, ::-1]
    writer = None
    for frame, rate in _opencv_frames(video):
        small = cv2.cvtColor(cv2.resize(frame, (width, height)), cv2.COLOR_BGR2RGB)
        result = session.run(None, {taken.name: small.transpose(2, 0, 1)[None].astype(np.float32) / 255})[0][0]
        labels = (result if result.ndim == 2 else result.argmax(0)).astype(np.uint8)
        colours = palette[cv2.resize(labels, frame.shape[1::-1], interpolation=cv2.INTER_NEAREST)]
        if writer is None:
            code = cv2.VideoWriter.fourcc(*"mp4v")
            writer = cv2.VideoWriter(str(out / "plain.mp4"), code, rate, frame.shape[1::-1])
        writer.write(cv2.addWeighted(frame, 0.5, colours, 0.5, 0))
    if writer is not None:
        writer.release()


def _opencv_frames(video: Path) -> Iterator[tuple[np.ndarray, float]]:
    import cv2

    reader = cv2.VideoCapture(str(video))
    while True:
        there, frame = reader.read()
        if not there:
            return
        yield frame, reader.get(cv2.CAP_PROP_FPS) or 25


def by_ultralytics(video: Path, network: Path, run: Path, out: Path) -> None:
    import onnxruntime
    from ultralytics import YOLO

    height, width = onnxruntime.InferenceSession(network).get_inputs()[0].shape[2:]
    model = YOLO(str(network), task="semantic")
    frames = model.predict(str(video), imgsz=(height, width), save=True, project=str(out), stream=True, verbose=False)
    for _ in frames:
        pass


WAYS = {"roadseg": by_roadseg, "plain": by_plain_loop, "ultralytics": by_ultralytics}


if __name__ == "__main__":
    main()
