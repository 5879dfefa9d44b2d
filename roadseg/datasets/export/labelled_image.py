"""An image with its label map, the input of all writers in this package."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from roadseg.labels.space import LabelMap, LabelSpace


@dataclass(frozen=True)
class LabelledImage:
    """An image file and its label map."""

    name: str
    """Unique name without extension and without folders, which some tools do not keep."""
    suffix: str
    """Extension of the file: .jpg, .jpeg or .png."""
    data: bytes
    """Content of the file, so that no image is encoded again."""
    label: LabelMap
    """(H, W) uint8 train ids of the image's own size, 255 where there is no label."""

    @property
    def file_name(self) -> str:
        """Name with its extension."""
        return self.name + self.suffix

    def write_to(self, folder: Path) -> None:
        """Write the image file into an existing folder."""
        (folder / self.file_name).write_bytes(self.data)


WriteLabels = Callable[[Path, LabelSpace, Iterable[LabelledImage]], None]
"""Fills an empty folder with images and their labels in some format; images are taken one after the other.

Raises DatasetError where the format cannot hold the label space."""
