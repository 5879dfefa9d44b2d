"""A drive in which cars come after a second and a half, people after four, for tests of reports."""

from fractions import Fraction

import numpy as np

from roadseg.inference.segmenter import Segmenter
from roadseg.labels.catalogue import CAMVID_11
from roadseg.overlay.files import OverlayFiles
from roadseg.overlay.job import overlay_video
from roadseg.overlay.summary import OverlayOptions
from roadseg.video.frame import Frame
from roadseg.video.writer import VideoWriter

FRAMES, RATE = 60, 10
SECONDS = FRAMES / RATE
SKY, ROAD, CAR, PEDESTRIAN = (CAMVID_11.classes.index(name) for name in ("Sky", "Road", "Car", "Pedestrian"))
CARS, PEOPLE = range(13, 18), range(38, 43)
"""Frames that show them; the middle one shows most."""


class TheFrameSays(Segmenter):
    """Labels by the number of the frame, which its brightness encodes: sky over road, cars left, people right."""

    label_space = CAMVID_11
    name = "brightness"
    input_size = (32, 16)
    batch_size = 4
    concurrency = 2

    def adapted_to(self, images, adaptation):
        return self

    def segment(self, images, tta=None):
        labels = np.full((len(images), 16, 32), SKY, np.uint8)
        labels[:, 8:] = ROAD
        for image, label_map in zip(images, labels, strict=True):
            number = round((image.mean() - 40) / 3)
            for train_id, frames, column in ((CAR, CARS, 2), (PEDESTRIAN, PEOPLE, 22)):
                if number in frames:
                    height = 4 - abs(number - frames[2])
                    label_map[12 - height : 12, column : column + 6] = train_id
        return labels


def make_report_drive(path, start=0):
    """A video of 160x96, a tenth of a second a frame; its first at `start` tenths of a second."""
    with VideoWriter(path, width=160, height=96, time_base=Fraction(1, RATE)) as writer:
        for index in range(FRAMES):
            rgb = np.full((96, 160, 3), 40 + 3 * index, np.uint8)
            writer.write(Frame.from_rgb(rgb, index=index, pts=start + index, time_base=Fraction(1, RATE), duration=1))
    return path


def make_results(video, out, start=0, **options):
    """The drive under a name of its own, and its overlay in `out`."""
    overlay_video(make_report_drive(video, start), TheFrameSays(), out, OverlayOptions(**options))
    return OverlayFiles.of(video, out)
