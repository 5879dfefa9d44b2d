"""SYNTHIA-RAND-CITYSCAPES: rendered streets of a virtual city, seen from many heights."""

from pathlib import Path

from roadseg.datasets.dataset import ImageDataset, open_pairs
from roadseg.datasets.image_files import read_ids_or_deep_red
from roadseg.datasets.kind import DatasetKind
from roadseg.datasets.label_files import IdLabels
from roadseg.labels.catalogue import SYNTHIA_22
from roadseg.labels.space import IGNORE

# The label space lists the classes in the order of their ids, from 1; 0 is void. The download has 16 bits a colour,
# derived releases have ids of 8 bits.
SYNTHIA_LABELS = IdLabels(
    {0: IGNORE} | {1 + train_id: train_id for train_id in range(len(SYNTHIA_22))}, read_ids_or_deep_red
)


def open_synthia(root: Path, split: str) -> ImageDataset:
    """Pair RGB/ with GT/LABELS/. All classes are kept; `ImageDataset.in_space` selects those that a network learns."""
    return open_pairs("synthia", root / "RGB", root / "GT" / "LABELS", SYNTHIA_22, SYNTHIA_LABELS)


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
