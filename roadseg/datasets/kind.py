"""Properties of a kind of data set: its source, its folder layout and the meaning of its label maps."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from roadseg.datasets.dataset import ImageDataset, joined
from roadseg.errors import DatasetError

JOIN = "+"
"""Sign between splits that are opened as one."""


@dataclass(frozen=True)
class DatasetKind:
    """A kind of data set, and how to open a folder of it."""

    name: str
    """Name in recipes and commands."""
    title: str
    """Content in a few words."""
    url: str
    """Download page; empty for data that roadseg or you create."""
    licence: str
    """Terms of use, in words."""
    layout: str
    """Folder layout, as lines of text."""
    splits: Mapping[str, int | None]
    """Split -> published number of images, None where none is published; empty for a kind without splits. The first is
    the default."""
    image_size: str
    """Width × height in pixels, or a description."""
    label_space: str
    """Name of the label space of its label maps; empty where there are none, or where the folder defines it."""
    paper: str
    """Authors, title, venue, year; empty for none."""
    opener: Callable[[Path, str], ImageDataset]
    """Opens (root, split); the split is one of `splits`, or empty for a kind without splits."""
    is_zip: bool = False
    """True if its root is a zip instead of a folder."""
    parts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Split -> part of the download -> number of images in it, for downloads in several parts."""

    def open(self, root: Path, split: str = "") -> ImageDataset:
        """Open the folder, or zip, `root`.

        Args:
            root: a folder or zip with the layout `layout`.
            split: one of `splits`, or several as `train+val`; empty for the first.

        Raises:
            DatasetError: there is no such split, splits share images, or the folder has another layout.
        """
        if split:
            self.check_split(split)
        if root.is_file() and not self.is_zip:
            remedy = f"If it is a video, take its frames first: roadseg frames {root} --out frames"
            raise DatasetError(f"{root}: a file, not a folder of images", remedy)
        if not (root.is_file() if self.is_zip else root.is_dir()):
            what = "file" if self.is_zip else "folder"
            raise DatasetError(
                f"{root}: no such {what}",
                f"`roadseg datasets show {self.name}` shows its source and layout.",
            )
        names = split.split(JOIN) if split else [next(iter(self.splits), "")]
        try:
            splits = {name: self.opener(root, name) for name in names}
            return splits[names[0]] if len(names) == 1 else joined(splits)
        except DatasetError as error:
            remedy = error.remedy or f"`roadseg datasets show {self.name}` shows the layout."
            raise DatasetError(error.cause, remedy) from error

    def check_split(self, split: str) -> None:
        """Check that there is a split of that name, or that there are several as in `train+val`.

        Raises:
            DatasetError: there is none, or one is named twice.
        """
        names = split.split(JOIN)
        for name in names:
            if name not in self.splits:
                remedy = f"It has {', '.join(self.splits)}." if self.splits else "It has no splits: leave it out."
                raise DatasetError(f"{self.name}: no split {name!r}", remedy)
        if len(set(names)) < len(names):
            raise DatasetError(f"{self.name}: {split!r} names a split twice", "Name each once.")
