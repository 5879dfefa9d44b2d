"""Cityscapes: streets of German cities, and the class ids that GTA5 shares."""

from pathlib import Path

from roadseg.datasets.dataset import ImageDataset, Sample, find_images, present
from roadseg.datasets.kind import DatasetKind
from roadseg.datasets.label_files import IdLabels, named_ids
from roadseg.errors import DatasetError
from roadseg.label_spaces import CITYSCAPES_19

IMAGE_ENDING = "_leftImg8bit.png"
LABEL_ENDING = "_gtFine_labelIds.png"

CLASS_IDS = dict(
    enumerate(
        (
            "unlabeled",
            "ego vehicle",
            "rectification border",
            "out of roi",
            "static",
            "dynamic",
            "ground",
            "road",
            "sidewalk",
            "parking",
            "rail track",
            "building",
            "wall",
            "fence",
            "guard rail",
            "bridge",
            "tunnel",
            "pole",
            "polegroup",
            "traffic light",
            "traffic sign",
            "vegetation",
            "terrain",
            "sky",
            "person",
            "rider",
            "car",
            "truck",
            "bus",
            "caravan",
            "trailer",
            "train",
            "motorcycle",
            "bicycle",
        )
    )
)
"""Class of every id 0..33 in `*_labelIds.png`, as in the data set's public tools."""
# Licence plates are -1, which is 255 where 8 bits hold it.
CITYSCAPES_LABELS = IdLabels(named_ids({**CLASS_IDS, 255: "license plate"}, CITYSCAPES_19))


def open_cityscapes(root: Path, split: str) -> ImageDataset:
    """Pair leftImg8bit/SPLIT/CITY with gtFine/SPLIT/CITY.

    Without gtFine/SPLIT, and for the test split, whose truth is kept by the benchmark's server, the pictures come
    without labels: enough for a target domain.
    """
    images, labels = root / "leftImg8bit" / split, root / "gtFine" / split
    names = {
        image: str(image.relative_to(images)).removesuffix(IMAGE_ENDING)
        for image in find_images(images)
        if image.name.endswith(IMAGE_ENDING)
    }
    if not names:
        raise DatasetError(f"{images}: no pictures *{IMAGE_ENDING} in it", "Unpack leftImg8bit_trainvaltest.zip here.")
    if split == "test" or not labels.is_dir():
        hint = "Choose the val split." if split == "test" else f"Unpack gtFine_trainvaltest.zip in {root}."
        return ImageDataset("cityscapes", [Sample(name, image) for image, name in names.items()], unlabelled=hint)
    samples = present(Sample(name, image, labels / f"{name}{LABEL_ENDING}") for image, name in names.items())
    return ImageDataset("cityscapes", samples, CITYSCAPES_19, CITYSCAPES_LABELS)


CITYSCAPES = DatasetKind(
    name="cityscapes",
    title="streets of 50 cities in and around Germany",
    url="https://www.cityscapes-dataset.com/downloads/",
    licence="non-commercial use, after registration",
    layout="""\
leftImg8bit/SPLIT/CITY/NAME_leftImg8bit.png
gtFine/SPLIT/CITY/NAME_gtFine_labelIds.png    may be missing for a target domain""",
    splits={"train": 2_975, "val": 500, "test": 1_525},
    picture_size="2048 × 1024",
    label_space="cityscapes-19",
    paper="Cordts et al., The Cityscapes Dataset for Semantic Urban Scene Understanding, CVPR 2016",
    opener=open_cityscapes,
)
