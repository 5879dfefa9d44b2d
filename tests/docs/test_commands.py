"""Commands and options that pages show exist."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from roadseg.cli.main import app

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(?:bash|console|)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
SHOWN = re.compile(r"(?:^|&& |-m |then )roadseg ([a-z]+)\b(.*)")
OPTION = re.compile(r"(?<![\w-])--([a-z][a-z-]*)")
COMMANDS = get_command(app).commands


def shown(text):
    """(command, the rest of the line) of each command in a page."""
    lines = INLINE.findall(BLOCK.sub("", text))
    for block in BLOCK.findall(text):
        lines += block.replace("\\\n", " ").splitlines()
    for line in lines:
        for part in re.split(r"&&|;", line.partition(" #")[0]):
            if found := SHOWN.search(part.strip()):
                yield found[1], found[2]


def options(command):
    names = {name.removeprefix("--") for option in command.params for name in option.opts + option.secondary_opts}
    return names | {name for part in getattr(command, "commands", {}).values() for name in options(part)} | {"help"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_options_exist(page):
    for command, rest in shown(page.read_text()):
        assert command in COMMANDS, f"roadseg {command}{rest}"
        assert not set(OPTION.findall(rest)) - options(COMMANDS[command]), f"roadseg {command}{rest}"


def test_options_are_found():
    text = "`roadseg evaluate A B --flip` and\n```bash\ncd x && roadseg adapt --steps 3 \\\n  --seed 1  # --not\n```\n"
    assert [(name, OPTION.findall(rest)) for name, rest in shown(text)] == [
        ("evaluate", ["flip"]),
        ("adapt", ["steps", "seed"]),
    ]
