"""Tables that name recipe keys beside those of other code, or of earlier versions, name keys that exist."""

import re
from pathlib import Path

import pytest

from roadseg.adaptation.methods import METHODS, method_class, option_table
from roadseg.training.recipe import AdaptRecipe

REPOSITORY = Path(__file__).resolve().parents[2]
OPTIONS = {option_table(name): set(method_class(name).Options.model_fields) for name in METHODS}
KEY = re.compile(r"`([a-z_]+)(?: = [^`]+)?`")
TABLE = re.compile(r"`\[(\w+)\]`")


def rows(text):
    """Last cell of each row of a table."""
    return [line.split("|")[-2] for line in text.splitlines() if line.startswith("| ") and line.count("|") == 3]


def section(name, start, end):
    return (REPOSITORY / name).read_text().partition(start)[2].partition(end)[0]


@pytest.mark.parametrize(
    ("name", "start", "end"),
    [("docs/from-adaptsegnet.md", "## Options", "## Checkpoints"), ("CHANGELOG.md", "Recipe keys", "Python names")],
)
def test_keys_exist(name, start, end):
    cells = [cell for cell in rows(section(name, start, end)) if KEY.search(cell)]
    assert len(cells) > 10
    for cell in cells:
        plain, *parts = TABLE.split(cell)
        assert not set(KEY.findall(plain)) - set(AdaptRecipe.model_fields), cell
        for table, keys in zip(parts[::2], parts[1::2], strict=True):
            assert not set(KEY.findall(keys)) - OPTIONS[table], cell
