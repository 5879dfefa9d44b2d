"""Engines and precisions on the same images: time, agreement with float32, and mIoU."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from roadseg.datasets.dataset import ImageDataset
from roadseg.datasets.source_images import aspect_ratio
from roadseg.datasets.transforms import resized_image
from roadseg.errors import EngineError
from roadseg.evaluation.evaluate import score
from roadseg.evaluation.scores import Evaluation
from roadseg.inference.engines import Program, choose, load_segmenter
from roadseg.inference.openvino_engine import openvino_precisions
from roadseg.inference.segmenter import Segmenter
from roadseg.labels.space import LabelMap
from roadseg.models.engine import EnginePrecision
from roadseg.runtime import DeviceName, cpu_has_bfloat16, describe


def torch_precisions(on_cpu: bool) -> tuple[EnginePrecision, ...]:
    """Return the precisions in which torch is compared; the first is the reference.

    A CPU without bfloat16 emulates it, nine times as slowly: nobody would choose that.
    """
    if not on_cpu:
        return ("float32", "mixed", "float16")
    return ("float32", "mixed", "bfloat16") if cpu_has_bfloat16() else ("float32",)


@dataclass(frozen=True)
class EngineCost:
    """One engine in one precision."""

    name: str
    """Program and precision, as `roadseg.models.engine.Engine.name`."""
    chosen: bool
    """`roadseg overlay` takes this engine by default on this machine."""
    start_seconds: float
    """Wall time to load weights and label a first batch."""
    ms_a_frame: float
    """Time per frame in the fastest round: processor time over all threads on a CPU, wall time on a GPU."""
    agreement: float
    """Pixels with the same label as torch in float32, in percent."""
    miou: float
    """Mean IoU in percent, label maps scaled to the truth by nearest neighbour."""


@dataclass(frozen=True)
class EngineComparison:
    """Engines on the images of a data set."""

    device: str
    dataset: str
    images: int
    input_size: tuple[int, int]
    """(width, height)."""
    batch_size: int
    engines: tuple[EngineCost, ...]
    """Costs by engine; the first is torch in float32."""
    notices: tuple[str, ...] = ()
    """Engines that were left out because their results are wrong here, each in a sentence."""

    def as_dict(self) -> dict[str, Any]:
        """Return the comparison for JSON."""
        digits = {"start_seconds": 2, "ms_a_frame": 2, "agreement": 3, "miou": 2}
        rows = [
            {name: round(value, digits[name]) if name in digits else value for name, value in vars(each).items()}
            for each in self.engines
        ]
        return vars(self) | {"engines": rows}


def compare_engines(
    run: Path,
    dataset: ImageDataset,
    *,
    device: DeviceName = "auto",
    input_size: tuple[int, int] | None = None,
    batch_size: int = 4,
    rounds: int = 5,
    on_progress: Callable[[int, int, str], None] = lambda done, total, what: None,
) -> EngineComparison:
    """Label a data set with every engine of this machine, in every precision.

    Time is measured on the first images: a batch of each engine in turn, `rounds` times. Other work on the machine only
    adds time, so the fastest round counts.

    Args:
        run: as for `load_segmenter`.
        dataset: a labelled data set.
        device: device to compare on; OpenVINO runs on the CPU only.
        input_size: (width, height) in pixels that images are resized to; by default the training size.
        batch_size: images per call, at least 1.
        rounds: number of rounds, at least 1.
        on_progress: called with (steps done, steps in all, engine at work).

    Returns:
        Time and scores of each engine; those that give wrong results here are left out with a notice.

    Raises:
        InputError: the device is missing.
        WeightsError: the run has no readable model.
        DatasetError: the data set cannot be scored on.
    """
    runtime, _ = choose(device, "torch")
    on_cpu = runtime.device.type == "cpu"
    candidates: list[tuple[Program, EnginePrecision]] = [("torch", precision) for precision in torch_precisions(on_cpu)]
    candidates += [("openvino", precision) for precision in openvino_precisions()] if on_cpu else []
    usual = load_segmenter(run, device=device, input_size=input_size).fitted(aspect_ratio(dataset))
    size, count = usual.input_size, min(batch_size, len(dataset))
    batch = np.stack([resized_image(dataset.image(index), size) for index in range(count)])
    total = len(candidates) * (len(dataset) + 1)

    segmenters: dict[str, Segmenter] = {}
    starts: dict[str, float] = {}
    notices: list[str] = []
    for position, (engine, precision) in enumerate(candidates):
        name = f"{engine} {precision}"
        on_progress(position, total, name)
        began = time.perf_counter()
        try:
            loaded = load_segmenter(run, device=device, engine=engine, precision=precision, input_size=input_size)
        except EngineError as error:
            notices.append(f"left out: {error.cause}")
            continue
        segmenters[name] = loaded
        loaded.segment(batch)
        starts[name] = time.perf_counter() - began
    clock = time.process_time if on_cpu else time.perf_counter
    best = dict.fromkeys(segmenters, float("inf"))
    for _ in range(rounds):
        for name, segmenter in segmenters.items():
            began = clock()
            segmenter.segment(batch)
            best[name] = min(best[name], 1000 * (clock() - began) / count)

    def show(before: int, name: str, images: int, _: int) -> None:
        on_progress(before + images, total, name)

    costs: list[EngineCost] = []
    reference: list[LabelMap] = []
    for position, (name, segmenter) in enumerate(segmenters.items()):
        done = len(candidates) + position * len(dataset)
        miou, agreement = _scored(segmenter, dataset, reference, partial(show, done, name))
        costs.append(
            EngineCost(
                name,
                chosen=segmenter.name == usual.name,
                start_seconds=starts[name],
                ms_a_frame=best[name],
                agreement=agreement,
                miou=miou,
            )
        )
    return EngineComparison(
        describe(runtime.device), dataset.name, len(dataset), size, count, tuple(costs), tuple(notices)
    )


def _scored(
    segmenter: Segmenter, dataset: ImageDataset, reference: list[LabelMap], on_progress: Callable[[int, int], None]
) -> tuple[float, float]:
    """Return mIoU and agreement with the reference label maps, in percent; an empty `reference` is filled."""
    first, shares = not reference, []

    def compare(index: int, labels: LabelMap, _: Evaluation) -> None:
        if first:
            reference.append(labels)
        shares.append(float(np.mean(labels == reference[index])))

    evaluation = score(segmenter, dataset, on_progress=on_progress, on_image=compare)
    return evaluation.miou, 100 * float(np.mean(shares))
