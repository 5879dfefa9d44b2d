"""Engines by name, and segmenters loaded from run folders."""

import hashlib
from collections.abc import Iterable
from os import PathLike
from typing import Literal, TypeVar

import torch

from roadseg.errors import EngineError, InputError
from roadseg.inference.imported.card import imported_folder
from roadseg.inference.imported.load import load_imported
from roadseg.inference.network_segmenter import NetworkSegmenter
from roadseg.inference.openvino_engine import OpenVinoEngine
from roadseg.inference.openvino_runtime import openvino
from roadseg.inference.segmenter import Segmenter
from roadseg.inference.self_check import check_engine
from roadseg.inference.torch_engine import TorchEngine
from roadseg.inputs.limits import MAX_SIDE, MIN_SIDE
from roadseg.models.engine import EnginePrecision, NetworkEngine
from roadseg.models.names import DEFAULT, PACKAGED
from roadseg.models.network import SegmentationNetwork
from roadseg.models.weights import ModelCard, load_model, model_file, packaged_file
from roadseg.runtime import DeviceName, Runtime, start

Program = Literal["torch", "openvino"]
AnyEngine = TypeVar("AnyEngine", bound=NetworkEngine)
EngineName = Literal["auto", "exact", Program, "onnxruntime"]
CHECK_AGAIN = "`roadseg doctor` checks engines again."


def load_segmenter(
    run: str | PathLike[str] = DEFAULT,
    *,
    device: DeviceName = "auto",
    engine: EngineName = "auto",
    precision: EnginePrecision | None = None,
    input_size: tuple[int, int] | None = None,
) -> Segmenter:
    """Load a trained network, ready to label images and videos.

    Args:
        run: a run folder of `roadseg adapt` or of `import_network`, a `model.safetensors`, or `default` or `indian` for
            packaged weights.
        device: `auto` takes the first of CUDA, MPS and CPU that is there.
        engine: the program that runs the network. `auto` takes OpenVINO on a CPU where it is installed, torch
            otherwise. `exact` is torch in float32 with class scores up-sampled to the size of each image before labels
            are decided, as published scores are computed; the others decide at half the input size and are faster.
            `onnxruntime` runs only imported networks.
        precision: by default float16 on a GPU and mixed on a CPU: the fastest with nearly the labels of float32, see
            docs/performance.md. A processor without bfloat16 takes float32. An engine whose results are wrong here, see
            `roadseg.inference.self_check`, is replaced: by itself in float32, then by torch in float32, and
            `notices` of the segmenter says so. What is named is never replaced.
        input_size: (width, height) in pixels that images are scaled to for the network; by default the largest size of
            their own shape within the size that it was trained for.

    Raises:
        WeightsError: there is no readable model.
        InputError: the device or the engine is not there, or they do not go together.
        EngineError: what is named gives wrong results on this machine.
    """
    imported = imported_folder(run)
    if imported is not None:
        if precision not in (None, "float32"):
            raise InputError(f"{run}: an imported network does not run in {precision}", "Leave the precision out.")
        return load_imported(imported, device=device, engine=engine, input_size=input_size)
    network, card = load_model(run)
    packaged = str(run) if model_file(run) in map(packaged_file, PACKAGED) else ""
    return network_segmenter(
        network, card, name=packaged, device=device, engine=engine, precision=precision, input_size=input_size
    )


def network_segmenter(
    network: SegmentationNetwork,
    card: ModelCard,
    *,
    name: str = "",
    device: DeviceName = "auto",
    engine: EngineName = "auto",
    precision: EnginePrecision | None = None,
    input_size: tuple[int, int] | None = None,
) -> Segmenter:
    """Return a segmenter that runs a trained network; further options and errors as for `load_segmenter`.

    Args:
        network: the network.
        card: what it was trained for.
        name: name of its weights for people; by default network and method.
        device: as for `load_segmenter`.
        engine: as for `load_segmenter`.
        precision: as for `load_segmenter`.
        input_size: as for `load_segmenter`.
    """
    if input_size and not all(MIN_SIDE <= side <= MAX_SIDE for side in input_size):
        raise InputError(
            f"input size {input_size[0]}x{input_size[1]}: sides have {MIN_SIDE} to {MAX_SIDE} pixels",
            "Choose a size near that of the training.",
        )
    exact = engine == "exact"
    if exact and precision not in (None, "float32"):
        raise InputError(f"engine 'exact' does not run in {precision}", "Leave the precision out: it is float32.")
    weights = weights_digest(network)
    running, notices = _sound_engine(network, weights, device, engine, "float32" if exact else precision)
    title = f"{name or f'{card.model} {card.method}'} {weights}"
    segmenter = NetworkSegmenter(network, card, running, title, exact=exact, input_size=input_size)
    segmenter.notices = notices
    return segmenter


def _sound_engine(
    network: SegmentationNetwork,
    weights: str,
    device: DeviceName,
    engine: EngineName,
    precision: EnginePrecision | None,
) -> tuple[NetworkEngine, tuple[str, ...]]:
    """Return the first engine that agrees with torch in float32, and a notice if it is not the usual one."""
    runtime, program = choose(device, engine)
    candidates = [(program, runtime, precision)]
    if precision is None:
        candidates.append((program, runtime, "float32"))
    if engine == "auto":
        candidates.append(("torch", runtime, precision or "float32"))
    if device == "auto" and precision is None and engine != "openvino":
        candidates.append(("torch", start("cpu"), precision or "float32"))
    made = (make_engine(name, network, place, kind) for name, place, kind in candidates)
    return _first_sound(made, network, weights)


def sound_torch_engine(
    network: SegmentationNetwork, weights: str, runtime: Runtime
) -> tuple[TorchEngine, tuple[str, ...]]:
    """Return torch in its usual precision, or in float32 where that is wrong on this machine, and a notice if so.

    Args:
        network: the network, with the batch-norm statistics that it shall use.
        weights: identifies the weights and these statistics.
        runtime: device to run on.

    Raises:
        EngineError: float32 is wrong too.
    """
    made = (TorchEngine(network, runtime, precision) for precision in (None, "float32"))
    return _first_sound(made, network, weights)


def _first_sound(
    made: Iterable[AnyEngine], network: SegmentationNetwork, weights: str
) -> tuple[AnyEngine, tuple[str, ...]]:
    """Return the first engine that agrees with torch in float32, and a notice if others came before."""
    problems: dict[tuple[str, torch.device], str] = {}
    for engine in made:
        if (engine.name, engine.device) in problems:
            continue
        problem = check_engine(engine, network, weights).problem
        if not problem:
            notice = f"{_sentence(problems)}; '{engine.name}' on {engine.device} is used instead. {CHECK_AGAIN}"
            return engine, (notice,) if problems else ()
        problems[engine.name, engine.device] = problem
    remedy = f"Leave --engine, --device and the precision out, or install another version. {CHECK_AGAIN}"
    raise EngineError(_sentence(problems), remedy)


def _sentence(problems: dict[tuple[str, torch.device], str]) -> str:
    return ", ".join(f"engine '{name}' on {device} {problem}" for (name, device), problem in problems.items())


def choose(device: DeviceName, engine: EngineName) -> tuple[Runtime, Program]:
    """Return the device and the program for the names of a device and an engine.

    Raises:
        InputError: the device is not there, or the engine does not run on it.
    """
    if engine == "openvino":
        if device not in ("auto", "cpu"):
            raise InputError(f"engine 'openvino' does not run on {device!r}", "Leave --device or --engine out.")
        return start("cpu"), engine
    if engine == "onnxruntime":
        raise InputError("engine 'onnxruntime' runs only imported networks", "Leave --engine out.")
    runtime = start(device)
    if engine == "auto" and runtime.device.type == "cpu" and openvino() is not None:
        return runtime, "openvino"
    return runtime, "torch"


def make_engine(
    name: Program,
    network: SegmentationNetwork,
    runtime: Runtime,
    precision: EnginePrecision | None = None,
) -> NetworkEngine:
    """Return an engine that runs `network`; see `load_segmenter` for the precision.

    Raises:
        InputError: OpenVINO is not installed, or has no such precision on this processor.
    """
    if name == "openvino":
        return OpenVinoEngine(network, precision)
    return TorchEngine(network, runtime, precision)


def weights_digest(network: SegmentationNetwork) -> str:
    """Return 12 hex digits that differ for different weights, of the same network or another."""
    digest = hashlib.sha256()
    for value in network.state_dict().values():
        digest.update(value.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]
