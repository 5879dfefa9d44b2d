"""What is known about a kind of data set: where to get it, how its folder looks, what its label maps mean."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from roadseg.datasets.dataset import ImageDataset
from roadseg.errors import DatasetError


@dataclass(frozen=True)
class DatasetKind:
    """A kind of data set, and how to open a folder of it."""

    name: str
    """As written in recipes."""
    title: str
    """What it shows, in a few words."""
    url: str
    """Where to get it; empty for what roadseg makes, or you do."""
    licence: str
    """Terms of use, in words."""
    layout: str
    """The folder, as lines of text."""
    splits: Mapping[str, int | None]
    """Split -> published number of pictures, None where none is published; empty for a kind without splits. The first
    is opened where nobody says which."""
    picture_size: str
    """Width × height in pixels, or what is known of it."""
    label_space: str
    """Name of the label space of its label maps; empty where there are none, or where the folder says."""
    paper: str
    """Authors, title, venue, year; empty for none."""
    opener: Callable[[Path, str], ImageDataset]
    """Opens (root, split); the split is one of `splits`, or "" for a kind without."""
    is_zip: bool = False
    """Whether its root is a zip instead of a folder."""
    parts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Split -> part of the download -> pictures in it, where parts come by themselves."""

    def open(self, root: Path, split: str = "") -> ImageDataset:
        """Open the folder, or zip, `root`.

        Args:
            root: laid out as `layout` says.
            split: one of `splits`; empty for the first.

        Raises:
            DatasetError: there is no such split, or the folder is not laid out so.
        """
        if split:
            self.check_split(split)
        if not (root.is_file() if self.is_zip else root.is_dir()):
            what = "file" if self.is_zip else "folder"
            raise DatasetError(
                f"{root}: no such {what}",
                f"`roadseg datasets show {self.name}` shows where to get it and how its {what} has to look.",
            )
        try:
            return self.opener(root, split or next(iter(self.splits), ""))
        except DatasetError as error:
            remedy = error.remedy or f"`roadseg datasets show {self.name}` shows how the folder has to look."
            raise DatasetError(error.cause, remedy) from error

    def check_split(self, split: str) -> None:
        """Do nothing if there is a split of that name.

        Raises:
            DatasetError: there is none.
        """
        if split not in self.splits:
            remedy = f"It has {', '.join(self.splits)}." if self.splits else "It has no splits: leave it out."
            raise DatasetError(f"{self.name}: no split {split!r}", remedy)
