"""Facts that a file states about its input and classes: metadata of ONNX, and configurations of transformers."""

import ast
import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from roadseg.inference.imported.card import ClassList
from roadseg.inference.imported.scaling import NORMALIZATIONS
from roadseg.inputs.documents import parse_json, read_json
from roadseg.inputs.limits import MAX_SIDE, MIN_SIDE
from roadseg.models.network import Normalisation

PREPROCESSOR_FILE = "preprocessor_config.json"
CONFIG_FILE = "config.json"


@dataclass(frozen=True)
class Hints:
    """Facts that a file states; None where it is silent."""

    labels: ClassList | None = None
    normalization: Normalisation | None = None
    input_size: tuple[int, int] | None = None
    """(width, height) in pixels."""

    def over(self, other: "Hints") -> "Hints":
        """Return these facts, completed by those of `other`."""
        return Hints(
            self.labels or other.labels,
            self.normalization or other.normalization,
            self.input_size or other.input_size,
        )


def hints_of(folder: Path, metadata: dict[str, str] | None = None) -> Hints:
    """Return what the metadata of an ONNX file say, then the configurations of transformers in its folder.

    Args:
        folder: folder of the file.
        metadata: properties of the ONNX file.
    """
    given = metadata or {}
    own = Hints()
    if "normalisation" in given:
        own = _of_export(given)
    elif given.get("author") == "Ultralytics":
        own = _of_ultralytics(given)
    return own.over(_of_transformers(folder))


def _of_export(metadata: dict[str, str]) -> Hints:
    """Read what `roadseg export` writes; its graph normalises pixels itself."""
    values = {key: _json(metadata.get(key, "")) for key in ("classes", "colours", "label_space", "input_size")}
    labels = _class_list(values["classes"], values["label_space"], values["colours"])
    return Hints(labels, NORMALIZATIONS["none"], _size(values["input_size"]))


def _of_ultralytics(metadata: dict[str, str]) -> Hints:
    """Read what ultralytics writes: names and image size as Python literals; its networks take RGB in 0..1."""
    names = _literal(metadata.get("names", ""))
    size = _literal(metadata.get("imgsz", ""))
    labels = None
    if isinstance(names, dict):
        labels = _class_list([names.get(number) for number in range(len(names))], "classes of the file")
    width_height = _size(size[::-1]) if isinstance(size, list | tuple) else None
    return Hints(labels, NORMALIZATIONS["0..1"], width_height)


def _of_transformers(folder: Path) -> Hints:
    """Read the configurations that transformers keeps beside its weights."""
    labels = normalization = size = None
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        names = read_json(folder / CONFIG_FILE)["id2label"]
        labels = _class_list([names.get(str(number)) for number in range(len(names))], "classes of the file")
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        values = read_json(folder / PREPROCESSOR_FILE)
        normalization = _normalization(values)
        sides = values.get("size", {})
        size = _size([sides.get("width"), sides.get("height")])
    return Hints(labels, normalization, size)


def _normalization(values: dict[str, Any]) -> Normalisation | None:
    """Return the scaling of an image processor: pixels times a factor, then minus `image_mean`, over `image_std`."""
    factor = float(values.get("rescale_factor", 1 / 255)) if values.get("do_rescale", True) else 1.0
    if not factor > 0:
        return None
    mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    if values.get("do_normalize", True):
        mean, std = (_three(values[key]) for key in ("image_mean", "image_std"))
    scale = 1 / factor
    return Normalisation(_three([value * scale for value in mean]), _three([value * scale for value in std]))


def _three(values: Any) -> tuple[float, float, float]:
    first, second, third = (float(value) for value in values)
    return first, second, third


def _class_list(names: Any, space: Any, colours: Any = None) -> ClassList | None:
    with suppress(ValidationError, TypeError):
        return ClassList(name=space, classes=names, colours=colours)
    return None


def _size(sides: Any) -> tuple[int, int] | None:
    if isinstance(sides, list | tuple) and len(sides) == 2 and all(isinstance(side, int) for side in sides):
        width, height = sides
        if MIN_SIDE <= width <= MAX_SIDE and MIN_SIDE <= height <= MAX_SIDE:
            return width, height
    return None


def _json(text: str) -> Any:
    with suppress(ValueError, json.JSONDecodeError):
        return parse_json(text)
    return None


def _literal(text: str) -> Any:
    with suppress(ValueError, SyntaxError, RecursionError, MemoryError):
        return ast.literal_eval(text[:100_000])
    return None
