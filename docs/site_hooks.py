"""Hooks of the documentation site: pages from outside docs/, the command reference, formulas without scripts."""

import re
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from typer.cli import get_docs_for_click
from typer.main import get_command

OUTSIDE = {
    "../CHANGELOG.md": "changelog.md",
    "../CONTRIBUTING.md": "contributing.md",
    "../benchmarks/indian_track/README.md": "indian-track.md",
}
"""Pages that lie elsewhere in the repository, and their places in the site."""
FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)
COMMAND_LIST = re.compile(r"^\*\*Commands\*\*:\n\n(\* .*\n)+", re.MULTILINE)
EXAMPLE = re.compile(r"^\[bold\]Example:\[/bold\] *(.*?) *$", re.MULTILINE)


def command_reference() -> str:
    """Return Markdown with every command and option, as the program itself describes them."""
    from roadseg.cli.main import app

    command = get_command(app)
    with command.make_context("roadseg", [], resilient_parsing=True) as context:
        text = get_docs_for_click(obj=command, ctx=context, name="roadseg", title="All commands and options")
    text = COMMAND_LIST.sub("", text)  # cut off after a few words; the page's own contents list them
    return EXAMPLE.sub(r"\n```console\n$ \1\n```\n", text)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that do not lie in docs/."""
    for path, place in OUTSIDE.items():
        files.append(File.generated(config, place, content=(Path(config.docs_dir) / path).read_text("utf-8")))
    files.append(File.generated(config, "command-reference.md", content=command_reference()))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Point links to pages outside docs/ to their places in the site."""
    elsewhere = page.file.src_uri in OUTSIDE.values()
    for path, place in OUTSIDE.items():
        markdown = markdown.replace(f"]({path.removeprefix('../') if elsewhere else path}", f"]({place}")
    markdown = markdown.replace("](docs/", "](") if elsewhere else markdown
    return markdown.replace("$$\n$$", "$$\n\n$$")  # two formulas are two blocks


def on_page_content(html: str, **_: Any) -> str:
    """Write formulas as MathML, which browsers draw by themselves."""
    return FORMULA.sub(lambda found: convert(found[2], display="block" if found[1] == "div" else "inline"), html)
