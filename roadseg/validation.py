"""What is wrong with a file that a person wrote, as one line: all of it at once, by key."""

import difflib
from collections.abc import Collection

from pydantic import ValidationError


def mistakes(error: ValidationError, known: Collection[str]) -> str:
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
