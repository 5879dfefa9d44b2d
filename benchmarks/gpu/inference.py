"""Inference on a CUDA device: agreement with the CPU, and speed."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

import numpy as np
import torch
from gpu.setting import Setting

from roadseg import runtime as runtime_module
from roadseg.datasets.source_images import source_images
from roadseg.inference.engines import load_segmenter, make_engine
from roadseg.models.predict import to_tensor
from roadseg.models.weights import load_model
from roadseg.runtime import Runtime, start


def agreement(setting: Setting) -> dict[str, Any]:
    """Class scores and labels of rendered streets beside those of the CPU in float32."""
    found = {}
    for name, (run, size) in setting.networks.items():
        network, images = load_model(run)[0], source_images("streets", size, 1 if setting.smoke else 4)
        on_cpu = start("cpu")
        expected = make_engine("torch", network, on_cpu, "float32").scores(to_tensor(images, on_cpu.device), size)
        pixels = to_tensor(images, setting.runtime.device)
        for precision in ("float32",) if setting.smoke else ("float32", "tf32", "mixed", "float16", "bfloat16"):
            engine = make_engine("torch", network, setting.runtime, "float32" if precision == "tf32" else precision)
            if precision == "tf32":
                engine._runtime = start("cuda", "tf32")
            scores = engine.scores(pixels, size).cpu()
            found[f"{name} {precision}"] = {
                "relative_error": float(f"{((scores - expected).norm() / expected.norm()).item():.2e}"),
                "labels_percent": round(100 * (scores.argmax(1) == expected.argmax(1)).float().mean().item(), 3),
            }
    return found


@contextmanager
def _a_stream_a_batch() -> Iterator[None]:
    """Use a new stream for every batch, as earlier versions did."""

    @contextmanager
    def stream(self: Runtime) -> Iterator[None]:
        new = torch.cuda.Stream(self.device)
        new.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(new):
            yield

    kept = Runtime.stream
    Runtime.stream = stream  # type: ignore[method-assign]
    try:
        yield
    finally:
        Runtime.stream = kept  # type: ignore[method-assign]


def streams(setting: Setting) -> dict[str, Any]:
    """Times of batches from the first on, and memory: idle streams used again, and a new one for each batch."""
    size = setting.networks["fast"][1]
    images = setting.random_images(2 if setting.smoke else 16, size)
    found: dict[str, Any] = {}
    for name, context in (("used again", nullcontext), ("new", _a_stream_a_batch)):
        if setting.smoke and name == "new":
            continue
        if not setting.smoke:
            torch.cuda.empty_cache()
        segmenter = load_segmenter("default", device=setting.device, input_size=size)
        segmenter.segment(images[:1])
        times, reserved = [], []
        with context():
            for _ in range(3 if setting.smoke else 80):
                started = time.perf_counter()
                segmenter.segment(images)
                times.append(1000 * (time.perf_counter() - started))
                reserved.append(0 if setting.smoke else torch.cuda.memory_reserved() >> 20)
        found[name] = {
            "first_ms": [round(value, 1) for value in times[:4]],
            "median_of_first_32_ms": round(float(np.median(times[:32])), 2),
            "median_of_last_32_ms": round(float(np.median(times[-32:])), 2),
            "reserved_MiB": [reserved[0], reserved[len(reserved) // 2], reserved[-1]],
        }
    if not setting.smoke:
        found["batch sizes found by trial"] = [load_segmenter("default", device="cuda").batch_size for _ in range(4)]
        found["streams"] = {str(device): len(idle) for device, idle in runtime_module._idle_streams.items()}
    return found


def network_rate(setting: Setting) -> dict[str, Any]:
    """Images a second from pixels on the device to labels on the device."""
    found: dict[str, Any] = {}

    def measure(name: str, labels: Callable[[], object], count: int) -> None:
        ms = setting.milliseconds(labels)
        found[f"{name} batch {count}"] = {"ms": ms, "per_s": round(1000 * count / ms)}

    for name, (run, size) in setting.networks.items():
        network = load_model(run)[0]
        half = (size[0] // 2, size[1] // 2)
        key = f"{name} {size[0]}x{size[1]}"
        for precision in ("float32",) if setting.smoke else ("float16", "bfloat16", "mixed", "float32"):
            engine = make_engine("torch", network, setting.runtime, precision)
            for count in (1,) if setting.smoke else (1, 4, 8, 16, 32) if precision == "float16" else (16,):
                pixels = to_tensor(setting.random_images(count, size), setting.runtime.device)
                measure(f"{key} {precision}", partial(engine.labels, pixels, half), count)
    return found


def segmenter_rate(setting: Setting) -> dict[str, Any]:
    """Images a second from arrays to label maps, copies both ways included, by the number of threads that call."""
    found: dict[str, Any] = {}
    for name, (run, size) in setting.networks.items():
        segmenter = load_segmenter(run, device=setting.device, input_size=size)
        for count in (1,) if setting.smoke else (4, 16):
            images, calls = setting.random_images(count, size), 2 if setting.smoke else 48
            for threads in (2,) if setting.smoke else (1, 2, 4):
                with ThreadPoolExecutor(threads) as pool:
                    list(pool.map(segmenter.segment, [images] * threads))
                    started = time.perf_counter()
                    list(pool.map(segmenter.segment, [images] * calls))
                    rate = count * calls / (time.perf_counter() - started)
                found[f"{name} {size[0]}x{size[1]} batch {count} threads {threads}"] = round(rate)
    return found
