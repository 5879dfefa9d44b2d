"""CUDA for tests that are marked `gpu`: waits of the program, training steps of the default sizes."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from training.setting import SCHEDULE, build, draw_batches

from roadseg.adaptation.self_training import SelfTraining
from roadseg.runtime import start
from roadseg.training.trainer import Trainer

SIZE = (480, 272)
METHODS = ("multi-level", "self-training")


@contextmanager
def refusing_to_wait() -> Iterator[None]:
    """Raise an error where the program would wait for the GPU."""
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


def build_trainer(method: str, device: str, precision: str = "float32") -> Trainer:
    """A `fast` with random weights, the same at each call, and its method."""
    trainer = build("fast", start(device, precision))
    if method == "multi-level":
        return trainer
    mixed = SelfTraining(trainer.method, SelfTraining.Options(mask_ratio=0.7))
    return Trainer(mixed, trainer.optimizers, schedule=SCHEDULE)


def drawn_batches(folder, count: int, device: str):
    """`count` batches of one image of each domain, on the device."""
    batches = draw_batches(folder, SIZE)
    return [batches[step].to(torch.device(device)) for step in range(count)]


def weights(trainer: Trainer) -> torch.Tensor:
    """All parameters of the segmenter, one behind the other, on the CPU."""
    return torch.cat([value.detach().flatten().cpu() for value in trainer.method.segmenter.parameters()])
