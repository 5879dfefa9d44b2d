"""Blocks of contiguous images, by drive, which bootstrap intervals draw, since neighbouring images are much alike."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from roadseg.datasets.dataset import Sample

BLOCKS = 20
"""Blocks of a drive, or of a data set that does not know its drives; fewer where there are fewer images."""


class Blocks(NamedTuple):
    """Division of the images of a data set."""

    of_image: list[int]
    """Number of the block of each image."""
    of_drive: Mapping[str, range]
    """Drive -> its blocks; one of empty name where drives are not known."""
    images: Mapping[str, int]
    """Drive -> number of its images."""


def divided(samples: Sequence[Sample]) -> Blocks:
    """Divide images into drives, and each drive into at most `BLOCKS` blocks of equal length, in order."""
    drives = [sample.drive for sample in samples]
    if not all(drives):
        drives = [""] * len(samples)
    images = Counter(drives)
    of_drive, begin = {}, 0
    for drive, count in images.items():
        of_drive[drive] = range(begin, begin + min(BLOCKS, count))
        begin = of_drive[drive].stop
    seen: Counter[str] = Counter()
    of_image = []
    for drive in drives:
        blocks = of_drive[drive]
        of_image.append(blocks[seen[drive] * len(blocks) // images[drive]])
        seen[drive] += 1
    return Blocks(of_image, of_drive, images)
