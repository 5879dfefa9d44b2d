"""IDD, streets of India, labelled in polygons.

Varma et al., "IDD: A Dataset for Exploring Problems of Autonomous Navigation in Unconstrained Environments", WACV 2019.
Labels are those of level 3 of its hierarchy, which its segmentation benchmark scores; the assignment of labels to them
follows the public tools of the data set (github.com/AutoNUE/public-code, helpers/anue_labels.py).
"""

from pathlib import Path
from typing import Any

import numpy as np

from roadseg.datasets.city_layout import CityLayout
from roadseg.datasets.kind import DatasetKind
from roadseg.datasets.polygons import Region, painted
from roadseg.errors import DatasetError, shortened
from roadseg.inputs.documents import read_json
from roadseg.inputs.limits import MAX_COORDINATE, MAX_CORNERS, MAX_IMAGE_PIXELS, MAX_POLYGONS
from roadseg.labels.catalogue import IDD_26
from roadseg.labels.space import IGNORE, LabelMap

PARTS = {
    "train": {"part I": 6_993, "part II": 7_034},
    "val": {"part I": 981, "part II": 1_055},
    "test": {"part I": 2_029, "part II": 2_009},
}
"""Image counts of the two downloads, PNG in the first and JPEG in the second; both may share a folder."""
MERGED = {
    "parking": "drivable fallback",
    "rail track": "non-drivable fallback",
    "animal": "person",
    "caravan": "vehicle fallback",
    "trailer": "vehicle fallback",
    "train": "vehicle fallback",
    "polegroup": "pole",
    "tunnel": "bridge",
    "fallback background": "sky",
}
"""Label of level 4 -> its class of level 3, where the names differ."""
VOID = ("unlabeled", "ego vehicle", "rectification border", "out of roi", "license plate")
TRAIN_IDS = (
    {name: train_id for train_id, name in enumerate(IDD_26.classes)}
    | {label: IDD_26.classes.index(name) for label, name in MERGED.items()}
    | dict.fromkeys(VOID, IGNORE)
)


def read_polygons(path: Path) -> LabelMap:
    """Paint the label map of a `*_gtFine_polygons.json`.

    Returns:
        (H, W) uint8 train ids of `IDD_26`, 255 where nothing is labelled or the label is void.

    Raises:
        DatasetError: the file is not such an annotation, or has a label that IDD does not know.
    """
    try:
        annotation = read_json(path)
        size = (int(annotation["imgWidth"]), int(annotation["imgHeight"]))
        if min(size) < 1 or size[0] * size[1] > MAX_IMAGE_PIXELS:
            raise ValueError(f"an image of {size[0]}x{size[1]}")
        objects = [each for each in annotation["objects"] if not each.get("deleted")]
        if len(objects) > MAX_POLYGONS:
            raise ValueError(f"{len(objects)} polygons, more than the {MAX_POLYGONS} that are read")
        regions = [_region(each, path) for each in objects]
        corners = sum(len(region.corners) for region in regions)
        if corners > MAX_CORNERS:
            raise ValueError(f"{corners} corners, more than the {MAX_CORNERS} that are read")
        return painted(regions, size)
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror})", "Delete it or unpack it again.") from error
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise DatasetError(
            f"{path}: not polygons in the form of IDD ({type(error).__name__}: {shortened(str(error))})",
            "Expected imgWidth, imgHeight and objects with label and polygon; unpack the file again.",
        ) from error


def _region(annotated: dict[str, Any], path: Path) -> Region:
    label = annotated["label"]
    # Several objects in one outline have labels such as "cargroup".
    train_id = TRAIN_IDS.get(label, TRAIN_IDS.get(label.removesuffix("group")))
    if train_id is None:
        raise DatasetError(
            f"{path}: unknown label {shortened(label)!r}",
            f"IDD's labels are {', '.join(TRAIN_IDS)}. Is this another data set?",
        )
    corners = np.array(annotated["polygon"], np.float64).reshape(-1, 2)
    # Comparisons with NaN are false.
    if not (np.abs(corners) <= MAX_COORDINATE).all():
        raise ValueError(f"a {label} with corners that are not numbers up to {MAX_COORDINATE}")
    return Region(train_id, corners)


IDD = DatasetKind(
    name="idd",
    title="streets of India",
    url="https://idd.insaan.iiit.ac.in/",
    licence="shown on registration",
    layout="""\
leftImg8bit/SPLIT/SEQUENCE/NAME_leftImg8bit.png    part I; .jpg in part II
gtFine/SPLIT/SEQUENCE/NAME_gtFine_polygons.json    may be missing for a target domain""",
    splits={split: sum(parts.values()) for split, parts in PARTS.items()},
    parts=PARTS,
    image_size="mostly 1920 × 1080",
    label_space="idd-26",
    paper="Varma et al., IDD: A Dataset for Exploring Problems of Autonomous Navigation in Unconstrained Environments, "
    "WACV 2019",
    opener=CityLayout("idd", "_gtFine_polygons.json", IDD_26, read_polygons).open,
)
