"""Folder layout of Cityscapes, shared by IDD: leftImg8bit/SPLIT/CITY and gtFine/SPLIT/CITY."""

from dataclasses import dataclass
from pathlib import Path

from roadseg.datasets.dataset import ImageDataset, Sample, find_images, present
from roadseg.datasets.label_files import ReadLabel
from roadseg.errors import DatasetError
from roadseg.labels.space import LabelSpace

IMAGE_ENDING = "_leftImg8bit"


@dataclass(frozen=True)
class CityLayout:
    """A data set in this layout."""

    name: str
    label_ending: str
    """Ending of label file names, in place of `_leftImg8bit.png`."""
    label_space: LabelSpace
    read_label: ReadLabel

    def open(self, root: Path, split: str) -> ImageDataset:
        """Pair the images of a split with their label files.

        Without gtFine/SPLIT, and for the test split, whose labels are not published, the images come without labels:
        enough for a target domain.

        Raises:
            DatasetError: there are no images, or some have a label file and others none.
        """
        images, labels = root / "leftImg8bit" / split, root / "gtFine" / split
        paths, notices = find_images(images)
        stems = {path: str(path.relative_to(images).with_suffix("")) for path in paths}
        names = {image: stem.removesuffix(IMAGE_ENDING) for image, stem in stems.items() if stem.endswith(IMAGE_ENDING)}
        if not names:
            raise DatasetError(f"{images}: no images *{IMAGE_ENDING}.png or .jpg in it", f"Unpack them in {root}.")
        if split == "test" or not labels.is_dir():
            hint = "Choose the val split." if split == "test" else f"Unpack gtFine in {root}."
            samples = [Sample(name, image, drive=_city(name)) for image, name in names.items()]
            return ImageDataset(self.name, samples, unlabelled=hint, notices=notices)
        samples = present(
            Sample(name, image, labels / f"{name}{self.label_ending}", _city(name)) for image, name in names.items()
        )
        return ImageDataset(self.name, samples, self.label_space, self.read_label, notices=notices)


def _city(name: str) -> str:
    """Return the folder of an image below its split: a city of Cityscapes, a sequence of IDD."""
    return Path(name).parent.name
