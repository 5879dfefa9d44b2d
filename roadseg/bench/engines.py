"""What engines and precisions make of the same pictures: time, and how near they come to float32 and to the truth."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadseg.datasets.dataset import ImageDataset
from roadseg.datasets.transforms import resized_image, resized_label
from roadseg.evaluation.evaluate import Evaluation, evaluate
from roadseg.inference.engine import EnginePrecision
from roadseg.inference.engines import Program, choose, load_segmenter
from roadseg.inference.openvino_engine import openvino_precisions
from roadseg.inference.segmenter import Segmenter
from roadseg.labels.space import LabelMap
from roadseg.models.weights import load_model
from roadseg.runtime import DeviceName, describe

TORCH_PRECISIONS: tuple[tuple[EnginePrecision, ...], ...] = (
    ("float32", "mixed", "bfloat16"),
    ("float32", "mixed", "float16"),
)
"""Those to look at on a CPU, and on a GPU; the first is what all are held against."""


@dataclass(frozen=True)
class EngineCost:
    """One engine in one precision."""

    name: str
    """Program and precision, as `roadseg.inference.engine.Engine.name`."""
    chosen: bool
    """Whether this is what `roadseg overlay` takes by itself here."""
    start_seconds: float
    """Wall time of making ready: loading weights and labelling a first batch."""
    ms_a_frame: float
    """The fastest round: processor time over all threads on a CPU, wall time on a GPU."""
    agreement: float
    """Share in percent of the pixels of label maps that are as in torch float32."""
    miou: float
    """In percent, label maps scaled to the truth by nearest neighbour."""


@dataclass(frozen=True)
class EngineComparison:
    """Engines on the pictures of a data set."""

    device: str
    dataset: str
    images: int
    input_size: tuple[int, int]
    """(width, height)."""
    batch_size: int
    engines: tuple[EngineCost, ...]
    """The first is torch in float32."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
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
    """Label a data set by every engine that is here, in every precision that it has.

    Time is that of its first pictures, a batch of each engine in turn, `rounds` times: other work on the machine only
    ever adds, so the fastest counts.

    Args:
        run: as for `load_segmenter`.
        dataset: labelled.
        device: to compare on; OpenVINO takes part on the CPU alone.
        input_size: (width, height) that pictures are scaled to; by default what the network was trained for.
        batch_size: pictures at once, at least 1.
        rounds: at least 1.
        on_progress: told (things done, things in all, engine at work).

    Raises:
        InputError, WeightsError: there is no such device or run.
        DatasetError: the data set cannot be scored on.
    """
    runtime, _ = choose(device, "torch")
    on_cpu = runtime.device.type == "cpu"
    candidates: list[tuple[Program, EnginePrecision]] = [
        ("torch", precision) for precision in TORCH_PRECISIONS[not on_cpu]
    ]
    candidates += [("openvino", precision) for precision in openvino_precisions()] if on_cpu else []
    chosen = load_segmenter(run, device=device).name
    size = input_size or load_model(run)[1].input_size
    count = min(batch_size, len(dataset))
    batch = np.stack([resized_image(dataset.image(index), size) for index in range(count)])
    total = len(candidates) * (len(dataset) + 1)

    segmenters: dict[str, Segmenter] = {}
    starts: dict[str, float] = {}
    for position, (engine, precision) in enumerate(candidates):
        name = f"{engine} {precision}"
        on_progress(position, total, name)
        began = time.perf_counter()
        segmenters[name] = load_segmenter(run, device=device, engine=engine, precision=precision, input_size=input_size)
        segmenters[name].segment(batch)
        starts[name] = time.perf_counter() - began
    clock = time.process_time if on_cpu else time.perf_counter
    best = dict.fromkeys(segmenters, float("inf"))
    for _ in range(rounds):
        for name, segmenter in segmenters.items():
            began = clock()
            segmenter.segment(batch)
            best[name] = min(best[name], 1000 * (clock() - began) / count)

    def tell(before: int, name: str, images: int, _: int) -> None:
        on_progress(before + images, total, name)

    costs: list[EngineCost] = []
    reference: list[LabelMap] = []
    for position, (name, segmenter) in enumerate(segmenters.items()):
        done = len(candidates) + position * len(dataset)
        evaluation, maps = _scored(segmenter, dataset, size, partial(tell, done, name))
        reference = reference or maps
        costs.append(
            EngineCost(
                name,
                chosen=segmenter.name == chosen,
                start_seconds=starts[name],
                ms_a_frame=best[name],
                agreement=100 * float(np.mean([one == other for one, other in zip(maps, reference, strict=True)])),
                miou=evaluation.miou,
            )
        )
    return EngineComparison(describe(runtime.device), dataset.name, len(dataset), size, count, tuple(costs))


def _scored(
    segmenter: Segmenter, dataset: ImageDataset, size: tuple[int, int], on_progress: Callable[[int, int], None]
) -> tuple[Evaluation, list[LabelMap]]:
    """Scores, and the label map of each picture, at the size that the segmenter gives."""
    maps: list[LabelMap] = []

    def predict(images: NDArray[np.uint8], truth_size: tuple[int, int]) -> NDArray[np.uint8]:
        (labels,) = segmenter.segment(images)
        maps.append(labels)
        return resized_label(labels, truth_size)[None]

    evaluation = evaluate(predict, segmenter.label_space, dataset, input_size=size, on_progress=on_progress)
    return evaluation, maps
