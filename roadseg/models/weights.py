"""Weights on disk: `model.safetensors` with everything that inference needs to know, and files of other code."""

import json
import pickle
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor

from roadseg.errors import WeightsError
from roadseg.files import writing
from roadseg.labels.catalogue import label_space
from roadseg.labels.space import LabelSpace
from roadseg.models.build import build_model
from roadseg.models.domain_statistics import as_for_the_source, has_source_statistics, keep_source_statistics
from roadseg.models.network import Network, SegmentationNetwork

MODEL_FILE = "model.safetensors"
DEFAULT = "default"
"""In place of a run: the weights that come with the package, see docs/model-card.md."""
SOURCE_ONLY = "source-only"
"""In place of a run: the same weights with the statistics of batch norm that they learned with, on the source alone."""
DEFAULT_FILE = Path(__file__).parent / "default.safetensors"
_METADATA_KEY = "roadseg"


class ModelCard(BaseModel):
    """What stands beside the weights in `model.safetensors`, as JSON."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str
    """A name that `build_model` knows."""
    levels: int
    options: dict[str, str] = {}
    """Further options of that network."""
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


def save_model(path: Path, network: SegmentationNetwork, card: ModelCard, *, half: bool = False) -> None:
    """Write the network's weights and its card to `path`, whole or not at all; in float16 if `half`."""
    state = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    if half:
        state = {name: value.half() if value.is_floating_point() else value for name, value in state.items()}
    with writing(path) as part:
        part.write_bytes(save(state, metadata={_METADATA_KEY: card.model_dump_json()}))


def model_file(run: Path) -> Path:
    """The `model.safetensors` that a command's RUN names: a run folder, the file itself, or weights that ship."""
    if _ships(run):
        return DEFAULT_FILE
    return run / MODEL_FILE if run.is_dir() else run


def load_model(path: Path) -> tuple[SegmentationNetwork, ModelCard]:
    """Rebuild a network from what `model_file` finds; on the CPU, evaluation mode.

    Raises:
        WeightsError: the file is missing, is no such file, or does not fit the network it names.
    """
    file = model_file(path)
    if not file.is_file():
        raise WeightsError(
            f"{file}: no trained model here", f"Give a run folder that holds {MODEL_FILE}, as `roadseg adapt` makes it."
        )
    card, state = _read(file)
    network = build_model(card.model, len(card.label_space), levels=card.levels, pretrained=False, **card.options)
    if has_source_statistics(state):
        keep_source_statistics(network)
    load_weights(network, state, origin=str(file))
    if _ships(path) and path.name == SOURCE_ONLY:
        as_for_the_source(network)
    return network.eval(), card


def _ships(run: Path) -> bool:
    return str(run) in (DEFAULT, SOURCE_ONLY) and not run.exists()


@dataclass(frozen=True)
class LoadReport:
    """What became of a file of weights; names are those of the network."""

    origin: str
    loaded: tuple[str, ...]
    """Tensors of the network that the file filled."""
    kept: tuple[str, ...]
    """Tensors of the network that stayed as they were."""
    left_out: tuple[str, ...]
    """Tensors of the file that the network has no use for."""

    def __str__(self) -> str:
        """One line, without the counters of batch norm, which nothing reads."""
        parts = [f"{self.origin}: {len(self.loaded)} tensors loaded"]
        kept = [name for name in self.kept if not _is_counter(name)]
        parts += [f"new: {_some(kept)}"] if kept else []
        parts += [f"left out: {_some(self.left_out)}"] if self.left_out else []
        return "; ".join(parts)


def load_weights(
    network: Network,
    source: Path | Mapping[str, Tensor],
    *,
    heads_optional: bool = False,
    origin: str = "",
) -> LoadReport:
    """Fill a network from tensors by name, of its own or of published files (see its `own_names`).

    The whole network must be filled and nothing be left over, but for what no computation notices: the counters of
    batch norm, and what the network calls superfluous. Otherwise the network stays as it was.

    Args:
        network: filled in place.
        source: the tensors, or a file of them, by `torch.save` or in safetensors.
        heads_optional: for a start from weights of another task: each module outside the trunk that the file does not
            fill wholly, the network keeps as it is.
        origin: what messages call the source; the path by default.

    Raises:
        WeightsError: the file is not one of tensors by name, or does not fit.
    """
    if isinstance(source, Path):
        source, origin = _read_tensors(source), origin or str(source)
    bare = {_PREFIX.sub("", name): value for name, value in source.items()}
    names = network.own_names(bare)
    given = {names[name]: value for name, value in bare.items()}
    expected = network.state_dict()
    unfit = {name for name, value in expected.items() if not _fits(given.get(name), value) and not _is_counter(name)}
    surplus = {name for name in given if name not in expected and not network.superfluous(name)}
    usable = expected.keys() & given.keys()
    if heads_optional:
        other = {_module(name) for name in unfit if not network.in_trunk(name)}
        usable = {name for name in usable if _module(name) not in other}
        unfit, surplus = ({name for name in some if network.in_trunk(name)} for some in (unfit, surplus))
    if unfit or surplus:
        raise WeightsError(
            f"{origin}: does not fit the network: {_mismatch(unfit, surplus, given, expected)}",
            "Build the network that the file was made for: model, levels, options, number of classes.",
        )
    network.load_state_dict(expected | {name: given[name] for name in usable})
    return LoadReport(
        origin,
        loaded=tuple(name for name in expected if name in usable),
        kept=tuple(name for name in expected if name not in usable),
        left_out=tuple(name for name in given if name not in usable),
    )


_PREFIX = re.compile(r"^((module|Scale)\.)+")
"""What wrappers put before every name: data parallelism, and the scale module of the first ImageNet files."""


def _module(name: str) -> str:
    """The network's own child that a tensor belongs to."""
    return name.partition(".")[0]


def _fits(given: Tensor | None, expected: Tensor) -> bool:
    return given is not None and given.shape == expected.shape


def _is_counter(name: str) -> bool:
    """Files from before torch 0.4.1 lack these, and batch norm with a momentum does not read them."""
    return name.endswith(".num_batches_tracked")


def _mismatch(
    unfit: Collection[str], surplus: Collection[str], given: Mapping[str, Tensor], expected: Mapping[str, Tensor]
) -> str:
    missing = [name for name in expected if name in unfit and name not in given]
    shapes = [
        f"{name} is {tuple(given[name].shape)} instead of {tuple(expected[name].shape)}"
        for name in expected
        if name in unfit and name in given
    ]
    kinds = {"missing": missing, "shapes": shapes, "unknown": [name for name in given if name in surplus]}
    return "; ".join(f"{kind}: {_some(names)}" for kind, names in kinds.items() if names)


def _some(names: Sequence[str], count: int = 3) -> str:
    more = f" and {len(names) - count} more" if len(names) > count else ""
    return ", ".join(names[:count]) + more


def _read_tensors(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise WeightsError(f"{path}: no such file", "Put the weights there, or name others.") from None
    except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError, SafetensorError) as error:
        detail = str(error).split("\n")[0]
        raise WeightsError(f"{path}: cannot be read as weights ({detail})", "Fetch it again.") from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise WeightsError(f"{path}: is not a file of tensors by name", "Give a file that holds a state_dict().")
    return state


def _read(path: Path) -> tuple[ModelCard, dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            metadata: dict[str, Any] = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        return ModelCard.model_validate(json.loads(metadata[_METADATA_KEY])), state
    except (SafetensorError, KeyError, ValueError, ValidationError) as error:
        raise WeightsError(
            f"{path}: not a model written by roadseg ({type(error).__name__})", "Give a run folder of `roadseg adapt`."
        ) from error
