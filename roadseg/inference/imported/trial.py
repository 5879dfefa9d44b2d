"""Form of a network of another program, found by running it on a rendered street."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from roadseg.errors import InputError, WeightsError
from roadseg.inference.imported.canonical import ImageInput, Output, class_maps, with_images, with_result
from roadseg.inference.imported.card import Answer, ClassList, ImportedCard
from roadseg.inference.imported.programs import OnnxRuntimeProgram
from roadseg.inference.imported.scaling import described
from roadseg.labels.space import IGNORE
from roadseg.models.names import NETWORK_FILE
from roadseg.models.network import Normalisation
from roadseg.streets.render import render_street

STEPS = (8, 16, 32, 64)
"""Steps of the input size that are tried, in pixels."""
ENOUGH_CLASSES = "Give --labels with as many classes as the network has, in its order."


@dataclass(frozen=True)
class ForeignNetwork:
    """A network of another program with all that is known of it beforehand."""

    file: Path
    origin: str
    """Name for the card: that of the file, or of a model on the hub with its commit."""
    model: Any
    """An `onnx.ModelProto`."""
    taken: ImageInput
    labels: ClassList
    input_size: tuple[int, int]
    """(width, height) of images."""


@dataclass(frozen=True)
class Form:
    """Facts about a network that running it shows."""

    output: Output
    card: ImportedCard
    """Description without a digest."""
    label_stride: float
    """Pixels of the input a side for each cell of the result."""
    notices: tuple[str, ...]


def canonical(network: ForeignNetwork, normalization: Normalisation, output: Output) -> bytes:
    """Return an ONNX file of the network in the form of `ImportedCard`, with its scaling of pixels and one output."""
    data: bytes = with_result(with_images(network.model, network.taken, normalization), output).SerializeToString()
    return data


def form_of(network: ForeignNetwork, normalization: Normalisation, output: str | None = None) -> Form:
    """Find out what a network gives, and for which sizes and numbers of images.

    Args:
        network: the network.
        normalization: scaling of its input.
        output: name of its output; None for the first that is a map of its classes.

    Raises:
        InputError: no output, or not the one that is named, is a map of the classes; ONNX Runtime is missing.
        EngineError: ONNX Runtime cannot run the network.
        WeightsError: it gives numbers that are not finite.
    """
    taken, labels, (width, height) = network.taken, network.labels, network.input_size
    street = render_street(1, 0, size=(width, height))[0]
    images = np.stack([street] * (taken.batch or 1))
    scaled = with_images(network.model, taken, normalization).SerializeToString()
    with _program(scaled) as program:
        chosen, notices = _chosen(network, program.outputs(images), output)
    with _program(canonical(network, normalization, chosen)) as program:
        result = program.run(images)
        _refuse_strange(network, result)
        batch = taken.batch or (None if _runs(program, np.stack([street] * 2)) else 1)
        steps = [] if taken.size else [step for step in STEPS if min(width, height) >= 2 * step]
        smaller = {step: images[:, : height - step, : width - step] for step in steps}
        step = next((step for step in steps if _runs(program, smaller[step])), None)
    quantized = any(node.op_type == "QuantizeLinear" for node in network.model.graph.node)
    card = ImportedCard(
        origin=network.origin,
        sha256="",
        labels=labels,
        answer=_answer(result),
        input_size=(width, height),
        size_step=step,
        batch=batch,
        normalization="by the network" if taken.dtype == "UINT8" else described(normalization),
        precision="int8" if quantized else "float32",
    )
    return Form(chosen, card, width / result.shape[-1], notices)


@contextmanager
def _program(data: bytes) -> Iterator[OnnxRuntimeProgram]:
    with TemporaryDirectory(prefix="roadseg-import-") as folder:
        file = Path(folder, NETWORK_FILE)
        file.write_bytes(data)
        yield OnnxRuntimeProgram(file)


def _chosen(
    network: ForeignNetwork, outputs: dict[str, NDArray[Any]], wanted: str | None
) -> tuple[Output, tuple[str, ...]]:
    """Return the output to take, and a notice if others fit as well."""
    if wanted is not None and wanted not in outputs:
        raise InputError(f"{network.file}: has no output {wanted!r}", f"It has: {', '.join(outputs)}.")
    count = len(network.labels.classes)
    found = class_maps(outputs, count)
    if wanted is not None:
        found = {name: output for name, output in found.items() if name == wanted}
    if not found:
        shapes = ", ".join(f"{name} {values.shape}" for name, values in outputs.items())
        raise InputError(
            f"{network.file}: no output is a map of the {count} classes of {network.labels.name}: {shapes}",
            ENOUGH_CLASSES,
        )
    first, *others = found.values()
    if not others:
        return first, ()
    names = ", ".join(output.name for output in others)
    return first, (f"output {first.name} is taken; others that fit: {names} (--output)",)


def _refuse_strange(network: ForeignNetwork, result: NDArray[Any]) -> None:
    if result.ndim == 4 and not np.isfinite(result).all():
        raise WeightsError(f"{network.file}: gives numbers that are not finite", "Try another --normalization.")
    count = len(network.labels.classes)
    beyond = result[(result != IGNORE) & (result >= count)] if result.ndim == 3 else np.empty(0)
    if beyond.size:
        raise InputError(
            f"{network.file}: gives class {int(beyond.max())}, beyond the {count} of {network.labels.name}",
            ENOUGH_CLASSES,
        )


def _runs(program: OnnxRuntimeProgram, images: NDArray[np.uint8]) -> bool:
    """Return whether the network takes so many images of this size, and gives a result for each."""
    try:
        return len(program.run(images)) == len(images)
    except InputError:
        return False


def _answer(result: NDArray[Any]) -> Answer:
    if result.ndim == 3:
        return "labels"
    sums = result.sum(1)
    return "probabilities" if result.min() >= 0 and bool(np.all(np.abs(sums - 1) < 0.01)) else "scores"
