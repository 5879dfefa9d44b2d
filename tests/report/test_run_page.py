"""The page of a finished recipe without a browser: its content, links, and names that cannot inject HTML."""

import re
from pathlib import Path

from roadseg.evaluation.score_tables import ScoreTable
from roadseg.report.run_page import ImageColumn, RunPage, ShownVideo, run_page

HOSTILE = "<img src=x onerror=document.title='owned'> \"'&amp; </script> ü漢 100%41#?"
PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACw="
VIDEO = ShownVideo("a.mp4", Path("overlay/a.comparison.mp4"), 2.5, ("24.0 s",), {"page": Path("b c.html")})
SCORES = ScoreTable("IoU %", ("class", "before", "after"), (("road", "80.0", "81.5"), ("mean", "50.4", "52.0")))


def test_the_page_shows_videos_images_tables_and_files():
    page = run_page(
        RunPage(
            name="my roads",
            facts=("1 video",),
            problems=("gone.mp4: 404. Check the address.",),
            videos=[
                ShownVideo("a.mp4", Path("overlay/a.comparison.mp4"), 2.5, ("24.0 s",), {"page": Path("b c.html")})
            ],
            images=[ImageColumn("image", [PIXEL, PIXEL]), ImageColumn("ground truth", [PIXEL, PIXEL])],
            legend=[("road", (128, 64, 128))],
            tables=[SCORES],
            files={Path("run/training.html"): "curves"},
        )
    )
    assert '<video src="./overlay/a.comparison.mp4"' in page and "aspect-ratio: 2.5000" in page
    assert '<a href="./b%20c.html">page</a>' in page and 'href="./run/training.html"' in page
    assert re.findall(r'alt="(Image .*?)"', page) == [
        f"Image {row}: {name}" for row in (1, 2) for name in ("image", "ground truth")
    ]
    assert re.findall(r'<td class="number">(.*?)</td>', page) == ["80.0", "81.5", "50.4", "52.0"]
    assert "404" in page and "#804080" in page


def test_what_is_empty_is_left_out():
    page = run_page(RunPage(name="board", facts=(), tables=[SCORES]))
    assert re.findall(r"<h2[^>]*>(.*?)</h2>", page) == ["IoU %"]
    assert "<video" not in page and "<img" not in page


def test_a_table_of_many_columns_is_turned():
    names = tuple(f"class {number}" for number in range(19))
    table = ScoreTable("By class", ("run", *names), (("mine", *["1.00"] * 19),), bold=frozenset({(0, 2)}))
    page = run_page(RunPage(name="mine", facts=(), tables=[table]))
    assert re.findall(r'<th scope="row">(.*?)</th>', page) == list(names)
    assert page.count("<b>1.00</b>") == 1


def test_names_are_escaped_and_nothing_is_loaded():
    table = ScoreTable(HOSTILE, (HOSTILE, HOSTILE), ((HOSTILE, HOSTILE),), (HOSTILE,))
    path = Path(HOSTILE.replace("/", ""))
    page = run_page(
        RunPage(
            *(HOSTILE, (HOSTILE,), HOSTILE, (HOSTILE,)),
            videos=[ShownVideo(HOSTILE, path, 1.0, (HOSTILE,), {HOSTILE: path})],
            images=[ImageColumn(HOSTILE, [PIXEL])],
            legend=[(HOSTILE, (0, 0, 0))],
            tables=[table],
            made={HOSTILE: HOSTILE},
            files={path: HOSTILE},
        )
    )
    assert "<img src=x" not in page and "</script>" not in page
    assert not re.search(r'(?:src|href)="(?!data:|\./)', page)
    assert "script-src 'none'" in page or "script-src &#39;none&#39;" in page
