"""An overlay beside the same work in a plain loop, as a first script does it.

    python benchmarks/plain_loop.py VIDEO [--run RUN] [--input-size WxH] [--rounds N]

The plain loop takes one frame after the other: read with OpenCV, scale, segment in float32, colour, blend in RGB, write
with OpenCV. Sound, exact times and statistics are left out. Both run in turn; the best round of each counts.
"""

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import torch
import torch.nn.functional as F

from roadseg.bench.video import Setting, measure_video
from roadseg.cli.options import parse_size
from roadseg.errors import VideoError
from roadseg.labels.space import LabelSpace
from roadseg.models.network import SegmentationNetwork
from roadseg.models.weights import load_model
from roadseg.overlay.appearance import DEFAULT_APPEARANCE
from roadseg.runtime import Runtime, start

FOURCC = "mp4v"
"""MPEG-4 Visual: OpenCV's wheels have no encoder for H.264, which would be slower."""


def plain_loop(
    video: Path, out: Path, network: SegmentationNetwork, space: LabelSpace, size: tuple[int, int], runtime: Runtime
) -> float:
    """Draw labels on a video, without a legend, and write it to `out`.

    Args:
        video: path of the input.
        out: path of the result, `.mp4`.
        network: in evaluation mode, on the runtime's device.
        space: classes and colours.
        size: (width, height) of the network's input in pixels.
        runtime: device of the network.

    Returns:
        Frames per second.

    Raises:
        VideoError: OpenCV cannot read the video, or cannot write one.
    """
    opacity = DEFAULT_APPEARANCE.opacity
    palette = np.zeros((256, 3), np.uint8)
    palette[: len(space)] = space.colours
    reader, writer = cv2.VideoCapture(str(video)), None
    frames = 0
    started = time.perf_counter()
    while True:
        there, bgr = reader.read()
        if not there:
            break
        rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
        small = torch.from_numpy(cv2.resize(rgb, size)).permute(2, 0, 1)[None].to(runtime.device)
        with torch.no_grad():
            logits = network(network.normalisation(small)).logits[0]
            logits = F.interpolate(logits, size=size[::-1], mode="bilinear", align_corners=network.align_corners)
            labels = logits.argmax(1)[0].byte().cpu().numpy()
        height, width = rgb.shape[:2]
        colours = palette[cv2.resize(labels, (width, height), interpolation=cv2.INTER_NEAREST)]
        blended = cv2.addWeighted(rgb, 1 - opacity, colours, opacity, 0)
        if writer is None:
            rate = reader.get(cv2.CAP_PROP_FPS) or 25
            writer = cv2.VideoWriter(str(out), cv2.VideoWriter.fourcc(*FOURCC), rate, (width, height))
        writer.write(cv2.cvtColor(blended, cv2.COLOR_RGB2BGR))
        frames += 1
    if writer is None or not writer.isOpened():
        raise VideoError(f"{video}: OpenCV cannot read it, so there is no baseline", "Take another video.")
    writer.release()
    seconds = time.perf_counter() - started
    reader.release()
    return frames / seconds


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("video", type=Path)
    parser.add_argument("--run", type=Path, default=Path("default"))
    parser.add_argument("--input-size", type=parse_size)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    network, card = load_model(options.run)
    runtime = start("cpu")
    network = runtime.place(network).eval()
    size = options.input_size or card.input_size
    plain, ours = 0.0, 0.0
    with TemporaryDirectory() as scratch:
        for _ in range(options.rounds):
            setting = Setting(options.video, options.run, "cpu", options.input_size)
            ours = max(ours, measure_video(setting, rounds=1).fps)
            target = Path(scratch, "plain.mp4")
            plain = max(plain, plain_loop(options.video, target, network, card.label_space, size, runtime))
    print(f"overlay {ours:.1f} frames/s, plain loop {plain:.1f} frames/s: {ours / plain:.2f} times as fast")


if __name__ == "__main__":
    main()
