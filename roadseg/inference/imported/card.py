"""Folder of an imported network: `network.onnx`, which takes RGB images and gives scores or labels, and its card."""

from os import PathLike
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from roadseg.errors import WeightsError, mistakes
from roadseg.files import sha256
from roadseg.inputs.documents import read_json
from roadseg.inputs.limits import MAX_CLASS_NAME
from roadseg.inputs.options import InputSide
from roadseg.labels.catalogue import LABEL_SPACES
from roadseg.labels.space import IGNORE, LabelSpace
from roadseg.models.names import NETWORK_FILE

CARD_FILE = "network.json"
IMPORT_AGAIN = "Import the network again: roadseg import FILE --labels SPACE --out RUN"

Answer = Literal["scores", "probabilities", "labels"]
"""Result of a network for each pixel: class scores before the softmax, probabilities, or the class itself."""
Precision = Literal["float32", "int8"]
"""Numbers that a network calculates with: as its file has them, or quantized."""
Level = Annotated[int, Field(ge=0, le=255)]
ClassName = Annotated[str, Field(min_length=1, max_length=MAX_CLASS_NAME)]


class ClassList(BaseModel):
    """Classes of a network, as JSON and TOML hold them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = "classes"
    """Name of the label space."""
    classes: Annotated[tuple[ClassName, ...], Field(min_length=1, max_length=IGNORE)]
    """Names in the order of the network's train ids."""
    colours: tuple[tuple[Level, Level, Level], ...] | None = None
    """RGB colour of each class, 0..255; None for colours by name."""
    contains: dict[str, str] = {}
    """Class of another label space -> class here that it is part of."""

    @model_validator(mode="after")
    def _consistent(self) -> "ClassList":
        if len(set(self.classes)) < len(self.classes):
            raise ValueError("a class is named twice")
        if self.colours is not None and len(self.colours) != len(self.classes):
            raise ValueError(f"{len(self.classes)} classes but {len(self.colours)} colours")
        unknown = [name for name in self.contains.values() if name not in self.classes]
        if unknown:
            raise ValueError(f"contains: {unknown[0]!r} is not one of the classes")
        return self

    @property
    def label_space(self) -> LabelSpace:
        """The classes as a label space: that of roadseg where one has this name and these classes."""
        known = LABEL_SPACES.get(self.name)
        if known is not None and known.classes == self.classes:
            return known
        assert self.colours is not None
        return LabelSpace(self.name, self.classes, self.colours, self.contains)


class ImportedCard(BaseModel):
    """Description of an imported network, stored as JSON beside it.

    The network takes `images`, (N, H, W, 3) uint8 RGB. It gives `result`: (N, C, h, w) float32 scores or probabilities,
    or (N, h, w) integer train ids, at any size.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    origin: str
    """Name of the file that was imported."""
    sha256: str
    """Digest of `network.onnx`, in hexadecimal."""
    labels: ClassList
    """Classes of the network."""
    answer: Answer
    """Result of the network."""
    input_size: tuple[InputSide, InputSide]
    """(width, height) of images in pixels."""
    size_step: Annotated[int, Field(ge=1)] | None
    """Sides of images may be smaller by multiples of this many pixels; None if all images have the input size."""
    batch: Annotated[int, Field(ge=1)] | None
    """Number of images in each batch; None for any."""
    normalization: str
    """Scaling of pixels, in words; it is part of the network."""
    precision: Precision = "float32"
    """int8 if the network is quantized, otherwise float32, or the precision of the file."""
    align_corners: bool = False
    """True if the outermost scores lie on the outermost pixels."""


def imported_folder(run: str | PathLike[str]) -> Path | None:
    """Return the folder of an imported network, given itself or one of its files; None for anything else."""
    path = Path(run)
    folder = path.parent if path.name in (NETWORK_FILE, CARD_FILE) else path
    return folder if (folder / CARD_FILE).is_file() else None


def read_card(folder: Path) -> ImportedCard:
    """Read the card of an imported network, after a check that its network is unchanged.

    Raises:
        WeightsError: the card or the network is missing, damaged or changed.
    """
    file = folder / CARD_FILE
    try:
        card = ImportedCard.model_validate(read_json(file))
        digest = sha256(folder / NETWORK_FILE)
    except ValidationError as error:
        raise WeightsError(f"{file}: {mistakes(error, ImportedCard.model_fields)}", IMPORT_AGAIN) from None
    except (OSError, ValueError) as error:
        raise WeightsError(f"{file}: cannot be read ({error})", IMPORT_AGAIN) from None
    if digest != card.sha256:
        raise WeightsError(f"{folder / NETWORK_FILE}: damaged, or not the network of {CARD_FILE}", IMPORT_AGAIN)
    return card
