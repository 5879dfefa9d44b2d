"""docs/datasets.md agrees with the program; run as a program, this prints the parts to paste into it."""

import sys
from pathlib import Path

import pytest

from roadseg.datasets.catalogue import DATASETS
from roadseg.labels.catalogue import CITYSCAPES_19, LABEL_SPACES
from roadseg.labels.space import IGNORE, conversion

PAGE = Path(__file__).resolve().parents[2] / "docs" / "datasets.md"
SPACES = [space for space in LABEL_SPACES.values() if space != CITYSCAPES_19]


def kinds_table() -> str:
    rows = []
    for kind in DATASETS.values():
        splits = ", ".join(name if count is None else f"{name} {count:,}" for name, count in kind.splits.items())
        title = f"[{kind.title}]({kind.url})" if kind.url else kind.title
        rows.append(f"| `{kind.name}` | {title} | {splits} | {kind.image_size} | {kind.label_space} |")
    return "\n".join(rows)


def folder_block(name: str) -> str:
    kind = DATASETS[name]
    facts = [f"{kind.paper}." if kind.paper else "", f"Licence: {kind.licence}."]
    return " ".join(filter(None, facts)) + f"\n\n```\n{kind.layout}\n```"


def conversions_table() -> str:
    """A row a Cityscapes class, a column a space."""
    rows = [
        "| cityscapes-19 | " + " | ".join(space.name for space in SPACES) + " |",
        "|---" * (len(SPACES) + 1) + "|",
    ]
    tables = [conversion(CITYSCAPES_19, space) for space in SPACES]
    for train_id, name in enumerate(CITYSCAPES_19.classes):
        cells = [
            space.classes[table[train_id]] if table[train_id] != IGNORE else "–"
            for space, table in zip(SPACES, tables, strict=True)
        ]
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(rows)


def lost_classes() -> str:
    """Classes of each space that have no counterpart in Cityscapes."""
    lines = []
    for space in SPACES:
        table = conversion(space, CITYSCAPES_19)
        lost = [name for train_id, name in enumerate(space.classes) if table[train_id] == IGNORE]
        if lost:
            lines.append(f"- {space.name}: {', '.join(lost) if len(lost) < len(space) else 'everything'}")
    return "\n".join(lines)


PARTS = {
    "KINDS": kinds_table(),
    "SPACES": conversions_table(),
    "LOST": lost_classes(),
    **{f"LAYOUT {name}": folder_block(name) for name in DATASETS if name not in ("folder", "frames")},
}


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS.keys())
def test_the_page_says_what_the_program_knows(part):
    assert part in PAGE.read_text(encoding="utf-8")


if __name__ == "__main__":
    sys.stdout.write("\n\n".join(PARTS.values()) + "\n")
