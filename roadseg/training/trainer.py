"""One step of training, the same for every method."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.amp import GradScaler
from torch.optim import Optimizer

from roadseg.adaptation.method import Method
from roadseg.datasets.sampling import Batch
from roadseg.errors import TrainingError, WeightsError, shortened
from roadseg.models.average import WeightAverage
from roadseg.models.network import SegmentationNetwork
from roadseg.runtime import seed_torch
from roadseg.training.gradient_ratios import GradientRatios
from roadseg.training.optimizers import Schedule, set_rate

SMALLEST_LOSS_SCALE = 2.0**-10
"""Gradients that overflow in float16 even at this scale are not finite at any scale."""
RATIO_STEPS = 50
"""Steps between comparisons of gradients, each of which costs a short backward pass for each compared loss."""


class Trainer:
    """A method with its optimizers, schedule and step count: everything that a checkpoint holds.

    Torch's random numbers in a step (dropout) are a pure function of `seed`, the step and the place in the joint batch
    of the first image that is forwarded together, so a checkpoint needs no random state.

    In the warm-up steps of a method the segmenter, its averages and the state of its optimizer stay as they are; its
    learning rate falls over the steps after them.
    """

    def __init__(
        self,
        method: Method,
        optimizers: dict[str, Optimizer],
        *,
        average: WeightAverage[SegmentationNetwork] | None = None,
        seed: int = 0,
        schedule: Schedule,
        accumulate_grad_batches: int = 1,
    ) -> None:
        """Combine a method and optimizers, at step 0.

        Args:
            method: networks and loss terms.
            optimizers: the segmenter's first, then one for each auxiliary network.
            average: moving average of the segmenter's weights, updated after each step; None to keep those of the last.
            seed: seed of dropout and other random numbers of torch.
            schedule: learning rates; auxiliary networks have no warm-up.
            accumulate_grad_batches: parts that each batch is divided into; changes only rounding and dropout.
        """
        self.method = method
        self.optimizers = optimizers
        self.average = average
        self.seed = seed
        self.schedule = schedule
        self.accumulate_grad_batches = accumulate_grad_batches
        self.step = 0
        runtime = method.runtime
        # Disabled without float16: then it neither scales nor has a state.
        self._scaler = GradScaler(runtime.device.type, enabled=runtime.precision == "float16")

    @property
    def result(self) -> SegmentationNetwork:
        """Network to evaluate and save: the average of the weights where there is one."""
        return self.average.network if self.average else self.method.segmenter

    @property
    def averages(self) -> dict[str, WeightAverage[SegmentationNetwork]]:
        """Averages of the segmenter's weights by name: that of the result, and the teacher of the method."""
        averages = {"average": self.average, "teacher": self.method.teacher}
        return {name: average for name, average in averages.items() if average}

    def make_step(self, batch: Batch) -> dict[str, Tensor] | None:
        """Compute the gradients of every term, part after part of the batch, then step every optimizer.

        Args:
            batch: this process's share of the joint batch, on the device, with the label counts of the joint batch.

        Returns:
            This process's contribution to the unweighted losses, by name; None where gradients overflowed in float16
            and the step was skipped.

        Raises:
            TrainingError: gradients are not finite, however small the loss is scaled.
        """
        self._set_rates()
        for optimizer in self.optimizers.values():
            optimizer.zero_grad(set_to_none=True)
        values = self._backpropagate(batch)
        self.method.runtime.all_sum(self._gradients())
        made = self._optimize()
        if made and not self._warming_up:
            for average in self.averages.values():
                average.update(self.method.segmenter, self.step - self.method.warmup_steps)
        self.step += 1
        return values if made else None

    @property
    def _warming_up(self) -> bool:
        return self.step < self.method.warmup_steps

    def _set_rates(self) -> None:
        segmenter, *auxiliary = self.optimizers.values()
        warmup = self.method.warmup_steps
        if self._warming_up:
            set_rate(segmenter, 0.0)
        else:
            set_rate(segmenter, self.schedule.factor(self.step, offset=warmup))
        for optimizer in auxiliary:
            set_rate(optimizer, replace(self.schedule, warmup_steps=0).factor(self.step))

    def _backpropagate(self, batch: Batch) -> dict[str, Tensor]:
        values: dict[str, Tensor] = {}
        terms = self.method.warmup_terms if self._warming_up else self.method.terms
        ratios = GradientRatios(self.method.segmenter.shared_block()) if (self.step + 1) % RATIO_STEPS == 0 else None
        for part in batch.parts(self.accumulate_grad_batches):
            seed_torch(self.seed, self.step, part.first)
            for term in terms(part):
                if ratios is not None:
                    ratios.add({name: self._scaler.scale(loss) for name, loss in term.compared.items()})
                self._scaler.scale(term.loss).backward()  # type: ignore[no-untyped-call]
                for name, value in term.values.items():
                    values[name] = values.get(name, 0) + value
        return values if ratios is None else values | ratios.of_joint_batch(self.method.runtime)

    def _gradients(self) -> list[Tensor]:
        groups = [group for optimizer in self.optimizers.values() for group in optimizer.param_groups]
        gradients = [parameter.grad for group in groups for parameter in group["params"]]
        return [gradient for gradient in gradients if gradient is not None]

    def _optimize(self) -> bool:
        scale = self._scaler.get_scale()
        segmenter, *auxiliary = self.optimizers.values()
        for optimizer in auxiliary if self._warming_up else (segmenter, *auxiliary):
            self._scaler.step(optimizer)
        self._scaler.update()
        if self._scaler.get_scale() < SMALLEST_LOSS_SCALE:
            raise TrainingError(
                f"gradients are no longer finite at step {self.step + 1}",
                "Lower the learning rate; the last checkpoint is kept.",
            )
        return self._scaler.get_scale() >= scale

    def state(self) -> dict[str, Any]:
        """Return everything needed to continue exactly from here."""
        return {
            "step": self.step,
            "networks": {name: network.state_dict() for name, network in self._networks().items()},
            "optimizers": {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()},
            "loss_scale": self._scaler.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a state that `state` returned.

        Raises:
            WeightsError: it belongs to other networks, or is not such a state.
        """
        try:
            step = state["step"]
            if type(step) is not int or step < 0:
                raise ValueError(f"step {shortened(repr(step))}")
            for name, network in self._networks().items():
                network.load_state_dict(state["networks"][name])
            for name, optimizer in self.optimizers.items():
                optimizer.load_state_dict(state["optimizers"][name])
                _refuse_other_shapes(optimizer)
            self._scaler.load_state_dict(state["loss_scale"])
            self.step = step
        except (KeyError, IndexError, RuntimeError, ValueError, TypeError, AttributeError) as error:
            detail = shortened(str(error).split("\n")[0], 200)
            raise WeightsError(
                f"the checkpoint belongs to another kind of run: {detail}", "Start a new run."
            ) from error

    def _networks(self) -> dict[str, torch.nn.Module]:
        averages = {name: average.network for name, average in self.averages.items()}
        return {"segmenter": self.method.segmenter, **averages, **self.method.auxiliary_networks}


def _refuse_other_shapes(optimizer: Optimizer) -> None:
    """Make sure that what an optimizer knows of each parameter, such as its momentum, has the parameter's shape.

    Raises:
        ValueError: it has another.
    """
    for parameter, known in optimizer.state.items():
        for name, value in known.items():
            if isinstance(value, Tensor) and value.dim() and value.shape != parameter.shape:
                raise ValueError(f"{name} is {tuple(value.shape)} instead of {tuple(parameter.shape)}")
