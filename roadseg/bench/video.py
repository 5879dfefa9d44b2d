"""Cost of an overlay: from end to end, and stage by stage."""

import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, TypeVar

from roadseg.cores import peak_resident_bytes, usable_cores
from roadseg.inference.engine_segmenter import EngineSegmenter
from roadseg.inference.engines import load_segmenter
from roadseg.inference.label_frames import Labeller, batches
from roadseg.inference.segmenter import Segmenter
from roadseg.overlay.device import device_overlay, draws_on_device
from roadseg.overlay.draw import Overlay
from roadseg.overlay.encoding import encoders_at_once
from roadseg.overlay.job import DEFAULTS, batch_size_for, open_video, overlay_video
from roadseg.overlay.stats import count_pixels
from roadseg.overlay.summary import OverlayOptions
from roadseg.runtime import DeviceName
from roadseg.video.frame import Frame
from roadseg.video.pipeline import concurrently
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
    stage_ms: dict[str, float]
    """Wall time of each stage alone in ms per frame, with the threads and the device that it has; best round."""
    peak_rss_mb: float
    """Peak resident memory of a process that only makes the overlay, in 10^6 bytes."""

    @property
    def bounds_fps(self) -> dict[str, float]:
        """Upper bounds in frames per second, by name.

        `processors`: all cores work only on these stages. A stage: the others wait for it; on a busy machine this one
        counts what others took from it.
        """
        stages = {name: 1000 / milliseconds for name, milliseconds in self.stage_ms.items()}
        return {"processors": 1000 * self.cores / sum(self.stage_core_ms.values()), **stages}

    @property
    def bound_fps(self) -> float:
        """The lowest of these bounds."""
        return min(self.bounds_fps.values())

    @property
    def limit(self) -> str:
        """Name of the lowest bound: `processors`, or a stage."""
        return min(self.bounds_fps, key=self.bounds_fps.__getitem__)

    @property
    def ratio_to_bound(self) -> float:
        """Share of that bound that is reached."""
        return self.fps / self.bound_fps

    def as_dict(self) -> dict[str, Any]:
        """Return the facts for JSON."""

        def rounded(costs: dict[str, float]) -> dict[str, float]:
            return {name: round(value, 2) for name, value in costs.items()}

        return vars(self) | {
            "fps": round(self.fps, 2),
            "bound_fps": round(self.bound_fps, 2),
            "limit": self.limit,
            "ratio_to_bound": round(self.ratio_to_bound, 3),
            "stage_core_ms": rounded(self.stage_core_ms),
            "stage_ms": rounded(self.stage_ms),
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
    stages: list[dict[str, StageCost]] = []
    segmenter = load_segmenter(setting.run, device=setting.device, input_size=setting.input_size)
    with VideoReader(setting.video) as reader:
        size, segmenter = (reader.info.width, reader.info.height), segmenter.fitted(reader.info.aspect_ratio)
    with TemporaryDirectory(prefix="roadseg-bench-") as scratch:
        for number in range(rounds):
            on_progress(2 * number, 2 * rounds, "overlay")
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
                ends.append(pool.submit(_from_end_to_end, setting, Path(scratch, f"overlay-{number}")).result())
            on_progress(2 * number + 1, 2 * rounds, "stages")
            stages.append(_stages(setting, segmenter, Path(scratch)))
    return VideoCost(
        segmenter=segmenter.name,
        input_size=segmenter.input_size,
        frames=ends[0][2],
        size=size,
        cores=usable_cores(),
        fps=max(fps for fps, _, _ in ends),
        stage_core_ms={name: min(stage[name].core_ms for stage in stages) for name in stages[0]},
        stage_ms={name: min(stage[name].ms for stage in stages) for name in stages[0]},
        peak_rss_mb=max(memory for _, memory, _ in ends),
    )


def _from_end_to_end(setting: Setting, out: Path) -> tuple[float, float, int]:
    """Make the overlay; return frames per second, peak memory in 10^6 bytes, and frames. Runs in its own process."""
    segmenter = load_segmenter(setting.run, device=setting.device, input_size=setting.input_size)
    summary = overlay_video(setting.video, segmenter, out, setting.options)
    return summary.frames_per_second, peak_resident_bytes() / 1e6, summary.frames


class StageCost(NamedTuple):
    """Cost of a stage in ms per frame."""

    core_ms: float
    ms: float


def _stages(setting: Setting, segmenter: Segmenter, scratch: Path) -> dict[str, StageCost]:
    """Measure each stage alone, on the first frames of the video."""
    options = setting.options
    costs: dict[str, StageCost] = {}
    frames: list[Frame] = []

    def measured(name: str, work: Callable[[], list[T]]) -> list[T]:
        """Do the work of all sampled frames and note its cost."""
        started, wall = time.process_time(), time.perf_counter()
        result = work()
        count = len(frames or result)
        core_ms, ms = 1000 * (time.process_time() - started) / count, 1000 * (time.perf_counter() - wall) / count
        costs[name] = StageCost(core_ms, ms)
        return result

    def encode(numbered: tuple[int, list[Frame]]) -> None:
        number, part = numbered
        with VideoWriter.like(scratch / f"{number}.mp4", frames[0]) as writer:
            for frame in part:
                writer.write(frame)

    with open_video(setting.video, segmenter, options) as reader:
        frames = measured("decode", lambda: list(islice(reader, SAMPLE_FRAMES)))
    drawn = (_on_device if draws_on_device(segmenter) else _on_cpu)(segmenter, options, frames, measured)
    at_once = encoders_at_once(segmenter, frames[0])
    parts = batches(iter(drawn), -(-len(drawn) // at_once))
    measured("encode", lambda: list(concurrently(encode, at_once)(enumerate(parts))))
    return costs


Measured = Callable[[str, Callable[[], list[Any]]], list[Any]]
"""Does work under a name and returns its result."""


def _on_cpu(segmenter: Segmenter, options: OverlayOptions, frames: list[Frame], measured: Measured) -> list[Frame]:
    """Measure the stages between decoder and encoder; return the drawn frames."""
    labeller: Labeller[Frame, Frame] = Labeller(
        [segmenter], Frame.to_rgb, lambda frame: frame, batch_size=options.batch_size, tta=options.tta
    )
    overlay = Overlay(segmenter.label_space, options.appearance)

    def draw() -> list[Frame]:
        for labels in maps:
            count_pixels(labels)
        return [overlay.draw(frame, labels) for frame, labels in zip(frames, maps, strict=True)]

    prepared = measured("prepare", lambda: list(labeller.prepare(iter(frames))))
    labeller.segment(prepared[0])  # the first call makes ready
    segment = concurrently(labeller.segment, segmenter.concurrency)
    labelled = measured("segment", lambda: list(segment(iter(prepared))))
    maps = [labels for batch in labelled for labels in batch.labels[0]]
    overlay.draw(frames[0], maps[0])  # draws the legend
    return measured("draw", draw)


def _on_device(segmenter: Segmenter, options: OverlayOptions, frames: list[Frame], measured: Measured) -> list[Frame]:
    """Measure what the device of the network does; return the drawn frames."""
    assert isinstance(segmenter, EngineSegmenter)
    overlay, _ = device_overlay(
        segmenter, Overlay(segmenter.label_space, options.appearance), frames[0], tta=options.tta
    )
    size = batch_size_for(options, segmenter, frames[0])
    overlay.draw(frames[:size])  # the first call makes ready
    draw = concurrently(overlay.draw, segmenter.concurrency)

    def work() -> list[Frame]:
        drawn = [pair for batch in draw(batches(iter(frames), size)) for pair in batch]
        for _, labels in drawn:
            count_pixels(labels)
        return [frame for frame, _ in drawn]

    return measured("device", work)
