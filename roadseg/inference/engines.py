"""Which engine runs a network here, and the segmenter of a run in it."""

import hashlib
from pathlib import Path
from typing import Literal

from roadseg.errors import InputError
from roadseg.inference.engine import Engine, EnginePrecision
from roadseg.inference.network_segmenter import NetworkSegmenter
from roadseg.inference.openvino_engine import OpenVinoEngine
from roadseg.inference.openvino_runtime import openvino
from roadseg.inference.segmenter import Segmenter
from roadseg.inference.torch_engine import TorchEngine
from roadseg.models.network import SegmentationNetwork
from roadseg.models.weights import load_model
from roadseg.runtime import DeviceName, Runtime, start

Program = Literal["torch", "openvino"]
EngineName = Literal["auto", Program]


def load_segmenter(
    run: Path,
    *,
    device: DeviceName = "auto",
    engine: EngineName = "auto",
    precision: EnginePrecision | None = None,
    input_size: tuple[int, int] | None = None,
) -> Segmenter:
    """Load the segmenter of a run folder or of a `model.safetensors`.

    Args:
        run: what `roadseg.models.weights.load_model` reads.
        device: `auto` for the first of CUDA, MPS and CPU that is there.
        engine: `auto` for OpenVINO on the CPU where it is installed, torch otherwise.
    precision: unless it is named, float16 on a GPU and mixed on the CPU: what is fastest among those that give
        nearly the labels of float32, see docs/performance.md. Without bfloat16, OpenVINO takes float32.
    input_size: (width, height) that pictures are scaled to; by default what the network was trained for.

    Raises:
        WeightsError: there is no readable model.
        InputError: the device or the engine is not there, or they do not go together.
    """
    runtime, chosen = choose(device, engine)
    network, card = load_model(run)
    card = card.model_copy(update={"input_size": input_size or card.input_size})
    running = make_engine(chosen, network, runtime, precision)
    return NetworkSegmenter(network, card, running, f"{card.model} {card.method} {weights_digest(network)}")


def choose(device: DeviceName, engine: EngineName) -> tuple[Runtime, Program]:
    """Device and engine for what was asked.

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
    """An engine that runs `network`; see `load_segmenter` for the precision.

    Raises:
        InputError: OpenVINO is not installed, or has no such precision on this processor.
    """
    if name == "openvino":
        return OpenVinoEngine(network, precision)
    return TorchEngine(network, runtime, precision)


def weights_digest(network: SegmentationNetwork) -> str:
    """12 hex digits that tell one set of weights from another, of the same network or not."""
    digest = hashlib.sha256()
    for value in network.state_dict().values():
        digest.update(value.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]
