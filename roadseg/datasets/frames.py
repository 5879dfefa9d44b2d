"""Unlabelled images, for example extracted by `roadseg frames` from a video."""

from pathlib import Path

from roadseg.datasets.dataset import ImageDataset, Sample, find_images
from roadseg.datasets.kind import DatasetKind


def open_frames(root: Path, split: str) -> ImageDataset:
    """Find the images in a folder, at any depth."""
    paths, notices = find_images(root)
    samples = [Sample(str(path.relative_to(root).with_suffix("")), path) for path in paths]
    return ImageDataset("frames", samples, notices=notices)


FRAMES = DatasetKind(
    name="frames",
    title="your own unlabelled images",
    url="",
    licence="yours: a folder of any depth, or one made by `roadseg frames`",
    layout="**/*.png, .jpg, .webp, .bmp or .tif",
    splits={},
    image_size="any",
    label_space="",
    paper="",
    opener=open_frames,
)
