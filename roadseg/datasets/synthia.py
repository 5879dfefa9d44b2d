"""SYNTHIA-RAND-CITYSCAPES: rendered streets of a virtual city, seen from many heights."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.datasets.dataset import ImageDataset, same_names
from roadseg.datasets.kind import DatasetKind
from roadseg.datasets.label_files import BROKEN, IdLabels, read_ids
from roadseg.errors import DatasetError
from roadseg.labels.catalogue import SYNTHIA_22
from roadseg.labels.space import IGNORE


def read_synthia_ids(path: Path) -> NDArray[np.integer]:
    """Read class ids (H, W) from the red channel of a 16-bit colour PNG, or from an index map, as in derived releases.

    Raises:
        DatasetError: the file is missing, broken or an 8-bit colour image.
    """
    # Pillow reduces 16-bit colours to 8 bits, which loses the ids.
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise DatasetError(f"{path}: cannot be read as a label map", BROKEN)
    if pixels.dtype == np.uint16 and pixels.ndim == 3:
        return np.asarray(pixels[..., 2])
    return read_ids(path)


# The label space lists the classes in the order of their ids, from 1; 0 is void.
SYNTHIA_LABELS = IdLabels(
    {0: IGNORE} | {1 + train_id: train_id for train_id in range(len(SYNTHIA_22))}, read_synthia_ids
)


def open_synthia(root: Path, split: str) -> ImageDataset:
    """Pair RGB/ with GT/LABELS/. All classes are kept; `ImageDataset.in_space` selects those that a network learns."""
    return ImageDataset("synthia", same_names(root / "RGB", root / "GT" / "LABELS"), SYNTHIA_22, SYNTHIA_LABELS)


SYNTHIA = DatasetKind(
    name="synthia",
    title="rendered streets of a virtual city (SYNTHIA-RAND-CITYSCAPES)",
    url="https://synthia-dataset.net/downloads/",
    licence="non-commercial use (CC BY-NC-SA); see its page",
    layout="""\
RGB/NNNNNNN.png
GT/LABELS/NNNNNNN.png    16-bit PNG with the class id in red, or 8-bit class ids""",
    splits={"train": 9_400},
    image_size="1280 × 760",
    label_space="synthia-22",
    paper="Ros et al., The SYNTHIA Dataset, CVPR 2016",
    opener=open_synthia,
)
