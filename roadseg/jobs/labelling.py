"""The job behind `roadseg labels`: images with their labels, predicted or not, in the format of another program."""

import shutil
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Literal

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
from roadseg.inference.engines import load_segmenter
from roadseg.inference.label_frames import Labeller, Size
from roadseg.inference.segmenter import Image, Segmenter
from roadseg.labels.space import LabelMap, LabelSpace
from roadseg.models.names import DEFAULT
from roadseg.runtime import DeviceName
from roadseg.video.extract import Failure, OnProgress, extract_frames
from roadseg.video.find import FoundVideo, Given
from roadseg.video.pipeline import Pipeline
from roadseg.video.selection import MIN_CHANGE

DEFAULT_COUNT = 10
"""Frames of each video: about as many as a person corrects in one sitting."""


@dataclass(frozen=True)
class FrameChoice:
    """Rules that choose frames of videos, see `roadseg.video.extract`; at most one of the first three is given."""

    every: Fraction | None = None
    """Seconds between frames."""
    count: int | None = None
    """Number of frames of each video, or of images of a folder."""
    scene_change: bool = False
    """Take a frame whenever the scene changes."""
    min_change: float = MIN_CHANGE
    """Mean difference in luma levels below which a frame counts as a repetition and is left out."""
    max_size: int | None = None
    """Longer side of the images in pixels, at most."""
    frame_rate: Fraction | None = None
    """Hz, for streams without timestamps."""
    track: int | Literal["all"] | None = None
    """Number of the video track, from 1, or all; None for the one that FFmpeg finds best."""
    start: Fraction = Fraction(0)
    """Time of the video in seconds from which frames are taken."""
    duration: Fraction | None = None
    """Seconds of the video that they are taken from; None for all that follows."""


@dataclass(frozen=True)
class WrittenLabels:
    """A folder of images and labels that was written."""

    out: Path
    format: LabelFormat
    images: int
    """Number of images."""
    label_space: LabelSpace
    origin: str
    """Origin of the labels, in words."""
    failures: tuple[Failure, ...] = ()
    """Videos that could not be read."""
    notices: tuple[str, ...] = ()
    """Sentences about what was left out or assumed when videos or a folder were read."""

    def as_dict(self) -> dict[str, Any]:
        """Return the facts for JSON."""
        return {
            "out": str(self.out),
            "format": self.format,
            "images": self.images,
            "label_space": self.label_space.name,
            "classes": list(self.label_space.classes),
            "labels": self.origin,
            "failures": [
                {"video": str(failure.video), "cause": failure.error.cause, "remedy": failure.error.remedy}
                for failure in self.failures
            ],
            "notices": list(self.notices),
        }


def write_labels(
    sources: Given | Sequence[Given],
    out: str | PathLike[str],
    format: LabelFormat = "png",
    *,
    run: str | PathLike[str] | None = None,
    every: Fraction | float | None = None,
    count: int | None = None,
    scene_change: bool = False,
    min_change: float = MIN_CHANGE,
    max_size: int | None = None,
    track: int | Literal["all"] | None = None,
    frame_rate: Fraction | float | None = None,
    start: Fraction | float = 0,
    duration: Fraction | float | None = None,
    device: DeviceName = "auto",
    on_frame: OnProgress | None = None,
    on_label: Callable[[int, int], None] = lambda done, total: None,
) -> WrittenLabels:
    """Write images and their labels into the new folder `out`, which appears whole or not at all.

    Labels are predicted with test-time augmentation and decided at the size of each image: as well as the network can,
    for people to correct.

    Args:
        sources: videos, or clips of drives, `find_drives(folder).videos()`; or one folder of images, or one labelled
            data set: a folder with a labels.toml, a zip of CVAT, or KIND:ROOT[:SPLIT].
        out: the folder.
        format: see `roadseg.datasets.export`.
        run: the run that predicts the labels, as `load_segmenter` takes it. None for the labels of the data set, or for
            the default weights where it has none.
        every: seconds between the frames that are taken of a video.
        count: number of frames of each video, 10 by default, or of images of a folder, all by default.
        scene_change: take a frame whenever the scene changes.
        min_change: mean difference in luma levels below which a frame is left out as a repetition.
        max_size: longer side of the images in pixels, at most.
        track: number of the video track, from 1, or "all"; see `extract_frames`.
        frame_rate: Hz, for streams without timestamps.
        start: seconds of the video's clock from which frames are taken.
        duration: seconds of the video that they are taken from; None for all that follows.
        device: device of the network.
        on_frame: called as frames are read.
        on_label: called with (images labelled, images in all).

    Raises:
        InputError: sources that do not go together; a video, data set or run that cannot be read.
        OutputError: the folder is not empty, or cannot be written.
    """
    given = [sources] if isinstance(sources, str | PathLike | FoundVideo) else sources
    step, rate, length = (
        None if value is None else Fraction(value).limit_denominator(10**6) for value in (every, frame_rate, duration)
    )
    choice = FrameChoice(step, count, scene_change, min_change, max_size, rate, track, Fraction(start), length)
    out = Path(out)
    with making(out) as part:
        frames = part / ".frames"
        dataset, failures, notices = _opened(given, choice, frames, on_frame)
        if run is not None or dataset.label_space is None:
            segmenter = load_segmenter(run or DEFAULT, device=device, engine="exact")
            space, origin = segmenter.label_space, f"predicted by {run or DEFAULT}"
            maps = _predicted(dataset, segmenter)
        else:
            space, origin = dataset.label_space, f"those of {dataset.name}"
            maps = (dataset.pair(index)[1] for index in range(len(dataset)))
        with closing(maps):
            FORMATS[format](part, space, _labelled(dataset, maps, on_label))
        shutil.rmtree(frames, ignore_errors=True)
    return WrittenLabels(out, format, len(dataset), space, origin, failures, notices)


def _size(image: Image) -> Size:
    return image.shape[1], image.shape[0]


def _predicted(dataset: ImageDataset, segmenter: Segmenter) -> Generator[LabelMap]:
    """Yield the labels of all images in order, each map at the size of its image."""
    labeller: Labeller[Image, Size] = Labeller(
        [segmenter],
        resized_image,
        keep=_size,
        shape=_size,
        size=lambda size: size,
        tta=TTA_FOR_LABELS,
    )
    images = (dataset.image(index) for index in range(len(dataset)))
    with labeller.after(Pipeline("read", images)) as done:
        for batch in done:
            yield from batch.labels[0]


def _opened(
    sources: Sequence[Given], choice: FrameChoice, frames: Path, on_frame: OnProgress | None
) -> tuple[ImageDataset, tuple[Failure, ...], tuple[str, ...]]:
    """Return the chosen images, failures and notices; frames of videos are put into the folder `frames`."""
    if all(_is_video(source) for source in sources):
        by_time = choice.every is not None or choice.scene_change
        extraction = extract_frames(
            [source if isinstance(source, FoundVideo) else Path(source) for source in sources],
            frames,
            every=choice.every,
            count=choice.count or (None if by_time else DEFAULT_COUNT),
            scene_change=choice.scene_change,
            min_change=choice.min_change,
            max_size=choice.max_size,
            track=choice.track,
            frame_rate=choice.frame_rate,
            start=choice.start,
            duration=choice.duration,
            on_progress=on_frame,
        )
        notices = (f"{video.video}: {warning}" for video in extraction.videos for warning in video.warnings)
        return FRAMES.open(frames), extraction.failures, tuple(notices)
    if len(sources) > 1:
        raise InputError(
            f"{len(sources)} sources that are not all videos", "Give videos, or one folder or data set at a time."
        )
    (given,) = sources
    assert not isinstance(given, FoundVideo)  # that is a video
    source = fspath(given)
    if choice != FrameChoice(count=choice.count):
        raise InputError(
            f"{source}: a folder or data set holds images, which cannot be chosen by time",
            "Choose by --count, or take all; of a folder of videos, give the files.",
        )
    dataset = _dataset(source)
    if choice.count is not None:
        dataset = dataset.evenly_spread(choice.count)
    return dataset, (), dataset.notices


def _is_video(given: Given) -> bool:
    """Return True for a video: a file that is no zip, or a path at which there is nothing."""
    if isinstance(given, FoundVideo):
        return True
    source = fspath(given)
    if source.lower().endswith(".zip"):
        return False
    path = Path(source)
    try:
        return path.is_file() or (":" not in source and not path.exists())
    except OSError:  # a folder above it is closed to us, which opening it reports
        return True


def _dataset(source: str) -> ImageDataset:
    path = Path(source)
    if path.is_dir() and not (path / LABELS_FILE).is_file():
        return FRAMES.open(path)
    return parse_labelled(source).open()


def _labelled(
    dataset: ImageDataset, maps: Iterator[LabelMap], on_label: Callable[[int, int], None]
) -> Iterator[LabelledImage]:
    names: set[str] = set()
    for index, sample in enumerate(dataset.samples):
        name = sample.name.replace("/", "_")
        if name in names:
            raise DatasetError(f"{sample.image}: another image is called {name!r} too", "Rename one of the two.")
        names.add(name)
        labels = next(maps)  # first, because that reads the image and says what is wrong with it
        if sample.image.is_file():
            suffix, data = sample.image.suffix.lower(), sample.image.read_bytes()
        else:  # in a zip
            suffix, data = ".png", encode_png(dataset.image(index))
        yield LabelledImage(name, suffix, data, labels)
        on_label(index + 1, len(dataset))
