"""Weights on disk: `model.safetensors` with all that inference needs, and files of other code."""

import os
import re
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from roadseg.errors import DatasetError, RecipeError, WeightsError, listed, mistakes
from roadseg.files import writing
from roadseg.inputs.documents import parse_json
from roadseg.inputs.options import InputSide
from roadseg.labels.catalogue import label_space
from roadseg.labels.space import IGNORE, LabelSpace, conversion
from roadseg.models.build import build_model
from roadseg.models.domain_statistics import (
    VARIANCE,
    has_source_statistics,
    keep_source_statistics,
)
from roadseg.models.names import NETWORK_FILE, PACKAGED
from roadseg.models.network import Network, SegmentationNetwork
from roadseg.models.tensor_files import read_tensors

MODEL_FILE = "model.safetensors"
_METADATA_KEY = "roadseg"
_CHECKSUM_KEY = "crc32"
"""Metadata with the checksum of all weights, which the format itself lacks; files of others may have none."""
SHOWN = 3
"""Tensors that a message names."""
GIVE_RUN = "Give a run folder of `roadseg adapt`."
_PREFIX = re.compile(r"^((module|Scale)\.)+")
"""Prefixes of wrappers: data parallelism, and the scale module of the first ImageNet files."""


class ModelCard(BaseModel):
    """Description of the weights in `model.safetensors`, stored as JSON."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    model: str
    """A name that `build_model` knows."""
    levels: int
    options: dict[str, str] = {}
    """Further options of that network."""
    labels: str
    """Label space of the predictions."""
    input_size: tuple[InputSide, InputSide]
    """(width, height) in pixels to which images were resized in training, and should be in use."""
    method: str
    """Adaptation method that trained the weights."""
    source: str
    target: str
    """Origin of the source and target images; empty without a target."""
    steps: int
    seed: int
    scores: dict[str, float] = {}
    """mIoU in percent by data set, measured in training."""

    @property
    def label_space(self) -> LabelSpace:
        """Label space with the name `labels`."""
        return label_space(self.labels)


def save_model(path: Path, network: SegmentationNetwork, card: ModelCard, *, half: bool = False) -> None:
    """Write the network's weights and its card to a file, as a whole.

    Args:
        path: the file.
        network: the network.
        card: its description.
        half: True stores floating-point numbers as float16.
    """
    state = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    if half:
        state = {name: value.half() if value.is_floating_point() else value for name, value in state.items()}
    with writing(path) as part:
        metadata = {_METADATA_KEY: card.model_dump_json(), _CHECKSUM_KEY: _checksum(state)}
        part.write_bytes(save(state, metadata=metadata))


def _checksum(state: Mapping[str, Tensor]) -> str:
    """Return the CRC-32 of the bytes of all tensors, in the order of their names, in hexadecimal."""
    crc = 0
    for name in sorted(state):
        crc = zlib.crc32(state[name].reshape(-1).view(torch.uint8).numpy().data, crc)
    return f"{crc:08x}"


def packaged_file(name: str) -> Path:
    """Return the file of weights that come with the package.

    Args:
        name: one of `roadseg.models.names.PACKAGED`.
    """
    return Path(__file__).parent / f"{name}.safetensors"


def model_file(run: str | os.PathLike[str]) -> Path:
    """Return the `model.safetensors` of a run: in a run folder, the file itself, or weights of the package."""
    if str(run) in PACKAGED and not Path(run).exists():
        return packaged_file(str(run))
    path = Path(run)
    return path / MODEL_FILE if path.is_dir() else path


def load_model(run: str | os.PathLike[str]) -> tuple[SegmentationNetwork, ModelCard]:
    """Load a trained network, on the CPU in evaluation mode.

    Args:
        run: a run folder, a `model.safetensors`, `default` or `indian`.

    Returns:
        The network and its card.

    Raises:
        WeightsError: the file is missing, not such a file, or does not fit the network that it names.
    """
    file = model_file(run)
    if file.name == NETWORK_FILE or (not file.is_file() and file.with_name(NETWORK_FILE).is_file()):
        raise WeightsError(
            f"{file.parent}: an imported network, which can neither be trained nor exported",
            "Use it with overlay, labels, evaluate and compare.",
        )
    if file.suffix in (".pth", ".pt") and file.is_file():
        raise WeightsError(
            f"{file}: does not say which network it belongs to",
            f"Make a run of it: roadseg import {file} --recipe RECIPE --out RUN (list recipes with: roadseg recipes)",
        )
    if file.suffix == ".onnx" and file.is_file():
        raise WeightsError(f"{file}: not a run yet", f"Import it first: roadseg import {file} --labels SPACE --out RUN")
    if not file.is_file():
        raise WeightsError(
            f"{file}: no trained model here",
            f"Give a run folder of `roadseg adapt`, which contains {MODEL_FILE}, or {' or '.join(PACKAGED)}.",
        )
    card, state = _read(file)
    try:
        network = build_model(card.model, len(card.label_space), levels=card.levels, pretrained=False, **card.options)
    except (DatasetError, RecipeError) as error:
        raise WeightsError(f"{file}: its description is wrong: {error.cause}", GIVE_RUN) from None
    if has_source_statistics(state):
        keep_source_statistics(network)
    load_weights(network, state, origin=str(file))
    return network.eval(), card


def with_classes(
    state: Mapping[str, Tensor], network: Network, own: LabelSpace, wanted: LabelSpace
) -> dict[str, Tensor]:
    """Return weights whose heads have one row a class of another label space.

    A class gets the row of its namesake, or of the class that it is part of; one without either keeps that of the
    network.

    Args:
        state: tensors with the names of the network.
        network: of the same kind, with as many classes as `wanted`; left as it is.
        own: label space of the tensors.
        wanted: label space of the network.
    """
    rows = torch.from_numpy(conversion(wanted, own)[: len(wanted)].astype(np.int64))
    known = rows != IGNORE
    if not known.any():
        return dict(state)
    heads = {}
    for name, initial in network.state_dict().items():
        given = state.get(name)
        by_class = given is not None and given.shape[:1] == (len(own),) and initial.shape[:1] == (len(wanted),)
        if given is not None and by_class and not network.in_trunk(name):
            heads[name] = initial.clone()
            heads[name][known] = given[rows[known]].to(initial.dtype)
    return {**state, **heads}


@dataclass(frozen=True)
class LoadReport:
    """Result of loading weights."""

    origin: str
    loaded: tuple[str, ...]
    """Tensors of the network that the file filled, by their names in the network."""
    kept: tuple[str, ...]
    """Tensors of the network that stayed unchanged."""
    left_out: tuple[str, ...]
    """Tensors of the file that the network does not use, by their names there."""

    def __str__(self) -> str:
        """Summarise in one line, without the counters of batch norm, which nothing reads."""
        parts = [f"{self.origin}: {len(self.loaded)} tensors loaded"]
        kept = [name for name in self.kept if not _is_counter(name)]
        parts += [f"new: {listed(kept, SHOWN)}"] if kept else []
        parts += [f"left out: {listed(self.left_out, SHOWN)}"] if self.left_out else []
        return "; ".join(parts)


def load_weights(
    network: Network,
    source: Path | Mapping[str, Tensor],
    *,
    heads_optional: bool = False,
    origin: str = "",
) -> LoadReport:
    """Fill a network from tensors with its own names, or with those of published files (see its `own_names`).

    The whole network must be filled and no tensor be left over, except those without effect: the counters of batch
    norm, and tensors that the network calls superfluous. All values must be finite floating-point numbers: with others
    a network labels every pixel alike. Otherwise the network stays unchanged.

    Args:
        network: filled in place.
        source: the tensors, or a file of them, by `torch.save` or in safetensors.
        heads_optional: for weights of another task: True leaves each module outside the trunk unchanged that the file
            does not fill completely.
        origin: name of the source in messages; the path by default.

    Returns:
        Names of the tensors that were loaded, kept and left out.

    Raises:
        WeightsError: the file does not hold tensors by name, does not fit, or has values that cannot be weights.
    """
    if isinstance(source, Path):
        source, origin = read_tensors(source), origin or str(source)
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
            f"{origin}: does not fit the network: {_mismatch(unfit, surplus, given, expected, names)}",
            "Build the network of the file: the same model, levels, options and number of classes.",
        )
    _refuse_strange_values(network, {name: given[name] for name in expected if name in usable}, expected, origin)
    network.load_state_dict(expected | {name: given[name] for name in usable})
    return LoadReport(
        origin,
        loaded=tuple(name for name in expected if name in usable),
        kept=tuple(name for name in expected if name not in usable),
        left_out=tuple(there for there, name in names.items() if name not in usable),
    )


def _refuse_strange_values(
    network: Network, given: Mapping[str, Tensor], expected: Mapping[str, Tensor], origin: str
) -> None:
    """Make sure that tensors hold what weights hold; counters of batch norm may hold anything.

    Raises:
        WeightsError: naming the tensors that do not.
    """
    weights = {name: value for name, value in given.items() if not _is_counter(name)}
    strange = [name for name, value in weights.items() if not _is_plain(value)]
    if strange:
        raise WeightsError(
            f"{origin}: these weights are not floating-point numbers: {listed(strange, SHOWN)}",
            "Save the network's state_dict() again, without converting or quantizing it.",
        )
    # In the network's own precision, where a large number may be infinite.
    wrong = [name for name, value in weights.items() if not _is_sound(network, name, value.to(expected[name].dtype))]
    if wrong:
        raise WeightsError(
            f"{origin}: these weights are not finite, or are variances that have no root: {listed(wrong, SHOWN)}",
            "Train again with a lower learning rate, or download the file again.",
        )


def _is_plain(value: Tensor) -> bool:
    return value.is_floating_point() and value.layout == torch.strided and not value.is_meta


def _is_sound(network: Network, name: str, value: Tensor) -> bool:
    if name.endswith((".running_var", f".{VARIANCE}")):
        # Batch norm takes the root of the variance plus `eps`: rounding may leave a variance just below 0.
        norm = network.get_submodule(name.rpartition(".")[0])
        value = (value + getattr(norm, "eps", 0.0)).sqrt()
    return bool(torch.isfinite(value).all())


def _module(name: str) -> str:
    """Return the child of the network that a tensor belongs to."""
    return name.partition(".")[0]


def _fits(given: Tensor | None, expected: Tensor) -> bool:
    return given is not None and given.shape == expected.shape


def _is_counter(name: str) -> bool:
    """Return True for tensors that files from before torch 0.4.1 lack, and that batch norm with a momentum does not
    read."""
    return name.endswith(".num_batches_tracked")


def _mismatch(
    unfit: Collection[str],
    surplus: Collection[str],
    given: Mapping[str, Tensor],
    expected: Mapping[str, Tensor],
    names: Mapping[str, str],
) -> str:
    """Describe what is wrong, by the names of the file where it has the tensor."""
    theirs = {own: there for there, own in names.items()}
    missing = [name for name in expected if name in unfit and name not in given]
    shapes = [
        f"{theirs[name]} is {tuple(given[name].shape)} instead of {tuple(expected[name].shape)}"
        for name in expected
        if name in unfit and name in given
    ]
    kinds = {"missing": missing, "shapes": shapes, "unknown": [theirs[name] for name in given if name in surplus]}
    return "; ".join(f"{kind}: {listed(some, SHOWN)}" for kind, some in kinds.items() if some)


def _read(path: Path) -> tuple[ModelCard, dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            metadata: dict[str, Any] = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        card = ModelCard.model_validate(parse_json(metadata[_METADATA_KEY]))
    except ValidationError as error:  # a ValueError too
        cause = f"{path}: its description is wrong: {mistakes(error, ModelCard.model_fields)}"
        raise WeightsError(cause, GIVE_RUN) from None
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise WeightsError(f"{path}: not a model written by roadseg ({type(error).__name__})", GIVE_RUN) from error
    if _CHECKSUM_KEY in metadata and metadata[_CHECKSUM_KEY] != _checksum(state):
        raise WeightsError(f"{path}: its weights are damaged: they have another checksum", "Copy the file again.")
    return card, state
