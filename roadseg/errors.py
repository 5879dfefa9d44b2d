"""Everything a user can cause to go wrong, as one tree.

    RoadsegError
    ├── InputError        a path or value that was given cannot be used
    │   ├── VideoError        not a video, no pictures in it, broken beyond reading
    │   ├── DatasetError      a data set folder that is not laid out as its kind expects
    │   └── WeightsError      a checkpoint or weight file that does not fit the network
    ├── RecipeError       options that are unknown, of the wrong type or contradictory
    ├── FetchError        a download that failed, or that delivered something else than a video
    ├── OutputError       results cannot be written: disk full, no permission, folder in use
    └── TrainingError     training that cannot go on: losses that are not finite

The command line prints the message, then the remedy, and exits with code 1; a traceback is shown only with `--debug`.
"""

import difflib
from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError


class RoadsegError(Exception):
    """A failure with its cause in one line and, where there is one, its remedy in a second.

    Args:
        cause: what is wrong, naming the file or value.
        remedy: what to do about it.
    """

    def __init__(self, cause: str, remedy: str = "") -> None:
        super().__init__(cause, remedy)
        self.cause = cause
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.cause}\n{self.remedy}" if self.remedy else self.cause


class InputError(RoadsegError):
    """A path or value that was given cannot be used."""


class VideoError(InputError):
    """A file that is not a video, holds no pictures, or is broken beyond reading."""


class DatasetError(InputError):
    """A data set folder that is not laid out as its kind expects."""


class WeightsError(InputError):
    """A checkpoint or weight file that does not fit the network."""


class RecipeError(RoadsegError):
    """Options that are unknown, of the wrong type or contradictory."""


class FetchError(RoadsegError):
    """A download that failed, or that delivered something else than a video."""


class OutputError(RoadsegError):
    """Results that cannot be written: disk full, no permission, folder in use."""


class TrainingError(RoadsegError):
    """Training that cannot go on: losses that are not finite."""


def mistakes(error: "ValidationError", known: Collection[str]) -> str:
    """All mistakes that pydantic found, joined; of an unknown key, the `known` one that it resembles is named."""
    found = []
    for detail in error.errors():
        key = ".".join(str(part) for part in detail["loc"])
        if detail["type"] == "extra_forbidden":
            near = difflib.get_close_matches(key, known, n=1)
            found.append(f"unknown key {key!r}" + (f" (did you mean {near[0]!r}?)" if near else ""))
            continue
        message = detail["msg"].removeprefix("Value error, ")
        # Our own messages name the value where it helps.
        named = key if detail["type"] == "value_error" else f"{key} = {detail['input']!r}"
        found.append(f"{named}: {message}" if key else message)
    return "; ".join(found)
