"""Setting of a check of a CUDA device: the device, sizes, and networks."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from roadseg.models.build import build_model
from roadseg.models.weights import ModelCard, save_model
from roadseg.runtime import Runtime, start


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
        count, unmeasured = (1, 0) if self.smoke else (count + 1, 2)
        for number in range(unmeasured + count):
            started = time.perf_counter()
            function()
            self.synchronize()
            if number >= unmeasured:
                times.append(1000 * (time.perf_counter() - started))
        return round(float(np.median(times)), 3)

    def random_images(self, count: int, size: tuple[int, int]) -> np.ndarray:
        return np.random.default_rng(0).integers(0, 256, (count, size[1], size[0], 3), np.uint8)
