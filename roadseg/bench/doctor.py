"""Checks of this machine by trying it: packages, devices, codecs, programs, extras and disk space."""

import importlib
import os
import platform
import shutil
import sysconfig
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, metadata, packages_distributions, requires, version
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import torch
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from roadseg import __version__, runtime
from roadseg.cores import usable_cores
from roadseg.inference.engines import weights_digest
from roadseg.inference.network_segmenter import NetworkSegmenter
from roadseg.inference.openvino_engine import OpenVinoEngine, openvino_precisions
from roadseg.inference.openvino_runtime import INSTALL, openvino, openvino_has_bfloat16
from roadseg.inference.self_check import check_engine
from roadseg.inference.torch_engine import TorchEngine
from roadseg.models.engine import Engine
from roadseg.models.names import DEFAULT
from roadseg.models.weights import load_model
from roadseg.overlay.appearance import NO_LEGEND
from roadseg.overlay.device import DeviceOverlay
from roadseg.overlay.draw import Overlay
from roadseg.runtime import Runtime
from roadseg.video.codecs import SAMPLES, ffmpeg_version, try_decoder, try_encoder
from roadseg.video.encoders import DEFAULT_ENCODER, ENCODERS
from roadseg.video.frame import Frame

State = Literal["ok", "missing", "broken"]

ROOM_WANTED = 5e9
"""Free bytes below which a warning is shown: about an hour of 1080p video."""
GROUP_MEMORY_LIMIT = Path("/sys/fs/cgroup/memory.max")
"""Memory limit of a container on Linux."""


@dataclass(frozen=True)
class Check:
    """Result of one check."""

    name: str
    state: State
    """`ok`; `missing` if roadseg works without it; `broken` if it does not."""
    found: str
    """A version, a size, or the problem."""
    remedy: str = ""
    """Remedy, often a command."""


def sections(data: Path) -> dict[str, Callable[[], Iterator[Check]]]:
    """Return the checks by heading, in the order to show them.

    Args:
        data: folder for downloads and data sets, whose disk is checked; it need not exist.
    """
    return {
        "versions": check_versions,
        "devices": check_devices,
        "engines": check_engines,
        "video": check_codecs,
        "programs": check_programs,
        "extras": check_extras,
        "disk": lambda: check_disk(data),
    }


def check_versions() -> Iterator[Check]:
    """Check Python, roadseg, and every required package: it can be imported and is not too old."""
    yield Check("python", "ok", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    yield Check("roadseg", "ok", __version__)
    modules: dict[str, list[str]] = {}
    for module, distributions in packages_distributions().items():
        for distribution in distributions:
            modules.setdefault(canonicalize_name(distribution), []).append(module)
    for requirement in _requirements("roadseg"):
        yield _package(requirement, modules.get(canonicalize_name(requirement.name), []))
    yield Check("FFmpeg inside av", "ok", ffmpeg_version())


def _package(requirement: Requirement, modules: list[str]) -> Check:
    remedy = f"pip install '{requirement.name}{requirement.specifier}'"
    try:
        installed = version(requirement.name)
    except PackageNotFoundError:
        return Check(requirement.name, "broken", "not installed", remedy)
    if not requirement.specifier.contains(installed, prereleases=True):
        return Check(requirement.name, "broken", f"{installed}, wanted {requirement.specifier}", remedy)
    own = requirement.name.replace("-", "_")
    try:
        importlib.import_module(own if own in modules else min(modules, default=own))
    except Exception as error:  # a broken package raises anything
        reason = str(error).partition("\n")[0]
        return Check(requirement.name, "broken", f"{installed}, cannot be imported: {reason}", remedy)
    return Check(requirement.name, "ok", installed)


def check_devices() -> Iterator[Check]:
    """Check each device by adding two numbers on it; then processors and memory."""
    for device in runtime.devices():
        try:
            works = float((torch.ones(1, device=device) + 1).item()) == 2
            problem = "" if works else "computes a wrong sum"
        except RuntimeError as error:
            problem = str(error).partition("\n")[0]
        if problem:
            state: State = "broken" if device.type == "cpu" else "missing"
            yield Check(str(device), state, problem, "Update the driver, or use --device cpu.")
        else:
            yield Check(str(device), "ok", runtime.describe(device))
    if [device.type for device in runtime.devices()] == ["cpu"]:
        yield Check("GPU", "missing", "none that torch can use; training takes longer")
        yield _cpu_engine()
    else:
        yield Check("engine", "ok", f"torch on {runtime.describe(runtime.devices()[0])}")
    yield Check("processors", "ok", f"{usable_cores()} of {os.cpu_count()} available")
    yield Check("memory", "ok", f"{_memory_bytes() / 2**30:.1f} GiB")


def _cpu_engine() -> Check:
    """Check the engine that labels videos on a CPU."""
    if openvino() is None:
        return Check("engine", "missing", "torch; OpenVINO labels videos faster on a CPU", INSTALL)
    precision = "float32 and bfloat16" if openvino_has_bfloat16() else "float32"
    return Check("engine", "ok", f"openvino {version('openvino')}, {precision}")


def check_engines() -> Iterator[Check]:
    """Check that each engine, in its usual precision and in float32, agrees with torch in float32 on the CPU.

    On CUDA devices overlays are checked too. The outcomes replace those that roadseg keeps of earlier checks.
    """
    network, _ = load_model(DEFAULT)
    weights = weights_digest(network)
    for device in runtime.devices():
        if device.type == "cuda":
            yield check_overlay(device)
    engines: list[Engine] = [TorchEngine(network, Runtime(device, "float32")) for device in runtime.devices()]
    engines += [TorchEngine(network, Runtime(device, "float32"), "float32") for device in runtime.devices()]
    engines += [OpenVinoEngine(network, precision) for precision in openvino_precisions() if precision != "bfloat16"]
    for engine in {f"{each.name} on {each.device}": each for each in engines}.values():
        outcome = check_engine(engine, network, weights, again=True)
        if outcome.problem:
            remedy = "roadseg takes another engine or precision instead; another version may be right."
            yield Check(engine.name, "missing", f"{engine.device}: {outcome.problem}", remedy)
        elif outcome.labels is None:
            yield Check(engine.name, "ok", f"{engine.device}: the reference")
        else:
            agreement = f"{100 * outcome.labels:.1f} % of the labels of torch in float32"
            yield Check(engine.name, "ok", f"{engine.device}: {agreement}")


def check_overlay(device: torch.device) -> Check:
    """Check that a device draws the frames that OpenCV draws on the CPU, to within one level."""
    network, card = load_model(DEFAULT)
    engine = TorchEngine(network, Runtime(device, "float32"), "float32")
    segmenter = NetworkSegmenter(network, card, engine, "doctor", input_size=(128, 96))
    overlay = Overlay(card.label_space, NO_LEGEND)
    shades = np.indices((180, 240)).sum(0)[..., None] * np.array([1, 2, 3]) % 256
    frame = Frame.from_rgb(shades.astype(np.uint8), index=0, pts=0, time_base=Fraction(1, 25), duration=1)
    name = f"overlay on {device}"
    remedy = "Use --device cpu; another version of torch or of the driver may work."
    try:
        drawn, labels = DeviceOverlay(segmenter, overlay, frame).draw([frame])[0]
    except RuntimeError as error:
        return Check(name, "missing", str(error).partition("\n")[0], remedy)
    expected = overlay.draw(frame, labels)
    planes = ((drawn.y, expected.y), (drawn.u, expected.u), (drawn.v, expected.v))
    largest = max(int(cv2.absdiff(one, other).max()) for one, other in planes)
    if largest > 1:
        return Check(name, "missing", f"pixels differ by up to {largest} levels from those of the CPU", remedy)
    return Check(name, "ok", "frames are scaled, labelled and drawn on there")


def _memory_bytes() -> int:
    """Return the memory in bytes that this process may use: that of the machine, or less in a container."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = GROUP_MEMORY_LIMIT.read_text().strip() if GROUP_MEMORY_LIMIT.is_file() else ""
    return min(memory, int(limit)) if limit.isdigit() else memory


def check_codecs() -> Iterator[Check]:
    """Check encoders by a moving pattern that is encoded and decoded again, decoders by a small frame."""
    for name in ENCODERS:
        problem = try_encoder(name)
        if problem is None:
            yield Check(f"encode {name}", "ok", "works" if name == DEFAULT_ENCODER else f"works: --encoder {name}")
        elif name == DEFAULT_ENCODER:
            yield Check(f"encode {name}", "broken", problem, "pip install --force-reinstall av")
        else:
            purpose = f"only needed by roadseg overlay --encoder {name}"
            yield Check(f"encode {name}", "missing", f"{purpose}: {problem}")
    for codec in SAMPLES:
        problem = try_decoder(codec)
        state: State = "ok" if problem is None else "broken" if codec == "h264" else "missing"
        yield Check(f"decode {codec}", state, problem or "works", "pip install --force-reinstall av" if problem else "")


def check_programs() -> Iterator[Check]:
    """Check programs that some commands use."""
    yield _program("ffmpeg", "only needed by roadseg fetch --section", "apt install ffmpeg, or brew install ffmpeg")
    yield _program("deno", "only needed for videos from YouTube", "pip install 'roadseg[youtube]'")


def _program(name: str, purpose: str, remedy: str) -> Check:
    # As yt-dlp does, look first among the scripts of this Python, where pip installs deno.
    path = shutil.which(name, path=sysconfig.get_path("scripts")) or shutil.which(name)
    return Check(name, "ok", path) if path else Check(name, "missing", purpose, remedy)


def check_extras() -> Iterator[Check]:
    """Check the extras in roadseg's metadata: missing packages, and the command that installs them."""
    for extra in metadata("roadseg").get_all("Provides-Extra") or []:
        absent = list(dict.fromkeys(_absent("roadseg", extra)))
        if absent:
            yield Check(extra, "missing", f"without {', '.join(absent)}", f"pip install 'roadseg[{extra}]'")
        else:
            yield Check(extra, "ok", "installed")


def _absent(distribution: str, extra: str) -> Iterator[str]:
    """Yield packages of an extra that are not installed, including those of extras that it names."""
    for requirement in _requirements(distribution, extra):
        try:
            version(requirement.name)
        except PackageNotFoundError:
            yield requirement.name
            continue
        for inner in sorted(requirement.extras):
            yield from _absent(requirement.name, inner)


def _requirements(distribution: str, extra: str = "") -> list[Requirement]:
    """Return the requirements of a distribution on this machine: its own, or those of one extra alone."""

    def applies(requirement: Requirement, extra: str) -> bool:
        return requirement.marker is None or requirement.marker.evaluate({"extra": extra})

    found = [Requirement(text) for text in requires(distribution) or []]
    return [each for each in found if applies(each, extra) and not (extra and applies(each, ""))]


def check_disk(data: Path) -> Iterator[Check]:
    """Check free space on the disk for downloads and data sets."""
    folder = data.absolute()
    there = next(each for each in (folder, *folder.parents) if each.is_dir())
    free = shutil.disk_usage(there).free
    if not os.access(there, os.W_OK):
        yield Check("data", "missing", f"no permission to write to {there}", "Choose another folder with --out.")
    elif free < ROOM_WANTED:
        yield Check(
            "data", "missing", f"{folder}: only {free / 1e9:.1f} GB free", "Free some space, or use another disk."
        )
    else:
        yield Check("data", "ok", f"{folder}: {free / 1e9:.0f} GB free")
