"""Test that docs/recipes.md explains every key; run as a program, this writes the tables of the page."""

import inspect
import re
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from roadseg.adaptation.methods import METHODS, method_class, option_table
from roadseg.models.names import MODEL_NAMES
from roadseg.training.recipe import AdaptRecipe
from roadseg.training.score_recipe import ScoreRecipe
from roadseg.training.video_recipe import VideoRecipe

PAGE = Path(__file__).resolve().parents[2] / "docs" / "recipes.md"
FIELDS = VideoRecipe.model_fields | AdaptRecipe.model_fields | ScoreRecipe.model_fields
BEGIN, END = "<!-- keys -->\n", "<!-- end of keys -->"


def tables() -> str:
    """A table a section of the recipe classes, in their order."""
    lines = []
    for section, names in sections():
        lines += [f"### {section}", "", "| key | default | values | |", "|---|---|---|---|"]
        lines += [row(name, FIELDS[name]) for name in names]
        lines.append("")
    for table, fields in options().items():
        methods = ", ".join(f"`{name}`" for name in METHODS if option_table(name) == table)
        lines += [f"### `[{table}]`: options of {methods}", "", "| key | default | values | |", "|---|---|---|---|"]
        lines += [row(name, field) for name, field in fields.items()]
        lines.append("")
    return "\n".join(lines)


def row(name: str, field: Any) -> str:
    """A line of a table."""
    meaning = " ".join((field.description or "").split())
    named = {"method": METHODS, "model": MODEL_NAMES}
    choices = named[name] if name in named else get_args(field.annotation) if literal(field) else ()
    values = ", ".join(f"`{value}`" for value in choices)
    return f"| `{name}` | `{toml(field.default)}` | {values} | {meaning} |"


def literal(field: Any) -> bool:
    return get_origin(field.annotation) is Literal


def options() -> dict[str, Any]:
    """Keys of the options of each table, for methods that have some."""
    fields = {option_table(name): method_class(name).Options.model_fields for name in METHODS}
    return {table: keys for table, keys in fields.items() if keys}


def sections() -> list[tuple[str, list[str]]]:
    """Section comments of the classes, with the keys that follow each."""
    found = []
    for kind in (AdaptRecipe, VideoRecipe, ScoreRecipe):
        own = kind.model_fields.keys() - {name for titled in found for name in titled[1]}
        parts = re.split(r"^    # (.+)$", inspect.getsource(kind), flags=re.MULTILINE)[1:]
        found += [
            (title, [name for name in re.findall(r"^    (\w+): ", body, re.MULTILINE) if name in own])
            for title, body in zip(parts[::2], parts[1::2], strict=True)
        ]
    return [(title, names) for title, names in found if names]


def toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(map(toml, value))}]"
    return {None: "not given", "": '""'}.get(value, f'"{value}"' if isinstance(value, str) else str(value))


def test_the_page_explains_every_key_as_the_program_knows_it():
    page = PAGE.read_text(encoding="utf-8")
    assert page.partition(BEGIN)[2].partition(END)[0] == tables(), (
        "write it anew: python tests/training/test_recipes_page.py"
    )


def test_every_key_is_explained():
    listed = [name for _, names in sections() for name in names]
    assert listed == list(FIELDS)
    assert all(field.description for fields in (FIELDS, *options().values()) for field in fields.values())


if __name__ == "__main__":
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(before + BEGIN + tables() + END + rest.partition(END)[2], encoding="utf-8")
