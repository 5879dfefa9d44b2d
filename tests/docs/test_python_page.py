"""Every example of docs/python.md, and that of the README, runs as a reader would run it."""

import re
from pathlib import Path

import pytest
from helpers.quicker import quicker

from roadseg.streets.render import bank_of
from roadseg.training.build import STREETS_SEED

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs" / "python.md"
BLOCK = re.compile(r"^## (.+?)$|^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def examples():
    title, found = "", []
    for heading, code in BLOCK.findall(PAGE.read_text()):
        title = heading or title
        if code:
            found.append((title, code))
    return found


def test_there_are_ten_examples():
    titles = [title for title, _ in examples()]
    assert [title.split(".")[0] for title in titles[:10]] == [str(number) for number in range(1, 11)]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_example_runs(reader_folder, monkeypatch, capsys):
    monkeypatch.chdir(reader_folder)
    textures = bank_of(STREETS_SEED, "game")  # painted for the reader's folder; one example has another seed
    monkeypatch.setattr("roadseg.streets.render.texture_bank", lambda *key: textures)
    names = {}
    titles, blocks = zip(*examples(), strict=True)
    for title, code in zip(titles, quicker(blocks), strict=True):
        exec(compile(code, f"docs/python.md: {title}", "exec"), names)
    shown = capsys.readouterr().out
    assert (reader_folder / "out" / "drive.overlay.mp4").is_file()
    assert (reader_folder / "runs" / "mine" / "model.safetensors").is_file()
    assert "no trained model here" in shown


@pytest.mark.slow
def test_the_example_of_the_readme_runs(reader_folder, monkeypatch, capsys):
    monkeypatch.chdir(reader_folder)
    Path("drive.mp4").rename("my-drive.mp4")
    (code,) = (code for _, code in BLOCK.findall((REPOSITORY / "README.md").read_text()) if code)
    exec(compile(code, "README.md", "exec"), {})
    assert len(capsys.readouterr().out.splitlines()) == 6  # one line per frame
