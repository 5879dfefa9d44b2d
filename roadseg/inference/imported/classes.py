"""Classes of imported networks: a label space of roadseg, or a TOML file of names."""

import colorsys
from os import PathLike
from pathlib import Path

from pydantic import ValidationError

from roadseg.errors import InputError, mistakes
from roadseg.inference.imported.card import ClassList
from roadseg.inputs.documents import read_toml
from roadseg.labels.catalogue import INDIAN_20, LABEL_SPACES
from roadseg.labels.space import LabelSpace

EXAMPLE = 'Write for example classes = ["road", "sidewalk", "car"], and colours = [[128, 64, 128], ...] if you like.'
HUE_STEP = 0.618034
"""Golden ratio: hues that follow one another by it are far apart, however many there are."""


def read_classes(labels: str | PathLike[str] | LabelSpace) -> ClassList:
    """Return the classes of a label space, of a space by name, or of a TOML file.

    A file has `classes`, a list of names in the order of train ids, and may have `name`, `colours` (RGB, 0..255) and a
    table `contains`: class of another space = class here that it is part of.

    Raises:
        InputError: there is no label space of this name, or the file cannot be read or has mistakes.
    """
    if isinstance(labels, LabelSpace):
        return _of_space(labels)
    if str(labels) in LABEL_SPACES:
        return _of_space(LABEL_SPACES[str(labels)])
    file = Path(labels)
    if file.suffix != ".toml":
        known = ", ".join(LABEL_SPACES)
        raise InputError(f"unknown label space {str(labels)!r}", f"Known: {known}; or give a TOML file of names.")
    try:
        given = ClassList.model_validate({"name": file.stem} | read_toml(file))
    except ValidationError as error:
        raise InputError(f"{file}: {mistakes(error, ClassList.model_fields)}", EXAMPLE) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: cannot be read ({error})", EXAMPLE) from None
    return with_colours(given)


def with_colours(classes: ClassList) -> ClassList:
    """Return classes with a colour each: that of their namesake in roadseg's label spaces, or one of its own.

    Classes that are those of a label space are that space. Names that differ from those of Cityscapes in capitals alone
    are written as there.
    """
    for space in LABEL_SPACES.values():
        if classes.classes == space.classes and not classes.contains:
            return _of_space(space)
    lower = tuple(name.lower() if name.lower() in INDIAN_20.classes else name for name in classes.classes)
    if lower != classes.classes and len(set(lower)) == len(lower):
        return with_colours(classes.model_copy(update={"classes": lower}))
    spaces = LABEL_SPACES.values()
    known = {name: space.colours[train_id] for space in spaces for train_id, name in enumerate(space.classes)}
    colours = tuple(known.get(name, _colour(number)) for number, name in enumerate(classes.classes))
    return classes.model_copy(update={"colours": classes.colours or colours})


def _of_space(space: LabelSpace) -> ClassList:
    return ClassList(name=space.name, classes=space.classes, colours=space.colours, contains=dict(space.contains))


def _colour(number: int) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(number * HUE_STEP % 1, 0.75, 0.6 + 0.3 * (number % 2))
    return round(255 * red), round(255 * green), round(255 * blue)
