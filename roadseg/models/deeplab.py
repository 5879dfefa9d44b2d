"""What the two networks of the paper share: input, heads, and the names in the files that were published of them."""

from collections.abc import Collection
from typing import ClassVar, get_args

from torch import Tensor, nn

from roadseg.errors import RecipeError
from roadseg.models.aspp import ASPP, DILATIONS, Aspp
from roadseg.models.network import Normalisation, SegmentationNetwork


class DeepLabV2(SegmentationNetwork):
    """Base of `VGG16` and `ResNet101`: a dilated trunk at stride 8 with an ASPP head a level.

    Input is BGR minus the mean colour of ImageNet, unscaled, as the networks of that time were trained.
    """

    normalisation = Normalisation(mean=(104.00698793, 116.66876762, 122.67891434), std=(1.0, 1.0, 1.0), channels="bgr")
    align_corners = True
    OPTIONS: ClassVar[dict[str, tuple[str, ...]]] = {"aspp": get_args(Aspp)}

    def __init__(
        self,
        num_classes: int,
        *,
        levels: int,
        pretrained: bool,
        aspp: Aspp,
        head_channels: tuple[int, int],
        **options: str,
    ) -> None:
        """Make the heads; `head_channels` are those of the main features and of the earlier stage's.

        Raises:
            RecipeError: weights are wanted, which no installed package brings for these networks.
        """
        super().__init__(num_classes, levels=levels, pretrained=False, aspp=aspp, **options)
        if pretrained:
            raise RecipeError(
                f"{type(self).__name__.lower()} brings no weights with it",
                'Start from a run or a file of weights, or from "imagenet", which is downloaded: init = "imagenet".',
            )
        main, earlier = head_channels
        self.feature_channels = main
        self.classifier = ASPP(main, num_classes, aspp)
        self.auxiliary: nn.Module | None = ASPP(earlier, num_classes, aspp) if levels == 2 else None

    def superfluous(self, name: str) -> bool:
        """Published heads own four branches, of which the two-branch variant never used the last two."""
        head, _, branch = name.partition(".branches.")
        unused = range(len(DILATIONS[self.aspp]), len(DILATIONS["four-branch"]))
        return head in ("classifier", "auxiliary") and branch.split(".")[0] in map(str, unused)

    def own_names(self, names: Collection[str]) -> dict[str, str]:
        """Rename the branches of the heads."""
        return {name: name.replace(".conv2d_list.", ".branches.") for name in names}

    @property
    def aspp(self) -> Aspp:
        """The variant of the heads."""
        return "two-branch" if self.options["aspp"] == "two-branch" else "four-branch"

    def logits(self, main: Tensor, earlier: Tensor) -> tuple[Tensor, ...]:
        """Predictions from the features of both stages, one a level, the main one first."""
        if self.auxiliary is None:
            return (self.classifier(main),)
        return self.classifier(main), self.auxiliary(earlier)
