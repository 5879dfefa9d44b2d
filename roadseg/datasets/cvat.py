"""Labels exported from CVAT as a zip in its format "Segmentation mask 1.1"."""

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from roadseg.datasets.dataset import ImageDataset, Sample
from roadseg.datasets.image_files import IMAGE_SUFFIXES, decode_colours, read_colours
from roadseg.datasets.kind import DatasetKind
from roadseg.datasets.label_files import Colour, ColourLabels
from roadseg.errors import DatasetError, shortened
from roadseg.inputs.limits import MAX_CLASS_NAME, MAX_IMAGE_BYTES, MAX_TEXT_BYTES
from roadseg.labels.catalogue import LABEL_SPACES
from roadseg.labels.space import IGNORE, LabelSpace

CVAT_FORMAT = "Segmentation mask 1.1"
LABELMAP, CLASSES, JPEGS = "labelmap.txt", "SegmentationClass", "JPEGImages"
BACKGROUND = "background"
"""CVAT's name for pixels without a label."""
BLACK = (0, 0, 0)
"""CVAT's colour for pixels without a label."""
IMAGES = "images"
"""Folder beside the zip with the images that the zip does not hold."""
EXPORT = f"Export the labels from CVAT as {CVAT_FORMAT!r}."
IMAGES_MISSING = f"Put the folder {IMAGES}/ that was uploaded beside the zip, or tick 'Save images' when you export."


@dataclass(frozen=True)
class Zip:
    """Reader of files in a zip, by paths that begin with the zip's own path; other paths are read from disk."""

    path: Path

    def names(self) -> list[str]:
        """Return the names of all files in it, as paths below it; without those that macOS adds.

        Raises:
            DatasetError: it is not a zip, or has names that lead out of it.
        """
        try:
            with zipfile.ZipFile(self.path) as archive:
                names = [name for name in archive.namelist() if not name.endswith("/")]
        except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile) as error:
            raise DatasetError(f"{self.path}: cannot be read as a zip ({error})", EXPORT) from error
        for name in names:
            parts = PurePosixPath(name.replace("\\", "/")).parts
            if ".." in parts or parts[:1] == ("/",):
                raise DatasetError(f"{self.path}: {shortened(repr(name))} leads out of the zip", EXPORT)
        return [name for name in names if not _is_of_macos(name)]

    def read(self, name: str, limit: int) -> bytes:
        """Read a file in it of at most `limit` bytes.

        Raises:
            DatasetError: the file is missing, damaged, larger, or compressed in another way than CVAT's.
        """
        try:
            with zipfile.ZipFile(self.path) as archive:
                entry = archive.getinfo(name)
                # Other methods unpack a few bytes to gigabytes in one step.
                if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise ValueError("compressed in another way than CVAT's")
                if entry.file_size > limit:
                    raise ValueError(f"{entry.file_size:,} bytes, more than the {limit:,} that are read")
                with archive.open(entry) as file:
                    # Unpacks no more than that, whatever the data are; `archive.read` unpacks everything first.
                    return file.read(entry.file_size + 1)
        # RuntimeError: it is encrypted. NotImplementedError: it needs a later version of the format.
        except (OSError, KeyError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise DatasetError(f"{self.path}/{name}: cannot be read ({error})", EXPORT) from error

    def colours(self, path: Path) -> NDArray[np.uint8]:
        """Read an image, in the zip or not, as (H, W, 3) uint8 RGB.

        Raises:
            DatasetError: it is missing or broken.
        """
        if not path.is_relative_to(self.path):
            return read_colours(path)
        return decode_colours(self.read(path.relative_to(self.path).as_posix(), MAX_IMAGE_BYTES), path)


def _is_of_macos(name: str) -> bool:
    """Return True for what macOS adds to a zip: a folder __MACOSX, and a file ._NAME for each file."""
    return name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith(".")


def open_cvat(root: Path, split: str) -> ImageDataset:
    """Pair the masks in the zip `root` with the images of the same names, in it or in images/ beside it.

    Frames without a mask, on which nothing was drawn, are left out.

    Raises:
        DatasetError: it is not such a zip, labelmap.txt is wrong, no frame is labelled, or a frame has no image.
    """
    archive = Zip(root)
    names = archive.names()
    wrapper = _wrapper(names)
    inside, names = root / wrapper, [name.removeprefix(wrapper) for name in names]
    if LABELMAP not in names:
        raise DatasetError(f"{root}: no {LABELMAP} in it, so it is not CVAT's {CVAT_FORMAT!r}", EXPORT)
    colours = read_labelmap(archive.read(f"{wrapper}{LABELMAP}", MAX_TEXT_BYTES), str(inside / LABELMAP))
    masks = sorted(name for name in names if name.startswith(f"{CLASSES}/") and name.lower().endswith(".png"))
    if not masks:
        raise DatasetError(f"{root}: no label map in it: {CLASSES}/ is missing or empty", "Label a frame, then export.")
    images = dict(_images(inside, names))
    samples, missing = [], []
    for mask in masks:
        name = str(PurePosixPath(mask).relative_to(CLASSES).with_suffix(""))
        image = images.get(name) or _beside(root, name)
        if image is None:
            missing.append(name)
        else:
            samples.append(Sample(name, image, inside / mask))
    if missing:
        raise DatasetError(
            f"{root}: {len(missing)} of {len(masks)} labelled frames have no image; the first is {missing[0]}",
            IMAGES_MISSING,
        )
    space = _space(root.stem, colours)
    train_ids = {BLACK: IGNORE}
    for name, colour in colours.items():
        train_ids[colour] = IGNORE if name == BACKGROUND else space.classes.index(name)
    remedy = f"Every colour must be listed in {LABELMAP}; export masks and list together from CVAT."
    return ImageDataset(
        "cvat", samples, space, ColourLabels(train_ids, archive.colours, remedy), read_image=archive.colours
    )


def read_labelmap(data: bytes, origin: str) -> dict[str, Colour]:
    """Read the colour of each label, `background` included: lines NAME:RED,GREEN,BLUE:PARTS:ACTIONS.

    Args:
        data: content of labelmap.txt.
        origin: name of the file in messages.

    Raises:
        DatasetError: a line has another form, or two labels share a name or colour.
    """
    colours: dict[str, Colour] = {}
    for line in data.decode("utf-8", errors="replace").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, _, rest = line.partition(":")
        levels = rest.partition(":")[0].split(",")
        if not (name and len(levels) == 3 and all(map(_is_level, levels))):
            raise DatasetError(f"{origin}: {shortened(repr(line))} is not NAME:RED,GREEN,BLUE:PARTS:ACTIONS", EXPORT)
        colour = (int(levels[0]), int(levels[1]), int(levels[2]))
        if name in colours or colour in colours.values():
            raise DatasetError(
                f"{origin}: {shortened(repr(line))} has the name or the colour of another label",
                "Give each label of the task its own colour in CVAT, and none of them black.",
            )
        if len(name) > MAX_CLASS_NAME:
            cause = f"{origin}: {shortened(repr(name))} is a name of {len(name)} characters"
            raise DatasetError(cause, f"Give labels at most {MAX_CLASS_NAME} characters in CVAT.")
        colours[name] = colour
        if len(colours) > IGNORE:
            raise DatasetError(f"{origin}: more than {IGNORE} labels", "Export fewer labels from CVAT.")
    if not colours.keys() - {BACKGROUND}:
        raise DatasetError(f"{origin}: no label in it", EXPORT)
    return colours


def _is_level(text: str) -> bool:
    """Return True for a number 0..255."""
    return re.fullmatch(r"\s*[0-9]{1,3}\s*", text) is not None and int(text) < 256


def _wrapper(names: list[str]) -> str:
    """Return `FOLDER/` if one folder of the zip holds everything; empty otherwise."""
    tops = {name.partition("/")[0] for name in names}
    return f"{tops.pop()}/" if len(tops) == 1 and LABELMAP not in names else ""


def _images(root: Path, names: list[str]) -> Iterator[tuple[str, Path]]:
    """Yield the images below `root`, in the zip, each with the name of its mask."""
    for name in names:
        path = PurePosixPath(name)
        if name.startswith(f"{JPEGS}/") and path.suffix.lower() in IMAGE_SUFFIXES:
            yield str(path.relative_to(JPEGS).with_suffix("")), root / name


def _beside(root: Path, name: str) -> Path | None:
    """Find an image in the folder beside the zip."""
    candidates = (root.parent / IMAGES / f"{name}{suffix}" for suffix in IMAGE_SUFFIXES)
    return next((path for path in candidates if path.is_file()), None)


def _space(name: str, colours: dict[str, Colour]) -> LabelSpace:
    """Return the known label space with exactly these classes, which also defines their parts; else a new one."""
    own = {label: colour for label, colour in colours.items() if label != BACKGROUND}
    known = (space for space in LABEL_SPACES.values() if set(space.classes) == own.keys())
    return next(known, LabelSpace(name, tuple(own), tuple(own.values())))


CVAT = DatasetKind(
    name="cvat",
    title="labels made or corrected in CVAT",
    url="https://www.cvat.ai",
    licence="yours",
    layout=f"""\
{LABELMAP}                    NAME:RED,GREEN,BLUE:: of every label
{CLASSES}/NAME.png      one colour per label, black for no label
{JPEGS}/NAME.jpg or .png    or {IMAGES}/NAME.jpg or .png beside the zip""",
    splits={},
    image_size="any",
    label_space="",
    paper="",
    opener=open_cvat,
    is_zip=True,
)
