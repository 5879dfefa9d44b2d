"""Base class of the adaptation methods: a method is its options, its networks, and the loss terms of one step.

The engine (`roadseg.training.loop`) backpropagates each term before it asks for the next, so that the graph of one
forward pass is freed before the next one is built. Logging, schedules, saving and devices belong to the engine too.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from torch import Tensor, nn

from roadseg.adaptation.loss_verdicts import LossKind
from roadseg.adaptation.losses import at_least_float32
from roadseg.adaptation.make_pseudo_labels import Labeller
from roadseg.adaptation.supervision import Supervision
from roadseg.adaptation.term import Term
from roadseg.datasets.dataset import ImageDataset
from roadseg.datasets.sampling import Batch
from roadseg.datasets.transforms import Resampling
from roadseg.inputs.options import Options
from roadseg.labels.space import LabelSpace
from roadseg.models.average import WeightAverage
from roadseg.models.domain_statistics import source_statistics
from roadseg.models.network import Prediction, SegmentationNetwork
from roadseg.runtime import Runtime


class MethodOptions(Options):
    """Base class of a method's options; each field is a key of the method's table in a recipe."""

    def check(self, crop: tuple[int, int], steps: int) -> None:
        """Refuse training crops and numbers of steps that do not suit these options; the base class accepts all.

        Args:
            crop: (width, height) of the smallest training crop, in pixels.
            steps: training steps, 0 or more.

        Raises:
            ValueError: one of them does not suit.
        """


@dataclass(frozen=True)
class TargetLabelling:
    """Everything that a method needs to label the target images before training starts."""

    labeller: Labeller
    """The teacher, or the network that training starts from."""
    teacher: str
    """Name of the teacher's weights and engine; empty for the network that training starts from."""
    label_space: LabelSpace
    """Classes of the network that is trained."""
    folder: Path
    """Folder for the label maps; maps that are there already are kept."""
    size: tuple[int, int]
    """(width, height) of the label maps: that of images as the trained network sees them at scale 1."""
    resampling: Resampling
    on_progress: Callable[[int, int], None]
    """Called with (images labelled, images in all)."""


class Method(ABC):
    """Base class of the adaptation methods; a subclass declares its options and yields the terms of one step."""

    Options: ClassVar[type[MethodOptions]] = MethodOptions
    """Options that the method's table in a recipe sets."""
    uses_target: ClassVar[bool] = True
    """True if training batches contain target images."""
    labels_target: ClassVar[bool] = False
    """True if `label_target` labels the target images before training starts."""
    keeps_target_colours: ClassVar[bool] = False
    """True if target crops reach the method without colour jitter."""

    def __init__(
        self, segmenter: SegmentationNetwork, runtime: Runtime, supervision: Supervision, options: Any = None
    ) -> None:
        """Combine a segmenter and options.

        Args:
            segmenter: the network to adapt, on the runtime's device.
            runtime: where the networks run.
            supervision: supervised loss on labelled images, with the weights of the recipe.
            options: instance of the method's `Options`; None for the defaults.
        """
        self.segmenter = segmenter
        self.runtime = runtime
        self.supervision = supervision
        self.options = self.Options() if options is None else options

    @classmethod
    def build(cls, parts: "MethodParts", options: Any) -> Self:
        """Build the method with its own networks; override it for a method that has some.

        Args:
            parts: the segmenter and everything else that exists already.
            options: instance of the method's `Options`.

        Raises:
            RecipeError: a part is missing that the method needs.
        """
        return cls(parts.segmenter, parts.runtime, parts.supervision, options)

    @property
    def auxiliary_networks(self) -> dict[str, nn.Module]:
        """Networks that are trained beside the segmenter, for example discriminators, by name; none by default."""
        return {}

    @property
    def auxiliary_learning_rate(self) -> float:
        """Learning rate of Adam for the auxiliary networks."""
        return 1e-4

    @property
    def teacher(self) -> WeightAverage[SegmentationNetwork] | None:
        """Average of the segmenter's weights that labels images in training, updated after each step; or None."""
        return None

    @property
    def loss_kinds(self) -> dict[str, LossKind]:
        """Interpretation of logged values, by name, for those whose absolute size has a meaning."""
        return self.supervision.kinds(self.segmenter.num_classes)

    @property
    def warmup_steps(self) -> int:
        """Number of steps at the start that make `warmup_terms` instead of `terms`; none by default."""
        return 0

    def warmup_terms(self, batch: Batch) -> Iterator[Term]:
        """Yield the loss terms of a warm-up step: of the auxiliary networks alone, the segmenter stays as it is."""
        return iter(())

    @abstractmethod
    def terms(self, batch: Batch) -> Iterator[Term]:
        """Yield the loss terms of one step on a batch that lies on the runtime's device."""

    def label_target(self, dataset: ImageDataset, labelling: TargetLabelling) -> ImageDataset:
        """Return a target data set with labels to train on; called where `labels_target` is set.

        Raises:
            DatasetError: an image cannot be read.
            OutputError: the folder cannot be written to.
        """
        return dataset

    def predict_source(self, images: Tensor) -> Prediction:
        """Forward source images as `predict` does, by the batch-norm statistics of the source where it has its own."""
        with source_statistics(self.segmenter):
            return self.predict(images)

    def predict(self, images: Tensor) -> Prediction:
        """Forward RGB images (N, 3, H, W) uint8 through the segmenter; logits come back as float32 or better."""
        return self.predict_normalised(self.segmenter.normalisation(images))

    def predict_normalised(self, images: Tensor) -> Prediction:
        """Forward what the segmenter's normalisation returned, (N, 3, H, W) float, as `predict` does."""
        with self.runtime.autocast():
            prediction = self.segmenter(images)
        return Prediction(tuple(at_least_float32(logits) for logits in prediction.logits), prediction.features)


def target_of(batch: Batch) -> Tensor:
    """Return the target images of a batch, (N, 3, H, W) uint8 RGB.

    Raises:
        ValueError: it has none.
    """
    if batch.target_images is None:
        raise ValueError("the method needs target images in the batch")
    return batch.target_images


@dataclass(frozen=True)
class MethodParts:
    """Everything that exists when a method is built; all on the runtime's device."""

    segmenter: SegmentationNetwork
    """Network to adapt."""
    runtime: Runtime
    supervision: Supervision
    """Supervised loss on labelled images, with the weights of the recipe."""
    label_space: LabelSpace
    """Classes of the segmenter."""
    base: Method | None = None
    """Method that this one extends: `multi-level` in `multi-level+self-training`."""


class Extension(Method):
    """Base class of methods that add terms to those of another method, the base."""

    def __init__(self, base: Method, options: Any = None) -> None:
        super().__init__(base.segmenter, base.runtime, base.supervision, options)
        self.base = base

    @property
    def loss_kinds(self) -> dict[str, LossKind]:
        """Interpretation of the base's logged values."""
        return self.base.loss_kinds

    @property
    def auxiliary_networks(self) -> dict[str, nn.Module]:
        """The auxiliary networks of the base."""
        return self.base.auxiliary_networks

    @property
    def auxiliary_learning_rate(self) -> float:
        """The rate of the base."""
        return self.base.auxiliary_learning_rate

    @property
    def teacher(self) -> WeightAverage[SegmentationNetwork] | None:
        """The teacher of the base, if it has one."""
        return self.base.teacher

    @property
    def warmup_steps(self) -> int:
        """Number of warm-up steps of the base."""
        return self.base.warmup_steps

    def warmup_terms(self, batch: Batch) -> Iterator[Term]:
        """Yield the terms of the base: nothing is added during warm-up."""
        return self.base.warmup_terms(batch)

    def label_target(self, dataset: ImageDataset, labelling: TargetLabelling) -> ImageDataset:
        """Label a target data set as the base does."""
        return self.base.label_target(dataset, labelling)
