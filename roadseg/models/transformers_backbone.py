"""`hf:FOLDER`, `hf:ORG/NAME`: a backbone of transformers with a light head."""

import json
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from roadseg.errors import WeightsError
from roadseg.models.hub import folder_of
from roadseg.models.network import Normalisation, Prediction, SegmentationNetwork, freeze_batch_norm, resized
from roadseg.models.transformers_library import WHOLE, explained, library, read_config, read_model

MAPS = 4
"""Number of maps of the backbone, from an early one to the last."""
NORMS = "hidden_states_norms."
"""Beginning of the names of norms behind the stages, which only backbones have; they start as the identity."""
DILATIONS = (6, 12, 18)


class Encoder(nn.Module):
    """Backbone that gives `MAPS` maps (N, C, h, w): of its stages, or of layers at equal distances."""

    def __init__(self, folder: Path, config: Any, *, pretrained: bool) -> None:
        """Build it with the weights of a folder, or with random ones.

        Raises:
            InputError: a package is missing.
            WeightsError: the library has no such backbone, or the folder lacks weights.
        """
        super().__init__()
        known = library()
        if config.model_type == "segformer":
            kind = known.SegformerModel
        elif type(config) in known.MODEL_FOR_BACKBONE_MAPPING:
            kind = known.MODEL_FOR_BACKBONE_MAPPING[type(config)]
            layers = len(config.stage_names) - 1  # the first one is the stem
            chosen = [config.stage_names[round(layers * (number + 1) / MAPS)] for number in range(MAPS)]
            config.set_output_features_output_indices(out_features=chosen, out_indices=None)
        else:
            raise WeightsError(f"{folder}: {config.model_type!r} is not a backbone that gives maps", WHOLE)
        if pretrained:
            self.model = read_model(folder, kind, config, may_lack=NORMS)
        else:
            with explained(folder, "cannot be built"):
                self.model = kind(config)
        channels: Any = getattr(self.model, "channels", None) or config.hidden_sizes
        self.channels = tuple(channels)
        patch = getattr(config, "patch_size", 1)
        self.patch = patch if isinstance(patch, int) else 1

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the maps for normalised images (N, 3, H, W), which are resized to a multiple of the patch."""
        sides = [int(side) for side in images.shape[-2:]]  # while OpenVINO traces, a side is a tensor
        size = [max(1, round(side / self.patch)) * self.patch for side in sides]
        if size != sides:
            images = F.interpolate(images, size=size, mode="bilinear", align_corners=False)
        if hasattr(self.model, "channels"):
            return list(self.model(images).feature_maps)
        return list(self.model(images, output_hidden_states=True).hidden_states)


class TransformersBackbone(SegmentationNetwork):
    """Backbone of transformers with the context-aware fusion of DAFormer (Hoyer et al., CVPR 2022).

    Each map is reduced to 256 channels and up-sampled to the finest; a 1x1 and three separable dilated convolutions see
    all of them. With two levels, the map before the last has its own classifier. Heads use group norm; batch norm of
    the backbone keeps its statistics.

    forward maps (N, 3, H, W) to logits at the stride of the finest map, usually 4, for plain transformers that of their
    patches, and 256 features at the same stride.
    """

    normalisation = Normalisation(mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375))
    feature_channels = 256

    def __init__(
        self, num_classes: int, *, levels: int = 2, pretrained: bool = True, folder: str = "", config: str = ""
    ) -> None:
        """Build the network.

        Args:
            num_classes: channels of each prediction.
            levels: 1, or 2 with a head on the map before the last.
            pretrained: True starts the backbone from the weights in `folder`.
            folder: folder of transformers, or ORG/NAME of a model that the hub's cache holds.
            config: configuration of the backbone as JSON; by default that of the folder.

        Raises:
            InputError: a package is missing.
            WeightsError: the folder cannot be read, or holds no backbone.
            FetchError: the cache lacks the model.
        """
        place = Path(folder) if config and not pretrained else folder_of(folder)
        settings = _configured(place, config) if config else read_config(place)
        super().__init__(num_classes, levels=levels, pretrained=pretrained, config=settings.to_json_string())
        width = self.feature_channels
        self.backbone = Encoder(place, settings, pretrained=pretrained)
        self.reduce = nn.ModuleList(nn.Conv2d(channels, width, 1) for channels in self.backbone.channels)
        self.local = _conv_norm(width * MAPS, width)
        self.dilated = nn.ModuleList(_separable(width * MAPS, width, dilation) for dilation in DILATIONS)
        self.fuse = _conv_norm(width * (1 + len(DILATIONS)), width)
        self.dropout = nn.Dropout2d(0.1)
        self.classifier = nn.Conv2d(width, num_classes, 1)
        self.auxiliary = (
            nn.Sequential(_conv_norm(self.backbone.channels[-2], width), nn.Conv2d(width, num_classes, 1))
            if levels == 2
            else None
        )

    def trunk(self) -> nn.Module:
        """Return the backbone."""
        return self.backbone

    def train(self, mode: bool = True) -> "TransformersBackbone":
        """Set the training mode; batch norm stays in evaluation mode."""
        super().train(mode)
        freeze_batch_norm(self)
        return self

    def encode(self, images: Tensor) -> Tensor:
        """Return the last map of the backbone."""
        maps: list[Tensor] = self.backbone(images)
        return maps[-1]

    def forward(self, images: Tensor) -> Prediction:
        """Predict from normalised images (N, 3, H, W) float."""
        maps = self.backbone(images)
        size = maps[0].shape[-2:]
        reduced = [resized(reduce(each), size) for reduce, each in zip(self.reduce, maps, strict=True)]
        context = torch.cat(reduced, 1)
        features = self.fuse(torch.cat([self.local(context), *(branch(context) for branch in self.dilated)], 1))
        logits = [self.classifier(self.dropout(features))]
        if self.auxiliary is not None:
            logits.append(resized(self.auxiliary(maps[-2]), size))
        return Prediction(tuple(logits), features)


def _configured(folder: Path, config: str) -> Any:
    with explained(folder, "has a wrong configuration"):
        return library().AutoConfig.for_model(**json.loads(config))


def _conv_norm(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=False), nn.GroupNorm(8, outputs), nn.ReLU(inplace=True))


def _separable(inputs: int, outputs: int, dilation: int) -> nn.Sequential:
    depthwise = nn.Conv2d(inputs, inputs, 3, padding=dilation, dilation=dilation, groups=inputs, bias=False)
    return nn.Sequential(depthwise, nn.GroupNorm(8, inputs), nn.ReLU(inplace=True), *_conv_norm(inputs, outputs))
