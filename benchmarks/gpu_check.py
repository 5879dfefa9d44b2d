"""Check of roadseg on a CUDA device: working features, agreement with the CPU, speed. At most 8 minutes on an H100.

    python benchmarks/gpu_check.py OUT [--video VIDEO] [--smoke]

Writes OUT/gpu_check.json after each section and prints the sections. A section that fails is recorded with its error
and stops no other; one that would not fit into the time is left out. `--smoke` runs everything in small on the CPU.

A bare machine needs torch >= 2.11, numpy, opencv, pillow, pyarrow, rich, jinja2, safetensors, filelock, packaging and
pytest with pytest-timeout, and wheels of av, pydantic, pydantic-core, annotated-types, typing-inspection, tomli-w and
typer. Nothing is downloaded, and roadseg need not be installed: start it in the repository with PYTHONPATH=$PWD.
"""

import argparse
import ctypes
import json
import os
import subprocess
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import cv2
import numpy as np
import torch
from training.cost import measure_training
from training.setting import POWER, SCHEDULE_STEPS, build, draw_batches

from roadseg import runtime as runtime_module
from roadseg.adaptation.self_training import SelfTraining
from roadseg.cores import usable_cores
from roadseg.datasets.source_images import source_images
from roadseg.inference.engines import load_segmenter, make_engine
from roadseg.inference.torch_engine import TorchEngine
from roadseg.models.average import WeightAverage
from roadseg.models.build import build_model
from roadseg.models.predict import to_tensor
from roadseg.models.weights import ModelCard, load_model, save_model
from roadseg.overlay.job import overlay_video
from roadseg.overlay.summary import OverlayOptions
from roadseg.runtime import Runtime, process_group, start
from roadseg.streets.drive import drive_frames
from roadseg.training.optimizers import OptimizerOptions, RepeatedSGD, segmenter_optimizer
from roadseg.training.trainer import Trainer
from roadseg.video.codecs import try_encoder
from roadseg.video.frame import Frame
from roadseg.video.reader import VideoReader
from roadseg.video.writer import VideoWriter

LIMIT = 470
"""Seconds in all; a section that would end later is left out."""
REPOSITORY = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Setting:
    """Device, sizes and files of a check."""

    smoke: bool
    folder: Path
    video: Path | None

    @property
    def device(self) -> str:
        return "cpu" if self.smoke else "cuda"

    @property
    def runtime(self) -> Runtime:
        return start(self.device)

    @property
    def networks(self) -> dict[str, tuple[Path, tuple[int, int]]]:
        """Run and (width, height) by name: the default weights, and a ResNet-101 of random weights."""
        path = self.folder / "resnet101.safetensors"
        if not path.exists():
            torch.manual_seed(0)
            options = {"aspp": "four-branch", "batch_norm": "frozen"}
            card = ModelCard(
                model="resnet101",
                levels=2,
                options=options,
                labels="cityscapes-19",
                input_size=(1024, 512),
                method="random",
                source="streets",
                target="",
                steps=0,
                seed=0,
            )
            save_model(path, build_model("resnet101", 19, pretrained=False, **options), card)
        if self.smoke:
            return {"fast": (Path("default"), (96, 64)), "resnet101": (path, (96, 64))}
        return {"fast": (Path("default"), (640, 480)), "resnet101": (path, (1024, 512))}

    def synchronize(self) -> None:
        if not self.smoke:
            torch.cuda.synchronize()

    def milliseconds(self, function: Callable[[], object], count: int = 15) -> float:
        """Median time of a call, with all its work on the device."""
        times = []
        for number in range(3 if self.smoke else count + 3):
            started = time.perf_counter()
            function()
            self.synchronize()
            if number > 1:
                times.append(1000 * (time.perf_counter() - started))
        return round(float(np.median(times)), 3)

    def random_images(self, count: int, size: tuple[int, int]) -> np.ndarray:
        return np.random.default_rng(0).integers(0, 256, (count, size[1], size[0], 3), np.uint8)


def machine(setting: Setting) -> dict[str, Any]:
    def there(library: str) -> bool:
        try:
            ctypes.CDLL(library)
        except OSError:
            return False
        return True

    found: dict[str, Any] = {
        "torch": torch.__version__,
        "python": sys.version.split()[0],
        "cores": usable_cores(),
        "opencv": cv2.__version__,
        "av": av.__version__,
        "libnvcuvid": there("libnvcuvid.so.1"),
        "libnvidia-encode": there("libnvidia-encode.so.1"),
    }
    if not setting.smoke:
        found |= {
            "gpu": torch.cuda.get_device_name(),
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
            "copy_TB_per_s": _copy_rate(setting),
        }
    return found


def _copy_rate(setting: Setting) -> float:
    """Return the rate of a copy within the device, bytes read plus bytes written, in TB/s."""
    source = torch.rand(2**29, device="cuda")
    target = torch.empty_like(source)
    return round(2 * source.nbytes / setting.milliseconds(lambda: target.copy_(source)) / 1e9, 2)


def gpu_tests(setting: Setting) -> dict[str, Any]:
    """Tests that are marked `gpu`; warnings of other versions of packages fail none."""
    folders = ["tests/test_runtime.py", "tests/inference/test_engines.py", "tests/training/test_on_gpu.py"]
    folders += ["tests/retrieval/test_embedding.py"]
    options = ["-q", "-m", "gpu", "--tb=short", "-o", "filterwarnings=default", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *folders],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        timeout=150,
    )
    return {"code": done.returncode, "output": done.stdout[-6000:] + done.stderr[-1000:]}


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
    """Streams as they were once: a new one for every batch."""

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
        if setting.smoke:
            continue
        for count in (1, 16):
            pixels = to_tensor(setting.random_images(count, size), setting.runtime.device)
            engine = make_engine("torch", network, setting.runtime, "float16")
            expected = engine.labels(pixels, half)
            torch.backends.cudnn.benchmark = True
            measure(f"{key} float16, cudnn.benchmark", partial(engine.labels, pixels, half), count)
            torch.backends.cudnn.benchmark = False
            assert isinstance(engine, TorchEngine)
            engine._network.half()
            measure(f"{key} float16, weights kept in float16", partial(engine.labels, pixels, half), count)
            same = (engine.labels(pixels, half) == expected).float().mean().item()
            found[f"{key} share of labels equal with weights kept in float16, batch {count}"] = same
            measure(f"{key} float16, weights kept in float16, CUDA graph", _graph(engine, pixels, half), count)
    return found


def _graph(engine: TorchEngine, pixels: torch.Tensor, size: tuple[int, int]) -> Callable[[], None]:
    """Return a function that labels `pixels` by a CUDA graph: without the time to start each kernel."""
    side = torch.cuda.Stream()
    with torch.cuda.stream(side):
        engine.labels(pixels, size)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        engine.labels(pixels, size)
    return graph.replay


def segmenter_rate(setting: Setting) -> dict[str, Any]:
    """Images a second from arrays to label maps, copies both ways included, by the number of threads that call."""
    found: dict[str, Any] = {}
    for name, (run, size) in setting.networks.items():
        segmenter = load_segmenter(run, device=setting.device, input_size=size)
        for count in (2,) if setting.smoke else (4, 16):
            images, calls = setting.random_images(count, size), 4 if setting.smoke else 48
            for threads in (1, 2) if setting.smoke else (1, 2, 4):
                with ThreadPoolExecutor(threads) as pool:
                    list(pool.map(segmenter.segment, [images] * threads))
                    started = time.perf_counter()
                    list(pool.map(segmenter.segment, [images] * calls))
                    rate = count * calls / (time.perf_counter() - started)
                found[f"{name} {size[0]}x{size[1]} batch {count} threads {threads}"] = round(rate)
    return found


def overlay(setting: Setting) -> dict[str, Any]:
    """An overlay from end to end, H.264 in and out."""
    found, total = {}, 24 if setting.smoke else 600
    for height in (192,) if setting.smoke else (720, 1080):
        clip = _clip(setting, height, total)
        sizes: list[tuple[str, int | None, tuple[int, int] | None, float]] = [("fast", None, (96, 64), 0.0)]
        if not setting.smoke:
            sizes = [("fast", None, None, 0.0), ("fast", 16, None, 0.0), ("fast", None, (512, 256), 0.0)]
            sizes += [("resnet101", 8, None, 0.0), ("fast", None, None, 0.6)]
        for name, batch, size, smoothing in sizes:
            segmenter = load_segmenter(setting.networks[name][0], device=setting.device, input_size=size)
            if batch is None:
                batch = segmenter.batch_size
            options = OverlayOptions(
                batch_size=batch, legend=hasattr(cv2, "FontFace"), smoothing=smoothing, overwrite=True
            )
            done = overlay_video(clip, segmenter, setting.folder / "overlays", options)
            width, high = segmenter.input_size
            key = f"{height}p {name} {width}x{high} batch {batch}{' smooth' if smoothing else ''}"
            found[key] = {
                "fps": round(done.frames_per_second, 1),
                "stage_ms": {stage: round(timing.ms_per_frame, 2) for stage, timing in done.stages.items()},
            }
    return found


def _clip(setting: Setting, height: int, total: int) -> Path:
    """Write `setting.video`, or a rendered drive, scaled and repeated, once."""
    clip, width = setting.folder / f"{height}p.mp4", height * 16 // 9 // 2 * 2
    if clip.exists():
        return clip
    if setting.video is None:
        frames = [
            _frame(cv2.resize(image, (width, height)), index)
            for index, (image, _) in enumerate(
                drive_frames(0, 0.4 if setting.smoke else 2.0, size=(width // 2, height // 2))
            )
        ]
    else:
        with VideoReader(setting.video) as reader:
            frames = [_scaled(frame, (width, height)) for frame in reader]
    with VideoWriter.like(clip, frames[0]) as writer:
        for index in range(total):
            duration = frames[0].duration
            writer.write(replace(frames[index % len(frames)], index=index, pts=index * duration, duration=duration))
    return clip


def _scaled(frame: Frame, size: tuple[int, int]) -> Frame:
    half = (size[0] // 2, size[1] // 2)
    return replace(frame, y=cv2.resize(frame.y, size), u=cv2.resize(frame.u, half), v=cv2.resize(frame.v, half))


def _frame(image: np.ndarray, index: int) -> Frame:
    height, width = image.shape[:2]
    planes = cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420)
    luma, chroma = planes[:height], planes[height:].reshape(2, height // 2, width // 2)
    return Frame(luma, chroma[0], chroma[1], "bt601", False, index, index, Fraction(1, 25), 1)


def host_waits(setting: Setting) -> dict[str, Any]:
    """Places of the program that wait for the device in a training step, and its time."""
    found = {}
    with TemporaryDirectory() as folder:
        batch = draw_batches(Path(folder), (96, 64) if setting.smoke else (480, 272))[0].to(setting.runtime.device)
    for method in ("multi-level", "self-training"):
        for precision in ("float32",) if setting.smoke else ("float32", "bfloat16", "float16"):
            trainer = build("fast", start(setting.device, precision))
            if method == "self-training":
                average = WeightAverage(trainer.method.segmenter, 0.99)
                mixed = SelfTraining(trainer.method, average.network, SelfTraining.Options(mask_ratio=0.3))
                trainer = Trainer(
                    mixed, trainer.optimizers, average=average, schedule_steps=SCHEDULE_STEPS, power=POWER
                )

            def step(trainer: Trainer = trainer) -> None:
                trainer.make_step(batch)

            step()
            step()
            where: Counter[str] = Counter()
            if not setting.smoke:
                with warnings.catch_warnings(record=True) as seen:
                    warnings.simplefilter("always")
                    torch.cuda.set_sync_debug_mode("warn")
                    step()
                    torch.cuda.set_sync_debug_mode("default")
                where.update(
                    f"{Path(each.filename).name}:{each.lineno}" for each in seen if "synchroniz" in str(each.message)
                )
            found[f"{method} {precision}"] = {"ms": setting.milliseconds(step), "waits": dict(where)}
    return found


def training(setting: Setting) -> dict[str, Any]:
    """Steps of multi-level adaptation, ours in each precision, the plain one in float32."""
    cases: list[tuple[str, tuple[int, int], tuple[str, ...]]] = [("fast", (96, 64), ("float32",))]
    if not setting.smoke:
        precisions = ("float32", "tf32", "bfloat16")
        cases = [
            ("fast", (640, 480), precisions),
            ("resnet101", (1280, 720), precisions),
            ("vgg16", (1280, 720), precisions[2:]),
        ]
    found = {}
    for model, size, precisions in cases:
        for precision in precisions:
            for choose in (False, True) if not setting.smoke and model == "fast" else (False,):
                torch.backends.cudnn.benchmark = choose
                cost = measure_training(
                    model,
                    device=setting.device,
                    precision=precision,  # type: ignore[arg-type]
                    size=size,
                    steps=2 if setting.smoke else 8,
                )
                torch.backends.cudnn.benchmark = False
                found[f"{model} {size[0]}x{size[1]} {precision}{' cudnn.benchmark' if choose else ''}"] = {
                    "ms": cost.ours.step_milliseconds,
                    "plain_ms": cost.plain.step_milliseconds,
                    "parts_ms": cost.ours.milliseconds,
                    "GiB": round((cost.ours.device_bytes or 0) / 2**30, 2),
                    "plain_GiB": round((cost.plain.device_bytes or 0) / 2**30, 2),
                }
    return found


def optimizers(setting: Setting) -> dict[str, Any]:
    """Updates of ResNet-101 alone: optimizers by kind, and the weight average."""
    network = setting.runtime.place(build_model("fast" if setting.smoke else "resnet101", 19, pretrained=False))
    average = WeightAverage(network, 0.99)
    for parameter in network.parameters():
        parameter.grad = torch.randn_like(parameter)
    found = {"weight average": setting.milliseconds(lambda: average.update(network, 100))}

    def one_by_one() -> None:
        with torch.no_grad():
            for mean, value in zip(average.network.parameters(), network.parameters(), strict=True):
                mean.lerp_(value, 0.01)
            for kept, now in zip(average.network.buffers(), network.buffers(), strict=True):
                kept.copy_(now)

    found["weight average, a call a tensor"] = setting.milliseconds(one_by_one)
    for kind in ("sgd", "adamw", "published-sgd"):
        options = OptimizerOptions(kind, 1e-4, 10, 5e-4)  # type: ignore[arg-type]
        optimizer = segmenter_optimizer(network, options)
        found[kind] = setting.milliseconds(lambda: optimizer.step())  # noqa: B023
    assert isinstance(optimizer, RepeatedSGD)
    return found


def groups(setting: Setting) -> dict[str, Any]:
    """A group of one process, whose sums go through NCCL: 44 million numbers, as many as ResNet-101 has."""
    os.environ |= {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": "29512",
        "RANK": "0",
        "WORLD_SIZE": "1",
        "LOCAL_RANK": "0",
    }
    try:
        with process_group():
            one = start(setting.device)
            gradients = [torch.randn(2**14 if setting.smoke else 2**20, device=one.device) for _ in range(44)]
            before = [gradient.clone() for gradient in gradients]
            several = replace(one, processes=2)
            ms = setting.milliseconds(lambda: several.all_sum(gradients), 5)
            same = all(torch.equal(a, b) for a, b in zip(gradients, before, strict=True))
            return {"ms": ms, "same": same, "any": several.any(True), "device": str(one.device)}
    finally:
        for name in ("MASTER_ADDR", "MASTER_PORT", "RANK", "WORLD_SIZE", "LOCAL_RANK"):
            del os.environ[name]


def repeatability(setting: Setting) -> dict[str, Any]:
    """Movement of the weights in three steps without dropout: made twice, and on the CPU."""

    def weights(device: str) -> torch.Tensor:
        trainer = build("fast", start(device))  # type: ignore[arg-type]
        for module in trainer.method.segmenter.modules():
            if isinstance(module, torch.nn.Dropout2d):
                module.p = 0.0  # devices draw other masks
        before = torch.cat([value.detach().flatten().cpu() for value in trainer.method.segmenter.parameters()])
        with TemporaryDirectory() as folder:
            batches = draw_batches(Path(folder), (96, 64) if setting.smoke else (480, 272))
            for number in range(3):
                batch = batches[number].to(trainer.method.runtime.device)
                trainer.make_step(batch)
        after = torch.cat([value.detach().flatten().cpu() for value in trainer.method.segmenter.parameters()])
        return after - before

    first, second, reference = weights(setting.device), weights(setting.device), weights("cpu")
    return {
        "equal": torch.equal(first, second),
        "relative_difference": ((first - second).norm() / first.norm()).item(),
        "relative_difference_from_the_CPU": ((first - reference).norm() / reference.norm()).item(),
    }


def codecs(setting: Setting) -> dict[str, Any]:
    """Frames a second of decoders, and the encoder of the device."""
    from av.codec.hwaccel import HWAccel, hwdevices_available

    found: dict[str, Any] = {"hwdevices of PyAV": hwdevices_available()}
    clip = _clip(setting, *((192, 24) if setting.smoke else (1080, 600)))
    for name, hwaccel in (("cpu", None), ("cuda", HWAccel("cuda", allow_software_fallback=False))):
        try:
            with av.open(str(clip), hwaccel=hwaccel) as container:
                container.streams.video[0].thread_type = "AUTO"
                started = time.perf_counter()
                count = sum(1 for _ in container.decode(video=0))
                found[f"{name} fps"] = round(count / (time.perf_counter() - started))
        except Exception as error:
            found[f"{name} fps"] = repr(error)[:300]
    with VideoReader(clip) as reader:
        frame = next(iter(reader))
    found["to_rgb_ms"] = setting.milliseconds(frame.to_rgb)
    found["h264_nvenc"] = try_encoder("h264_nvenc") or "works"
    return found


SECTIONS: dict[Callable[[Setting], dict[str, Any]], int] = {
    machine: 10,
    gpu_tests: 60,
    agreement: 30,
    streams: 20,
    network_rate: 40,
    segmenter_rate: 20,
    host_waits: 20,
    groups: 15,
    repeatability: 15,
    overlay: 110,
    training: 90,
    optimizers: 15,
    codecs: 20,
}
"""Sections in the order of their importance, with the seconds that each may take."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Check of roadseg on a CUDA device.")
    parser.add_argument("out", type=Path, help="folder for gpu_check.json")
    parser.add_argument("--video", type=Path, help="clip to draw on; by default a drive is rendered")
    parser.add_argument("--smoke", action="store_true", help="everything in small, on the CPU")
    parser.add_argument("--only", nargs="+", default=[], metavar="SECTION", help="run these sections alone")
    options = parser.parse_args()
    if not options.smoke and not torch.cuda.is_available():
        parser.error("there is no CUDA device; --smoke runs everything in small on the CPU")
    options.out.mkdir(parents=True, exist_ok=True)
    began, results = time.monotonic(), {}
    with TemporaryDirectory() as folder:
        setting = Setting(options.smoke, Path(folder), options.video)
        for section, seconds in SECTIONS.items():
            name = section.__name__
            if options.only and name not in options.only:
                continue
            started = time.monotonic()
            if started - began + seconds > LIMIT:
                results[name] = {"error": "left out: no time"}
                continue
            try:
                results[name] = section(setting)
            except Exception:
                results[name] = {"error": traceback.format_exc(limit=-4)}
            results[name]["seconds"] = round(time.monotonic() - started, 1)
            (options.out / "gpu_check.json").write_text(json.dumps(results, indent=1, default=str))
            print(f"== {name}\n{json.dumps(results[name], indent=1, default=str)[:2500]}", flush=True)
    failed = [name for name, result in results.items() if "error" in result]
    print(f"{time.monotonic() - began:.0f} s; failed: {', '.join(failed) or 'nothing'}")
    if failed and options.smoke:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
