"""Check of roadseg on a CUDA device: working features, agreement with the CPU, speed. At most 8 minutes on an H100.

    python benchmarks/gpu_check.py OUT [--video VIDEO] [--smoke] [--only SECTION ...]

Writes OUT/gpu_check.json after each section and prints the sections. A section that fails is recorded with its error
and stops no other; one that would not fit into the time is left out. `--smoke` runs everything in small on the CPU.

A bare machine needs torch >= 2.11, numpy, opencv, pillow, pyarrow, rich, jinja2, safetensors, filelock, packaging and
pytest with pytest-timeout, and wheels of av, pydantic, pydantic-core, annotated-types, typing-inspection, tomli-w and
typer. Nothing is downloaded, and roadseg need not be installed: start it in the repository with PYTHONPATH=$PWD.
"""

import argparse
import json
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from gpu.compiling import SECONDS, compiled_steps, graphs
from gpu.inference import agreement, network_rate, segmenter_rate, streams
from gpu.machine import gpu_tests, groups, machine
from gpu.setting import Setting
from gpu.training import host_waits, optimizers, repeatability, training
from gpu.video import codecs, overlay_720p, overlay_1080p

LIMIT = 470
"""Seconds in all; a section that would end later is left out."""
SECTIONS: dict[Callable[[Setting], dict[str, Any]], int] = {
    machine: 10,
    gpu_tests: 60,
    agreement: 30,
    streams: 20,
    network_rate: 30,
    graphs: 15,
    segmenter_rate: 20,
    host_waits: 20,
    groups: 15,
    repeatability: 15,
    overlay_720p: 60,
    overlay_1080p: 60,
    training: 60,
    optimizers: 15,
    codecs: 20,
    compiled_steps: SECONDS,
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
