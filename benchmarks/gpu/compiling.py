"""Programs that start fewer kernels: CUDA graphs for inference, torch.compile for training steps."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
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

SECONDS, SECONDS_A_GROUP, LEAST_SECONDS = 300, 90, 20
"""Limits for all training steps and for a group of ways; a group that has less left is left out."""
SIZES = {"fast": (640, 480), "resnet101": (1280, 720)}

Way = tuple[bool | None, bool, str | None]
"""Batch norm after its convolution or folded (None: as the device has it); torch's own layers; mode of compilation."""
# Those that leave batch norm to the device come first: a process changes that once and for all.
UNCOMPILED: dict[str, Way] = {
    "as it is": (None, False, None),
    "own layers": (None, True, None),
    "folded": (False, False, None),
    "in turn": (True, False, None),
}
COMPILED: dict[str, Way] = {
    "own layers compiled": (None, True, "default"),
    "compiled": (None, False, "default"),
    "own layers compiled, reduce-overhead": (None, True, "reduce-overhead"),
}


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
    Each group of ways has a process of its own, since nothing else ends a compilation that takes too long.
    """
    found: dict[str, Any] = {}
    groups = [UNCOMPILED] if setting.smoke else [UNCOMPILED, *([name] for name in COMPILED)]
    end = time.monotonic() + SECONDS
    for names, model in product(groups, ("fast",) if setting.smoke else ("fast", "resnet101")):
        limit = end - time.monotonic()
        if not setting.smoke:  # in small there is one group, on a machine that may have other work
            limit = min(SECONDS_A_GROUP, limit)
        if limit < LEAST_SECONDS:
            found[f"{model} {', '.join(names)}"] = {"failed": "left out: no time"}
            continue
        found |= _in_own_process(setting, model, names, limit)
    return found


def _in_own_process(setting: Setting, model: str, names: Sequence[str], seconds: float) -> dict[str, Any]:
    results, log = setting.folder / "ways.json", setting.folder / "ways.log"
    results.write_text("{}")
    command = [sys.executable, "-m", "gpu.compiling", str(results), setting.device, model, *names]
    # Not by pipes: processes of the compiler, which would outlive it, hold them open.
    with log.open("w") as output:
        try:
            code = subprocess.run(
                command,
                stdout=output,
                stderr=output,
                timeout=seconds,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            ).returncode
        except subprocess.TimeoutExpired:
            code = -1
    found: dict[str, Any] = json.loads(results.read_text())
    if code:
        last = f"longer than {seconds:.0f} s" if code == -1 else log.read_text()[-500:]
        found[f"{model} {', '.join(names)}"] = {"failed": last}
    return found


def main() -> None:
    """Measure ways of one model and write each when it is done: FILE DEVICE MODEL WAY..."""
    results, device, model, *names = sys.argv[1:]
    with TemporaryDirectory() as folder:
        setting = Setting(device == "cpu", Path(folder), None)
        width, height = (64, 48) if setting.smoke else SIZES[model]
        loader = draw_batches(Path(folder), (width, height))
        batches = [loader[number].to(setting.runtime.device) for number in range(4)]
        found = {}
        for name in names:
            in_turn, plain, mode = (UNCOMPILED | COMPILED)[name]
            if in_turn is not None:
                frozen_norm._in_turn = partial(_always, in_turn)
            found[f"{model} {width}x{height} {name}"] = _steps(setting, model, batches, plain=plain, mode=mode)
            Path(results).write_text(json.dumps(found))


def _always(in_turn: bool, x: torch.Tensor) -> bool:
    return in_turn


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


if __name__ == "__main__":
    main()
