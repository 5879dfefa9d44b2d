"""The job behind `roadseg labels`: pictures with their labels, predicted or not, in the format of another program."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from roadseg.adaptation.make_pseudo_labels import TTA_FOR_LABELS
from roadseg.datasets.catalogue import parse_labelled
from roadseg.datasets.dataset import ImageDataset
from roadseg.datasets.export.formats import FORMATS, LabelFormat
from roadseg.datasets.export.labelled_image import LabelledImage
from roadseg.datasets.folder_labels import LABELS_FILE
from roadseg.datasets.frames import FRAMES
from roadseg.datasets.transforms import resized_image
from roadseg.errors import DatasetError, InputError
from roadseg.files import encode_png, making
from roadseg.labels.space import LabelMap, LabelSpace
from roadseg.models.network import SegmentationNetwork
from roadseg.models.predict import class_scores, to_tensor
from roadseg.models.tta import mean_probabilities
from roadseg.models.weights import DEFAULT, load_model
from roadseg.runtime import DeviceName, Runtime, start
from roadseg.video.extract import Failure, OnProgress, extract_frames
from roadseg.video.selection import MIN_CHANGE

Label = Callable[[int], LabelMap]
"""The label map of a picture of a data set, by its number."""


@dataclass(frozen=True)
class FrameChoice:
    """Which frames of videos are taken, as `roadseg.video.extract` takes them; one of the first three at most."""

    every: Fraction | None = None
    count: int | None = None
    """Of pictures in a folder too."""
    scene_change: bool = False
    min_change: float = MIN_CHANGE
    max_size: int | None = None
    frame_rate: Fraction | None = None


@dataclass(frozen=True)
class WrittenLabels:
    """What was written."""

    out: Path
    format: LabelFormat
    pictures: int
    label_space: LabelSpace
    origin: str
    """Where the labels come from, in words."""
    failures: tuple[Failure, ...] = ()
    """Videos that could not be read."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "out": str(self.out),
            "format": self.format,
            "pictures": self.pictures,
            "label_space": self.label_space.name,
            "classes": list(self.label_space.classes),
            "labels": self.origin,
            "failures": [
                {"video": str(failure.video), "cause": failure.error.cause, "remedy": failure.error.remedy}
                for failure in self.failures
            ],
        }


def write_labels(
    sources: Sequence[str],
    out: Path,
    label_format: LabelFormat,
    *,
    run: Path | None = None,
    choice: FrameChoice | None = None,
    device: DeviceName = "auto",
    on_frame: OnProgress | None = None,
    on_label: Callable[[int, int], None] = lambda done, total: None,
) -> WrittenLabels:
    """Write pictures and their labels into the new folder `out`, which appears whole or not at all.

    Args:
        sources: videos; or one folder of pictures, or labelled data set: a folder with a labels.toml, a zip of CVAT, or
            KIND:ROOT[:SPLIT].
        out: the folder.
        label_format: see `roadseg.annotation`.
        run: what predicts the labels, as `roadseg.models.weights.load_model` takes it. None for the labels that a data
            set has, and what ships where it has none.
        choice: which frames of videos, ten of each by default, or how many pictures of a folder, all by default.
        device: where the network runs.
        on_frame: called as frames are read.
        on_label: told (pictures labelled, pictures in all).

    Raises:
        InputError: sources that do not go together, a video, data set or run that cannot be read.
        OutputError: the folder has something in it, or cannot be written.
    """
    with making(out) as part:
        frames = part / ".frames"
        pictures, failures = _opened(sources, choice or FrameChoice(), frames, on_frame)
        if run is not None or pictures.label_space is None:
            chosen = run or Path(DEFAULT)
            network, card = load_model(chosen)
            runtime = start(device)
            labeller = Labeller(runtime.place(network).eval(), runtime, card.input_size)
            space, origin = card.label_space, f"predicted by {chosen}"

            def label(index: int) -> LabelMap:
                return labeller.label(pictures.image(index))
        else:
            space, origin = pictures.label_space, f"those of {pictures.name}"

            def label(index: int) -> LabelMap:
                return pictures.pair(index)[1]

        FORMATS[label_format](part, space, _labelled(pictures, label, on_label))
        shutil.rmtree(frames, ignore_errors=True)
    return WrittenLabels(out, label_format, len(pictures), space, origin, failures)


class Labeller:
    """Labels pictures as well as a network can, at their own size: for people to correct, not for speed."""

    def __init__(self, network: SegmentationNetwork, runtime: Runtime, input_size: tuple[int, int]) -> None:
        """Take a network in evaluation mode on the runtime's device, and the (width, height) that it expects."""
        self._scores = partial(class_scores, network, runtime=runtime)
        self._device = runtime.device
        self._size = input_size

    @torch.inference_mode()
    def label(self, image: NDArray[np.uint8]) -> LabelMap:
        """The classes of the highest mean probability over several views: (H, W, 3) RGB -> (H, W) train ids uint8."""
        images = to_tensor(resized_image(image, self._size)[None], self._device)
        probabilities = mean_probabilities(self._scores, images, self._size, TTA_FOR_LABELS)[0].cpu().numpy()
        height, width = image.shape[:2]
        label = np.zeros((height, width), np.uint8)
        highest = np.zeros((height, width), np.float32)
        # Class by class: all of them at the size of a large picture would take gigabytes.
        for train_id, each in enumerate(probabilities):
            here = np.asarray(cv2.resize(each, (width, height), interpolation=cv2.INTER_LINEAR))
            label[here > highest] = train_id
            np.maximum(highest, here, out=highest)
        return label


def _opened(
    sources: Sequence[str], choice: FrameChoice, frames: Path, on_frame: OnProgress | None
) -> tuple[ImageDataset, tuple[Failure, ...]]:
    """The pictures, chosen; frames of videos are put into the folder `frames`."""
    if all(_is_video(source) for source in sources):
        by_time = choice.every is not None or choice.scene_change
        extraction = extract_frames(
            [Path(source) for source in sources],
            frames,
            every=choice.every,
            count=choice.count or (None if by_time else DEFAULT_COUNT),
            scene_change=choice.scene_change,
            min_change=choice.min_change,
            max_size=choice.max_size,
            frame_rate=choice.frame_rate,
            on_progress=on_frame,
        )
        return FRAMES.open(frames), extraction.failures
    if len(sources) > 1:
        raise InputError(
            f"{len(sources)} sources that are not all videos", "Give videos, or one folder or data set at a time."
        )
    if choice != FrameChoice(count=choice.count):
        raise InputError(
            f"{sources[0]}: holds pictures, of which frames cannot be chosen by time", "Choose by --count, or take all."
        )
    dataset = _dataset(sources[0])
    if choice.count is not None and choice.count < len(dataset):
        places = np.linspace(0, len(dataset) - 1, choice.count).round().astype(int).tolist()
        dataset = replace(dataset, samples=[dataset.samples[place] for place in places])
    return dataset, ()


DEFAULT_COUNT = 10
"""Frames of each video: about what somebody corrects at a sitting."""


def _is_video(source: str) -> bool:
    """Whether it can be nothing else: a file that is no zip, or a path where nothing is."""
    path = Path(source)
    return not source.lower().endswith(".zip") and (path.is_file() or (":" not in source and not path.exists()))


def _dataset(source: str) -> ImageDataset:
    path = Path(source)
    if path.is_dir() and not (path / LABELS_FILE).is_file():
        return FRAMES.open(path)
    return parse_labelled(source).open()


def _labelled(pictures: ImageDataset, label: Label, on_label: Callable[[int, int], None]) -> Iterator[LabelledImage]:
    names: set[str] = set()
    for index, sample in enumerate(pictures.samples):
        name = sample.name.replace("/", "_")
        if name in names:
            raise DatasetError(f"{sample.image}: another picture is called {name!r} too", "Rename one of the two.")
        names.add(name)
        if sample.image.is_file():
            suffix, data = sample.image.suffix.lower(), sample.image.read_bytes()
        else:  # in a zip
            suffix, data = ".png", encode_png(pictures.image(index))
        yield LabelledImage(name, suffix, data, label(index))
        on_label(index + 1, len(pictures))
