"""A picture with its label map, as the writers of this package take it, and where they put the picture."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from roadseg.labels.space import LabelMap, LabelSpace


@dataclass(frozen=True)
class LabelledPicture:
    """A picture as a file has it, and what it shows."""

    name: str
    """Without suffix; unique, and without folders, which not every tool keeps."""
    suffix: str
    """Of the file: .jpg, .jpeg or .png."""
    data: bytes
    """Of the file, so that no picture is encoded anew."""
    label: LabelMap
    """(H, W) uint8 train ids, 255 where there is no label; of the picture's own size."""

    @property
    def file_name(self) -> str:
        """The name with its suffix."""
        return self.name + self.suffix

    def write_to(self, folder: Path) -> None:
        """Put the picture into `folder`, which is there."""
        (folder / self.file_name).write_bytes(self.data)


WriteLabels = Callable[[Path, LabelSpace, Iterable[LabelledPicture]], None]
"""Fills an empty folder with pictures and their labels in some format; pictures are taken one after the other.

Raises DatasetError where the format cannot hold the label space."""
