"""Run folders as training leaves them, without the training."""

import json
from pathlib import Path
from typing import Any

from roadseg.training.recipe import resolve

IOU = {"road": 80.0, "sidewalk": 30.0, "sky": 70.0, "train": None}


def write_run(path: Path, miou: float | None = 60.0, *, dataset: str = "cityscapes", **recipe: Any) -> Path:
    """A finished run of these recipe keys; without a score where `miou` is None."""
    path.mkdir(parents=True)
    values = {"method": "multi-level", "steps": 1000, "source": "streets", "target": "data/frames"}
    if "published" in recipe:
        values["adversarial"] = {"weight": 0.001}  # as the rows of the paper
    values |= recipe
    (path / "recipe.toml").write_text(resolve(values, origin="test").as_toml())
    evaluation = {
        "dataset": dataset,
        "label_space": "cityscapes-19",
        "images": 500,
        "miou": miou,
        "iou": IOU,
        "pixel_accuracy": 90.0,
    }
    metrics = {"run": str(path), "steps": 1000, "seconds": 1.0, "losses": {}}
    (path / "metrics.json").write_text(json.dumps({**metrics, "evaluation": evaluation if miou is not None else None}))
    return path
