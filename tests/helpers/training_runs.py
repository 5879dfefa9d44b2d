"""Run folders of trainings as `roadseg adapt` leaves them, without the training."""

import json
from pathlib import Path

import cv2
import numpy as np

from roadseg.adaptation.loss_verdicts import LossKind
from roadseg.training.recipe import resolve
from roadseg.training.run_folder import RunFolder

KINDS = {
    "segmentation/main": LossKind("classifier", answers=19),
    "discriminator/main": LossKind("discriminator"),
    "discriminator/auxiliary": LossKind("discriminator"),
}


def write_training(path: Path, *, steps: int = 400, made: int = 300, **recipe: object) -> RunFolder:
    """A multi-level run after `made` of its `steps`: its main discriminator guesses, the auxiliary one is healthy."""
    run = RunFolder(path)
    values = {"method": "multi-level", "target": "frames", "steps": steps, **recipe}
    run.begin(resolve(values, origin="test").as_toml())
    run.write_loss_kinds(KINDS)
    for step in range(10, made + 1, 10):
        losses = {
            "segmentation/main": 1 / step,
            "adversarial/main": 0.7,
            "discriminator/main": 0.69,
            "discriminator/auxiliary": 0.4,
        }
        rates = {"learning_rate": 1e-4 * (1 - step / steps), "head_learning_rate": 4e-4 * (1 - step / steps)}
        run.append_log({"step": step, **rates, "seconds_a_step": 0.5, "waiting": 0.1, "skipped": 0, **losses})
        if step % 100 == 0:
            run.append_log({"step": step, "miou/camvid": 40.0 + step / 100})
    run.samples.mkdir()
    for name in ("target-0", "target-1", *(f"{step:06}-{number}" for step in (0, 40, made) for number in (0, 1))):
        grey = 60 if name.startswith("target") else int(name[:6]) % 256
        assert cv2.imwrite(str(run.samples / f"{name}.jpg"), np.full((24, 32, 3), grey, np.uint8))
    return run


def finish(run: RunFolder, steps: int, miou: float = 55.5) -> None:
    """Write the files of a finished run."""
    run.metrics.write_text(json.dumps({"steps": steps, "evaluation": {"dataset": "camvid", "miou": miou}}))
