"""Temporal consistency of labels: each label map against the one before, moved along with the image."""

import cv2
import numpy as np
from numpy.typing import NDArray

from roadseg.inference.smoothing import GREY_LEVELS
from roadseg.labels.confusion import confusion_matrix, intersection_over_union, pixel_accuracy
from roadseg.labels.space import IGNORE, LabelMap


class TemporalConsistency:
    """Mean IoU between each label map and the one before it, warped by the optical flow of the images.

    After Lai et al., "Learning Blind Video Temporal Consistency", ECCV 2018, and Liu et al., "Efficient Semantic Video
    Segmentation with Per-frame Inference", ECCV 2020, with the flow by OpenCV's dense inverse search (Kroeger et al.,
    ECCV 2016). Wrong labels can be consistent too. Pixels that the flow does not explain do not count.
    """

    def __init__(self, classes: int) -> None:
        self.confusion = np.zeros((classes, classes), np.int64)
        """Pixels by [class before, class now] over all pairs."""
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
        self._before: tuple[NDArray[np.uint8], LabelMap] | None = None

    def add(self, image: NDArray[np.uint8], labels: LabelMap) -> None:
        """Count the next frame of the video against the one before it.

        Args:
            image: (H, W, 3) uint8 RGB.
            labels: (h, w) uint8 train ids, 255 for none; they are resized to the image.
        """
        grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
        labels = np.asarray(cv2.resize(labels, grey.shape[::-1], interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)
        if self._before is not None:
            grey_before, labels_before = self._before
            flow = self._flow.calc(grey, grey_before, np.zeros((*grey.shape, 2), np.float32))
            rows, columns = np.indices(grey.shape, np.float32)
            places = (columns + flow[..., 0], rows + flow[..., 1])
            moved = cv2.remap(grey_before, *places, cv2.INTER_LINEAR, borderValue=0)
            inside = (places[0] >= 0) & (places[1] >= 0)
            inside &= (places[0] <= grey.shape[1] - 1) & (places[1] <= grey.shape[0] - 1)
            explained = inside & (cv2.absdiff(moved, grey) <= GREY_LEVELS)
            expected = cv2.remap(labels_before, *places, cv2.INTER_NEAREST)
            self.confusion += confusion_matrix(labels, np.where(explained, expected, IGNORE), len(self.confusion))
        self._before = (grey, labels)

    def cut(self) -> None:
        """Mark a cut: the next frame does not follow the last one."""
        self._before = None

    @property
    def miou(self) -> float:
        """Mean IoU in percent over the classes that occur; NaN while no pixel was counted."""
        if not self.confusion.any():
            return float("nan")
        return 100 * float(np.nanmean(intersection_over_union(self.confusion)))

    @property
    def changed(self) -> float:
        """Counted pixels whose class differs from the frame before, in percent; NaN while no pixel was counted."""
        return 100 * (1 - pixel_accuracy(self.confusion))
