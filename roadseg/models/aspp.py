"""Atrous spatial pyramid pooling, the classifier of DeepLab-v2: Chen et al., TPAMI 2018, section 3.2."""

from typing import Literal

from torch import Tensor, nn

from roadseg.models.convolution import Conv2d

AsppVariant = Literal["four-branch", "two-branch"]
DILATIONS: dict[AsppVariant, tuple[int, ...]] = {"four-branch": (6, 12, 18, 24), "two-branch": (6, 12)}
"""Dilations of each variant. The published AdaptSegNet weights use the first two branches, later work all four."""


class ASPP(nn.Module):
    """Sum of dilated 3x3 convolutions: features (N, inputs, h, w) -> logits (N, num_classes, h, w)."""

    def __init__(self, inputs: int, num_classes: int, variant: AsppVariant) -> None:
        super().__init__()
        self.branches = nn.ModuleList()
        for dilation in DILATIONS[variant]:
            branch = Conv2d(inputs, num_classes, 3, padding=dilation, dilation=dilation)
            nn.init.normal_(branch.weight, std=0.01)
            self.branches.append(branch)

    def forward(self, features: Tensor) -> Tensor:
        """Return the sum of all branches."""
        first, *others = self.branches
        logits: Tensor = first(features)
        for branch in others:
            logits = logits + branch(features)
        return logits
