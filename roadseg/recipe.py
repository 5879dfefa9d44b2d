"""Recipes: one flat TOML file an experiment, checked as a whole before anything starts."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from roadseg.errors import RecipeError

STREETS = "streets"
"""As a source: the built-in renderer instead of a folder."""

Size = Annotated[tuple[Annotated[int, Field(ge=32)], Annotated[int, Field(ge=32)]], Field(description="width, height")]
PositiveInt = Annotated[int, Field(gt=0)]
PositiveFloat = Annotated[float, Field(gt=0)]
MethodName = Literal["source-only", "single-level", "multi-level"]
OPTION_MODELS = {"aspp": ("vgg16", "resnet101"), "batch_norm": ("resnet101",)}
"""Which networks have an option that not all have."""


class AdaptRecipe(BaseModel):
    """Everything that decides the outcome of `roadseg adapt`; the resolved recipe stands in the run folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    # Data
    source: str = STREETS
    """A folder that `roadseg synth` made, or `streets` to render one on first use."""
    source_count: PositiveInt = 1200
    """How many streets to render where source = "streets"."""
    target: str = ""
    """Folder of unlabelled pictures; may be empty for source-only."""
    evaluation: str = ""
    """Labelled data set to report scores on, as KIND:ROOT or KIND:ROOT:SPLIT; it never enters training."""
    size: Size = (480, 360)
    """(width, height) that pictures are resized to at scale 1, and that the trained network expects."""
    crop: Size = (256, 192)
    """(width, height) of training crops."""
    scale: tuple[PositiveFloat, PositiveFloat] = (0.8, 1.4)
    """Bounds of the random scale."""
    source_jitter: Annotated[float, Field(ge=0)] = 1.0
    """Strength of the colour jitter on source pictures."""
    target_jitter: Annotated[float, Field(ge=0)] = 0.4
    """Strength of the colour jitter on target pictures."""

    fourier_beta: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Source crops take on the target's light and colours: the amplitudes of frequencies up to a random share of this
    are exchanged (Fourier domain adaptation); 0 for none."""

    # Network and method
    model: Literal["fast", "vgg16", "resnet101"] = "fast"
    aspp: Literal["four-branch", "two-branch"] = "four-branch"
    """Heads of vgg16 and resnet101; two-branch for weights that the paper's authors published."""
    batch_norm: Literal["frozen", "batch-statistics"] = "frozen"
    """Of resnet101; batch-statistics as published, which leaks statistics of the target into every method."""
    method: MethodName = "multi-level"
    init: str = ""
    """What to start from: a run folder, a file of weights, the URL of one with its checksum, or `imagenet`, which is
    downloaded; empty for the ImageNet weights that come with `fast`."""
    auxiliary_weight: Annotated[float, Field(ge=0)] = 0.1
    """lambda_seg of the earlier level."""
    class_balance: Annotated[float, Field(ge=0, le=1)] = 0.5
    """How far the loss makes up for rare classes: 0 weighs all pixels alike, as the paper does, 1 all classes."""
    adversarial_weight: Annotated[float, Field(ge=0)] = 0.001
    """lambda_adv of the main level."""
    auxiliary_adversarial_weight: Annotated[float, Field(ge=0)] = 0.0002
    """lambda_adv of the earlier level."""
    gan: Literal["vanilla", "least-squares"] = "vanilla"
    discriminator_width: PositiveInt = 64
    discriminator_upsample: bool = False
    """Whether scores are up-sampled to the size of the maps, as the paper says and its published code does not."""
    discriminator_learning_rate: PositiveFloat = 1e-4
    map_stride: Annotated[int, Field(ge=1)] = 1
    """Discriminators see maps of the crop's size divided by this."""

    # Optimization
    optimizer: Literal["sgd", "adamw"] = "adamw"
    learning_rate: PositiveFloat = 4e-4
    """Of the trunk."""
    head_factor: PositiveFloat = 4.0
    """The heads learn at this multiple of it."""
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    batch_size: PositiveInt = 4
    steps: PositiveInt = 1000
    schedule_steps: Annotated[int, Field(ge=0)] = 0
    """Steps over which the rate falls to zero; 0 for `steps`."""
    power: PositiveFloat = 0.9
    """Exponent of the poly schedule."""
    seed: Annotated[int, Field(ge=0)] = 0
    checkpoint_every: PositiveInt = 200
    evaluate_every: Annotated[int, Field(ge=0)] = 0
    """Steps between evaluations; 0 for one at the end alone."""

    # Machine
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    precision: Literal["float32", "bfloat16"] = "float32"
    workers: Annotated[int, Field(ge=0)] = 1
    """Processes that prepare batches."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.needs_target and not self.target:
            reason = (
                f"method {self.method!r}" if self.method != "source-only" else f"fourier_beta = {self.fourier_beta}"
            )
            raise ValueError(f"{reason} needs a target: a folder of unlabelled pictures")
        if self.crop[0] > self.size[0] * self.scale[1] or self.crop[1] > self.size[1] * self.scale[1]:
            raise ValueError(f"crop {self.crop} is larger than size {self.size} at the largest scale {self.scale[1]}")
        if self.scale[0] > self.scale[1]:
            raise ValueError(f"scale {self.scale}: the lower bound comes first")
        for option, models in OPTION_MODELS.items():
            if self.model not in models and getattr(self, option) != type(self).model_fields[option].default:
                raise ValueError(f"{option} is for {' and '.join(models)}, not for model {self.model!r}")
        if 0 < self.schedule_steps < self.steps:
            raise ValueError(f"schedule_steps {self.schedule_steps} ends before steps {self.steps}")
        if min(self.crop) // self.map_stride < 32:
            raise ValueError(
                f"crop {self.crop} / map_stride {self.map_stride} leaves the discriminator under 32 pixels"
            )
        return self

    @property
    def needs_target(self) -> bool:
        """Whether training looks at pictures of the target, be it only for their colours."""
        return self.method != "source-only" or self.fourier_beta > 0

    def as_toml(self) -> str:
        """The resolved recipe as TOML."""
        return tomli_w.dumps(self.model_dump(mode="json"))


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
    try:
        return AdaptRecipe.model_validate(dict(values))
    except ValidationError as error:
        mistakes = [_mistake(dict(detail)) for detail in error.errors()]
        known = ", ".join(AdaptRecipe.model_fields)
        unknown = any(detail["type"] == "extra_forbidden" for detail in error.errors())
        remedy = f"Known keys: {known}." if unknown else "Correct it and start again."
        raise RecipeError(f"{origin}: " + "; ".join(mistakes), remedy) from None


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


def _mistake(detail: Mapping[str, Any]) -> str:
    key = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        return f"unknown key {key!r}"
    message = str(detail["msg"]).removeprefix("Value error, ")
    return f"{key} = {detail['input']!r}: {message}" if key else message
