"""Cost of an overlay: from end to end, and stage by stage."""

import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from roadseg.bench.memory import peak_resident_bytes
from roadseg.cores import usable_cores
from roadseg.inference.engines import load_segmenter
from roadseg.inference.label_frames import Labeller
from roadseg.inference.segmenter import Segmenter
from roadseg.overlay.draw import Overlay
from roadseg.overlay.job import DEFAULTS, overlay_video
from roadseg.overlay.stats import count_pixels
from roadseg.overlay.summary import OverlayOptions
from roadseg.runtime import DeviceName
from roadseg.video.frame import Frame
from roadseg.video.reader import VideoReader
from roadseg.video.writer import VideoWriter

T = TypeVar("T")

SAMPLE_FRAMES = 64
"""Number of frames that each stage is measured on alone; they are held in memory."""


@dataclass(frozen=True)
class Setting:
    """Settings of a measurement."""

    video: Path
    run: Path
    device: DeviceName = "auto"
    input_size: tuple[int, int] | None = None
    """(width, height) of the network's input; None: the size that it was trained for."""
    options: OverlayOptions = DEFAULTS


@dataclass(frozen=True)
class VideoCost:
    """Cost of an overlay of a video on this machine."""

    segmenter: str
    input_size: tuple[int, int]
    frames: int
    size: tuple[int, int]
    """(width, height) of the video."""
    cores: int
    fps: float
    """Frames per second from decoding to joined files, without loading the network; best round."""
    stage_core_ms: dict[str, float]
    """Processor time of each stage alone in ms per frame, summed over its threads; best round."""
    peak_rss_mb: float
    """Peak resident memory of a process that only makes the overlay, in 10^6 bytes."""

    @property
    def bound_fps(self) -> float:
        """Frames per second if all cores worked only on these stages: no schedule on a CPU is faster."""
        return 1000 * self.cores / sum(self.stage_core_ms.values())

    @property
    def ratio_to_bound(self) -> float:
        """Share of that bound that is reached."""
        return self.fps / self.bound_fps

    def as_dict(self) -> dict[str, Any]:
        """Return the facts for JSON."""
        rounded = {name: round(value, 2) for name, value in self.stage_core_ms.items()}
        return vars(self) | {
            "fps": round(self.fps, 2),
            "bound_fps": round(self.bound_fps, 2),
            "ratio_to_bound": round(self.ratio_to_bound, 3),
            "stage_core_ms": rounded,
            "peak_rss_mb": round(self.peak_rss_mb, 1),
        }


def measure_video(
    setting: Setting, *, rounds: int = 2, on_progress: Callable[[int, int, str], None] = lambda done, total, what: None
) -> VideoCost:
    """Measure overlay and stages in turn; of several rounds the best counts, since other work only adds time.

    Args:
        setting: video, run and options.
        rounds: number of repetitions, at least 1.
        on_progress: called with (measurements done, measurements in all, name of the current one).

    Raises:
        VideoError: the video cannot be read.
        InputError, WeightsError: there is no such run or device.
    """
    ends: list[tuple[float, float, int]] = []
    stages: list[dict[str, float]] = []
    segmenter = load_segmenter(setting.run, device=setting.device, input_size=setting.input_size)
    with VideoReader(setting.video) as reader:
        size, segmenter = (reader.info.width, reader.info.height), segmenter.fitted(reader.info.aspect_ratio)
    with TemporaryDirectory(prefix="roadseg-bench-") as scratch:
        for number in range(rounds):
            on_progress(2 * number, 2 * rounds, "overlay")
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
                ends.append(pool.submit(_from_end_to_end, setting, Path(scratch, f"overlay-{number}")).result())
            on_progress(2 * number + 1, 2 * rounds, "stages")
            stages.append(_stages(setting, segmenter, Path(scratch, "stage.mp4")))
    return VideoCost(
        segmenter=segmenter.name,
        input_size=segmenter.input_size,
        frames=ends[0][2],
        size=size,
        cores=usable_cores(),
        fps=max(fps for fps, _, _ in ends),
        stage_core_ms={name: min(stage[name] for stage in stages) for name in stages[0]},
        peak_rss_mb=max(memory for _, memory, _ in ends),
    )


def _from_end_to_end(setting: Setting, out: Path) -> tuple[float, float, int]:
    """Make the overlay; return frames per second, peak memory in 10^6 bytes, and frames. Runs in its own process."""
    segmenter = load_segmenter(setting.run, device=setting.device, input_size=setting.input_size)
    summary = overlay_video(setting.video, segmenter, out, setting.options)
    return summary.frames_per_second, peak_resident_bytes() / 1e6, summary.frames


def _stages(setting: Setting, segmenter: Segmenter, scratch: Path) -> dict[str, float]:
    """Measure the processor time of each stage alone in ms per frame, on the first frames of the video."""
    options = setting.options
    labeller: Labeller[Frame, Frame] = Labeller(
        [segmenter], Frame.to_rgb, lambda frame: frame, batch_size=options.batch_size, tta=options.tta
    )
    overlay = Overlay(segmenter.label_space, opacity=options.opacity, legend=options.legend)
    costs: dict[str, float] = {}
    frames: list[Frame] = []

    def measured(name: str, work: Callable[[], list[T]]) -> list[T]:
        """Do the work of all sampled frames and note its cost."""
        started = time.process_time()
        result = work()
        costs[name] = 1000 * (time.process_time() - started) / len(frames or result)
        return result

    def draw() -> list[Frame]:
        for labels in maps:
            count_pixels(labels)
        return [overlay.draw(frame, labels) for frame, labels in zip(frames, maps, strict=True)]

    def encode() -> list[Frame]:
        with VideoWriter.like(scratch, frames[0]) as writer:
            for frame in drawn:
                writer.write(frame)
        return drawn

    with VideoReader(setting.video, frame_rate=options.frame_rate) as reader:
        frames = measured("decode", lambda: list(islice(reader, SAMPLE_FRAMES)))
    batches = measured("prepare", lambda: list(labeller.prepare(iter(frames))))
    labeller.segment(batches[0])  # the first call makes ready
    labelled = measured("segment", lambda: [labeller.segment(batch) for batch in batches])
    maps = [labels for batch in labelled for labels in batch.labels[0]]
    overlay.draw(frames[0], maps[0])  # draws the legend
    drawn = measured("draw", draw)
    measured("encode", encode)
    return costs
