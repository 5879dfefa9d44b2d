"""Recipe keys in tables, as nested values and as flat ones (`TABLE.KEY`)."""

from collections.abc import Mapping
from typing import Any


def flattened(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return recipe values with the keys of tables on the top level, as `TABLE.KEY`."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= (
            {f"{key}.{inner}": item for inner, item in value.items()} if isinstance(value, Mapping) else {key: value}
        )
    return flat


def merged(values: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return recipe values with some replaced; a table replaces only the keys that it holds."""
    result = dict(values)
    for key, value in overrides.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = {**result[key], **value} if both else value
    return result


def nested(key: str, value: Any) -> dict[str, Any]:
    """Return one recipe value under its key, `TABLE.KEY` in its table."""
    table, dot, inner = key.partition(".")
    return {table: {inner: value}} if dot else {key: value}
