"""The job of a preview: one labelled frame of a video, drawn in any appearance without labelling it again."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from roadseg.errors import VideoError
from roadseg.inference.engines import load_segmenter
from roadseg.inference.segmenter import Segmenter
from roadseg.labels.space import LabelMap, LabelSpace
from roadseg.models.names import DEFAULT
from roadseg.overlay.appearance import Appearance, AppearanceOptions
from roadseg.overlay.draw import Overlay
from roadseg.overlay.look import classes_of_picture
from roadseg.overlay.stats import count_pixels
from roadseg.video.container import undecodable
from roadseg.video.frame import Frame
from roadseg.video.reader import VideoReader


@dataclass(frozen=True)
class Preview:
    """A labelled frame of a video."""

    frame: Frame
    labels: LabelMap
    """(h, w) uint8 train ids of the whole frame, at the size that the network decides."""
    label_space: LabelSpace
    pixel_aspect_ratio: float
    """Width over height of a pixel as it is shown."""

    def draw(self, **appearance: Unpack[AppearanceOptions]) -> NDArray[np.uint8]:
        """Draw the frame as `overlay_videos` does, but its legend names only the classes of this frame.

        Args:
            **appearance: what people see, see `AppearanceOptions`.

        Returns:
            (H, W, 3) uint8 RGB with square pixels.

        Raises:
            InputError: an option is outside its range, or names a class that the network does not have.
        """
        shown = Appearance.of(appearance)
        shown.check(self.label_space)
        counts = count_pixels(self.labels)[: len(self.label_space)]
        named = classes_of_picture(counts / max(1, counts.sum()), self.label_space)
        drawn = Overlay(self.label_space, shown, named).draw(self.frame, self.labels)
        return drawn.to_rgb((max(1, round(drawn.width * self.pixel_aspect_ratio)), drawn.height))


def preview_overlay(
    video: str | PathLike[str], seconds: float = 0.0, run: str | PathLike[str] | Segmenter = DEFAULT
) -> Preview:
    """Label one frame of a video, to look at before an overlay of all of it is made.

    Args:
        video: the file.
        seconds: time after the first frame; beyond the end it stands for the last frame. The nearest frame before is
            taken in videos that do not allow seeking.
        run: see `overlay_videos`; a segmenter that is loaded already answers sooner.

    Raises:
        VideoError: the video cannot be read.
        WeightsError: there is no readable model.
    """
    segmenter = run if isinstance(run, Segmenter) else load_segmenter(run)
    with VideoReader(Path(video)) as reader:
        info = reader.info
        fitted = segmenter.fitted(info.aspect_ratio)
        start = float((info.start_pts or 0) * info.time_base)
        try:
            frame = reader.frame_at(start + max(0.0, seconds))
        except VideoError:
            frame = _read_until(Path(video), start + seconds)
    labels = fitted.segment(np.stack([frame.to_rgb(fitted.input_size)]))[0]
    return Preview(frame, labels, segmenter.label_space, float(info.shown_aspect_ratio))


def _read_until(video: Path, seconds: float) -> Frame:
    """Return the frame that is shown at a time, decoded from the start of the video.

    Raises:
        VideoError: none can be decoded.
    """
    shown: Frame | None = None
    with VideoReader(video) as reader:
        for frame in reader:
            if shown is not None and frame.seconds > seconds:
                break
            shown = frame
    if shown is None:
        raise undecodable(video)
    return shown
