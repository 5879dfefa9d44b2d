"""Common part of the paper's two networks: input, heads, and the tensor names in published files."""

from collections.abc import Collection
from typing import ClassVar, get_args

from torch import Tensor, nn

from roadseg.errors import RecipeError
from roadseg.models.aspp import ASPP, DILATIONS, AsppVariant
from roadseg.models.network import Normalisation, SegmentationNetwork


class DeepLabV2(SegmentationNetwork):
    """Base of `VGG16` and `ResNet101`: a dilated trunk at stride 8 with an ASPP head for each level.

    Input is BGR minus the mean colour of ImageNet, unscaled, as in the original networks.
    """

    normalisation = Normalisation(mean=(104.00698793, 116.66876762, 122.67891434), std=(1.0, 1.0, 1.0), channels="bgr")
    align_corners = True
    OPTIONS: ClassVar[dict[str, tuple[str, ...]]] = {"aspp": get_args(AsppVariant)}

    def __init__(
        self,
        num_classes: int,
        *,
        levels: int,
        pretrained: bool,
        aspp: AsppVariant,
        head_channels: tuple[int, int],
        **options: str,
    ) -> None:
        """Build the heads.

        Args:
            num_classes: channels of each prediction.
            levels: 1, or 2 with a head on the earlier stage.
            pretrained: must be False, as no installed package contains weights for these networks.
            aspp: variant of the heads.
            head_channels: channels of the main features and of the earlier stage's features.
            options: further options of the network.

        Raises:
            RecipeError: `pretrained` is True.
        """
        super().__init__(num_classes, levels=levels, pretrained=False, aspp=aspp, **options)
        if pretrained:
            raise RecipeError(
                f"{type(self).__name__.lower()} comes without pretrained weights",
                'Start from a run or a file of weights, or download ImageNet weights: init = "imagenet".',
            )
        main, earlier = head_channels
        self.feature_channels = main
        self.classifier = ASPP(main, num_classes, aspp)
        self.auxiliary: nn.Module | None = ASPP(earlier, num_classes, aspp) if levels == 2 else None

    def superfluous(self, name: str) -> bool:
        """Return True for branches of published heads that the two-branch variant never uses."""
        head, _, branch = name.partition(".branches.")
        unused = range(len(DILATIONS[self.aspp]), len(DILATIONS["four-branch"]))
        return head in ("classifier", "auxiliary") and branch.split(".")[0] in map(str, unused)

    def own_names(self, names: Collection[str]) -> dict[str, str]:
        """Rename the branches of the heads."""
        return {name: name.replace(".conv2d_list.", ".branches.") for name in names}

    @property
    def aspp(self) -> AsppVariant:
        """Variant of the heads."""
        return "two-branch" if self.options["aspp"] == "two-branch" else "four-branch"

    def logits(self, main: Tensor, earlier: Tensor) -> tuple[Tensor, ...]:
        """Predict from the features of both stages: a tensor for each level, main first."""
        if self.auxiliary is None:
            return (self.classifier(main),)
        return self.classifier(main), self.auxiliary(earlier)
