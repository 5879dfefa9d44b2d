"""Engines by name, and segmenters loaded from run folders."""

import hashlib
from os import PathLike
from pathlib import Path
from typing import Literal

from roadseg.errors import InputError
from roadseg.inference.engine import Engine, EnginePrecision
from roadseg.inference.network_segmenter import NetworkSegmenter
from roadseg.inference.openvino_engine import OpenVinoEngine
from roadseg.inference.openvino_runtime import openvino
from roadseg.inference.segmenter import Segmenter
from roadseg.inference.torch_engine import TorchEngine
from roadseg.inputs.limits import MAX_SIDE, MIN_SIDE
from roadseg.models.names import DEFAULT
from roadseg.models.network import SegmentationNetwork
from roadseg.models.weights import ModelCard, load_model
from roadseg.runtime import DeviceName, Runtime, start

Program = Literal["torch", "openvino"]
EngineName = Literal["auto", "exact", Program]


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
        run: a run folder of `roadseg adapt`, a `model.safetensors`, or `default` for the default weights.
        device: `auto` takes the first of CUDA, MPS and CPU that is there.
        engine: the program that runs the network. `auto` takes OpenVINO on a CPU where it is installed, torch
            otherwise. `exact` is torch in float32 with class scores up-sampled to the size of each image before labels
            are decided, as published scores are computed; the others decide at half the input size and are faster.
        precision: by default float16 on a GPU and mixed on a CPU: the fastest with nearly the labels of float32, see
            docs/performance.md. A processor without bfloat16 takes float32.
        input_size: (width, height) in pixels that images are scaled to for the network; by default the size that it was
            trained for.

    Raises:
        WeightsError: there is no readable model.
        InputError: the device or the engine is not there, or they do not go together.
    """
    network, card = load_model(Path(run))
    return network_segmenter(network, card, device=device, engine=engine, precision=precision, input_size=input_size)


def network_segmenter(
    network: SegmentationNetwork,
    card: ModelCard,
    *,
    device: DeviceName = "auto",
    engine: EngineName = "auto",
    precision: EnginePrecision | None = None,
    input_size: tuple[int, int] | None = None,
) -> Segmenter:
    """Return a segmenter that runs a trained network; options and errors as for `load_segmenter`."""
    if input_size and not all(MIN_SIDE <= side <= MAX_SIDE for side in input_size):
        raise InputError(
            f"input size {input_size[0]}x{input_size[1]}: sides have {MIN_SIDE} to {MAX_SIDE} pixels",
            "Choose a size near that of the training.",
        )
    runtime, program = choose(device, engine)
    exact = engine == "exact"
    if exact and precision not in (None, "float32"):
        raise InputError(f"engine 'exact' does not run in {precision}", "Leave the precision out: it is float32.")
    card = card.model_copy(update={"input_size": input_size or card.input_size})
    running = make_engine(program, network, runtime, "float32" if exact else precision)
    name = f"{card.model} {card.method} {weights_digest(network)}"
    return NetworkSegmenter(network, card, running, name, exact=exact)


def choose(device: DeviceName, engine: EngineName) -> tuple[Runtime, Program]:
    """Return the device and the program for the names of a device and an engine.

    Raises:
        InputError: the device is not there, or the engine does not run on it.
    """
    if engine == "openvino":
        if device not in ("auto", "cpu"):
            raise InputError(f"engine 'openvino' does not run on {device!r}", "Leave --device or --engine out.")
        return start("cpu"), engine
    runtime = start(device)
    if engine == "auto" and runtime.device.type == "cpu" and openvino() is not None:
        return runtime, "openvino"
    return runtime, "torch"


def make_engine(
    name: Program,
    network: SegmentationNetwork,
    runtime: Runtime,
    precision: EnginePrecision | None = None,
) -> Engine:
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
