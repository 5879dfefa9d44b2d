"""Imported networks as segmenters."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import torch

from roadseg.errors import EngineError, InputError
from roadseg.inference.engine_segmenter import EngineSegmenter
from roadseg.inference.imported.card import ImportedCard, read_card
from roadseg.inference.imported.engine import ImportedEngine
from roadseg.inference.imported.packages import has_onnx_runtime
from roadseg.inference.imported.programs import OnnxRuntimeProgram, OpenVinoProgram, Program
from roadseg.inference.openvino_runtime import openvino
from roadseg.inference.self_check import ROUNDED, Bounds, Outcome, compared, remembered, street
from roadseg.models.names import NETWORK_FILE
from roadseg.models.predict import to_tensor
from roadseg.models.tta import coarse_size
from roadseg.runtime import DeviceName, start

GPU_BATCH_SIZE = 8
AGREEING = Bounds(labels=0.98, difference=0.25)
"""Agreement of OpenVINO with ONNX Runtime. Networks in float32 agree to within 0.001 of a standard deviation."""


def load_imported(
    folder: Path,
    *,
    device: DeviceName = "auto",
    engine: Literal["auto", "exact", "openvino", "onnxruntime", "torch"] = "auto",
    input_size: tuple[int, int] | None = None,
) -> EngineSegmenter:
    """Load an imported network, ready to label images and videos.

    Args:
        folder: a folder that `roadseg.import_network` made.
        device: `cuda` needs `onnxruntime-gpu`; `auto` takes it where it works.
        engine: `auto` takes OpenVINO on a CPU where it is installed and agrees with ONNX Runtime.
        input_size: (width, height) of images; by default the largest size of their own shape within that of the
            network, if it takes several.

    Raises:
        WeightsError: the network is damaged.
        InputError: the engine or the device is not there, or the network does not take images of this size.
        EngineError: the engine that is named gives wrong results.
    """
    card = read_card(folder)
    if input_size and card.size_step is None and input_size != card.input_size:
        width, height = card.input_size
        raise InputError(f"{folder}: takes only images of {width}x{height}", "Leave --input-size out.")
    choice = _chosen(folder, card, device, engine)
    segmenter = EngineSegmenter(
        ImportedEngine(choice.program, card),
        f"{card.origin} {card.sha256[:12]}",
        card.labels.label_space,
        input_size or card.input_size,
        size_step=None if input_size else card.size_step,
        exact=engine == "exact",
        align_corners=card.align_corners,
        has_scores=card.answer != "labels",
    )
    segmenter.notices = choice.notices
    return segmenter


@dataclass(frozen=True)
class _Choice:
    program: Program
    notices: tuple[str, ...] = ()


def _chosen(folder: Path, card: ImportedCard, device: DeviceName, engine: str) -> _Choice:
    file = folder / NETWORK_FILE
    if engine == "torch" or device == "mps":
        wanted = "engine 'torch'" if engine == "torch" else "device 'mps'"
        raise InputError(f"{folder}: an imported network does not run on {wanted}", "Leave --engine and --device out.")
    if device == "cuda":
        if engine == "openvino":
            raise InputError("engine 'openvino' does not run on 'cuda'", "Leave --device or --engine out.")
        start(device)
        return _Choice(OnnxRuntimeProgram(file, cuda=True, batch_size=GPU_BATCH_SIZE))
    notices: tuple[str, ...] = ()
    if device == "auto" and engine in ("auto", "onnxruntime") and start("auto").device.type == "cuda":
        try:
            return _Choice(OnnxRuntimeProgram(file, cuda=True, batch_size=GPU_BATCH_SIZE))
        except (InputError, EngineError) as error:
            notices = (f"the CPU is used: {error.cause}. {error.remedy}",)
    if engine == "onnxruntime" or openvino() is None:
        return _Choice(OnnxRuntimeProgram(file), notices)
    try:
        program = OpenVinoProgram(file)
        problem = _check(program, file, card).problem if has_onnx_runtime() else ""
    except EngineError as error:
        problem = error.cause
    if not problem:
        return _Choice(program, notices)
    if engine == "openvino" or not has_onnx_runtime():
        raise EngineError(f"engine '{OpenVinoProgram.name}' {problem}", "Use --engine onnxruntime.")
    return _Choice(
        OnnxRuntimeProgram(file), (*notices, f"engine '{OpenVinoProgram.name}' {problem}; ONNX Runtime is used instead")
    )


def _check(program: OpenVinoProgram, file: Path, card: ImportedCard) -> Outcome:
    """Compare OpenVINO with ONNX Runtime on one image; the outcome is remembered."""

    def check() -> tuple[Outcome, bool]:
        quantized = card.precision == "int8"
        reference = OnnxRuntimeProgram(file, as_defined=quantized)
        bounds = ROUNDED if quantized else AGREEING
        pixels = to_tensor(cv2.resize(street(), card.input_size)[None], torch.device("cpu"))  # type: ignore[arg-type]
        size = coarse_size(card.input_size, 2)
        ours, theirs = ImportedEngine(program, card), ImportedEngine(reference, card)
        try:
            ours.labels(pixels, size)
        except InputError as error:  # such as a batch whose size it cannot change
            return Outcome(f"fails: {error.cause}"), True
        if card.answer != "labels":
            return compared(ours.scores(pixels, size), theirs.scores(pixels, size), bounds, "ONNX Runtime"), True
        share = float((ours.labels(pixels, size) == theirs.labels(pixels, size)).float().mean())
        wrong = f"computes wrongly: {100 * share:.0f} % of the labels are those of ONNX Runtime"
        return Outcome("" if share >= bounds.labels else wrong, share), True

    return remembered(("imported", card.sha256, card.input_size), ImportedEngine.device, program.version, check)
