"""The documentation builds without a warning, needs nothing from elsewhere, and no link of it leads nowhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pymdownx.slugs import slugify

import roadseg

REPOSITORY = Path(__file__).resolve().parents[2]
LOADED = re.compile(r"""<(?:script|img|iframe|source)[^>]*\ssrc=["']?([^"'\s>]+)|<link[^>]*\shref=["']?([^"'\s>]+)""")
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.*?) *$", re.MULTILINE)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


@pytest.mark.slow
def test_pages_load_nothing_from_elsewhere(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 10
    for page in pages:
        loaded = {one or other for one, other in LOADED.findall(page.read_text())}
        assert loaded
        assert not [address for address in loaded if "//" in address and not address.startswith("data:")], page.name


@pytest.mark.slow
def test_formulas_are_mathml(site):
    text = (site / "methods.html").read_text()
    assert "<math" in text
    assert "arithmatex" not in text


@pytest.mark.slow
def test_the_command_reference_names_every_command(site):
    from roadseg.cli.main import app

    text = (site / "command-reference.html").read_text()
    commands = [command.name or command.callback.__name__ for command in app.registered_commands]
    assert len(commands) > 10
    assert not [name for name in commands if f"<code>roadseg {name.replace('_', '-')}</code>" not in text]


@pytest.mark.slow
def test_the_python_reference_has_every_public_name(site):
    text = (site / "reference.html").read_text()
    assert not [name for name in roadseg.__all__ if f'id="roadseg.{name}"' not in text]


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_outside_the_site_lead_somewhere(name):
    slug = slugify(case="lower")
    for link in LINK.findall((REPOSITORY / name).read_text()):
        if link.startswith("http"):
            continue
        path, _, anchor = link.partition("#")
        target = REPOSITORY / (path or name)
        assert target.exists(), link
        if anchor:
            assert anchor in {slug(title, "-") for title in HEADING.findall(target.read_text())}, link
