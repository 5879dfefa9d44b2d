"""IDD-AW, streets of India in rain, fog, snow and low light, labelled in polygons.

Shaik et al., "IDD-AW: A Benchmark for Safe and Robust Segmentation of Drive Scenes in Unstructured Traffic and Adverse
Weather", WACV 2024. Its labels are those of IDD, see `roadseg.datasets.idd`; the near-infrared images are not read.
"""

from pathlib import Path

from roadseg.datasets.dataset import ImageDataset, Sample, find_images, present
from roadseg.datasets.idd import read_polygons
from roadseg.datasets.kind import DatasetKind
from roadseg.errors import DatasetError
from roadseg.labels.catalogue import IDD_26

WEATHER = ("fog", "rain", "snow", "lowlight")
SPLITS = tuple(split + weather for split in ("train", "val") for weather in ("", *(f"-{each}" for each in WEATHER)))
"""Both splits as a whole, and each weather of them by itself."""
IMAGE_ENDING, LABEL_ENDING = "_rgb", "_mask.json"


def open_idd_aw(root: Path, split: str) -> ImageDataset:
    """Pair the colour images of a split with their label files; a drive is a sequence, named as `FOG/12`.

    A weather without the folder gtSeg has images without labels: enough for a target domain.

    Raises:
        DatasetError: there are no images, or some have a label file and others none.
    """
    name, _, weather = split.partition("-")
    samples: list[Sample] = []
    notices: list[str] = []
    for each in (weather,) if weather else WEATHER:
        folder = root / name / each.upper()
        if folder.is_dir():
            paths, lost = find_images(folder / "rgb")
            samples += [_sample(folder, path) for path in paths if path.stem.endswith(IMAGE_ENDING)]
            notices += lost
    if not samples:
        folders = ", ".join(each.upper() for each in WEATHER)
        raise DatasetError(f"{root / name}: no images *{IMAGE_ENDING}.png in {weather.upper() or folders}")
    if not any(sample.label and sample.label.parents[1].is_dir() for sample in samples):
        unlabelled = [Sample(sample.name, sample.image, drive=sample.drive) for sample in samples]
        hint = f"Unpack the folders gtSeg in {root / name}."
        return ImageDataset("idd-aw", unlabelled, unlabelled=hint, notices=tuple(notices))
    return ImageDataset("idd-aw", present(samples), IDD_26, read_polygons, notices=tuple(notices))


def _sample(folder: Path, image: Path) -> Sample:
    stem = image.relative_to(folder / "rgb").with_suffix("").as_posix().removesuffix(IMAGE_ENDING)
    name = f"{folder.name}/{stem}"
    return Sample(name, image, folder / "gtSeg" / f"{stem}{LABEL_ENDING}", drive=Path(name).parent.as_posix())


IDD_AW = DatasetKind(
    name="idd-aw",
    title="streets of India in bad weather",
    url="https://iddaw.github.io/",
    licence="shown on registration",
    layout="""\
SPLIT/WEATHER/rgb/SEQUENCE/NAME_rgb.png        WEATHER: FOG, RAIN, SNOW, LOWLIGHT
SPLIT/WEATHER/gtSeg/SEQUENCE/NAME_mask.json    may be missing for a target domain
SPLIT/WEATHER/nir/...                          not read""",
    splits=dict.fromkeys(SPLITS),
    image_size="as published",
    label_space="idd-26",
    paper="Shaik et al., IDD-AW: A Benchmark for Safe and Robust Segmentation of Drive Scenes in Unstructured Traffic "
    "and Adverse Weather, WACV 2024",
    opener=open_idd_aw,
)
