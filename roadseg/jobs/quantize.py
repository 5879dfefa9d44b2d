"""The job of `roadseg quantize`: a run whose network calculates in int8, compared with float32 on images left out."""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from os import PathLike
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from roadseg.datasets.catalogue import parse_dataset
from roadseg.datasets.transforms import STRIDE, Image, resized_image
from roadseg.errors import InputError, OutputError
from roadseg.files import making, sha256, write_json
from roadseg.inference.engine_segmenter import EngineSegmenter
from roadseg.inference.engines import load_segmenter
from roadseg.inference.graphs import ScoreGraph
from roadseg.inference.imported.card import CARD_FILE, ImportedCard, imported_folder, read_card
from roadseg.inference.imported.classes import read_classes
from roadseg.inference.imported.engine import ImportedEngine
from roadseg.inference.imported.load import load_imported
from roadseg.inference.imported.packages import needed
from roadseg.inference.imported.programs import OnnxRuntimeProgram
from roadseg.inference.imported.untrusted import read_onnx
from roadseg.inference.onnx_int8 import quantized
from roadseg.inference.onnx_model import describe, refuse_missing_packages
from roadseg.inference.onnx_program import to_onnx
from roadseg.inference.segmenter import Segmenter
from roadseg.models.frozen_norm import folded
from roadseg.models.names import DEFAULT, NETWORK_FILE
from roadseg.models.weights import load_model
from roadseg.streets.render import render_street

COUNT = 100
"""Images by default."""
LEAST_COUNT = 10
LEFT_OUT = 10
"""Every so many images, one is left out of the calibration, to compare labels on."""
SEED = 1
LEAST_AGREEMENT = 0.9
"""Share of pixels with the label of float32 below which nothing is written: `default` keeps 99 %."""
LOST_HERE = 0.003
"""Agreement that this processor may lose against the definition without a notice."""
FASTER = 0.95
"""Share of the time of float32 above which int8 gains nothing here."""
ROUNDS = 5


@dataclass(frozen=True)
class QuantizedNetwork:
    """A network in int8, and its comparison with float32 on images that were left out of the calibration."""

    folder: Path
    """Run folder: `network.onnx`, and its card."""
    calibrated_on: int
    """Number of images that gave the ranges of activations."""
    compared_on: int
    """Number of images left out."""
    bytes: int
    """Size of the ONNX file."""
    agreement: float
    """Share, 0..1, of pixels with the label of float32, with integer products added exactly, as ONNX defines them."""
    agreement_here: float
    """The same as computed by the program and the processor that run it here."""
    engine: str
    """Program and precision that run it here."""
    core_ms: float
    """Processor time for one image here, in milliseconds."""
    float_core_ms: float
    """The same of the network that was quantized, by the program that runs it here."""
    input_size: tuple[int, int]
    """(width, height) of the images that the times are of."""
    notices: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the facts for JSON."""
        return asdict(self) | {"folder": str(self.folder)}


def quantize(
    run: str | PathLike[str],
    out: str | PathLike[str],
    *,
    frames: str | PathLike[str] | None = None,
    count: int = COUNT,
    on_progress: Callable[[str, int, int], None] = lambda task, done, total: None,
) -> QuantizedNetwork:
    """Make a run folder whose network calculates in int8, for processors with integer dot products.

    `load_segmenter` and the commands take the folder as that of an imported network. Its `network.onnx` takes `images`
    (N, H, W, 3) uint8 RGB and gives `result`, class scores (N, C, h, w) float32; classes are in its metadata.

    Args:
        run: run folder of `adapt` or of `import_network`, a `model.safetensors`, or `default` or `indian`.
        out: run folder to make.
        frames: images for calibration: a folder, or KIND:ROOT[:SPLIT], of which labels are not used; by default
            rendered streets. Take images like those to label.
        count: largest number of images, evenly spread. One in ten is left out, for the comparison.
        on_progress: called with (task, images done, images in all).

    Returns:
        Facts about the file, its agreement with float32, and processor times of both.

    Raises:
        WeightsError: there is no readable model, or its network has too few convolutions.
        DatasetError: an image cannot be read.
        InputError: a package of the extra `onnx` is missing, there are too few images, or the network is quantized.
        EngineError: the network cannot be quantized, or not be run here.
        OutputError: the folder exists or cannot be written, or labels differ too much from those of float32.
    """
    out = Path(out)
    images = _Images(frames, count)
    with making(out) as part, TemporaryDirectory(prefix="roadseg-quantize-") as temporary:
        source = imported_folder(run)
        if source is None:
            on_progress("exporting", 0, 1)
            source = _exported(run, Path(temporary))
        card = read_card(source)
        if card.precision == "int8":
            raise InputError(f"{run}: is in int8 already", "Quantize the run that it was made of.")
        needed("onnxruntime")
        exact = load_segmenter(run, device="cpu", precision="float32")
        calibration = (
            np.concatenate([image] * (card.batch or 1))
            for image in (_fitted(exact, images.at(index, card.input_size))[1] for index in images.calibration)
        )
        report = partial(on_progress, "calibrating")
        model = quantized(
            read_onnx(source / NETWORK_FILE), calibration, lambda done: report(done, len(images.calibration))
        )
        (part / NETWORK_FILE).write_bytes(model.SerializeToString())
        card = card.model_copy(update={"precision": "int8", "sha256": sha256(part / NETWORK_FILE)})
        write_json(part / CARD_FILE, card.model_dump(mode="json"))

        here = load_imported(part, device="cpu")
        as_defined = EngineSegmenter(
            ImportedEngine(OnnxRuntimeProgram(part / NETWORK_FILE, as_defined=True), card),
            card.origin, card.labels.label_space, card.input_size, size_step=card.size_step, has_scores=False,
            align_corners=card.align_corners,
        )  # fmt: skip
        same: list[tuple[float, float]] = []
        for index in images.left_out:
            on_progress("comparing", len(same), len(images.left_out))
            image = images.at(index, card.input_size)
            expected, *found = (_fitted(each, image) for each in (exact, as_defined, here))
            labels = expected[0].segment(expected[1])
            defined, engine = (float((each.segment(pixels) == labels).mean()) for each, pixels in found)
            same.append((defined, engine))
        agreement, agreement_here = (float(value) for value in np.mean(same, axis=0))
        if agreement < LEAST_AGREEMENT:
            raise OutputError(
                f"{out}: not written, int8 gives another label than float32 to {100 * (1 - agreement):.0f} % of pixels",
                "Calibrate on more images like those to label (--frames, --images), or stay with float32.",
            )
        usual = load_segmenter(run, device="cpu")
        core_ms, float_core_ms = _core_ms(here, usual, image)
        size = (part / NETWORK_FILE).stat().st_size
    return QuantizedNetwork(
        folder=out,
        calibrated_on=len(images.calibration),
        compared_on=len(images.left_out),
        bytes=size,
        agreement=agreement,
        agreement_here=agreement_here,
        engine=here.engine.partition(",")[0],
        core_ms=core_ms,
        float_core_ms=float_core_ms,
        input_size=_fitted(here, image)[0].input_size,
        notices=(*here.notices, *_doubts(agreement, agreement_here, core_ms, float_core_ms)),
    )


class _Images:
    """Images for calibration and comparison, read or rendered when they are asked for."""

    def __init__(self, frames: str | PathLike[str] | None, count: int) -> None:
        enough = f"Give {LEAST_COUNT} or more: the ranges of activations come from them."
        if count < LEAST_COUNT:
            raise InputError(f"{count} images are too few to quantize a network", enough)
        self._dataset = None
        if frames is not None:
            self._dataset = parse_dataset(str(frames), "train", folder_kind="frames").open().evenly_spread(count)
            count = len(self._dataset)
            if count < LEAST_COUNT:
                raise InputError(f"{frames}: {count} images are too few to quantize a network", enough)
        self.left_out = range(LEFT_OUT // 2, count, LEFT_OUT)
        self.calibration = [index for index in range(count) if index not in self.left_out]

    def at(self, index: int, size: tuple[int, int]) -> Image:
        """Return an image, (H, W, 3) uint8 RGB; `size` is the (width, height) of rendered ones."""
        return render_street(SEED, index, size=size)[0] if self._dataset is None else self._dataset.image(index)


def _exported(run: str | PathLike[str], folder: Path) -> Path:
    """Write a network of roadseg into `folder`, in the form of an imported one."""
    refuse_missing_packages()
    network, card = load_model(run)
    width, height = card.input_size
    example = torch.zeros(2, height, width, 3, dtype=torch.uint8)
    free_axes = dict.fromkeys((0, 1, 2), torch.export.Dim.AUTO)
    model = to_onnx(ScoreGraph(folded(network)).eval(), example, "result", free_axes)
    describe(model, network, card, {"input_size": card.input_size})
    (folder / NETWORK_FILE).write_bytes(model.SerializeToString())
    imported = ImportedCard(
        origin=Path(run).resolve().name if str(run) != DEFAULT else DEFAULT,
        sha256=sha256(folder / NETWORK_FILE),
        labels=read_classes(card.label_space),
        answer="scores",
        input_size=card.input_size,
        size_step=STRIDE,
        batch=None,
        normalization="by the network",
        align_corners=network.align_corners,
    )
    write_json(folder / CARD_FILE, imported.model_dump(mode="json"))
    return folder


def _fitted(segmenter: Segmenter, image: Image) -> tuple[Segmenter, Image]:
    """Return the segmenter for images of this shape, and the image as a batch (1, H, W, 3) of its input size."""
    fitted = segmenter.fitted(image.shape[1] / image.shape[0])
    return fitted, resized_image(image, fitted.input_size)[None]


def _core_ms(ours: Segmenter, theirs: Segmenter, image: Image) -> tuple[float, float]:
    """Return the processor times of both for one image, in milliseconds: the median of rounds in turn."""
    times: tuple[list[float], list[float]] = ([], [])
    pairs = [_fitted(each, image) for each in (ours, theirs)]
    batches = [np.concatenate([pixels] * each.batch_size) for each, pixels in pairs]
    for _ in range(ROUNDS + 1):
        for (each, _pixels), batch, taken in zip(pairs, batches, times, strict=True):
            start = time.process_time()
            each.segment(batch)
            taken.append(1000 * (time.process_time() - start) / len(batch))
    return median(times[0][1:]), median(times[1][1:])  # the first call compiles


def _doubts(agreement: float, here: float, core_ms: float, float_core_ms: float) -> Iterator[str]:
    """Yield notices where this processor makes little of int8."""
    if here < agreement - LOST_HERE:
        yield (
            f"this processor rounds int8 more than the file asks for: {100 * here:.1f} % of labels instead of "
            f"{100 * agreement:.1f} %"
        )
    if core_ms > FASTER * float_core_ms:
        yield (
            "int8 is not faster than float32 on this processor: use the run on one with integer dot products "
            "(VNNI or AMX, on ARM dotprod)"
        )
