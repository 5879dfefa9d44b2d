"""Judging an adaptation without labels: a network before and after it, on the same images of the target.

A network that knows a street gives the same answer for its mirror image and for a smaller copy; one that guesses does
not. So the agreement between such views mostly rises and falls with accuracy. As mean IoU it chooses streets for batch
norm; there all classes count alike. After a training it is the share of pixels that tells better from worse, since rare
classes on a few images move the mean IoU without need. How well both predict mIoU: see docs/experiments.md.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from roadseg.inference.segmenter import Segmenter
from roadseg.labels.confusion import confusion_matrix, intersection_over_union
from roadseg.labels.space import LabelSpace
from roadseg.models.tta import TTA

IMAGES = 16
"""Number of images to judge by: a few seconds of work."""
VIEWS = (TTA(scales=(0.75,)), TTA(scales=(1.3,)))
"""Views beside the mirror image that answers are compared with."""

CLEAR = 1.0
"""Change of the pixel agreement, in points, from which the verdict is clear."""
SEEN, COLLAPSED = 0.05, 0.1
"""A class with this share of the pixels before has collapsed if less than this part of it is left."""

Outcome = Literal["better", "worse", "unclear"]
EVIDENCE: dict[Outcome, str] = {
    "better": "On trained runs checked with labels, 20 of 22 such verdicts were right; 2 lost up to 0.5 points. "
    "Where the network learned from its own labels, 12 of 13 were right, by 0.3 to 2.7 points; one lost 0.2: look "
    "at an overlay.",
    "worse": "On trained runs checked with labels, all 5 such verdicts were right: 1.9 to 6.7 points were lost.",
    "unclear": "On trained runs checked with labels, 11 of 12 such runs that learned from source labels alone had "
    "gained 0.1 to 4.5 points; 6 that learned from their own labels had changed by -1.7 to +1.3, nothing on average.",
}
"""Accuracy of each verdict on trained runs with labels, see docs/experiments.md."""


@dataclass(frozen=True)
class Measures:
    """Answers of one segmenter on images, without labels."""

    agreement: float
    """Mean IoU between the labels of the images and those of their views, in percent, over the classes that occur."""
    entropy: float
    """Mean entropy of the class probabilities, 0 (certain) to 1 (all classes alike)."""
    shares: tuple[float, ...]
    """Share of the pixels of each class, by train id; they add up to 1."""
    pixel_agreement: float
    """Share of the pixels that have the same label in the images and their views, in percent."""

    @classmethod
    def of(cls, segmenter: Segmenter, images: NDArray[np.uint8]) -> "Measures":
        """Label images and their views.

        Args:
            segmenter: left as it is.
            images: (N, H, W, 3) uint8 RGB of its input size, at least one.

        Raises:
            InputError: the segmenter has no class scores, or the device's memory is too small for an image.
        """
        classes = len(segmenter.label_space)
        counts = np.zeros((classes, classes), np.int64)
        entropy, pixels = 0.0, np.zeros(classes, np.int64)
        for image in images:
            scores = segmenter.scores(image[None])
            labels = scores.argmax(1).astype(np.uint8)
            mirrored = segmenter.scores(np.ascontiguousarray(image[None, :, ::-1]))[..., ::-1]
            for view in (mirrored, *(segmenter.scores(image[None], view) for view in VIEWS)):
                counts += confusion_matrix(view.argmax(1).astype(np.uint8), labels, classes)
            entropy -= float((np.exp(scores) * scores).sum(1).mean())
            pixels += np.bincount(labels.ravel(), minlength=classes)
        return cls(
            agreement=100 * float(np.nanmean(intersection_over_union(counts))),
            entropy=entropy / len(images) / float(np.log(classes)),
            shares=tuple((pixels / pixels.sum()).tolist()),
            pixel_agreement=100 * float(np.trace(counts) / counts.sum()),
        )


@dataclass(frozen=True)
class LabelFreeVerdict:
    """Comparison of two segmenters by their answers on the same images, without labels."""

    before: Measures
    after: Measures
    label_space: LabelSpace

    @property
    def drift(self) -> float:
        """Share of the pixels by which the class shares differ (total variation distance), 0..1."""
        return 0.5 * sum(abs(after - before) for before, after in self._shares())

    @property
    def collapsed(self) -> tuple[str, ...]:
        """Names of the classes that were seen before and hardly occur after."""
        shares = zip(self.label_space.classes, self._shares(), strict=True)
        return tuple(name for name, (before, after) in shares if before >= SEEN and after < COLLAPSED * before)

    @property
    def outcome(self) -> Outcome:
        """The verdict."""
        gain = self.after.pixel_agreement - self.before.pixel_agreement
        if self.collapsed or gain <= -CLEAR:
            return "worse"
        return "better" if gain >= CLEAR else "unclear"

    @property
    def evidence(self) -> str:
        """One sentence on how often such verdicts were right."""
        return EVIDENCE[self.outcome]

    def __str__(self) -> str:
        """One line for people."""
        before, after = self.before.pixel_agreement, self.after.pixel_agreement
        text = f"{self.outcome}: views of an image agree in {before:.1f} -> {after:.1f} % of the pixels"
        text += f", class shares moved by {100 * self.drift:.0f} %"
        return text + (f"; hardly seen any more: {', '.join(self.collapsed)}" if self.collapsed else "")

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        return {
            "verdict": self.outcome,
            "evidence": self.evidence,
            "pixel_agreement": [round(self.before.pixel_agreement, 2), round(self.after.pixel_agreement, 2)],
            "agreement": [round(self.before.agreement, 2), round(self.after.agreement, 2)],
            "entropy": [round(self.before.entropy, 4), round(self.after.entropy, 4)],
            "drift": round(self.drift, 4),
            "collapsed": list(self.collapsed),
        }

    def _shares(self) -> list[tuple[float, float]]:
        return list(zip(self.before.shares, self.after.shares, strict=True))


def judge(before: Segmenter, after: Segmenter, images: NDArray[np.uint8]) -> LabelFreeVerdict:
    """Judge without labels whether one segmenter is better than another.

    Args:
        before: the segmenter to compare with.
        after: one of the same label space and input size.
        images: (N, H, W, 3) uint8 RGB of the input size; `IMAGES` of them, evenly spread, suffice.

    Raises:
        InputError: a segmenter has no class scores, or the device's memory is too small for an image.
    """
    return LabelFreeVerdict(Measures.of(before, images), Measures.of(after, images), after.label_space)
