"""HTML pages from Jinja templates: rendering, and the formats that templates use.

Everything from outside (names, metadata) reaches a page through Jinja's escaping, or as JSON in which nothing can end
the script; a Content-Security-Policy limits what may run.
"""

import os
from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files as resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2

PLOTLY = "plotly.min.js"
"""The library that draws the charts of pages, beside them or in a folder above."""


def render(template: str, *, script: str = "", **context: Any) -> str:
    """Fill a template; only `script` and scripts beside the page may run in it."""
    digest = b64encode(sha256(script.encode()).digest()).decode()
    return (
        _environment()
        .get_template(template)
        .render(
            script=script,
            script_source=f"'self' file: 'sha256-{digest}'" if script else "'none'",
            style=template_text("style.css"),
            **context,
        )
    )


def template_text(name: str) -> str:
    """Return a style sheet or script that goes into pages."""
    return (resources("roadseg.report") / "templates" / name).read_text("utf-8")


def link(path: Path) -> str:
    """Return a relative address of a file with any name: percent-encoded from its bytes, never taken for a scheme."""
    return "./" + quote(os.fsencode(path))


def css_colour(colour: tuple[int, int, int]) -> str:
    """Format RGB 0..255 as #rrggbb."""
    return "#" + bytes(colour).hex()


def clock(seconds: float) -> str:
    """Format seconds as a player does: 0:07, 12:30, 1:02:03."""
    minutes, rest = divmod(int(seconds + 1e-3), 60)  # sums of durations fall short of a whole second by rounding
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def lasting(seconds: float) -> str:
    """Format a duration: 12.3 s, or like `clock` from a minute on."""
    return f"{seconds:.1f} s" if seconds < 60 else clock(seconds)


def percent(share: float) -> str:
    """Format a share 0..1 in percent; a small share is never 0.0 %."""
    if 0 < share < 0.0005:
        return "< 0.1 %"
    return f"{100 * share:.1f} %"


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("roadseg.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(clock=clock, lasting=lasting, percent=percent)
    return environment
