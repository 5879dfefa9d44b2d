"""Frames to labels: the one pipeline that overlays, comparisons, exported labels and measurements run on.

read -> prepare (scale to RGB, batch) -> segment [-> smooth], each stage in its own thread.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from itertools import chain, groupby, islice
from os import PathLike
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from roadseg.datasets.transforms import resized_label
from roadseg.errors import InputError
from roadseg.inference.confidence import Confidences, confidences_of
from roadseg.inference.segmenter import Image, Segmenter
from roadseg.inference.smoothing import WEIGHT, Memory, TemporalSmoother
from roadseg.labels.drawing import checked_image
from roadseg.labels.space import LabelMap
from roadseg.models.tta import NO_TTA, TTA
from roadseg.video.frame import Frame
from roadseg.video.pipeline import Pipeline, concurrently
from roadseg.video.reader import VideoReader
from roadseg.video.selection import AtIntervals

T = TypeVar("T")
U = TypeVar("U")
Size = tuple[int, int]
"""(width, height) in pixels."""

STREAM_RATE = Fraction(25)
"""Frames per second of a stream of arrays, unless another rate is given."""


class Batch(NamedTuple, Generic[U]):
    """Consecutive items with their images."""

    items: list[U]
    segmenters: Sequence[Segmenter]
    """Those that label it."""
    images: dict[Size, Image]
    """The items as RGB, (N, H, W, 3) uint8, by size."""


class Scored(NamedTuple, Generic[U]):
    """A batch with the class scores of each segmenter, (N, C, h, w)."""

    batch: Batch[U]
    scores: list[NDArray[np.float32]]


class Labelled(NamedTuple, Generic[U]):
    """Consecutive items with their labels."""

    items: list[U]
    labels: list[Sequence[LabelMap]]
    """N label maps (h, w) uint8 of each segmenter."""
    memories: list[Memory]
    """State of smoothing of each segmenter after the last item; empty without smoothing."""
    confidences: list[Confidences]
    """Those of each segmenter; empty where they are not asked for."""


class Labeller(Generic[T, U]):
    """The stages from items to labels, for one or several segmenters.

    An item is anything that has an image: a frame, a frame with notes, an image of a data set.

    Args:
        segmenters: at least one; each labels every item.
        image: returns an item as RGB (H, W, 3) uint8 at a (width, height).
        shape: returns the (width, height) of an item, which segmenters are fitted to; None takes them as they are.
        adapted: returns the segmenters to label an item with, in the place of `segmenters`, whose batches and threads
            they share; None for `segmenters`.
        keep: returns the part of an item that is passed to the next stages.
        size: returns the (width, height) of the label maps of a kept item; None for the size that segmenters choose.
        batch_size: items in a batch, at most; None for what suits the segmenters.
        align: batches also end after every `align` items.
        tta: test-time augmentation.
        smoothing: weight of the past in class scores, see `TemporalSmoother`; 0 for none.
        memories: state to continue smoothing from, for each segmenter; empty for none.
        confidence: give confidences too; segmenters have scores.
    """

    def __init__(
        self,
        segmenters: Sequence[Segmenter],
        image: Callable[[T, Size], Image],
        keep: Callable[[T], U],
        *,
        shape: Callable[[T], Size] | None = None,
        adapted: Callable[[T], Sequence[Segmenter]] | None = None,
        size: Callable[[U], Size] | None = None,
        batch_size: int | None = None,
        align: int | None = None,
        tta: TTA = NO_TTA,
        smoothing: float = 0.0,
        memories: Sequence[Memory] = (),
        confidence: bool = False,
    ) -> None:
        self._segmenters = segmenters
        self._image = image
        self._keep = keep
        self._shape = shape
        self._adapted = adapted
        self._size = size
        self._batch_size = batch_size or min(segmenter.batch_size for segmenter in segmenters)
        self._align = align
        self._tta = tta
        self._smoothing = smoothing
        self._memories = memories
        self._confidence = confidence

    def after(self, source: Pipeline[T]) -> Pipeline[Labelled[U]]:
        """Append the stages `prepare`, `segment` and, with smoothing, `smooth` to a pipeline of items."""
        prepared = source.then("prepare", self.prepare)
        at_once = min(segmenter.concurrency for segmenter in self._segmenters)
        if not self._smoothing:
            return prepared.then("segment", concurrently(self.segment, at_once))
        return prepared.then("segment", concurrently(self.score, at_once)).then("smooth", self.smooth)

    def prepare(self, items: Iterator[T]) -> Iterator[Batch[U]]:
        """Scale items to the input sizes of the segmenters and batch them."""
        done = 0
        for (shape, adapted), alike in groupby(items, self._kind):
            segmenters = [each.fitted(shape[0] / shape[1]) if shape else each for each in adapted]
            sizes = {segmenter.input_size for segmenter in segmenters}
            for batch in batches(alike, self._batch_size, self._align, before=done):
                images = {size: np.stack([self._image(item, size) for item in batch]) for size in sizes}
                yield Batch([self._keep(item) for item in batch], segmenters, images)
                done += len(batch)

    def _kind(self, item: T) -> tuple[Size | None, Sequence[Segmenter]]:
        """Return the shape and the segmenters of an item; a batch has one of each."""
        shape = self._shape(item) if self._shape else None
        return shape, self._adapted(item) if self._adapted else self._segmenters

    def segment(self, batch: Batch[U]) -> Labelled[U]:
        """Label a batch."""
        if self._confidence:
            return self._decided(batch, self.score(batch).scores)
        return Labelled(batch.items, [self._labels(segmenter, batch) for segmenter in batch.segmenters], [], [])

    def _labels(self, segmenter: Segmenter, batch: Batch[U]) -> Sequence[LabelMap]:
        images = batch.images[segmenter.input_size]
        if self._size is None:
            return list(segmenter.segment(images, self._tta))
        return segmenter.labels_at(images, [self._size(item) for item in batch.items], self._tta)

    def score(self, batch: Batch[U]) -> Scored[U]:
        """Compute the class scores of a batch."""
        images = batch.images
        return Scored(batch, [each.scores(images[each.input_size], self._tta) for each in batch.segmenters])

    def smooth(self, batches: Iterator[Scored[U]]) -> Iterator[Labelled[U]]:
        """Average scores over time and decide labels."""
        smoothers = [TemporalSmoother(self._smoothing) for _ in self._segmenters]
        for smoother, memory in zip(smoothers, self._memories, strict=False):
            smoother.memory = memory
        for batch, scores in batches:
            smooth = [
                np.stack([smoother.smooth(*pair) for pair in zip(batch.images[each.input_size], maps, strict=True)])
                for each, smoother, maps in zip(batch.segmenters, smoothers, scores, strict=True)
            ]
            yield self._decided(batch, smooth, [each.memory for each in smoothers if each.memory is not None])

    def _decided(
        self, batch: Batch[U], scores: Sequence[NDArray[np.float32]], memories: Sequence[Memory] = ()
    ) -> Labelled[U]:
        """Decide the labels of a batch by the scores of each segmenter."""
        labels: list[Sequence[LabelMap]] = []
        for segmenter, maps in zip(batch.segmenters, scores, strict=True):
            decided = segmenter.labels_from_scores(maps)
            labels.append(list(decided) if self._size is None else self._resized(decided, batch.items))
        confidences = [confidences_of(maps) for maps in scores] if self._confidence else []
        return Labelled(batch.items, labels, list(memories), confidences)

    def _resized(self, maps: NDArray[np.uint8], items: Sequence[U]) -> list[LabelMap]:
        assert self._size is not None
        return [resized_label(labels, self._size(item)) for labels, item in zip(maps, items, strict=True)]


def batches(items: Iterator[T], size: int, align: int | None = None, *, before: int = 0) -> Iterator[list[T]]:
    """Yield lists of `size` consecutive items; a list also ends after every `align` items, and at the end.

    Args:
        items: the items.
        size: largest length of a list.
        align: distance of places at which lists end; None for none.
        before: number of earlier items, from which these places count.
    """
    room = align - before % align if align else size
    while batch := list(islice(items, min(size, room))):
        yield batch
        room = room - len(batch) or align or size


def label_frames(
    video: str | PathLike[str] | Iterable[Frame | Image],
    segmenter: Segmenter,
    *,
    smooth: bool = False,
    every: float | Fraction | None = None,
    flip: bool = False,
    scales: tuple[float, ...] = (1.0,),
    batch_size: int | None = None,
    track: int | None = None,
    frame_rate: float | Fraction | None = None,
) -> Generator[tuple[Frame, LabelMap]]:
    """Label the frames of a video or of a stream, in order.

        for frame, labels in label_frames("drive.mp4", load_segmenter()):
            print(frame.seconds, (labels == 0).mean())

    Decoding, scaling and the network work at the same time in threads. Leaving the loop early stops them and closes the
    video; what goes wrong in one of them is raised here.

    Args:
        video: path of a video, or frames one by one: RGB arrays (H, W, 3) uint8, as a webcam gives, or `Frame`s.
        segmenter: from `load_segmenter`.
        smooth: average class scores over time along the motion: labels flicker less.
        every: seconds between the frames that are labelled: the nearest frame each time. By default all frames are.
        flip: average class probabilities with those of the mirrored frame; takes twice as long.
        scales: average class probabilities over these factors on the input size, 0.5 to 2.
        batch_size: frames that the network sees at once, by default what suits the engine. Take 1 for a live stream,
            where a batch would have to wait for its last frame.
        track: number of the video track, from 1; see `VideoReader`.
        frame_rate: frames per second, for arrays (by default 25) and for videos without timestamps such as raw H.264.

    Yields:
        The frame, with its time in `frame.seconds` and its pixels in `frame.to_rgb()`; and its labels, (H, W) uint8
        train ids at the size of the frame. 255 where a pixel has no class.

    Raises:
        VideoError: the video cannot be read.
        InputError: an option is outside its range, an item of a stream is neither a frame nor an RGB image, or the
            device's memory is too small.
    """
    if not isinstance(segmenter, Segmenter):
        raise InputError(
            f"segmenter: {type(segmenter).__name__}, wanted a Segmenter", "Load one: roadseg.load_segmenter()."
        )
    if batch_size is not None and batch_size < 1:
        raise InputError(f"batch_size: {batch_size}, wanted at least 1", "Leave it out for what suits the engine.")
    tta = TTA(flip, tuple(scales))
    rate = None if frame_rate is None else _positive("frame_rate", frame_rate)
    step = None if every is None else _positive("every", every)
    with ExitStack() as stack:
        if isinstance(video, str | PathLike):
            reader = stack.enter_context(VideoReader(Path(video), track=track, frame_rate=rate))
            frames: Iterable[Frame] = reader if step is None else reader.chosen(AtIntervals(step).wants)
            fitted = segmenter.fitted(reader.info.aspect_ratio)
        else:
            stream = _frames(video, rate or STREAM_RATE)
            first = list(islice(stream, 1))
            frames = chain(first, stream)
            if step is not None:
                frames = filter(AtIntervals(step).wants, frames)
            fitted = segmenter.fitted(first[0].width / first[0].height) if first else segmenter
        labeller = Labeller(
            [fitted],
            Frame.to_rgb,
            _same,
            size=_size,
            batch_size=batch_size,
            tta=tta,
            smoothing=WEIGHT if smooth else 0.0,
        )
        with labeller.after(Pipeline("read", frames)) as done:
            for batch in done:
                yield from zip(batch.items, batch.labels[0], strict=True)


def _same(frame: Frame) -> Frame:
    return frame


def _size(frame: Frame) -> Size:
    return frame.width, frame.height


def _positive(name: str, value: float | Fraction) -> Fraction:
    if not 0 < value < float("inf"):
        raise InputError(f"{name}: {value}, wanted a number above 0", "Leave it out for the default.")
    return Fraction(value).limit_denominator(10**6)


def _frames(stream: Iterable[Frame | Image], rate: Fraction) -> Iterator[Frame]:
    """Convert arrays to frames, each shown for one tick of 1 / `rate` seconds; frames stay as they are."""
    for index, item in enumerate(stream):
        if isinstance(item, Frame):
            yield item
        else:
            image = checked_image(item, name=f"frame {index} of the stream")
            yield Frame.from_rgb(image, index=index, pts=index, time_base=1 / rate, duration=1)
