"""Pages in a real browser, opened from the disk: they play, seek and fit, and load nothing that is not beside them."""

import re
import shutil
from contextlib import contextmanager

import pytest
from helpers.report_clips import CARS, PEOPLE, SECONDS, make_results
from playwright.sync_api import expect

from roadseg.report.pages import write_index, write_report
from roadseg.video.interval import Interval

pytestmark = pytest.mark.timeout(120)
HOSTILE_NAME = "<img src=x onerror=document.title='owned'> \"'&amp; ü漢 100%41#?"
PAINTED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
CURRENT = "() => document.getElementById('video').currentTime"
LOADED = "() => document.getElementById('video').readyState >= 2 && document.querySelector('#chart .trace')"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An overlay folder with pages, one of them of a hostile name."""
    folder = tmp_path_factory.mktemp("drives") / "out"
    for name in ("clip", HOSTILE_NAME):
        write_report(make_results(folder.parent / f"{name}.mp4", folder))
    write_index(folder)
    write_report(make_results(folder.parent / "late.mp4", folder, start=20))
    write_report(make_results(folder.parent / "part.mp4", folder, interval=Interval.lasting(3, 2)))
    return folder


@pytest.fixture
def opened(open_offline, folder):
    """Open a page of the folder and wait until its chart is drawn."""

    def open_page(name="clip.report.html", **options):
        page = open_offline(folder / name, **options)
        if name.endswith(".report.html"):
            page.wait_for_function(LOADED)
        return page

    return open_page


def x_of(page, seconds):
    """Position of a time on the screen, as Plotly computes it."""
    return page.evaluate(
        """seconds => {
            const chart = document.getElementById("chart"), axis = chart._fullLayout.xaxis;
            return chart.getBoundingClientRect().left + axis._offset + axis.l2p(seconds);
        }""",
        seconds,
    )


def middle_of(page):
    box = page.locator("#chart").bounding_box()
    return box["y"] + box["height"] / 2


def playhead(page):
    page.evaluate(PAINTED)
    box = page.locator("#playhead").bounding_box()
    return box["x"] + box["width"] / 2


@contextmanager
def seeking(page):
    """The block makes the video seek; afterwards it shows the frame."""
    page.evaluate("() => { window.sought = new Promise(done => video.addEventListener('seeked', done, {once: true})) }")
    yield
    page.evaluate("() => window.sought.then(() => true)")


def test_the_video_plays_and_the_playhead_goes_with_it(opened):
    page = opened()
    start = playhead(page)
    page.locator("#timeline").focus()
    page.keyboard.press(" ")
    page.wait_for_function("() => document.getElementById('video').currentTime > 0.7")
    moving = [playhead(page), playhead(page)]
    page.keyboard.press(" ")
    assert page.evaluate("() => document.getElementById('video').paused")
    assert start < moving[0] < moving[1]
    assert playhead(page) == pytest.approx(x_of(page, page.evaluate(CURRENT)), abs=2)


def test_the_playhead_follows_without_animation_too(opened):
    page = opened(reduced_motion="reduce")
    page.locator("#timeline").press(" ")
    page.wait_for_function("() => document.getElementById('video').currentTime > 0.7")
    page.locator("#timeline").press(" ")
    assert playhead(page) == pytest.approx(x_of(page, page.evaluate(CURRENT)), abs=2)


def test_a_click_in_the_timeline_seeks_and_dragging_scrubs(opened):
    page = opened()
    for seconds in (4.5, 1.25):
        with seeking(page):
            page.mouse.click(x_of(page, seconds), middle_of(page))
        assert page.evaluate(CURRENT) == pytest.approx(seconds, abs=0.02)
        assert playhead(page) == pytest.approx(x_of(page, seconds), abs=2)
    page.mouse.down()
    page.mouse.move(x_of(page, 3), middle_of(page), steps=3)
    page.mouse.move(x_of(page, 5), middle_of(page), steps=3)
    page.mouse.up()
    page.mouse.move(x_of(page, 2), middle_of(page))
    assert page.evaluate(CURRENT) == pytest.approx(5, abs=0.02)


def test_pointing_tells_the_largest_classes(opened):
    page = opened()
    page.mouse.move(x_of(page, (PEOPLE[2] + 0.5) / 10), middle_of(page))
    expect(page.locator("#tip")).to_be_visible()
    assert page.locator("#tip strong").inner_text() == "0:04.0"
    shown = page.locator("#tip span").all_inner_texts()
    assert [re.split(r"\s(?=[\d<])", text, maxsplit=1) for text in shown] == [
        ["Sky", "50.0 %"],
        ["Road", "45.3 %"],
        ["Pedestrian", "4.7 %"],
    ]
    page.mouse.move(5, 5)
    expect(page.locator("#tip")).to_be_hidden()


def test_a_video_that_starts_late_is_sought_by_its_own_clock(opened):
    page = opened("late.report.html")
    with seeking(page):
        page.mouse.click(x_of(page, 5.5), middle_of(page))
    assert page.evaluate(CURRENT) == pytest.approx(5.5, abs=0.02)
    page.locator("#timeline").press("Home")
    assert page.evaluate(CURRENT) == 2
    with seeking(page):
        page.get_by_role("button", name=re.compile("Most traffic")).click()
    assert page.evaluate(CURRENT) == pytest.approx(2 + (CARS[2] + 0.5) / 10, abs=0.02)
    assert page.locator("#trouble").is_hidden()


def test_the_page_of_a_part_has_the_times_of_the_video(opened):
    page = opened("part.report.html")
    assert page.locator("#playhead-time").inner_text() == "0:03.0"
    with seeking(page):
        page.mouse.click(x_of(page, 4.5), middle_of(page))
    assert page.evaluate(CURRENT) == pytest.approx(1.5, abs=0.02)
    assert playhead(page) == pytest.approx(x_of(page, 4.5), abs=2)
    with seeking(page):
        page.get_by_role("button", name=re.compile("Most people")).click()
    assert page.evaluate(CURRENT) == pytest.approx((PEOPLE[2] + 0.5) / 10 - 3, abs=0.02)
    with seeking(page):
        page.locator("#timeline").press("Home")
    assert page.evaluate(CURRENT) == 0
    assert "2.0 s from 0:03 on" in page.locator(".facts").inner_text()


def test_a_moment_seeks(opened):
    page = opened()
    for title, frames in (("Most traffic", CARS), ("Most people", PEOPLE)):
        with seeking(page):
            page.get_by_role("button", name=re.compile(title)).click()
        assert page.evaluate(CURRENT) == pytest.approx((frames[2] + 0.5) / 10, abs=0.01)
    row = page.get_by_role("row").filter(has=page.get_by_role("button", name="Pedestrian"))
    assert row.locator("td").all_inner_texts()[1] == "4.7 %"


def test_all_can_be_done_by_keyboard(opened):
    page = opened()
    names = []
    for _ in range(40):
        page.keyboard.press("Tab")
        names.append(page.evaluate("() => document.activeElement.id || document.activeElement.textContent.trim()"))
        outline = page.evaluate(
            "() => { const style = getComputedStyle(document.activeElement);"
            " return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) }"
        )
        assert outline or names[-1] == "video", f"focus on {names[-1]} cannot be seen"  # controls of Chromium's own
        if names[-1].startswith("Most traffic"):
            break
    assert names[0] == "Skip to the timeline"
    places = [names.index(name) for name in ("video", "timeline", "Sky", "Road", "Car", "Pedestrian")]
    assert sorted(places[:3]) == places[:3] and max(places) < len(names)
    with seeking(page):
        page.keyboard.press("Enter")
    assert page.evaluate(CURRENT) == pytest.approx((CARS[2] + 0.5) / 10, abs=0.01)

    timeline = page.get_by_role("slider", name="Time in the video")
    timeline.focus()
    for key, expected in (
        ("Home", 0),
        ("ArrowRight", 1),
        ("Shift+ArrowRight", SECONDS),
        ("ArrowLeft", SECONDS - 1),
        ("PageDown", SECONDS * 0.9 - 1),
        ("End", SECONDS),
        ("Shift+ArrowLeft", 0),
    ):
        page.keyboard.press(key)
        assert page.evaluate(CURRENT) == pytest.approx(expected, abs=0.05), key
        assert float(timeline.get_attribute("aria-valuenow")) == pytest.approx(expected, abs=0.05)
    assert timeline.get_attribute("aria-valuetext") == "0:00 of 0:06"


def test_classes_can_be_singled_out(opened):
    page = opened()
    traces = page.locator("#chart .scatterlayer .trace")
    assert traces.count() == 4
    car = page.get_by_role("button", name="Car", exact=True)
    car.click()
    assert traces.count() == 1 and car.get_attribute("aria-pressed") == "true"
    assert page.evaluate("() => document.getElementById('chart')._fullLayout.yaxis.range[1]") < 0.1
    page.get_by_role("button", name="Show all").click()
    assert traces.count() == 4 and car.get_attribute("aria-pressed") == "false"
    assert page.evaluate("() => document.getElementById('chart')._fullLayout.yaxis.range[1]") == 1


@pytest.mark.parametrize("name", ["clip.report.html", f"{HOSTILE_NAME}.report.html", "index.html"])
def test_a_phone_shows_all_without_scrolling_sideways(opened, name):
    page = opened(name, viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    assert page.evaluate("() => document.documentElement.scrollWidth") == 390
    beyond = page.evaluate(
        """() => [...document.querySelectorAll("body *:not(.skip):not(.unseen, .unseen *)")]
            .filter(one => one.getClientRects().length && one.getBoundingClientRect().right > 390.5)
            .map(one => one.outerHTML.slice(0, 80))"""
    )
    assert beyond == []


def test_a_tap_seeks(opened):
    page = opened(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    page.locator("#timeline").scroll_into_view_if_needed()
    with seeking(page):
        page.touchscreen.tap(x_of(page, 3.5), middle_of(page))
    assert page.evaluate(CURRENT) == pytest.approx(3.5, abs=0.04)


def test_colours_follow_the_scheme(opened):
    page = opened(color_scheme="light")
    look = """() => [document.body, document.querySelector("#chart .xtick text")].map((one, index) => {
        const style = getComputedStyle(one);
        return (index ? style.fill : style.backgroundColor).match(/\\d+/g).slice(0, 3).map(Number);
    })"""
    ground, label = page.evaluate(look)
    assert min(ground) > 230 and max(label) < 130
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(
        "() => parseInt(getComputedStyle(document.querySelector('#chart .xtick text')).fill.slice(4)) > 130"
    )
    ground, label = page.evaluate(look)
    assert max(ground) < 40 and min(label) > 130


def test_a_hostile_name_is_only_a_name(opened):
    page = opened(f"{HOSTILE_NAME}.report.html")
    assert page.title() == f"{HOSTILE_NAME} · roadseg"
    assert page.locator("h1").inner_text() == HOSTILE_NAME
    with seeking(page):
        page.get_by_role("button", name=re.compile("Most people")).click()
    assert page.evaluate(CURRENT) == pytest.approx((PEOPLE[2] + 0.5) / 10, abs=0.01)


def test_the_page_of_the_folder_leads_to_those_of_videos(opened):
    page = opened("index.html")
    assert page.get_by_role("link").all_inner_texts() == [HOSTILE_NAME, "clip"]
    page.get_by_role("link", name=HOSTILE_NAME).click()
    page.wait_for_function(LOADED)
    assert page.locator("h1").inner_text() == HOSTILE_NAME


def test_a_video_that_is_gone_is_told(browser, folder, tmp_path):
    for name in ("clip.report.html", "plotly.min.js"):
        shutil.copy(folder / name, tmp_path)
    page = browser.new_page()
    page.goto((tmp_path / "clip.report.html").as_uri())
    expect(page.get_by_role("alert")).to_contain_text("clip.overlay.mp4")
    page.close()


def test_foreign_script_does_not_run_and_cannot_call_home(browser, folder):
    page = browser.new_page()
    page.goto((folder / "clip.report.html").as_uri())
    page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "document.title = 'owned'";
            document.body.append(script);
            const image = document.createElement("img");
            image.setAttribute("onerror", "document.title = 'owned'");
            image.src = "data:image/png;base64,AAAA";
            document.body.append(image);
            return new Promise(done => setTimeout(done, 200));
        }"""
    )
    assert page.title() == "clip · roadseg"
    blocked = page.evaluate("() => fetch('http://127.0.0.1:9/').then(() => '', error => error.name)")
    reasons = page.evaluate(
        """() => new Promise(done => {
            document.addEventListener("securitypolicyviolation", event => done(event.effectiveDirective));
            new Image().src = "http://127.0.0.1:9/";
        })"""
    )
    assert (blocked, reasons) == ("TypeError", "img-src")
    page.close()
