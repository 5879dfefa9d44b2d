"""Optimizers and the learning-rate schedule of the field."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from roadseg.models.network import SegmentationNetwork


@dataclass(frozen=True)
class OptimizerOptions:
    """Settings of the segmenter's optimizer."""

    kind: Literal["sgd", "adamw", "published-sgd"]
    learning_rate: float
    """Learning rate of the trunk."""
    head_lr_multiplier: float
    """Learning rate of the heads as a multiple of the trunk's."""
    weight_decay: float
    momentum: float = 0.9
    """Momentum of SGD."""


def segmenter_optimizer(network: SegmentationNetwork, options: OptimizerOptions) -> Optimizer:
    """Build the optimizer of trunk and heads, with every parameter once."""
    trunk, heads = network.parameter_groups()
    groups: list[dict[str, Any]] = [
        {"params": trunk, "lr": options.learning_rate},
        {"params": heads, "lr": options.learning_rate * options.head_lr_multiplier},
    ]
    if options.kind == "adamw":
        return AdamW(groups, weight_decay=options.weight_decay)
    if options.kind == "sgd":
        return SGD(groups, momentum=options.momentum, weight_decay=options.weight_decay)
    of_trunk = [
        {"params": parameters, "lr": options.learning_rate, "repeats": repeats}
        for repeats, parameters in times_listed(network.trunk()).items()
    ]
    return RepeatedSGD([*of_trunk, groups[1]], momentum=options.momentum, weight_decay=options.weight_decay)


def times_listed(trunk: nn.Module) -> dict[int, list[nn.Parameter]]:
    """Group trainable parameters by how often the published code of the paper passes them to its optimizer.

    That code walks all modules below the trunk and lists all parameters of each, so a parameter is listed once for
    every module that holds it: in ResNet-101 the first convolution once, those of blocks three times, those that
    project shortcuts four times; in VGG-16 all once.
    """
    listed = defaultdict(list)
    for name, parameter in trunk.named_parameters():
        if parameter.requires_grad:
            listed[name.count(".")].append(parameter)
    return dict(sorted(listed.items()))


class RepeatedSGD(Optimizer):
    """SGD with momentum that updates the parameters of a group `repeats` times a step, with the same gradients.

    The optimizer of the published runs did so with parameters that it was given repeatedly: a parameter's updates
    share one momentum buffer, and each applies weight decay to the result of the one before.
    """

    def __init__(self, groups: Iterable[dict[str, Any]], *, momentum: float, weight_decay: float) -> None:
        super().__init__(groups, {"lr": 0.0, "momentum": momentum, "weight_decay": weight_decay, "repeats": 1})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient."""
        for group in self.param_groups:
            if parameters := [parameter for parameter in group["params"] if parameter.grad is not None]:
                buffers = [self._momentum_buffer(parameter) for parameter in parameters]
                gradients = [parameter.grad for parameter in parameters]
                for _ in range(group["repeats"]):
                    decayed = torch._foreach_add(gradients, parameters, alpha=group["weight_decay"])
                    torch._foreach_mul_(buffers, group["momentum"])
                    torch._foreach_add_(buffers, decayed)
                    torch._foreach_sub_(parameters, buffers, alpha=group["lr"])

    def _momentum_buffer(self, parameter: Tensor) -> Tensor:
        state = self.state[parameter]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(parameter)
        buffer: Tensor = state["momentum_buffer"]
        return buffer


def auxiliary_optimizer(parameters: Iterable[object], learning_rate: float) -> Optimizer:
    """Build Adam with betas 0.9 and 0.99, the paper's optimizer of discriminators."""
    return Adam(parameters, lr=learning_rate, betas=(0.9, 0.99))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Schedule:
    """Learning rate over the steps of a run, as a factor on the initial rate.

    The "poly" policy (Chen et al., "DeepLab", TPAMI 2018), with the linear warm-up that transformers need (Goyal et
    al., "Accurate, Large Minibatch SGD", 2017): (1 - step / steps) ** power * min(1, (step + 1) / warmup_steps).
    """

    steps: int
    """Steps over which the rate falls to zero."""
    power: float = 0.9
    warmup_steps: int = 0
    """Steps over which the rate rises; 0 for the full rate at once."""

    def factor(self, step: int, offset: int = 0) -> float:
        """Return the factor of a step, counted from 0, of a schedule that begins `offset` steps late."""
        since, steps = step - offset, self.steps - offset
        rise = min(1.0, (since + 1) / self.warmup_steps) if self.warmup_steps else 1.0
        return float((1 - since / steps) ** self.power) * rise


def set_rate(optimizer: Optimizer, factor: float) -> None:
    """Set each group's rate to its initial rate times `factor`."""
    for group in optimizer.param_groups:
        group.setdefault("initial_lr", group["lr"])
        group["lr"] = group["initial_lr"] * factor
