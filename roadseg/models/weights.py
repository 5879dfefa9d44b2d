"""`model.safetensors`: a network with everything that inference needs to know about it."""

import json
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from roadseg.errors import WeightsError
from roadseg.files import writing
from roadseg.labels import LabelSpace, label_space
from roadseg.models import build_model
from roadseg.models.network import SegmentationNetwork

MODEL_FILE = "model.safetensors"
_METADATA_KEY = "roadseg"


class ModelCard(BaseModel):
    """What stands beside the weights in `model.safetensors`, as JSON."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str
    """A name that `build_model` knows."""
    levels: int
    labels: str
    """Label space of the predictions."""
    input_size: tuple[int, int]
    """(width, height) in pixels that images were resized to in training and should be in use."""
    method: str
    """Adaptation method that made the weights."""
    source: str
    target: str
    """Where the source and target images came from; empty without a target."""
    steps: int
    seed: int
    scores: dict[str, float] = {}
    """mIoU in percent by data set, measured in training."""

    @property
    def label_space(self) -> LabelSpace:
        """The label space that `labels` names."""
        return label_space(self.labels)


def save_model(path: Path, network: SegmentationNetwork, card: ModelCard) -> None:
    """Write the network's weights and its card to `path`, whole or not at all."""
    state = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    with writing(path) as part:
        part.write_bytes(save(state, metadata={_METADATA_KEY: card.model_dump_json()}))


def load_model(path: Path) -> tuple[SegmentationNetwork, ModelCard]:
    """Rebuild a network from `model.safetensors`, or from the run folder that holds it; on the CPU, evaluation mode.

    Raises:
        WeightsError: the file is missing, is no such file, or does not fit the network it names.
    """
    if path.is_dir():
        path = path / MODEL_FILE
    if not path.is_file():
        raise WeightsError(
            f"{path}: no trained model here", f"Give a run folder that holds {MODEL_FILE}, as `roadseg adapt` makes it."
        )
    card, state = _read(path)
    network = build_model(card.model, len(card.label_space), levels=card.levels, pretrained=False)
    copy_weights(network, state, origin=path)
    return network.eval(), card


def copy_weights(network: torch.nn.Module, state: dict[str, torch.Tensor], *, origin: Path) -> None:
    """Load `state` into `network`; every name and shape must match.

    Raises:
        WeightsError: they do not.
    """
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        detail = " ".join(str(error).split())
        raise WeightsError(f"{origin}: does not fit the network: {detail[:300]}", "Train it again.") from error


def _read(path: Path) -> tuple[ModelCard, dict[str, torch.Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            metadata: dict[str, Any] = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        return ModelCard.model_validate(json.loads(metadata[_METADATA_KEY])), state
    except (SafetensorError, KeyError, ValueError, ValidationError) as error:
        raise WeightsError(
            f"{path}: not a model written by roadseg ({type(error).__name__})", "Give a run folder of `roadseg adapt`."
        ) from error
