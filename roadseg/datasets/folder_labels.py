"""`labels.toml`: the meaning of mask values in your own labelled images."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator

from roadseg.datasets.label_files import Colour
from roadseg.errors import DatasetError, mistakes, shortened
from roadseg.inputs.documents import read_toml
from roadseg.inputs.limits import MAX_CLASS_NAME
from roadseg.labels.catalogue import CITYSCAPES_19, LABEL_SPACES
from roadseg.labels.space import IGNORE

LABELS_FILE = "labels.toml"
MAX_ID = 0xFFFF
"""Largest mask value: masks have 8 or 16 bits."""

MaskValue = int | Colour
"""A number, or an RGB colour."""


def _mask_values(written: Any) -> tuple[MaskValue, ...]:
    """Read one value or a list of them, each a number or "#rrggbb"."""
    values = written if isinstance(written, list) else [written]
    return tuple(_mask_value(each) for each in values)


def _mask_value(written: Any) -> MaskValue:
    if isinstance(written, int) and not isinstance(written, bool) and 0 <= written <= MAX_ID:
        return written
    if isinstance(written, str) and len(written) == 7 and written.startswith("#"):
        try:
            red, green, blue = bytes.fromhex(written[1:])
        except ValueError:
            pass
        else:
            return red, green, blue
    raise ValueError(f'{written!r} is not a mask value; write a number 0..{MAX_ID} or a colour "#rrggbb"')


# Checked by hand: for a union, pydantic would report one message for each alternative.
MaskValues = Annotated[tuple[MaskValue, ...], BeforeValidator(_mask_values)]


class FolderLabels(BaseModel):
    """Layout of a folder of labelled images, and the meaning of the values in its masks."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    images: str = "images"
    """Folder of the images, below the folder of `labels.toml`."""
    masks: str = "masks"
    """Folder of the masks; may be the same."""
    image_suffix: str = ""
    """Ending of image file names; empty for any image."""
    mask_suffix: str = ".png"
    """Ending of mask file names, in place of `image_suffix`, or of the image's extension."""
    mask_channel: Literal["", "red"] = ""
    """Channel of RGB or RGBA masks that holds the mask value, as in those of CARLA; empty for masks of one channel, or
    of colours."""
    label_space: str = ""
    """Known label space whose train ids the masks hold, 255 for no label; instead of `classes`."""
    classes: dict[str, MaskValues] = Field(default_factory=dict)
    """Class name -> its mask value or values; the position is the train id."""
    ignore: MaskValues = ()
    """Mask values without a label."""
    contains: dict[str, list[str]] = Field(default_factory=dict)
    """Class name here -> Cityscapes classes that are part of it."""

    @field_validator("label_space")
    @classmethod
    def _known_space(cls, name: str) -> str:
        if name and name not in LABEL_SPACES:
            raise ValueError(f"not a label space; known: {', '.join(LABEL_SPACES)}")
        return name

    @field_validator("mask_suffix")
    @classmethod
    def _lossless(cls, suffix: str) -> str:
        if not suffix.lower().endswith(".png"):
            raise ValueError("masks are PNG files, which keep every value as it is")
        return suffix

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        mistakes = [*self._mistaken_keys(), *self._mistaken_values(), *self._mistaken_parts()]
        if mistakes:
            raise ValueError("; ".join(mistakes))
        return self

    def _mistaken_keys(self) -> Iterator[str]:
        if bool(self.label_space) == bool(self.classes):
            yield "give either [classes] or label_space"
        elif self.label_space and (self.ignore or self.contains):
            yield "ignore and contains go with [classes]; label_space already defines everything"
        for name in self.classes.keys() & type(self).model_fields.keys():
            yield f"classes.{name}: {name} is not a class but a key; write it above [classes]"
        for name in self.classes:
            if len(name) > MAX_CLASS_NAME:
                yield f"classes.{shortened(name, 40)}: a name of {len(name)} characters; {MAX_CLASS_NAME} are possible"
            elif not name.isprintable():
                yield f"classes.{name!r}: a name with line ends or control characters"
        if len(self.classes) > IGNORE:
            yield f"{len(self.classes)} classes; at most {IGNORE} are possible"

    def _mistaken_values(self) -> Iterator[str]:
        for name, shown_by in self.classes.items():
            if not shown_by:
                yield f"classes.{name}: it has no mask value"
        values = [value for group in (*self.classes.values(), self.ignore) for value in group]
        kinds = {type(value) for value in values}
        if len(kinds) > 1:
            yield "numbers and colours are mixed; masks are either index images or coloured images"
        elif self.mask_channel and int not in kinds and self.classes:
            yield f"mask_channel = {self.mask_channel!r} goes with numbers, not with colours"
        for value in (value for value, count in Counter(values).items() if count > 1):
            yield f"mask value {shown(value)} is given twice"

    def _mistaken_parts(self) -> Iterator[str]:
        parts = Counter(part for each in self.contains.values() for part in each)
        for whole in self.contains:
            if whole not in self.classes:
                yield f"contains.{whole}: not one of [classes]"
        for part, count in parts.items():
            if part not in CITYSCAPES_19.classes:
                yield f"contains: {part!r} is not a class of Cityscapes, which are {', '.join(CITYSCAPES_19.classes)}"
            elif part in self.classes:
                yield f"contains: {part!r} is one of [classes] itself"
            elif count > 1:
                yield f"contains: {part!r} is given twice"


def shown(value: MaskValue) -> str:
    """Return a mask value as it is written in `labels.toml`."""
    return str(value) if isinstance(value, int) else '"#{:02x}{:02x}{:02x}"'.format(*value)


def read_folder_labels(root: Path) -> FolderLabels:
    """Read and check ROOT/labels.toml.

    Raises:
        DatasetError: it is missing, is not TOML, or has errors, all of which are listed.
    """
    path = root / LABELS_FILE
    try:
        return FolderLabels.model_validate(read_toml(path))
    except FileNotFoundError:
        raise DatasetError(
            f"{root}: no {LABELS_FILE} in it, which defines the mask values",
            "`roadseg datasets show folder` prints one to start from.",
        ) from None
    except ValidationError as error:  # a ValueError too
        raise DatasetError(
            f"{path}: {mistakes(error, FolderLabels.model_fields)}",
            f"Keys are {', '.join(FolderLabels.model_fields)}; see docs/datasets.md.",
        ) from None
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path}: not a readable TOML file: {error}") from error
