"""Cityscapes: streets of German cities, and the class ids that GTA5 shares."""

from roadseg.datasets.city_layout import CityLayout
from roadseg.datasets.kind import DatasetKind
from roadseg.datasets.label_files import IdLabels, named_ids
from roadseg.labels.catalogue import CITYSCAPES_19

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
"""Class of each id 0..33 in `*_labelIds.png`, as in the public tools of the data set."""
# Licence plates are -1, stored as 255 in 8 bits.
CITYSCAPES_LABELS = IdLabels(named_ids({**CLASS_IDS, 255: "license plate"}, CITYSCAPES_19))


CITYSCAPES = DatasetKind(
    name="cityscapes",
    title="streets of 50 cities in and around Germany",
    url="https://www.cityscapes-dataset.com/downloads/",
    licence="non-commercial use, after registration; see its page",
    layout="""\
leftImg8bit/SPLIT/CITY/NAME_leftImg8bit.png
gtFine/SPLIT/CITY/NAME_gtFine_labelIds.png    may be missing for a target domain""",
    splits={"train": 2_975, "val": 500, "test": 1_525},
    image_size="2048 × 1024",
    label_space="cityscapes-19",
    paper="Cordts et al., The Cityscapes Dataset for Semantic Urban Scene Understanding, CVPR 2016",
    opener=CityLayout("cityscapes", "_gtFine_labelIds.png", CITYSCAPES_19, CITYSCAPES_LABELS).open,
)
