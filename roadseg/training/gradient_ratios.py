"""Size of the gradients of an objective's parts beside that of the supervised loss."""

from collections import defaultdict
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from roadseg.adaptation.term import LABELS
from roadseg.runtime import Runtime


class GradientRatios:
    """Gradients of several losses with respect to the parameters of one block, summed over the parts of a batch.

    They are computed beside the gradients that training uses, which stay as they are to the bit.
    """

    def __init__(self, block: nn.Module) -> None:
        """Measure with respect to the trainable parameters of `block`."""
        self._parameters = [parameter for parameter in block.parameters() if parameter.requires_grad]
        self._sums: dict[str, list[Tensor]] = defaultdict(lambda: [torch.zeros_like(p) for p in self._parameters])

    def add(self, losses: Mapping[str, Tensor]) -> None:
        """Add the gradients of losses, by name, whose graphs are kept."""
        for name, loss in losses.items():
            found = torch.autograd.grad(
                loss, self._parameters, retain_graph=True, allow_unused=True, materialize_grads=True
            )
            torch._foreach_add_(self._sums[name], found)

    def of_joint_batch(self, runtime: Runtime) -> dict[str, Tensor]:
        """Return |gradient of a loss| / |gradient of `LABELS`| over all processes, by name; empty if nothing was added.

        Returns:
            This process's contribution to each ratio: contributions add up over the processes.
        """
        runtime.all_sum([gradient for sums in self._sums.values() for gradient in sums])
        norms = {
            name: torch.linalg.vector_norm(torch.stack(torch._foreach_norm(sums))) for name, sums in self._sums.items()
        }
        reference = norms.pop(LABELS, torch.ones(()))
        # Clamped, for a batch in which all pixels are ignored.
        smallest = torch.finfo(reference.dtype).eps
        return {name: norm / reference.clamp(min=smallest) / runtime.processes for name, norm in norms.items()}
