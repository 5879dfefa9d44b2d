"""Base class of the tables that people write in recipes."""

from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator


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
