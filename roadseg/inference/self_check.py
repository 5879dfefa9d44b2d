"""Check of an engine before its first use: scores of one image against those of torch in float32 on the CPU.

OpenVINO 2026.4 computes wrong bfloat16 products on some processors (its issue 38256) and may die while it compiles a
network. So it is checked in a process of its own: a crash or a hang ends only that. The outcome is kept in
`$XDG_CACHE_HOME/roadseg/engines`, by default below `~/.cache`.
"""

import functools
import hashlib
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import roadseg
from roadseg.errors import OutputError, shortened
from roadseg.files import write_json
from roadseg.inference.openvino_engine import OpenVinoEngine
from roadseg.inference.openvino_runtime import openvino_version
from roadseg.inference.torch_engine import TorchEngine
from roadseg.inputs.documents import read_json
from roadseg.models.domain_statistics import has_source_statistics, keep_source_statistics
from roadseg.models.engine import Engine
from roadseg.models.network import SegmentationNetwork
from roadseg.models.predict import to_tensor
from roadseg.models.tta import coarse_size
from roadseg.runtime import Runtime, describe

IMAGE_SIZE = (256, 192)
"""(width, height). Programs choose kernels by channels more than by the size of images."""
LABEL_SIZE = coarse_size(IMAGE_SIZE, 2)
PATIENCE = 300.0
"""Seconds that a process may take which usually takes 3; on machines with much other work it took 60."""
CHILD = "from roadseg.inference.self_check import answer; answer()"
"""Program of the process in which OpenVINO is checked."""
QUESTION, ANSWER = "question.pt", "answer.pt"
REFUSED = 3
"""Exit code of that process if OpenVINO cannot run the network; 1 is for what may pass, such as too little memory."""


@dataclass(frozen=True)
class Bounds:
    """Agreement that an engine needs."""

    labels: float
    """Least share of equal labels, 0..1."""
    difference: float
    """Largest difference of class scores, in standard deviations of the reference's scores."""


EXACT = Bounds(labels=0.995, difference=0.05)
"""For float32. OpenVINO was measured at 0.000005 with all labels equal."""
ROUNDED = Bounds(labels=0.8, difference=1.0)
"""For other precisions, at four times the largest honest difference. Measured with torch on this image and on rendered
streets of 128x96 to 320x240: bfloat16 up to 0.25, mixed 0.06, float16 0.04, with at least 98.3 % of the labels for
trained weights, and 91.2 % where the last layer is random and many classes tie. Float16 that overflowed was at 3.2 to
3.9 with 31 to 43 % of the labels."""


@dataclass(frozen=True)
class Outcome:
    """Result of the check of an engine."""

    problem: str = ""
    """Reason not to use the engine, which follows its name in a sentence; empty if it agrees."""
    labels: float | None = None
    """Share of labels equal to those of the reference, 0..1; None without an answer, or for the reference itself."""
    difference: float | None = None
    """Largest difference of class scores, in standard deviations of the reference's scores; None as for `labels`."""


class _NoAnswerError(Exception):
    """The process in which an engine was checked gave no scores.

    Args:
        problem: as `Outcome.problem`.
        lasting: True for crashes and hangs, which are remembered; others, such as too little memory, may pass.
    """

    def __init__(self, problem: str, *, lasting: bool) -> None:
        super().__init__(problem)
        self.lasting = lasting


def check_engine(engine: Engine, network: SegmentationNetwork, weights: str, *, again: bool = False) -> Outcome:
    """Return whether an engine agrees with torch in float32 on the CPU, from an earlier check if there was one.

    A check is known by engine, precision, version, and model of the processor or GPU. It is also known by the network:
    for OpenVINO by its layers, since the range of its precisions is that of float32; for torch, which is checked in
    milliseconds, by its weights, with which float16 may overflow.

    Args:
        engine: runs `network`.
        network: the network.
        weights: identifies the weights.
        again: True checks anew, and remembers that.
    """
    if isinstance(engine, TorchEngine) and engine.name == "torch float32" and engine.device.type == "cpu":
        return Outcome()  # the reference itself
    shapes = [(name, tuple(value.shape)) for name, value in network.state_dict().items()]
    known_by = (type(network).__name__, network.options, shapes) if isinstance(engine, OpenVinoEngine) else weights
    program = openvino_version() if isinstance(engine, OpenVinoEngine) else torch.__version__

    def check() -> tuple[Outcome, bool]:
        pixels = to_tensor(street()[None], torch.device("cpu"))
        reference = TorchEngine(network, Runtime(torch.device("cpu"), "float32"), "float32").scores(pixels, LABEL_SIZE)
        try:
            scores = _scores(engine, network, pixels)
        except torch.OutOfMemoryError:  # says nothing about the results; batches have their own error
            return Outcome(), False
        except _NoAnswerError as error:
            return Outcome(str(error)), error.lasting
        except (OSError, RuntimeError) as error:
            return Outcome(f"fails: {_first_line(str(error))}"), False
        bounds = EXACT if engine.name.endswith(" float32") else ROUNDED
        return compared(scores, reference, bounds), True

    return remembered((engine.name, known_by), engine.device, program, check, again=again)


def remembered(
    key: tuple[object, ...],
    device: torch.device,
    program: str,
    check: Callable[[], tuple[Outcome, bool]],
    *,
    again: bool = False,
) -> Outcome:
    """Return the outcome of a check, from an earlier time if it was made on this machine with the same program.

    Args:
        key: what is checked.
        device: device that it runs on.
        program: versions of the program that runs it.
        check: returns the outcome, and True if it may be kept for later.
        again: True checks anew.
    """
    file = _file((*key, _processor() if device.type == "cpu" else describe(device)))
    version = f"{program}, roadseg {roadseg.__version__}"
    known = None if again or file is None else _read(file, version)
    if known is not None:
        return known
    outcome, lasting = check()
    if file is not None and lasting:
        with suppress(OutputError):  # then the next start checks again
            write_json(file, {"version": version} | asdict(outcome))
    return outcome


def compared(scores: Tensor, reference: Tensor, bounds: Bounds, other: str = "torch in float32") -> Outcome:
    """Compare class scores (N, C, H, W) float32, both on the CPU, with those of the `other` program."""
    labels = float((scores.argmax(1) == reference.argmax(1)).float().mean())
    spread = float((reference - reference.mean(1, keepdim=True)).std())
    difference = float((scores - reference).abs().max()) / max(spread, 1e-12)  # a network may know one class alone
    if not (labels >= bounds.labels and difference <= bounds.difference):  # NaN is above every bound
        return Outcome(
            f"computes wrongly: {100 * labels:.0f} % of the labels are those of {other}, and class scores "
            f"differ by up to {difference:.2g} standard deviations"
        )
    return Outcome("", labels, difference)


def street() -> NDArray[np.uint8]:
    """Draw a simple street, (H, W, 3) RGB: a rendered one takes seconds of textures."""
    width, height = IMAGE_SIZE
    rows, columns = np.mgrid[:height, :width] / height
    image = np.stack([150 + 60 * rows, 185 + 40 * rows, np.full_like(rows, 235)], -1)  # sky
    middle = width / height / 2
    houses = np.abs(columns - middle) > 0.15 + 0.6 * np.abs(rows - 0.5)
    image[houses] = (140, 110, 90)
    image[houses & (rows * 12 % 1 > 0.5) & (columns * 15 % 1 > 0.5)] = (60, 65, 75)  # windows
    image[rows > 0.55] = (120, 115, 110)  # pavement
    road = (rows > 0.52) & (np.abs(columns - middle) < 1.3 * (rows - 0.47))
    image[road] = (85, 85, 90)
    image[road & (np.abs(columns - middle) < 0.03 * (rows - 0.45)) & (rows * 9 % 1 > 0.4)] = (230, 230, 225)
    image[int(0.6 * height) : int(0.75 * height), int(0.3 * width) : int(0.45 * width)] = (170, 25, 30)  # a car
    noise = np.random.default_rng(0).normal(0, 6, image.shape)
    return np.clip(cv2.GaussianBlur(image, (3, 3), 0) + noise, 0, 255).astype(np.uint8)


def answer() -> None:
    """Compute the scores that the working folder asks for; the program of a process of its own."""
    kind, arguments, state, precision, pixels = torch.load(QUESTION, weights_only=False)
    try:
        network = kind(**arguments, pretrained=False)
        if has_source_statistics(state):
            keep_source_statistics(network)
        network.load_state_dict(state)
        scores = OpenVinoEngine(network.eval(), precision).scores(pixels, LABEL_SIZE)
    except Exception as error:
        if isinstance(error, (MemoryError, OSError, ImportError)) or "alloc" in str(error):
            raise
        sys.stderr.write(f"{type(error).__name__}: {_first_line(str(error))}\n")
        sys.exit(REFUSED)
    torch.save(scores, ANSWER)


def _scores(engine: Engine, network: SegmentationNetwork, pixels: Tensor) -> Tensor:
    if not isinstance(engine, OpenVinoEngine):
        return engine.scores(pixels.to(engine.device), LABEL_SIZE).cpu()
    with TemporaryDirectory(prefix="roadseg-check-") as folder:
        # Not the network itself: backbones of other libraries have hooks that cannot be pickled.
        arguments = {"num_classes": network.num_classes, "levels": network.levels, **network.options}
        question = (type(network), arguments, network.state_dict(), engine.name.split()[1], pixels)
        torch.save(question, Path(folder, QUESTION))
        modules = os.pathsep.join(str(Path(place).absolute()) for place in sys.path)
        try:
            ended = subprocess.run(
                [sys.executable, "-c", CHILD],
                cwd=folder,
                env=os.environ | {"PYTHONPATH": modules},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=PATIENCE,
            )
        except subprocess.TimeoutExpired:
            raise _NoAnswerError(f"gave no answer within {PATIENCE:g} s", lasting=True) from None
        if ended.returncode:
            killed_or_raised = ended.returncode in (-9, 1)
            raise _NoAnswerError(_last_words(ended), lasting=not killed_or_raised)
        scores: Tensor = torch.load(Path(folder, ANSWER))
        return scores


def _last_words(ended: subprocess.CompletedProcess[bytes]) -> str:
    if ended.returncode < 0:
        return f"died on one image ({signal.Signals(-ended.returncode).name})"
    lines = ended.stderr.decode(errors="replace").strip().splitlines()
    return f"fails on one image: {shortened(lines[-1]) if lines else f'exit code {ended.returncode}'}"


def _first_line(text: str) -> str:
    return shortened(text.partition("\n")[0])


def _file(key: tuple[object, ...]) -> Path | None:
    """Return the file for the outcome of a check; None without a home."""
    try:
        caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    except RuntimeError:
        return None
    return Path(caches, "roadseg", "engines", f"{hashlib.sha256(repr(key).encode()).hexdigest()[:24]}.json")


def _read(file: Path, version: str) -> Outcome | None:
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        values = read_json(file)
        if values.pop("version") == version:
            return Outcome(**values)
    return None


@functools.cache
def _processor() -> str:
    """Return model and instruction sets of the processor; the name alone is the same for several models in clouds."""
    telling = ("vendor_id", "cpu family", "model", "model name", "stepping", "flags", "CPU part", "Features")
    with suppress(OSError):
        first = Path("/proc/cpuinfo").read_text().partition("\n\n")[0]
        return "\n".join(line for line in first.splitlines() if line.partition(":")[0].strip() in telling)
    return f"{platform.machine()} {platform.processor()}"
