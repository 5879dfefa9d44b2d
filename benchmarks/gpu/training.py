"""Training on a CUDA device: speed, waits for the device, and repeatability."""

import warnings
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from gpu.setting import Setting
from training.cost import measure_training
from training.setting import SCHEDULE, build, draw_batches

from roadseg.adaptation.self_training import SelfTraining
from roadseg.models.average import WeightAverage
from roadseg.models.build import build_model
from roadseg.runtime import start
from roadseg.training.optimizers import OptimizerOptions, RepeatedSGD, segmenter_optimizer
from roadseg.training.trainer import Trainer


def host_waits(setting: Setting) -> dict[str, Any]:
    """Places of the program that wait for the device in a training step, and its time."""
    found = {}
    with TemporaryDirectory() as folder:
        batch = draw_batches(Path(folder), (64, 48) if setting.smoke else (480, 272))[0].to(setting.runtime.device)
    for method in ("self-training",) if setting.smoke else ("multi-level", "self-training"):
        for precision in ("float32",) if setting.smoke else ("float32", "bfloat16", "float16"):
            trainer = build("fast", start(setting.device, precision))
            if method == "self-training":
                # One block would hide the whole of the small images.
                options = SelfTraining.Options(mask_ratio=0.7, mask_block=16 if setting.smoke else 64)
                mixed = SelfTraining(trainer.method, options)
                trainer = Trainer(mixed, trainer.optimizers, schedule=SCHEDULE)

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
    cases: list[tuple[str, tuple[int, int], tuple[str, ...]]] = [("fast", (64, 48), ("float32",))]
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
            cost = measure_training(
                model,
                device=setting.device,
                precision=precision,  # type: ignore[arg-type]
                size=size,
                steps=1 if setting.smoke else 8,
            )
            found[f"{model} {size[0]}x{size[1]} {precision}"] = {
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


def repeatability(setting: Setting) -> dict[str, Any]:
    """Movement of the weights in three steps without dropout: made twice, and on the CPU."""

    def weights(device: str) -> torch.Tensor:
        trainer = build("fast", start(device))  # type: ignore[arg-type]
        for module in trainer.method.segmenter.modules():
            if isinstance(module, torch.nn.Dropout2d):
                module.p = 0.0  # devices draw other masks
        before = torch.cat([value.detach().flatten().cpu() for value in trainer.method.segmenter.parameters()])
        with TemporaryDirectory() as folder:
            batches = draw_batches(Path(folder), (64, 48) if setting.smoke else (480, 272))
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
