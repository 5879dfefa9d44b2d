"""Some pictures of a data set, evenly spread, at the size that a network takes: what statistics are taken from."""

import numpy as np
from numpy.typing import NDArray

from roadseg.datasets.catalogue import parse_dataset
from roadseg.datasets.dataset import ImageDataset
from roadseg.datasets.streets import STREETS
from roadseg.datasets.transforms import Resampling, resized_image
from roadseg.errors import DatasetError, InputError
from roadseg.streets.presets import DEFAULT_SCENES, parse_scenes
from roadseg.streets.render import render_street

SEED = 1


def source_pictures(source: str, size: tuple[int, int], count: int, scenes: str = "") -> NDArray[np.uint8]:
    """Pictures like those that a network learned from, (N, H, W, 3) uint8 RGB of `size`, N at most `count`.

    Streets are rendered, about ten a second a core; of a data set on disk, pictures are read.

    Args:
        source: as a model card has it.
        size: (width, height).
        count: at least 1.
        scenes: of rendered streets, by preset and weight; empty for the usual mixture.

    Raises:
        InputError: the data set is not there, the source is not known, or it has no such scenes.
    """
    if source == STREETS.name:
        mixed = parse_scenes(scenes) if scenes else DEFAULT_SCENES
        return np.stack([render_street(SEED, index, size, scenes=mixed)[0] for index in range(count)])
    if scenes:
        raise InputError(
            f"this network learned from {source}, not from rendered streets, of which scenes can be chosen",
            "Leave --bn-scenes out.",
        )
    try:
        return evenly_spaced(parse_dataset(source, "train", folder_kind="streets").open(), size, count)
    except DatasetError as error:
        raise InputError(
            f"adapting batch norm takes pictures that the network learned from: {error.cause}",
            "Start the command where that data set is found, or leave --adapt-bn out.",
        ) from error


def evenly_spaced(
    dataset: ImageDataset, size: tuple[int, int], count: int, resampling: Resampling = "area"
) -> NDArray[np.uint8]:
    """At most `count` pictures of a data set, (N, H, W, 3) uint8 RGB of `size` = (width, height).

    Raises:
        DatasetError: one cannot be read.
    """
    chosen = dataset.evenly_spread(count)
    return np.stack([resized_image(chosen.image(index), size, resampling) for index in range(len(chosen))])
