"""Recipes: one flat TOML file an experiment, checked as a whole before anything starts."""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

import tomli_w
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from roadseg.adaptation.batch_norm import PRIOR
from roadseg.errors import RecipeError, RoadsegError, mistakes
from roadseg.labels.catalogue import label_space
from roadseg.models.pretrained import IMAGENET
from roadseg.streets.presets import parse_scenes
from roadseg.training.published import published_row

STREETS = "streets"
"""As a source: the built-in renderer instead of a folder."""

Side = Annotated[int, Field(ge=32)]
Size = tuple[Side, Side]
"""Width, height."""
PositiveInt = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0)]
MethodName = Literal[
    "source-only",
    "feature",
    "single-level",
    "multi-level",
    "advent",
    "minent",
    "lsd",
    "pseudo-labels",
    "self-training",
    "single-level+self-training",
    "multi-level+self-training",
    "advent+self-training",
]
PSEUDO_LABELS, SELF_TRAINING = "pseudo-labels", "self-training"
ADVERSARIAL = ("feature", "single-level", "multi-level", "advent")
WHOLE = "whole"
"""As a crop: the whole picture."""
OPTION_MODELS = {"aspp": ("vgg16", "resnet101"), "batch_norm": ("resnet101",)}
"""Which networks have an option that not all have."""
NAMES: dict[str, Callable[[str], object]] = {
    "labels": label_space,
    "scored_classes": label_space,
    "scenes": parse_scenes,
    "published": published_row,
}
"""Keys that name what is defined elsewhere, with what looks it up."""


def _crop(value: Any) -> Any:
    # Checked by hand: of a union, pydantic would report each alternative's complaint.
    pair = (
        isinstance(value, Sequence) and len(value) == 2 and all(isinstance(side, int) and side >= 32 for side in value)
    )
    if value != WHOLE and not pair:
        raise ValueError('write [width, height], each at least 32, or "whole"')
    return value


def _one_or_several(value: Any) -> Any:
    # Checked by hand, as crops are.
    if isinstance(value, str):
        return value
    several = isinstance(value, Sequence) and value and all(isinstance(target, str) and target for target in value)
    if not several:
        raise ValueError('write one data set, or a list of several: ["frames/a", "frames/b"]')
    if len(set(value)) < len(value):
        raise ValueError(f"{list(value)} names a data set twice")
    return tuple(value) if len(value) > 1 else value[0]


class AdaptRecipe(BaseModel):
    """Everything that decides the outcome of `roadseg adapt`; the resolved recipe stands in the run folder."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    # Data
    source: str = STREETS
    """Labelled data set to learn from, as KIND:ROOT or KIND:ROOT:SPLIT; `streets` renders one on first use, and a bare
    folder is one that `roadseg synth` made."""
    source_count: PositiveInt = 1200
    """How many streets to render where source = "streets"."""
    scenes: str = ""
    """Which streets to render, as `european=0.7,indian=0.3`; empty for a mixture of all, see docs/streets.md."""
    target: Annotated[str | tuple[str, ...], BeforeValidator(_one_or_several)] = ""
    """Unlabelled pictures: a folder, or KIND:ROOT[:SPLIT], whose labels are not read; or a list of several, which are
    seen equally often whatever their sizes; may be empty for source-only."""
    target_labels: str = ""
    """Pictures of the target whose labels people have made or corrected: a folder or a zip of CVAT, see
    docs/datasets.md, or KIND:ROOT[:SPLIT]. Every step learns from `batch_size` crops of them too, by any method."""
    evaluation: str = ""
    """Labelled data set to report scores on, as KIND:ROOT[:SPLIT]; it never enters training."""
    scored_classes: str = ""
    """Label space whose classes the scores' mean is taken over; empty for all that network and truth share."""
    labels: Annotated[str, Field(min_length=1)] = "cityscapes-19"
    """Label space that the network predicts."""
    size: Size = (640, 480)
    """(width, height) that source pictures are resized to at scale 1."""
    target_size: Size | None = None
    """The same for target pictures, and what the trained network expects; `size` where it is left out."""
    crop: Annotated[tuple[int, int] | Literal["whole"], BeforeValidator(_crop)] = (320, 240)
    """(width, height) of training crops, or `whole` for whole pictures."""
    scale: tuple[PositiveFloat, PositiveFloat] = (0.5, 1.2)
    """Bounds of the random scale."""
    mirror: bool = True
    """Whether half of the crops are mirrored."""
    resampling: Literal["area", "bicubic"] = "area"
    """How pictures are resized; `bicubic` as published networks have seen them."""
    source_jitter: Annotated[float, Field(ge=0)] = 1.0
    """Strength of the colour jitter on source pictures."""
    target_jitter: Annotated[float, Field(ge=0)] = 1.0
    """Strength of the colour jitter on target pictures."""
    fourier_beta: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Source crops take on the target's light and colours: the amplitudes of frequencies up to a random share of this
    are exchanged (Fourier domain adaptation); 0 for none."""
    rare_class_temperature: Annotated[float, Field(ge=0)] = 0.0
    """Source pictures are chosen by a class that they show, the likelier the rarer it is (rare-class sampling): the
    smaller the temperature, the more so; 0.01 as published, 0 for all pictures alike."""

    # Network and method
    model: Literal["fast", "vgg16", "resnet101"] = "fast"
    """The network: `fast` runs on laptops, the others are those of the paper."""
    aspp: Literal["four-branch", "two-branch"] = "four-branch"
    """Heads of vgg16 and resnet101; two-branch for weights that the paper's authors published."""
    batch_norm: Literal["frozen", "batch-statistics"] = "frozen"
    """Of resnet101; batch-statistics as published, which leaks statistics of the target into every method."""
    method: MethodName = "pseudo-labels"
    """See docs/methods.md."""
    init: Annotated[str, Field(min_length=1)] = "default"
    """What to start from: `default`, the weights that ship (for `fast` in cityscapes-19); `source-only`, the same
    as before they saw a real street; `imagenet`, which come with `fast` and are downloaded for others; a run folder, a
    file of weights, or the URL of one with its checksum."""
    auxiliary_weight: Annotated[float, Field(ge=0)] = 0.1
    """lambda_seg of the earlier level."""
    class_balance: Annotated[float, Field(ge=0, le=1)] = 0.2
    """How far the loss makes up for rare classes: 0 weighs all pixels alike, as the paper does, 1 all classes."""
    adv_weight: Annotated[float, Field(ge=0)] = 0.001
    """lambda_adv of the main level, or of the features; for lsd also the weight of the classes in generated images."""
    auxiliary_adv_weight: Annotated[float, Field(ge=0)] = 0.0002
    """lambda_adv of the earlier level."""
    entropy_weight: Annotated[float, Field(ge=0)] = 0.001
    """lambda_ent of the main level, of minent."""
    auxiliary_entropy_weight: Annotated[float, Field(ge=0)] = 0.0002
    """lambda_ent of the earlier level."""
    reconstruction_weight: Annotated[float, Field(ge=0)] = 1.0
    """Of the L1 loss of the images that the generator of lsd paints."""
    gan: Literal["vanilla", "least-squares"] = "vanilla"
    """Form of the adversarial losses."""
    discriminator_width: PositiveInt = 64
    """Channels of the first of its five convolutions; the last but one has eight times as many. The generator and the
    discriminator of lsd scale with it too."""
    discriminator_upsample: bool = False
    """Whether scores are up-sampled to the size of the maps, as the paper says and its published code does not."""
    discriminator_learning_rate: PositiveFloat = 1e-4
    """Of Adam."""
    map_stride: Annotated[int, Field(ge=1)] = 1
    """Discriminators see maps of the crop's size divided by this."""
    adapt_bn: bool = False
    """Batch norm of the network that training starts from is adapted to the target; from then on each domain is
    normalised by its own statistics."""
    bn_prior: Annotated[int, Field(ge=0)] = PRIOR
    """For adapt_bn: how many pictures the statistics of the source count for, beside 32 of the target."""
    kept_pseudo_labels: Annotated[float, Field(gt=0, le=1)] = 0.66
    """Share of each class's pixels that pseudo-labels keep, those that the network is surest of."""
    self_training_weight: PositiveFloat = 1.0
    """Of the loss on labels that a network gave, beside that on the source's, for pseudo-labels and self-training."""
    target_labels_weight: PositiveFloat = 1.0
    """Of the loss on `target_labels`, beside that on the source's."""
    confidence: Annotated[float, Field(ge=0, le=1)] = 0.9
    """A picture's pseudo-labels weigh as much as the share of its pixels that the teacher is so sure of."""
    mixed_jitter: Annotated[float, Field(ge=0)] = 0.3
    """Strength of the colour changes of mixed pictures."""
    mask_ratio: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of blocks of the mixed pictures that are hidden from the student."""

    # Optimization
    optimizer: Literal["sgd", "adamw", "published-sgd"] = "adamw"
    """`published-sgd` steps most weights of resnet101 three or four times, as the published code did by mistake."""
    learning_rate: PositiveFloat = 1e-4
    """Of the trunk."""
    head_factor: PositiveFloat = 4.0
    """The heads learn at this multiple of it."""
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    """Of the segmenter; discriminators have none."""
    batch_size: PositiveInt = 4
    """Pictures of each domain a step, over all processes."""
    accumulate: PositiveInt = 1
    """Parts in which a process forwards its share of the batch, one after the other: less memory, the same training."""
    steps: Annotated[int, Field(ge=0)] = 500
    """Training steps; 0 to adapt batch norm and nothing else."""
    schedule_steps: Annotated[int, Field(ge=0)] = 0
    """Steps over which the rate falls to zero; 0 for `steps`."""
    power: PositiveFloat = 0.9
    """Exponent of the poly schedule."""
    average_decay: Annotated[float, Field(ge=0, lt=1)] = 0.99
    """What is scored, saved and teaches is the mean of the weights over some 1 / (1 - average_decay) steps; 0 for the
    weights of the last step."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Of everything random."""
    checkpoint_every: PositiveInt = 200
    """Steps between checkpoints; Ctrl-C saves one too."""
    evaluate_every: Annotated[int, Field(ge=0)] = 0
    """Steps between evaluations; 0 for one at the end alone."""

    # Machine
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """`auto` takes CUDA, else MPS, else the CPU."""
    precision: Literal["float32", "tf32", "bfloat16", "float16"] = "float32"
    """Arithmetic of matrix products and convolutions: tf32 needs a CUDA device, float16 scales the loss."""
    workers: Annotated[int, Field(ge=0)] = 1
    """Processes that prepare batches, no more than there are cores."""

    # Report
    published: str = ""
    """Row of the published tables that this reproduces, shown beside it by `roadseg compare`."""
    tensorboard: bool = False
    """Whether the run folder gets TensorBoard events too, in `tensorboard/`: all that is logged, and sample pictures;
    wants `pip install 'roadseg[tensorboard]'`."""

    @field_validator(*NAMES)
    @classmethod
    def _known(cls, name: str, info: ValidationInfo) -> str:
        try:
            if name:
                NAMES[str(info.field_name)](name)
        except RoadsegError as error:
            raise ValueError(f"{error.cause}; {error.remedy}") from None
        return name

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.needs_target and not self.target:
            reasons = {
                f"method {self.method!r}": self.method != "source-only",
                f"fourier_beta = {self.fourier_beta}": self.fourier_beta,
                "adapt_bn": self.adapt_bn,
            }
            reason = next(reason for reason, holds in reasons.items() if holds)
            raise ValueError(f"{reason} needs a target: a folder of unlabelled pictures")
        if self.scale[0] > self.scale[1]:
            raise ValueError(f"scale {self.scale}: the lower bound comes first")
        if self.crop == WHOLE and self.scale != (1, 1):
            raise ValueError('crop = "whole" goes with scale = [1, 1]')
        for crop, size in ((self.source_crop, self.size), (self.target_crop, self.input_size)):
            if crop[0] > size[0] * self.scale[1] or crop[1] > size[1] * self.scale[1]:
                raise ValueError(f"crop {crop} is larger than size {size} at the largest scale {self.scale[1]}")
        if self.fourier_beta and self.source_crop != self.target_crop:
            raise ValueError("fourier_beta needs crops of one size: leave out target_size, or give crop a size")
        if self.adapt_bn and (self.model == "vgg16" or self.batch_norm == "batch-statistics"):
            raise ValueError("adapt_bn is for networks with frozen batch norm: fast and resnet101")
        if self.method == PSEUDO_LABELS and self.init == IMAGENET:
            raise ValueError(f"method {PSEUDO_LABELS!r} needs an init that can label streets already, not imagenet")
        if self.optimizer == "published-sgd" and self.model != "resnet101":
            raise ValueError("published-sgd is for resnet101, whose weights alone were stepped so")
        for option, models in OPTION_MODELS.items():
            if self.model not in models and getattr(self, option) != type(self).model_fields[option].default:
                raise ValueError(f"{option} is for {' and '.join(models)}, not for model {self.model!r}")
        if 0 < self.schedule_steps < self.steps:
            raise ValueError(f"schedule_steps {self.schedule_steps} ends before steps {self.steps}")
        if self.method.endswith(SELF_TRAINING) and not self.average_decay:
            raise ValueError(f"method {self.method!r} needs an average of the weights as teacher: average_decay > 0")
        smallest = min(*self.source_crop, *self.target_crop)
        if self.base_method in ADVERSARIAL and smallest // self.map_stride < 32:
            raise ValueError(
                f"crop {self.crop} / map_stride {self.map_stride} leaves the discriminator under 32 pixels"
            )
        return self

    @property
    def base_method(self) -> str:
        """The method without self-training; source-only where that is all of it."""
        base = self.method.removesuffix(SELF_TRAINING).removesuffix("+")
        return base or "source-only"

    @property
    def targets(self) -> tuple[str, ...]:
        """Every target; empty where there is none."""
        if isinstance(self.target, tuple):
            return self.target
        return (self.target,) if self.target else ()

    @property
    def input_size(self) -> tuple[int, int]:
        """(width, height) of what the trained network expects."""
        return self.target_size or self.size

    @property
    def source_crop(self) -> tuple[int, int]:
        """(width, height) of source pictures in a batch."""
        return self.crop if isinstance(self.crop, tuple) else self.size

    @property
    def target_crop(self) -> tuple[int, int]:
        """(width, height) of target pictures in a batch."""
        return self.crop if isinstance(self.crop, tuple) else self.input_size

    @property
    def shows_targets(self) -> bool:
        """Whether target crops are part of a batch."""
        return self.method != "source-only" or self.fourier_beta > 0

    @property
    def needs_target(self) -> bool:
        """Whether training looks at pictures of the target, be it only for their colours or statistics."""
        return self.shows_targets or self.adapt_bn

    def as_toml(self) -> str:
        """The resolved recipe as TOML."""
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True))


Recipe = TypeVar("Recipe", bound=AdaptRecipe)


def read_recipe(path: Path) -> dict[str, Any]:
    """Read the keys of a recipe file, unchecked.

    Raises:
        RecipeError: the file is missing or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RecipeError(f"{path}: no such recipe", "Recipes lie in pipelines/.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RecipeError(f"{path}: not a readable TOML file: {error}") from error


def resolve(values: Mapping[str, Any], *, origin: str) -> AdaptRecipe:
    """Check `values` and fill in the defaults.

    Raises:
        RecipeError: listing every mistake at once.
    """
    return resolve_as(AdaptRecipe, values, origin=origin)


def resolve_as(kind: type[Recipe], values: Mapping[str, Any], *, origin: str) -> Recipe:
    """`resolve` for a class of recipes with further keys.

    Raises:
        RecipeError: listing every mistake at once.
    """
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        cause = f"{origin}: {mistakes(error, kind.model_fields)}"
        raise RecipeError(cause, "docs/recipes.md explains every key.") from None


def parse_overrides(assignments: Sequence[str]) -> dict[str, Any]:
    """Read `key=value` assignments; values are TOML, and a bare word is a string.

    Raises:
        RecipeError: one has no `=`.
    """
    overrides = {}
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals:
            raise RecipeError(f"{assignment!r} is not an assignment", "Write --set key=value.")
        try:
            overrides[key.strip()] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            overrides[key.strip()] = value
    return overrides
