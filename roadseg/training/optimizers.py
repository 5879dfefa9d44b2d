"""Optimizers and the learning-rate schedule of the field."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from torch.optim import SGD, Adam, AdamW, Optimizer

from roadseg.models.network import SegmentationNetwork


@dataclass(frozen=True)
class OptimizerOptions:
    """How the segmenter is optimized."""

    kind: Literal["sgd", "adamw"]
    learning_rate: float
    """Of the trunk."""
    head_factor: float
    """Heads learn at this multiple of the trunk's rate."""
    weight_decay: float
    momentum: float = 0.9
    """Of SGD."""


def segmenter_optimizer(network: SegmentationNetwork, options: OptimizerOptions) -> Optimizer:
    """Optimizer over trunk and heads, every parameter once."""
    trunk, heads = network.parameter_groups()
    groups = [
        {"params": trunk, "lr": options.learning_rate},
        {"params": heads, "lr": options.learning_rate * options.head_factor},
    ]
    if options.kind == "sgd":
        return SGD(groups, momentum=options.momentum, weight_decay=options.weight_decay)
    return AdamW(groups, weight_decay=options.weight_decay)


def discriminator_optimizer(discriminator_parameters: Iterable[object], learning_rate: float) -> Optimizer:
    """Adam with betas 0.9 and 0.99, as the paper has it."""
    return Adam(discriminator_parameters, lr=learning_rate, betas=(0.9, 0.99))  # type: ignore[arg-type]


def set_poly_rate(optimizer: Optimizer, step: int, schedule_steps: int, power: float) -> None:
    """Set each group's rate to its initial rate times (1 - step / schedule_steps) ** power.

    The "poly" policy (Chen et al., "DeepLab", TPAMI 2018); `step` counts from 0, so the first step has the full rate.
    """
    factor = (1 - step / schedule_steps) ** power
    for group in optimizer.param_groups:
        group.setdefault("initial_lr", group["lr"])
        group["lr"] = group["initial_lr"] * factor
