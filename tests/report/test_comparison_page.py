"""The page of a comparison without a browser: its content, and names that cannot inject HTML."""

import io
import re
from base64 import b64decode
from html.parser import HTMLParser

import numpy as np
import pytest
from helpers.comparison_boards import SPACE, make_board, misjudged, truth
from PIL import Image

from roadseg.errors import OutputError
from roadseg.report.comparison_files import write_comparison
from roadseg.report.comparison_page import comparison_page

HOSTILE = "<img src=x onerror=document.title='owned'> \"'&amp; </script> ü漢 100%41#?"


class Elements(HTMLParser):
    """All elements with their attributes."""

    def __init__(self, page):
        super().__init__()
        self.elements = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def shown(source):
    """Pixels behind a `data:` address."""
    return np.array(Image.open(io.BytesIO(b64decode(source.partition(",")[2]))).convert("RGB"))


def test_every_layer_is_there_exactly():
    images = Elements(comparison_page(make_board(), {})).all("img")
    assert [image["alt"] for image in images[:4]] == [
        "image of first", "baseline of first", "adapted of first", "ground truth of first",
    ]  # fmt: skip
    for place in range(2):
        layers = images[4 * place : 4 * place + 4]
        for layer, labels in zip(layers[1:], (misjudged(place, 24), misjudged(place, 6), truth(place)), strict=True):
            assert np.array_equal(shown(layer["src"]), SPACE.palette[labels])
        assert "left" in layers[1]["class"] and "right" in layers[2]["class"]


def test_the_first_run_is_beside_the_best_and_a_single_run_beside_the_image():
    images = Elements(comparison_page(make_board({"one": 24, "best": 6, "last": 12}), {})).all("img")
    assert [image["class"] for image in images[:5]] == ["image", "labels left", "labels right", "labels", "labels"]
    images = Elements(comparison_page(make_board({"one": 24}), {})).all("img")
    assert [image["class"] for image in images[:3]] == ["image left", "labels right", "labels"]


def test_the_table_marks_the_best_and_what_changed():
    page = comparison_page(make_board({"baseline": 6, "adapted": 24}), {"Views": "two"})
    row = re.search(r'<tr>\s*<th scope="row">[^\n]*sky</th>(.*?)</tr>', page, re.S)[1]
    best, other = re.findall(r"<td[^>]*>(.*?)</td>", row)
    assert re.fullmatch(r"<b>\d+\.\d\d</b>", best)
    assert re.fullmatch(r'\d+\.\d\d<small class="loss">-\d+\.\d\d</small>', other)
    assert "<strong>baseline</strong> is best" in page
    assert "<dt>Views</dt><dd>two</dd>" in page


def test_names_are_escaped_and_nothing_is_loaded():
    page = comparison_page(make_board({HOSTILE: 24, "b": 6}, names=(HOSTILE, "second")), {HOSTILE: HOSTILE})
    parsed = Elements(page)
    assert not any("onerror" in attributes for _, attributes in parsed.elements)
    assert f"{HOSTILE} of {HOSTILE}" in [image["alt"] for image in parsed.all("img")]
    for _, attributes in parsed.elements:
        for name in ("src", "href"):
            assert attributes.get(name, "data:").startswith(("data:", "#"))
    (policy,) = [one["content"] for one in parsed.all("meta") if one.get("http-equiv") == "Content-Security-Policy"]
    assert "default-src 'none'" in policy and "img-src data:" in policy
    assert "unsafe-inline" not in re.search(r"script-src ([^;]*)", policy)[1]


def test_files_are_whole_or_not_there(tmp_path):
    board = make_board()
    assert write_comparison(board, tmp_path / "out", {}) == tmp_path / "out" / "compare.html"
    names = ["compare.html", "comparison.json", "comparison.md", "comparison.png"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    (tmp_path / "file").touch()
    with pytest.raises(OutputError):
        write_comparison(board, tmp_path / "file", {})
