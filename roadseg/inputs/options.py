"""Base class of the tables that people write in recipes, and types of their values."""

from typing import Annotated, Any, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from roadseg.inputs.limits import MAX_SIDE, MIN_SIDE

InputSide = Annotated[int, Field(ge=MIN_SIDE, le=MAX_SIDE)]
"""Width or height of a network's input in pixels; in model cards too."""


class Options(BaseModel):
    """Keys with typed values: other keys, numbers that are not finite, and truth values as numbers are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_value(cls, value: Any, info: ValidationInfo) -> Any:
        # pydantic takes true for 1, so `steps = true` would train one step.
        values = value if isinstance(value, list | tuple) else [value]
        annotation = cls.model_fields[str(info.field_name)].annotation
        takes_one = bool in (annotation, *get_args(annotation))
        if not takes_one and any(isinstance(each, bool) for each in values):
            raise ValueError("true and false are not values of this key")
        return value
