"""TOML and JSON files of others, read in bounded time and memory.

All functions raise `OSError` for a file that cannot be read and `ValueError`, with a message in words, for wrong
content; callers add the name of the file and the remedy.
"""

import json
import re
import stat
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from roadseg.inputs.limits import MAX_DEPTH, MAX_JSON_BYTES, MAX_KEY_PARTS, MAX_TEXT_BYTES

_PART = r"""(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')"""
_LONG_KEY = re.compile(rf"(?<![A-Za-z0-9_-]){_PART}(?:[ \t]*+\.[ \t]*+{_PART}){{{MAX_KEY_PARTS}}}")
_NESTED = "nested too deeply"


def read_bytes(path: Path, limit: int) -> bytes:
    """Read a file of at most `limit` bytes.

    Raises:
        OSError: it is missing, a folder or not readable.
        ValueError: it is larger, or not a regular file, whose end might never come.
    """
    state = path.stat()
    if not (stat.S_ISREG(state.st_mode) or stat.S_ISDIR(state.st_mode)):
        raise ValueError("not a regular file")
    if state.st_size > limit:
        raise ValueError(f"{state.st_size:,} bytes, more than the {limit:,} that are read")
    return path.read_bytes()


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        OSError: it is missing or not readable.
        ValueError: it is not UTF-8, or as for `parse_toml`.
    """
    return parse_toml(read_bytes(path, MAX_TEXT_BYTES).decode("utf-8"))


def parse_toml(text: str) -> dict[str, Any]:
    """Read TOML.

    Raises:
        ValueError: it is not TOML, is nested too deeply or has a key of too many parts.
    """
    if _LONG_KEY.search(text):
        raise ValueError(f"a key of more than {MAX_KEY_PARTS} parts")
    try:
        values = tomllib.loads(text)
    except RecursionError:
        raise ValueError(_NESTED) from None
    level: list[Any] = [values]
    for _ in range(MAX_DEPTH):
        level = [item for each in level for item in _items(each)]
    if level:
        raise ValueError(_NESTED)
    return values


def _items(value: Any) -> Iterable[Any]:
    """Return what a table or list holds; nothing for other values."""
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        OSError: it is missing or not readable.
        ValueError: as for `parse_json`.
    """
    return parse_json(read_bytes(path, MAX_JSON_BYTES))


def parse_json(text: str | bytes) -> Any:
    """Read JSON.

    Raises:
        ValueError: it is not JSON or is nested too deeply.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError(_NESTED) from None
