"""GTA5 (Playing for Data): streets of a game, labelled with the ids of Cityscapes."""

from pathlib import Path

from roadseg.datasets.cityscapes import CLASS_IDS
from roadseg.datasets.dataset import ImageDataset, open_pairs
from roadseg.datasets.kind import DatasetKind
from roadseg.datasets.label_files import IdLabels, named_ids
from roadseg.labels.catalogue import CITYSCAPES_19

# Palette PNGs; licence plates, -1 in Cityscapes, have id 34.
GTA5_LABELS = IdLabels(named_ids({**CLASS_IDS, 34: "license plate"}, CITYSCAPES_19))


def open_gta5(root: Path, split: str) -> ImageDataset:
    """Pair images/ with labels/. Published methods train on all 24,966 images, so train is the only split.

    Some label maps of the download differ in size from their image; they are resized.
    """
    return open_pairs("gta5", root / "images", root / "labels", CITYSCAPES_19, GTA5_LABELS, resize_labels=True)


GTA5 = DatasetKind(
    name="gta5",
    title="streets of the game Grand Theft Auto V",
    url="https://download.visinf.tu-darmstadt.de/data/from_games/",
    licence="research and education only; see its page",
    layout="""\
images/NNNNN.png
labels/NNNNN.png    palette PNG whose indices are Cityscapes ids""",
    splits={"train": 24_966},
    image_size="1914 × 1052",
    label_space="cityscapes-19",
    paper="Richter et al., Playing for Data: Ground Truth from Computer Games, ECCV 2016",
    opener=open_gta5,
)
