"""Programs that start fewer kernels: CUDA graphs for inference, torch.compile for training steps."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from gpu.setting import Setting
from torch._dynamo.utils import counters
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile
from training.plain import make_plain
from training.setting import build, draw_batches

from roadseg.datasets.sampling import Batch
from roadseg.inference.engines import make_engine
from roadseg.models import frozen_norm
from roadseg.models.engine import Engine
from roadseg.models.predict import to_tensor
from roadseg.models.weights import load_model
from roadseg.runtime import start

SECONDS, SECONDS_A_CASE = 200, 70
"""Limits for all training steps and for those of one way, compilation included."""


def graphs(setting: Setting) -> dict[str, Any]:
    """Labels of images on the device, each kernel started by itself and all by one CUDA graph."""
    found: dict[str, Any] = {}
    for name, (run, size) in setting.networks.items():
        engine = make_engine("torch", load_model(run)[0], setting.runtime, "float32" if setting.smoke else "float16")
        half = (size[0] // 2, size[1] // 2)
        for count in (1,) if setting.smoke else (1, 16):
            pixels = to_tensor(setting.random_images(count, size), setting.runtime.device)
            expected = engine.labels(pixels, half)
            case = {"ms": setting.milliseconds(partial(engine.labels, pixels, half))}
            if not setting.smoke:
                replay, labels = _graph(engine, pixels, half)
                case |= {"graph_ms": setting.milliseconds(replay), "equal": (labels == expected).float().mean().item()}
            found[f"{name} {size[0]}x{size[1]} batch {count}"] = case
    return found


def _graph(engine: Engine, pixels: torch.Tensor, size: tuple[int, int]) -> tuple[Callable[[], None], torch.Tensor]:
    """Return a function that labels `pixels` by a CUDA graph, and the labels that it writes."""
    side = torch.cuda.Stream()
    with torch.cuda.stream(side):
        engine.labels(pixels, size)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        labels = engine.labels(pixels, size)
    return graph.replay, labels


def compiled_steps(setting: Setting) -> dict[str, Any]:
    """Steps of multi-level adaptation: batch norm folded or not, compiled or not, ours or of torch's own layers.

    Dropout is off, since compiled code draws other masks; losses after the same steps then differ by rounding alone.
    """
    found: dict[str, Any] = {}
    sizes = {"fast": (96, 64)} if setting.smoke else {"fast": (640, 480), "resnet101": (1280, 720)}
    batches = {}
    for model, size in sizes.items():
        with TemporaryDirectory() as folder:
            loader = draw_batches(Path(folder), size)
            batches[model] = [loader[number].to(setting.runtime.device) for number in range(4)]
    end = time.monotonic() + SECONDS
    for (name, (in_turn, plain, mode)), (model, size) in product(_ways(setting).items(), sizes.items()):
        left = int(end - time.monotonic())
        try:
            with _at_most(max(1, min(left, SECONDS_A_CASE))), _normalised(in_turn):
                case = _steps(setting, model, batches[model], plain=plain, mode=mode)
        except Exception as error:  # torch raises what it likes while it compiles
            case = {"failed": repr(error)[:300]}
        found[f"{model} {size[0]}x{size[1]} {name}"] = case
        torch._dynamo.reset()
    return found


Way = tuple[bool | None, bool, str | None]
"""Batch norm after its convolution or folded (None: as the device has it); torch's own layers; mode of compilation."""


def _ways(setting: Setting) -> dict[str, Way]:
    ways: dict[str, Way] = {
        "as it is": (None, False, None),
        "folded": (False, False, None),
        "in turn": (True, False, None),
        "own layers": (None, True, None),
    }
    if setting.smoke:
        return ways
    return ways | {
        "own layers compiled": (None, True, "default"),
        "compiled": (None, False, "default"),
        "own layers compiled, reduce-overhead": (None, True, "reduce-overhead"),
    }


def _steps(setting: Setting, model: str, batches: list[Batch], *, plain: bool, mode: str | None) -> dict[str, Any]:
    trainer = build(model, start(setting.device))
    network = trainer.method.segmenter
    if plain:
        make_plain(network)
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout2d):
            module.p = 0.0
    counters.clear()
    if mode is not None:
        network.compile(mode=mode)
    began = time.perf_counter()
    losses = [trainer.make_step(batch) for batch in batches[:3]]
    setting.synchronize()
    first = time.perf_counter() - began
    assert losses[-1] is not None
    if not setting.smoke:
        torch.cuda.reset_peak_memory_stats()
    ms = setting.milliseconds(lambda: trainer.make_step(batches[3]))
    return {
        "ms": ms,
        "kernels": _kernels(setting, lambda: trainer.make_step(batches[3])),
        "GiB": None if setting.smoke else round(torch.cuda.max_memory_allocated() / 2**30, 2),
        "first_three_s": round(first, 1),
        "graph_breaks": sum(counters["graph_break"].values()),
        "losses": {name: round(value.item(), 6) for name, value in losses[-1].items()},
    }


def _kernels(setting: Setting, step: Callable[[], object]) -> int:
    """Return the number of kernels that a step starts; on the CPU, of operations."""
    kind = ProfilerActivity.CPU if setting.smoke else ProfilerActivity.CUDA
    with profile(activities=[kind]) as profiled:
        step()
        setting.synchronize()
    device = DeviceType.CPU if setting.smoke else DeviceType.CUDA
    return sum(event.device_type == device for event in profiled.events() or [])


@contextmanager
def _normalised(in_turn: bool | None) -> Iterator[None]:
    kept = frozen_norm._in_turn
    if in_turn is not None:
        frozen_norm._in_turn = lambda x: in_turn
    try:
        yield
    finally:
        frozen_norm._in_turn = kept


@contextmanager
def _at_most(seconds: int) -> Iterator[None]:
    """Raise TimeoutError in the body after so many seconds."""

    def stop(number: int, frame: object) -> None:
        raise TimeoutError(f"longer than {seconds} s")

    kept = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, kept)
