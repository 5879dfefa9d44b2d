"""Unlabelled pictures, for example those that `roadseg frames` takes out of a video."""

from pathlib import Path

from roadseg.datasets.dataset import ImageDataset, Sample, find_images
from roadseg.datasets.kind import DatasetKind


def open_frames(root: Path, split: str) -> ImageDataset:
    """Find the pictures in a folder of any depth."""
    paths = find_images(root)
    return ImageDataset("frames", [Sample(str(path.relative_to(root).with_suffix("")), path) for path in paths])


FRAMES = DatasetKind(
    name="frames",
    title="unlabelled pictures of your own",
    url="",
    licence="yours: a folder of any depth, or one made by `roadseg frames`",
    layout="**/*.png, **/*.jpg",
    splits={},
    picture_size="any",
    label_space="",
    paper="",
    opener=open_frames,
)
