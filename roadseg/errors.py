"""All errors that a user can cause, as one tree.

    RoadsegError
    ├── InputError        a given path or value that cannot be used
    │   ├── VideoError        not a video, without frames, or damaged beyond reading
    │   ├── DatasetError      a data set folder with another layout than its kind requires
    │   ├── WeightsError      a checkpoint or weight file that does not fit the network
    │   └── EngineError       an engine, precision or device that was named and gives wrong results on this machine
    ├── RecipeError       options that are unknown, of the wrong type or contradictory
    ├── FetchError        a download that failed, or that is not a video
    ├── OutputError       results cannot be written: disk full, no permission, folder in use
    ├── TrainingError     training that cannot continue: losses that are not finite
    └── UnexpectedError   any other exception while one of several videos is worked on

The command line prints the message, then the remedy, and exits with code 1; a traceback is shown only with `--debug`.
"""

import difflib
import re
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError

MAX_MISTAKES = 20
"""Problems of one file that are listed."""
MAX_MESSAGE = 1000
"""Characters of one problem."""


class RoadsegError(Exception):
    """A failure with its cause in one line and, where there is one, its remedy in a second line.

    Args:
        cause: the problem, naming the file or value.
        remedy: how to solve it; empty if that is unknown.
    """

    def __init__(self, cause: str, remedy: str = "") -> None:
        super().__init__(cause, remedy)
        self.cause = cause
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.cause}\n{self.remedy}" if self.remedy else self.cause


class InputError(RoadsegError):
    """A given path or value that cannot be used."""


class VideoError(InputError):
    """A file that is not a video, has no frames, or is damaged beyond reading."""


class DatasetError(InputError):
    """A data set folder with another layout than its kind requires."""


class WeightsError(InputError):
    """A checkpoint or weight file that does not fit the network."""


class EngineError(InputError):
    """An engine, precision or device that was named and gives wrong results, or none, on this machine."""


class RecipeError(RoadsegError):
    """Options that are unknown, of the wrong type or contradictory."""


class FetchError(RoadsegError):
    """A download that failed, or that is not a video."""


class OutputError(RoadsegError):
    """Results that cannot be written: disk full, no permission, folder in use."""


class TrainingError(RoadsegError):
    """Training that cannot continue: losses that are not finite."""


class UnexpectedError(RoadsegError):
    """Any other exception while one of several videos is worked on: a mistake of roadseg or of a library."""

    @classmethod
    def of(cls, error: Exception, what: object) -> "UnexpectedError":
        """Describe an exception that nobody foresaw.

        Args:
            error: the exception; it becomes the cause of the result.
            what: what was worked on, for example the path of a video.
        """
        text = str(error).partition("\n")[0]
        found = cls(
            f"{what}: {type(error).__name__}{': ' if text else ''}{text}",
            "This is not expected: run it alone with --debug, and report what it prints.",
        )
        found.__cause__ = error
        return found


def mistakes(error: "ValidationError", known: Collection[str]) -> str:
    """Join the problems that pydantic found, as many as fit a line; for an unknown key, name one of `known` like it."""
    found = []
    details = error.errors()
    for detail in details[:MAX_MISTAKES]:
        key = shortened(".".join(str(part) for part in detail["loc"]))
        if detail["type"] == "extra_forbidden":
            near = difflib.get_close_matches(key, known, n=1)
            found.append(f"unknown key {key!r}" + (f" (did you mean {near[0]!r}?)" if near else ""))
            continue
        message = shortened(detail["msg"].removeprefix("Value error, "), MAX_MESSAGE)
        # Our own messages name the value where it helps.
        named = key if detail["type"] == "value_error" else f"{key} = {shortened(repr(detail['input']))}"
        found.append(f"{named}: {message}" if key else message)
    more = len(details) - len(found)
    return "; ".join([*found, *([f"and {more} more"] if more else [])])


def in_one_line(error: Exception) -> str:
    """Return the message of an exception in one line, for a warning: the cause, then the remedy."""
    return "; ".join(line.removesuffix(".") for line in str(error).splitlines())


def shortened(text: str, limit: int = 100) -> str:
    """Return a text that others wrote, cut to `limit` characters, for a message."""
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def first_line(error: BaseException) -> str:
    """Return the first line of an error of a library, shortened, for a message; its type where it says nothing."""
    lines = (line.strip() for line in str(error).splitlines())
    return shortened(next(filter(None, lines), type(error).__name__), 200)


def listed(names: Sequence[str], most: int) -> str:
    """Return the first `most` names and the number of the others: `a, b and 3 more`."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def visible(text: str) -> str:
    """Return text with control characters escaped as in Python: texts of others must not steer a terminal.

    Line ends stay. Marks that turn the direction of text around (U+202A to 202E, U+2066 to 2069) are escaped too.
    """
    return re.sub(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", _escaped, text)


def one_line(text: str) -> str:
    """Return text with control characters and line ends escaped, see `visible`."""
    return re.sub(r"[\n\u2028\u2029]", _escaped, visible(text))


def _escaped(character: re.Match[str]) -> str:
    return character[0].encode("unicode_escape").decode()
