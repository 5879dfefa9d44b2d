"""Evenly spread images of a data set, at the input size of a network, for computing statistics."""

import numpy as np
from numpy.typing import NDArray

from roadseg.datasets.catalogue import parse_dataset
from roadseg.datasets.dataset import ImageDataset
from roadseg.datasets.streets import STREETS
from roadseg.datasets.transforms import Resampling, resized_image
from roadseg.errors import DatasetError, InputError
from roadseg.streets.presets import DEFAULT_SCENES
from roadseg.streets.render import render_street

SEED = 1


def source_images(source: str, size: tuple[int, int], count: int, scenes: str = "") -> NDArray[np.uint8]:
    """Return images like those that a network was trained on.

    Streets are rendered, about ten per second and core; images of a data set on disk are read.

    Args:
        source: name of the source, as in a model card.
        size: (width, height) in pixels.
        count: largest number of images, at least 1.
        scenes: presets of rendered streets with weights; empty for the default mixture.

    Returns:
        (N, H, W, 3) uint8 RGB, N <= `count`.

    Raises:
        InputError: the data set is missing, the source is unknown, or it has no such scenes.
    """
    if source == STREETS.name:
        return np.stack(
            [render_street(SEED, index, size=size, scenes=scenes or DEFAULT_SCENES)[0] for index in range(count)]
        )
    if scenes:
        raise InputError(
            f"this network was trained on {source}; scenes can only be chosen for rendered streets",
            "Leave --bn-scenes out.",
        )
    try:
        return sample_images(parse_dataset(source, "train", folder_kind="streets").open(), size, count)
    except DatasetError as error:
        raise InputError(
            f"adapting batch norm needs images that the network was trained on: {error.cause}",
            "Start the command in the folder from which that data set can be found, or leave --adapt-bn out.",
        ) from error


def aspect_ratio(dataset: ImageDataset) -> float:
    """Return width over height of the first image of a data set.

    Raises:
        DatasetError: it cannot be read.
    """
    height, width = dataset.image(0).shape[:2]
    return float(width / height)


def sample_images(
    dataset: ImageDataset, size: tuple[int, int], count: int, resampling: Resampling = "area"
) -> NDArray[np.uint8]:
    """Read at most `count` images of a data set, evenly spread, and resize them.

    Args:
        dataset: the data set.
        size: (width, height) in pixels.
        count: largest number of images.
        resampling: filter for resizing.

    Returns:
        (N, H, W, 3) uint8 RGB, N <= `count`.

    Raises:
        DatasetError: an image cannot be read.
    """
    chosen = dataset.evenly_spread(count)
    return np.stack([resized_image(chosen.image(index), size, resampling) for index in range(len(chosen))])
