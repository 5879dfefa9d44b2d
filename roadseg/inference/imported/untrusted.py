"""ONNX files of others, read as data: nothing in them is run, and nothing is read from outside their folder."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from roadseg.errors import WeightsError, listed, shortened
from roadseg.inference.imported.packages import needed

DOMAINS = {"", "ai.onnx", "ai.onnx.ml"}
"""Sets of operators that are part of ONNX."""
FIRST_OPSET = 7
"""Since then, operators on two tensors repeat the smaller one as NumPy does."""
MAX_BYTES = 2**31 - 1
"""Bytes of an ONNX file, which protobuf limits; weights beside it included."""


def read_onnx(path: Path) -> Any:
    """Read an ONNX file together with weights that it keeps in files beside it.

    Returns:
        An `onnx.ModelProto` that holds all its weights.

    Raises:
        InputError: the package `onnx` is missing.
        WeightsError: the file is missing or damaged, has operators that are not part of ONNX, is too large, or names
            weights outside its folder.
    """
    onnx = needed("onnx")
    if not path.is_file():
        raise WeightsError(f"{path}: no such file", "Give an ONNX file, a folder of transformers, or hf:ORG/NAME.")
    if path.stat().st_size > MAX_BYTES:
        raise WeightsError(f"{path}: more than 2 GB", "Export it in float16, or as a smaller network.")
    try:
        model = onnx.load_model(path, load_external_data=False)
    except Exception as error:  # protobuf has errors of its own, not one base class
        raise WeightsError(
            f"{path}: not an ONNX file, or cut off ({shortened(str(error))})", "Download or export it again."
        ) from None
    if not model.graph.node or not model.graph.output:
        raise WeightsError(f"{path}: has no network", "Give an ONNX file.")
    _refuse_operators(path, model)
    _refuse_places(path, model)
    onnx.load_external_data_for_model(model, str(path.parent))
    try:
        onnx.checker.check_model(model)
    except (onnx.checker.ValidationError, ValueError) as error:
        raise WeightsError(
            f"{path}: not valid ONNX ({shortened(str(error).strip())})", "Download or export it again."
        ) from None
    return model


def _refuse_operators(path: Path, model: Any) -> None:
    own = {(function.domain, function.name) for function in model.functions}
    nodes = chain(_nodes(model.graph), *(_nodes(function) for function in model.functions))
    strange = sorted(
        {
            f"{node.domain}.{node.op_type}"
            for node in nodes
            if node.domain not in DOMAINS and (node.domain, node.op_type) not in own
        }
    )
    if strange:
        raise WeightsError(
            f"{path}: has operators that are not part of ONNX: {listed(strange, 3)}",
            "Export the network without them.",
        )
    for opset in model.opset_import:
        if opset.domain in ("", "ai.onnx") and opset.version < FIRST_OPSET:
            raise WeightsError(
                f"{path}: written for opset {opset.version} of ONNX", f"Export it for opset {FIRST_OPSET} or later."
            )


def _refuse_places(path: Path, model: Any) -> None:
    """Make sure that weights kept in other files lie below the folder of the file."""
    onnx = needed("onnx")
    folder = path.parent.resolve()
    places = set()
    for tensor in _tensors(model):
        if onnx.external_data_helper.uses_external_data(tensor):
            places |= {entry.value for entry in tensor.external_data if entry.key == "location"}
    total = path.stat().st_size
    for place in sorted(places):
        file = (folder / place).resolve()
        if not place or not file.is_relative_to(folder):
            raise WeightsError(
                f"{path}: keeps weights outside its folder, at {shortened(place)}", "Put them beside the file."
            )
        if not file.is_file():
            raise WeightsError(f"{path}: its weights {shortened(place)} are missing", "Put them beside the file.")
        total += file.stat().st_size
    if total > MAX_BYTES:
        raise WeightsError(f"{path}: more than 2 GB with its weights", "Export it in float16, or as a smaller network.")


def _nodes(graph: Any) -> Iterator[Any]:
    """Yield the nodes of a graph or a function, those inside of loops and branches included."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
                yield from _nodes(inner)


def _tensors(model: Any) -> Iterator[Any]:
    """Yield all tensors that a file holds: weights, and constants of nodes."""
    yield from model.graph.initializer
    graphs = [model.graph, *model.functions]
    for node in chain.from_iterable(_nodes(graph) for graph in graphs):
        for attribute in node.attribute:
            yield from attribute.tensors
            if attribute.HasField("t"):
                yield attribute.t
            for inner in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
                yield from inner.initializer
