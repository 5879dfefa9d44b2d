"""Drives of a few frames, and a segmenter that needs no weights, for tests of many videos."""

from fractions import Fraction

import numpy as np

from roadseg.inference.segmenter import Segmenter
from roadseg.labels.catalogue import CAMVID_11
from roadseg.video.frame import Frame
from roadseg.video.writer import VideoWriter


class TheUpperHalfIsSky(Segmenter):
    """Labels the upper half sky (0) and the lower half road (3)."""

    input_size = (32, 16)
    batch_size = 4
    concurrency = 2

    def __init__(self, label_space=CAMVID_11, name="halves"):
        self.label_space = label_space
        self.name = name

    def adapted_to(self, images, adaptation):
        return self

    def segment(self, images, tta=None):
        labels = np.zeros((len(images), 8, 16), np.uint8)
        labels[:, 4:] = 3
        return labels


def make_drive(path, durations=(1,) * 5, time_base=Fraction(1, 10)):
    """A video of grey frames with the given durations in ticks."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with VideoWriter(path, width=64, height=48, time_base=time_base) as writer:
        pts = 0
        for index, duration in enumerate(durations):
            rgb = np.full((48, 64, 3), 20 + 10 * index % 200, np.uint8)
            writer.write(Frame.from_rgb(rgb, index=index, pts=pts, time_base=time_base, duration=duration))
            pts += duration
    return path
