"""Recipes: one TOML file an experiment, checked as a whole before anything starts."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeVar

import tomli_w
from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    ValidationError,
    ValidationInfo,
    create_model,
    field_validator,
    model_validator,
)

from roadseg.adaptation.defaults import AUTO, PRIOR
from roadseg.adaptation.methods import METHODS, method_class, method_parts, option_table
from roadseg.errors import RecipeError, RoadsegError, mistakes
from roadseg.inputs.options import InputSide, Options
from roadseg.labels.catalogue import label_space
from roadseg.models.names import IMAGENET, known_model
from roadseg.streets.presets import parse_scenes
from roadseg.training.published import published_row
from roadseg.training.recipe_values import WHOLE, crop_sides, one_or_several, refuse_renamed

if TYPE_CHECKING:
    from roadseg.adaptation.method import Method, MethodOptions

STREETS = "streets"
"""Value of `source` for the built-in renderer instead of a folder."""


@dataclass(frozen=True)
class Neutral:
    """Marker of recipe keys that do not change what is learned; comparisons ignore them."""


NEUTRAL = Neutral()
Size = tuple[InputSide, InputSide]
"""Width, height."""
PositiveInt = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0)]
OPTION_MODELS = {"aspp": ("vgg16", "resnet101"), "batch_norm": ("resnet101",)}
"""Networks that have an option, by the option, where not all have it."""
NAMES: dict[str, Callable[[str], object]] = {
    "model": known_model,
    "labels": label_space,
    "scored_classes": label_space,
    "scenes": lambda scenes: scenes == AUTO or parse_scenes(scenes),
    "method": method_parts,
    "published": published_row,
}
"""Keys whose values are defined elsewhere, with the function that looks them up."""


class AdaptRecipe(Options):
    """Everything that decides the outcome of `roadseg adapt`; the resolved recipe is written to the run folder.

    `resolve` makes recipes: beside these keys, a recipe has a table of options for its method (`Method.Options`).
    """

    # Data
    source: str = STREETS
    """Labelled data set to learn from, as KIND:ROOT[:SPLIT]; `streets` renders one on first use, and a bare folder is
    one that `roadseg synth` made."""
    source_count: PositiveInt = 1200
    """Number of streets to render for source = "streets"."""
    scenes: str = ""
    """Kinds of streets to render, as `european=0.7,indian=0.3`; empty for a mixture of all, see docs/streets.md. `auto`
    takes the kind that the target's images resemble most: that from which adapted batch norm gives them the steadiest
    labels; the mixture without a target."""
    target: Annotated[str | tuple[str, ...], BeforeValidator(one_or_several)] = ""
    """Unlabelled images: a folder, or KIND:ROOT[:SPLIT], whose labels are not read; or a list of several, which are
    sampled equally often whatever their sizes; may be empty for source-only."""
    target_labels: str = ""
    """Images of the target with labels that people have made or corrected: a folder or a zip file of CVAT, see
    docs/datasets.md, or KIND:ROOT[:SPLIT]. Every step also learns from `batch_size` crops of them, with any method."""
    target_labels_weight: PositiveFloat = 1.0
    """Weight of the loss on `target_labels`; the loss on the source has weight 1."""
    evaluation: Annotated[str, NEUTRAL] = ""
    """Labelled data set to evaluate on, as KIND:ROOT[:SPLIT]; it never enters training."""
    scored_classes: Annotated[str, NEUTRAL] = ""
    """Label space over whose classes the mean IoU is taken; empty for all classes that network and labels share."""
    labels: Annotated[str, Field(min_length=1)] = "cityscapes-19"
    """Label space that the network predicts."""
    size: Size = (640, 480)
    """(width, height) that source images are resized to at scale 1."""
    target_size: Size | None = None
    """The same for target images, and the input size of the trained network. Where it is left out, the largest size
    within `size` that has the shape of the target's images; with whole images, `size`."""
    crop: Annotated[tuple[int, int] | Literal["whole"], BeforeValidator(crop_sides)] = (320, 240)
    """(width, height) of training crops, or `whole` for whole images."""
    scale: tuple[PositiveFloat, PositiveFloat] = (0.5, 1.2)
    """Bounds of the random scale."""
    horizontal_flip: bool = True
    """Flip half of the crops horizontally."""
    resampling: Literal["area", "bicubic"] = "area"
    """Filter that resizes images; `bicubic` as for the published networks."""
    source_jitter: Annotated[float, Field(ge=0)] = 1.0
    """Strength of the colour jitter on source images."""
    source_texture: Annotated[float, Field(ge=0)] = 0.0
    """Strength of the random textures on the classes of source images: 1 is usual for rendered ones, 0 is none."""
    source_degradation: Annotated[float, Field(ge=0)] = 0.0
    """Faults of cameras on source images, such as low resolution and JPEG: factor on their chances, 1 is usual for
    rendered ones, 0 is none."""
    target_jitter: Annotated[float, Field(ge=0)] | None = None
    """Strength of the colour jitter on target images; left out, it is 1, but 0 for self-training, whose teacher labels
    them."""
    fourier_beta: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Fourier alignment: source crops get the target's amplitudes of low frequencies, up to a random share of
    this; 0 for none."""
    rare_class_temperature: Annotated[float, Field(ge=0)] = 0.0
    """Rare-class sampling: source images are drawn by a class that they show, rare classes more often; a smaller
    temperature strengthens that. 0.01 as published, 0 for all images alike."""

    # Network and method
    model: str = "fast"
    """Network: `fast` runs on laptops, the others are those of the paper. `hf:FOLDER`, or `hf:ORG/NAME` on the hub, has
    a backbone of transformers and a light head; `init = "imagenet"` starts it from the weights there."""
    aspp: Literal["four-branch", "two-branch"] = "four-branch"
    """Heads of vgg16 and resnet101; `two-branch` for weights that the paper's authors published."""
    batch_norm: Literal["frozen", "batch-statistics"] = "frozen"
    """Batch norm of resnet101; `batch-statistics` as published, which leaks target statistics into every method."""
    method: str = "pseudo-labels"
    """Adaptation method, see docs/methods.md; `+self-training` behind another method does both."""
    init: Annotated[str, Field(min_length=1)] = "default"
    """Initial weights: `default` or `indian`, those of the package for `fast`; `imagenet`, in the package for `fast`,
    downloaded for others; a run folder, a weight file, or the URL of one with its checksum. Of weights for other
    classes, a class starts from its namesake."""
    teacher: str = ""
    """Run that labels the target for `pseudo-labels`: a run folder, also of `roadseg import`, `default` or `indian`;
    empty for the initial weights. Its network and its classes may be others."""
    auxiliary_loss_weight: Annotated[float, Field(ge=0)] = 0.1
    """Weight of the auxiliary head's segmentation loss: lambda_seg of the earlier level."""
    class_balance: Annotated[float, Field(ge=0, le=1)] = 0.2
    """Strength of the loss weights for rare classes: 0 weights all pixels alike, as the paper does, 1 all classes."""
    adapt_bn: bool | Literal["auto"] = False
    """Adapt batch norm to the target before training; from then on each domain is normalised by its own statistics.
    `auto` does so where the target's labels become steadier, see docs/methods.md; not without a target, or from
    imagenet."""
    bn_prior: Annotated[int, Field(ge=0)] = PRIOR
    """For adapt_bn: number of images that the source statistics count for, beside 32 of the target."""
    keep_start_if_worse: bool = False
    """Keep the initial weights if the verdict without labels is `worse`; the trained ones go to
    `trained.safetensors`."""
    keep_start_if_unclear: bool = False
    """The same if it is `unclear`: for training on own labels, which get steadier even where nothing is gained."""

    # Optimization
    optimizer: Literal["sgd", "adamw", "published-sgd"] = "adamw"
    """`published-sgd` steps most weights of resnet101 three or four times, as the published code did by mistake."""
    learning_rate: PositiveFloat = 1e-4
    """Learning rate of the trunk."""
    head_lr_multiplier: PositiveFloat = 4.0
    """Learning rate of the heads as a multiple of `learning_rate`."""
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    """Weight decay of the segmenter; auxiliary networks have none."""
    batch_size: Annotated[int, Field(ge=1, le=4096)] = 4
    """Images of each domain in a step, over all processes."""
    accumulate_grad_batches: Annotated[PositiveInt, NEUTRAL] = 1
    """Parts in which a process forwards its share of `batch_size`, one after the other: less memory, same result."""
    steps: Annotated[int, Field(ge=0)] = 500
    """Training steps; 0 to adapt batch norm only."""
    schedule_steps: Annotated[int, Field(ge=0)] = 0
    """Steps over which the learning rate falls to zero; 0 for `steps`."""
    power: PositiveFloat = 0.9
    """Exponent of the poly learning-rate schedule."""
    lr_warmup_steps: Annotated[int, Field(ge=0)] = 0
    """Steps over which the segmenter's learning rate rises from zero, for transformers; 1,500 in DAFormer."""
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.99
    """Decay of the exponential moving average of the weights, which is evaluated and saved; 0 for the weights of the
    last step."""
    seed: Annotated[int, Field(ge=0, lt=1 << 63)] = 0
    """Seed for all random number generators."""
    checkpoint_every: Annotated[PositiveInt, NEUTRAL] = 200
    """Steps between checkpoints; Ctrl-C also saves one."""
    evaluate_every: Annotated[int, Field(ge=0), NEUTRAL] = 0
    """Steps between evaluations; 0 for one at the end only."""

    # Machine
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], NEUTRAL] = "auto"
    """Device; `auto` takes CUDA, else MPS, else the CPU."""
    precision: Literal["float32", "tf32", "bfloat16", "float16"] = "float32"
    """Arithmetic of matrix products and convolutions: tf32 needs a CUDA device, float16 scales the loss."""
    workers: Annotated[int, Field(ge=0), NEUTRAL] = 1
    """Processes that prepare batches; at most one a core is used."""

    # Report
    published: Annotated[str, NEUTRAL] = ""
    """Row of the published tables that the recipe reproduces; `roadseg compare` shows it beside the run."""
    tensorboard: Annotated[bool, NEUTRAL] = False
    """Also write TensorBoard events to the run folder, in `tensorboard/`: the log and sample images; needs
    `pip install 'roadseg[tensorboard]'`."""

    @field_validator(*NAMES)
    @classmethod
    def _known(cls, name: str, info: ValidationInfo) -> str:
        try:
            if name:
                NAMES[str(info.field_name)](name)
        except RoadsegError as error:
            raise ValueError("; ".join(filter(None, (error.cause, error.remedy)))) from None
        return name

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.needs_target and not self.target:
            reasons = {
                f"method {self.method!r}": any(kind.uses_target for kind in self.methods),
                f"fourier_beta = {self.fourier_beta}": self.fourier_beta,
                "adapt_bn": self.adapts_bn,
            }
            reason = next(reason for reason, holds in reasons.items() if holds)
            raise ValueError(f"{reason} needs a target: a folder of unlabelled images")
        if self.scale[0] > self.scale[1]:
            raise ValueError(f"scale {self.scale}: the lower bound comes first")
        if self.crop == WHOLE and self.scale != (1, 1):
            raise ValueError('crop = "whole" goes with scale = [1, 1]')
        for crop, size in ((self.source_crop, self.size), (self.target_crop, self.input_size)):
            if crop[0] > size[0] * self.scale[1] or crop[1] > size[1] * self.scale[1]:
                raise ValueError(f"crop {crop} is larger than size {size} at the largest scale {self.scale[1]}")
        if self.fourier_beta and self.source_crop != self.target_crop:
            raise ValueError("fourier_beta needs crops of one size: leave out target_size, or give crop a size")
        if self.adapts_bn and not self._has_frozen_batch_norm:
            raise ValueError(
                'adapt_bn is for networks with frozen batch norm: not for vgg16, nor batch_norm = "batch-statistics"'
            )
        if self.labels_target and self.init == IMAGENET and not self.teacher:
            raise ValueError(
                f"method {self.method!r} needs a teacher, or an init that can label streets already, not imagenet"
            )
        if self.teacher and not self.labels_target:
            raise ValueError(f"method {self.method!r} takes no teacher: pseudo-labels does")
        if self.optimizer == "published-sgd" and self.model != "resnet101":
            raise ValueError("published-sgd is for resnet101: only its weights were stepped several times")
        for option, models in OPTION_MODELS.items():
            if self.model not in models and getattr(self, option) != type(self).model_fields[option].default:
                raise ValueError(f"{option} is for {' and '.join(models)}, not for model {self.model!r}")
        if 0 < self.schedule_steps < self.steps:
            raise ValueError(f"schedule_steps {self.schedule_steps} ends before steps {self.steps}")
        if self.target_jitter and any(kind.keeps_target_colours for kind in self.methods):
            raise ValueError(
                f"method {self.method!r} labels target crops in their own colours: leave target_jitter out, or set it "
                "to 0; self_training.jitter changes the colours of the student's images"
            )
        for name in method_parts(self.method):
            self.options(name).check(min(self.source_crop, self.target_crop, key=min), self.steps)
        return self

    @property
    def methods(self) -> "list[type[Method]]":
        """Classes of the method and its extensions, in the order of `method`."""
        return [method_class(name) for name in method_parts(self.method)]

    def options(self, name: str) -> "MethodOptions":
        """Return the options of the method `name`, which is a part of `method`."""
        options: MethodOptions | None = getattr(self, option_table(name), None)
        return method_class(name).Options() if options is None else options

    @property
    def targets(self) -> tuple[str, ...]:
        """All targets; empty without one."""
        if isinstance(self.target, tuple):
            return self.target
        return (self.target,) if self.target else ()

    @property
    def input_size(self) -> tuple[int, int]:
        """(width, height) of the trained network's input."""
        return self.target_size or self.size

    @property
    def source_crop(self) -> tuple[int, int]:
        """(width, height) of source images in a batch."""
        return self.crop if isinstance(self.crop, tuple) else self.size

    @property
    def target_crop(self) -> tuple[int, int]:
        """(width, height) of target images in a batch."""
        return self.crop if isinstance(self.crop, tuple) else self.input_size

    @property
    def jitter_of_targets(self) -> float:
        """Strength of the colour jitter on target images in a batch."""
        if self.target_jitter is None:
            return 0.0 if any(kind.keeps_target_colours for kind in self.methods) else 1.0
        return self.target_jitter

    @property
    def shows_targets(self) -> bool:
        """True if batches contain target crops."""
        return any(kind.uses_target for kind in self.methods) or self.fourier_beta > 0

    @property
    def labels_target(self) -> bool:
        """True if the method labels the target images before training starts."""
        return any(kind.labels_target for kind in self.methods)

    @property
    def needs_target(self) -> bool:
        """True if training reads target images, if only for their colours or statistics."""
        return self.shows_targets or self.adapts_bn or self.chooses

    @property
    def adapts_bn(self) -> bool:
        """True if batch norm is adapted before training, or may be."""
        return self._can_adapt_bn if self.adapt_bn == AUTO else bool(self.adapt_bn)

    def keeps_start(self, verdict: str) -> bool:
        """True if the run keeps its initial weights at this verdict without labels."""
        if verdict == "worse":
            return self.keep_start_if_worse
        return verdict == "unclear" and self.keep_start_if_unclear

    @property
    def chooses(self) -> bool:
        """True if `scenes` or `adapt_bn` is `auto`, and the target's images can decide it."""
        return AUTO in (self.scenes, self.adapt_bn) and self._can_adapt_bn

    def chosen(self, scenes: str, *, adapt_bn: bool) -> "AdaptRecipe":
        """Return the recipe with `scenes` and `adapt_bn` where it says `auto`."""
        return self.model_copy(
            update={
                "scenes": scenes if self.scenes == AUTO else self.scenes,
                "adapt_bn": adapt_bn if self.adapt_bn == AUTO else self.adapt_bn,
            }
        )

    @property
    def _can_adapt_bn(self) -> bool:
        return bool(self.target) and self._has_frozen_batch_norm and self.init != IMAGENET

    @property
    def _has_frozen_batch_norm(self) -> bool:
        return self.model != "vgg16" and self.batch_norm != "batch-statistics"

    def as_toml(self) -> str:
        """Return the resolved recipe as TOML."""
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True))


Recipe = TypeVar("Recipe", bound=AdaptRecipe)


def resolve(values: Mapping[str, Any], *, origin: str) -> AdaptRecipe:
    """Check the keys of a recipe and fill in the defaults.

    Args:
        values: keys and tables, as in a recipe file. Tables of other methods than the recipe's are checked and left out
            of the result, so that one file can be run with several methods.
        origin: what error messages call the recipe, for example its path.

    Raises:
        RecipeError: listing all mistakes at once.
    """
    return resolve_as(AdaptRecipe, values, origin=origin)


def resolve_as(kind: type[Recipe], values: Mapping[str, Any], *, origin: str) -> Recipe:
    """Check keys as `resolve` does, for a class of recipes with further keys.

    Raises:
        RecipeError: listing all mistakes at once.
    """
    refuse_renamed(values, origin=origin)
    with_tables = _with_tables(kind, str(values.get("method", kind.model_fields["method"].default)), values)
    try:
        return with_tables.model_validate(_plain(values))
    except ValidationError as error:
        cause = f"{origin}: {mistakes(error, list(_keys(with_tables)))}"
        raise RecipeError(cause, "docs/recipes.md explains every key.") from None


def _plain(value: Any) -> Any:
    """Return recipe values with paths as strings."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _with_tables(kind: type[Recipe], method: str, values: Mapping[str, Any]) -> type[Recipe]:
    """Return the class of recipes with a field for each table of options that is needed or given."""
    needed = [option_table(name) for name in method.split("+") if name in METHODS]
    options = {
        option_table(name): method_class(name).Options for name in METHODS if option_table(name) in (*needed, *values)
    }
    with_keys = tuple((table, model) for table, model in options.items() if model.model_fields)
    return _with_options(kind, with_keys, frozenset(needed))


@cache
def _with_options(kind: type[Recipe], options: tuple[tuple[str, Any], ...], needed: frozenset[str]) -> type[Recipe]:
    fields: dict[str, Any] = {
        table: (model, Field(default=model(), description=model.__doc__, exclude=table not in needed))
        for table, model in options
    }
    return create_model(kind.__name__, __base__=kind, __module__=kind.__module__, __doc__=kind.__doc__, **fields)


def _keys(kind: type[BaseModel]) -> Iterator[str]:
    """Yield all keys of a class of recipes; those in tables with the name of the table, `adversarial.weight`."""
    for name, field in kind.model_fields.items():
        yield name
        if isinstance(field.default, BaseModel):
            yield from (f"{name}.{key}" for key in type(field.default).model_fields)


def neutral_keys() -> frozenset[str]:
    """Recipe keys that do not change what is learned."""
    return frozenset(name for name, field in AdaptRecipe.model_fields.items() if NEUTRAL in field.metadata)
