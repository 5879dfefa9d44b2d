"""The machine, the tests that need a GPU, and sums over processes."""

import ctypes
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import cv2
import torch
from gpu.setting import Setting

from roadseg.cores import usable_cores
from roadseg.runtime import process_group, start

REPOSITORY = Path(__file__).resolve().parents[2]


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
    files = ["tests/test_runtime.py"]
    if not setting.smoke:
        files += [
            "tests/inference/test_engines.py",
            "tests/overlay/test_device_overlay.py",
            "tests/training/test_on_gpu.py",
            "tests/retrieval/test_embedding.py",
        ]
    options = ["-q", "-m", "gpu", "--tb=short", "-o", "filterwarnings=default", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *files],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        timeout=150,
    )
    return {"code": done.returncode, "output": done.stdout[-6000:] + done.stderr[-1000:]}


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
