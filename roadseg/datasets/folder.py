"""Your own labelled images, with a `labels.toml` that defines the mask values."""

import colorsys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from roadseg.datasets.dataset import ImageDataset, Sample, find_images, present, visible_paths
from roadseg.datasets.folder_labels import LABELS_FILE, FolderLabels, read_folder_labels
from roadseg.datasets.image_files import read_ids, read_red
from roadseg.datasets.kind import DatasetKind
from roadseg.datasets.label_files import Colour, ColourLabels, IdLabels, ReadLabel, train_id_labels
from roadseg.errors import DatasetError
from roadseg.files import resolved
from roadseg.labels.catalogue import CITYSCAPES_19, LABEL_SPACES
from roadseg.labels.space import IGNORE, LabelSpace

SPLITS = ("train", "val", "test")
EXAMPLE = """\
# A class named as in Cityscapes means the same thing.
ignore = [0, 255]        # mask values without a label

[classes]                # mask value or values of each class: numbers or "#rrggbb"
road = [1, 2]            # asphalt and track
"traffic sign" = 3
vehicle = 4
sky = 5

[contains]               # Cityscapes classes that are part of a class here
vehicle = ["car", "truck", "bus"]
"""
"""A `labels.toml` to start from."""
GOLDEN_RATIO = 0.618034
UNNAMED = f"Add it to a class, or to ignore, in {LABELS_FILE}."


def open_folder(root: Path, split: str) -> ImageDataset:
    """Open ROOT/images and ROOT/masks, or the folders named in `labels.toml`.

    Where the images lie in sub-folders train, val and test, only those of `split` are taken.

    Raises:
        DatasetError: `labels.toml` is missing or wrong, or images or masks are not in its folders.
    """
    described = read_folder_labels(root)
    below = _split_folder(root / described.images, split)
    images, masks = root / described.images / below, root / described.masks / below
    paths, notices = find_images(images)
    samples = present(_pairs(paths, images, masks, described))
    notices += _masks_alone(samples, images, masks, described)
    return ImageDataset("folder", samples, _space(root, described), _reader(described), notices=notices)


def _split_folder(images: Path, split: str) -> str:
    """Return the name of the split's sub-folder; empty where the images are not divided."""
    there = [name for name in SPLITS if (images / name).is_dir()]
    if there and split not in there:
        raise DatasetError(f"{images}: no split {split!r} in it", f"There is {', '.join(there)}.")
    return split if there else ""


def _pairs(paths: Iterable[Path], images: Path, masks: Path, described: FolderLabels) -> Iterable[Sample]:
    """Yield the images by name, each with the path of its mask."""
    found = [path for path in paths if _ends(path, described.image_suffix)]
    if images == masks:
        found = [path for path in found if not _ends(path, described.mask_suffix)]
    if not found:
        ending = described.image_suffix or f"anything except mask_suffix = {described.mask_suffix!r}"
        raise DatasetError(f"{images}: no image ends in {ending}", f"Check the suffixes in {LABELS_FILE}.")
    for image in found:
        suffix = described.image_suffix or image.suffix
        name = str(image.relative_to(images))[: -len(suffix)]
        yield Sample(name, image, masks / f"{name}{described.mask_suffix}")


def _masks_alone(samples: Iterable[Sample], images: Path, masks: Path, described: FolderLabels) -> tuple[str, ...]:
    """Return a notice about masks that no image belongs to, if there are any; not where both share a folder."""
    if images == masks:
        return ()
    used = {sample.label for sample in samples}
    alone = sorted(path for path in visible_paths(masks) if _ends(path, described.mask_suffix) and path not in used)
    if not alone:
        return ()
    count = f"{len(alone)} of {len(used) + len(alone)}"
    return (f"{masks}: masks without an image are left out: {count}; the first is {alone[0].name}",)


def _ends(path: Path, suffix: str) -> bool:
    """Return True if a file name has the ending, in small or capital letters."""
    return path.name.lower().endswith(suffix.lower())


def _space(root: Path, described: FolderLabels) -> LabelSpace:
    if described.label_space:
        return LABEL_SPACES[described.label_space]
    contains = {part: whole for whole, parts in described.contains.items() for part in parts}
    colours = tuple(_colour(place, name, described) for place, name in enumerate(described.classes))
    return LabelSpace(resolved(root).name, tuple(described.classes), colours, contains)


def _colour(place: int, name: str, described: FolderLabels) -> Colour:
    """Return the colour of a class: that in the masks or in Cityscapes, else one unlike its neighbours'."""
    value = described.classes[name][0]
    if not isinstance(value, int):
        return value
    if name in CITYSCAPES_19.classes:
        return CITYSCAPES_19.colours[CITYSCAPES_19.classes.index(name)]
    red, green, blue = (round(255 * level) for level in colorsys.hsv_to_rgb(place * GOLDEN_RATIO % 1, 0.7, 0.9))
    return red, green, blue


def _reader(described: FolderLabels) -> ReadLabel:
    read = read_red if described.mask_channel == "red" else read_ids
    if described.label_space:
        return replace(train_id_labels(LABEL_SPACES[described.label_space]), read=read)
    groups = {**dict(enumerate(described.classes.values())), IGNORE: described.ignore}
    train_ids = {value: train_id for train_id, values in groups.items() for value in values}
    ids = {value: train_id for value, train_id in train_ids.items() if isinstance(value, int)}
    colours = {value: train_id for value, train_id in train_ids.items() if not isinstance(value, int)}
    return IdLabels(ids, read, UNNAMED) if ids else ColourLabels(colours, remedy=UNNAMED)


FOLDER = DatasetKind(
    name="folder",
    title="your own labelled images",
    url="",
    licence="yours",
    layout=f"""\
images/[SPLIT/]**/NAME.png or .jpg    SPLIT: train, val, test; or not divided; also .webp, .bmp, .tif
masks/[SPLIT/]**/NAME.png             numbers of 8 or 16 bits, or colours
labels.toml                           meaning of the mask values, for example:

{EXAMPLE}
Other keys, above [classes], with their defaults:

images = "images"        # folder of the images; may be that of the masks
masks = "masks"
image_suffix = ""        # ending of image names; "": any image
mask_suffix = ".png"     # ending of mask names, in its place
mask_channel = ""        # "red": ids are in the red channel of RGB(A) masks, as from CARLA
label_space = ""         # instead of [classes]: "cityscapes-19" for train ids""",
    splits=dict.fromkeys(SPLITS),
    image_size="any",
    label_space="",
    paper="",
    opener=open_folder,
)
