"""A segmenter whose answers are known: road is dark, sky is bright."""

import numpy as np

from helpers.tiny import ROAD, SIZE, SKY
from roadseg.inference.segmenter import Segmenter
from roadseg.labels.catalogue import CITYSCAPES_19


class ByBrightness(Segmenter):
    """Takes pixels brighter than `least` for sky and others for road: right now and then."""

    name, engine, input_size, label_space = "by brightness", "by hand", SIZE, CITYSCAPES_19

    def __init__(self, least=70):
        self.least = least

    def segment(self, images, tta=None):
        return np.where(images.mean(-1) > self.least, SKY, ROAD).astype(np.uint8)
