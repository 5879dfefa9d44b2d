"""The map on pages, in a real browser: it is drawn, seeks, follows and is reached by keyboard."""

import numpy as np
import pytest
from helpers.placed import place_frames
from helpers.report_clips import CARS, FRAMES, make_results
from helpers.tables import along_equator, write_table
from playwright.sync_api import expect

import roadseg
from roadseg.report.pages import write_report

pytestmark = pytest.mark.timeout(120)
PEOPLE_LON = 179.9996
"""East of this the drive crosses the date line, 0.00002 degrees (2.2 m at the equator) a frame."""
GAP = slice(30, 36)
CURRENT = "() => document.getElementById('video').currentTime"
DRAWN = "() => document.getElementById('video').readyState >= 2 && document.querySelector('.drawn .casing[d]')"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Results of a drive along the equator, eastward across the date line, with a gap."""
    folder = tmp_path_factory.mktemp("map")
    files = make_results(folder / "clip.mp4", folder / "out")
    lon = (PEOPLE_LON + np.arange(FRAMES) * 2e-5 + 180) % 360 - 180
    lat = np.zeros(FRAMES)
    lon[GAP] = lat[GAP] = np.nan
    place_frames(files.frames, lat, lon)
    write_report(files)
    return files


@pytest.fixture
def page(open_offline, files):
    page = open_offline(files.folder / "clip.report.html")
    page.wait_for_function(DRAWN)
    return page


def screen_point(page, seconds):
    """Place of the line on the screen at a time: eastward at a steady speed, 56 pixels from both sides."""
    box = page.locator("[data-map=lines]").bounding_box()
    share = seconds / ((FRAMES - 1) / 10)
    return box["x"] + 56 + share * (box["width"] - 112), box["y"] + box["height"] / 2


def test_a_walk_over_the_map(page):
    # Pointing seeks the video, and moves the chart's line and the point.
    page.mouse.move(*screen_point(page, 5))
    page.wait_for_function("() => Math.abs(document.getElementById('video').currentTime - 5) < 0.05")
    expect(page.locator("#hover")).to_be_visible()
    tip = page.locator("[data-map=tip]")
    assert tip.locator("strong").inner_text() == "0:05.0" or tip.locator("strong").inner_text() == "0:04.9"
    readout = page.locator("[data-map=readout]").inner_text()
    assert "80 km/h, east" in readout and "0.00000° N, 179.99" in readout and "° W" in readout
    at = page.locator(".point circle").bounding_box()
    assert at["x"] + at["width"] / 2 == pytest.approx(screen_point(page, 5)[0], abs=2)

    # There is nothing to point at in the gap.
    page.mouse.move(*screen_point(page, 3.25))
    expect(tip).to_be_hidden()
    expect(page.locator("#hover")).to_be_hidden()
    page.locator("#timeline").press("Home")
    for _ in range(3):
        page.locator("#timeline").press("ArrowRight")
    page.evaluate("() => { document.getElementById('video').currentTime = 3.35 }")
    expect(page.locator("[data-map=readout]")).to_contain_text("position unknown")
    assert page.locator(".point").get_attribute("visibility") == "hidden"

    # The colour is chosen for the map and the chart together.
    choice = page.get_by_label("Colour")
    assert choice.locator("option").all_inner_texts()[-4:] == ["Road", "Car", "Pedestrian", "Speed"]
    choice.select_option(label="Car")
    assert page.locator("#chart .scatterlayer .trace").count() == 1
    assert page.get_by_role("button", name="Car", exact=True).get_attribute("aria-pressed") == "true"
    assert page.locator(".scale").inner_text().split("\n") == ["0.0 %", "4.7 %", "of the frame"]
    used = [path for path in page.locator(".drawn path[stroke]").all() if path.get_attribute("d")]
    assert len(used) == 4  # none, and 1.6, 3.1 and 4.7 % of the frame
    choice.select_option(label="Speed")
    assert page.locator("#chart .scatterlayer .trace").count() == 1
    page.get_by_role("button", name="Show all").click()
    assert page.locator("#chart .scatterlayer .trace").count() == 4
    page.get_by_role("button", name="Pedestrian").click()
    assert choice.input_value().startswith("class-")

    # By keyboard: along the line, and closer.
    slider = page.get_by_role("slider", name="Place on the driven line")
    slider.focus()
    page.keyboard.press("Home")
    for _ in range(CARS[2]):
        page.keyboard.press("ArrowRight")
    assert page.evaluate(CURRENT) == pytest.approx(CARS[2] / 10, abs=0.01)
    assert slider.get_attribute("aria-valuetext") == "0:01, 80 km/h, east"
    length = page.locator("[data-map=length]")
    assert length.inner_text() == "50 m"
    page.keyboard.press("+")
    page.keyboard.press("+")
    assert length.inner_text() == "20 m" and page.get_by_role("button", name="Zoom to fit").is_enabled()
    page.keyboard.press("0")
    assert length.inner_text() == "50 m" and page.get_by_role("button", name="Zoom to fit").is_disabled()

    # The point moves while the video plays.
    start = page.locator(".point circle").bounding_box()["x"]
    page.locator("#timeline").press(" ")
    page.wait_for_function("() => document.getElementById('video').currentTime > 2")
    assert page.locator(".point circle").bounding_box()["x"] > start + 5


def test_lengths_and_words_are_round(page):
    lengths = page.evaluate(
        "() => [130, 0.7, 1, 999, 45000, 2.5e6].map(most => roadMap.lengthText(roadMap.roundLength(most)))"
    )
    assert lengths == ["100 m", "50 cm", "1 m", "500 m", "20 km", "2000 km"]
    words = page.evaluate("() => [0, 22, 23, 181, 337, 338, 360].map(roadMap.towards)")
    assert words == ["north", "north", "north-east", "south", "north-west", "north", "north"]
    assert page.evaluate("() => roadMap.motion({speed: 0, heading: 90})") == "standing"
    assert page.evaluate("() => roadMap.figure(0.01, '% of the frame')") == "< 0.1 %"


def test_a_tap_on_a_phone_seeks(open_offline, files):
    page = open_offline(
        files.folder / "clip.report.html", viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True
    )
    page.wait_for_function(DRAWN)
    page.locator("#map").scroll_into_view_if_needed()
    page.touchscreen.tap(*screen_point(page, 4.5))
    page.wait_for_function("() => Math.abs(document.getElementById('video').currentTime - 4.5) < 0.06")
    assert page.evaluate("() => document.documentElement.scrollWidth") == 390


def test_without_positions_there_is_no_map(open_offline, files):
    nowhere = np.full(FRAMES, np.nan)
    place_frames(files.frames, nowhere, nowhere)
    write_report(files)
    page = open_offline(files.folder / "clip.report.html")
    page.wait_for_function("() => document.querySelector('#chart .trace')")
    assert page.locator("#map").count() == 0


def test_the_map_of_all_drives_shows_the_figures_of_a_place(open_offline, tmp_path):
    hostile = "<img src=x onerror=document.title='owned'> '&amp;"
    view = [{"vegetation": 1, "road": 3}] * 10 + [{"vegetation": 2, "road": 2}] * 10
    write_table(tmp_path / hostile, view, along_equator([10 * second for second in range(20)]))
    write_table(tmp_path / "north", view, along_equator([10 * second for second in range(20)], lat=0.001))
    base = tmp_path / "base.geojson"
    base.write_text('{"type": "LineString", "coordinates": [[-0.001, 0.0005], [0.002, 0.0005]]}')
    roadseg.stats_along([tmp_path], map_page=tmp_path / "map.html", basemap=base)
    page = open_offline(tmp_path / "map.html")
    page.wait_for_function(
        "() => document.querySelector('.drawn .casing[d]') && document.querySelector('.length').textContent"
    )
    assert page.locator(".ground .lines").get_attribute("d").count("M") == 1
    slider = page.get_by_role("slider", name="Places along the road")
    slider.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    figures = dict(row.split("\t", 1) for row in page.locator("#figures tbody tr").all_inner_texts())
    assert figures["Green view"] == "50.0 %\t36.8 %" and figures["vegetation"] == figures["Green view"]
    facts = page.locator("#facts").inner_text().split("\n")
    assert facts[:4] == ["Drive", hostile, "Stretch", "100 to 190 m"]
    assert slider.get_attribute("aria-valuetext") == f"{hostile}, 100 to 190 m, Green view 50.0 %"
    page.get_by_label("Colour").select_option(label="road")
    assert page.locator(".scale").inner_text().split("\n") == ["50.0 %", "75.0 %", "of the frame"]
    assert page.title() == "Map · roadseg"
