"""The page of a comparison in a real browser, opened from the disk."""

import numpy as np
import pytest
from helpers.comparison_boards import SPACE, make_board, misjudged, picture, truth
from PIL import Image
from playwright.sync_api import expect

from roadseg.report.comparison_files import write_comparison

pytestmark = pytest.mark.timeout(120)
HOSTILE = "<img src=x onerror=document.title='owned'> \"'&amp; </script> ü漢 100%41#?"
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


@pytest.fixture(scope="module")
def page_path(tmp_path_factory):
    return write_comparison(make_board(), tmp_path_factory.mktemp("out"), {})


@pytest.fixture
def page(open_offline, page_path):
    return open_offline(page_path)


def box(page):
    return page.locator(".wipe").first.bounding_box()


def colours(page, tmp_path):
    """A row of pixels across the upper quarter of the first image, away from badges and handle."""
    path = tmp_path / "wipe.png"
    page.locator(".wipe").first.screenshot(path=path)
    pixels = np.array(Image.open(path).convert("RGB")).astype(int)
    return pixels[round(0.3 * len(pixels))]


def edge(row, left, right):
    """Position, 0..1, at which a row changes from one row of colours to another; both have 64 labels."""
    width = len(row)
    columns = np.arange(width) * len(left) // width
    is_left, is_right = ((np.abs(row - side[columns]).max(-1) <= 6) for side in (left, right))
    only_left, only_right = np.flatnonzero(is_left & ~is_right), np.flatnonzero(is_right & ~is_left)
    assert only_left.max(initial=-1) < only_right.min(initial=width), "left and right are mixed"
    return (only_left.max(initial=-1) + 1) / width, only_right.min(initial=width) / width


def line(labels):
    return SPACE.palette[labels[9]].astype(int)


def test_the_mouse_moves_the_edge_between_two_layers(page, tmp_path):
    page.locator("#left").select_option(label="image")
    page.locator("#right").select_option(label="ground truth")
    sides = picture(0)[9].astype(int), line(truth(0))
    for share in (0.25, 0.8):
        where = box(page)
        page.mouse.click(where["x"] + share * where["width"], where["y"] + 0.75 * where["height"])
        low, high = edge(colours(page, tmp_path), *sides)
        assert low - 0.01 <= share <= high + 0.01 and high - low < 0.02
    page.mouse.move(where["x"] + 0.8 * where["width"], where["y"] + 0.5 * where["height"])
    page.mouse.down()
    page.mouse.move(where["x"] + 0.4 * where["width"], where["y"] + 0.6 * where["height"], steps=4)
    page.mouse.up()
    low, high = edge(colours(page, tmp_path), *sides)
    assert low - 0.01 <= 0.4 <= high + 0.01


def test_the_keyboard_moves_it_too(page, tmp_path):
    page.locator("#left").select_option(label="image")
    sides = picture(0)[9].astype(int), line(misjudged(0, 6))
    slider = page.get_by_role("slider", name="Share of the left in first")
    slider.focus()
    for key, share in (("ArrowLeft", 0.48), ("PageDown", 0.28), ("ArrowRight", 0.3), ("End", 1), ("Home", 0)):
        page.keyboard.press(key)
        assert float(slider.input_value()) == pytest.approx(100 * share)
        low, high = edge(colours(page, tmp_path), *sides)
        assert low - 0.01 <= share <= high + 0.01
    assert slider.get_attribute("aria-valuetext") == "0 % image, the rest adapted"
    other = page.get_by_role("slider", name="Share of the left in second")
    assert other.input_value() == "50", "images move by themselves"


def test_layers_are_chosen_and_swapped(page):
    first = page.locator(".wipe").first
    expect(first.locator(".on-left")).to_contain_text("baseline")
    expect(first.locator(".on-right")).to_contain_text("adapted")
    page.get_by_role("button", name="Swap").click()
    expect(first.locator(".on-left")).to_contain_text("adapted")
    expect(first.get_by_role("slider")).to_have_attribute("aria-valuetext", "50 % adapted, the rest baseline")
    assert first.locator("img.left").get_attribute("alt") == "adapted of first"
    page.get_by_label("Right").select_option(label="adapted")
    assert first.locator("img.left.right").count() == 1
    page.get_by_label("Right").select_option(label="ground truth")
    assert first.locator(".on-right").inner_text() == "ground truth"
    for number in range(2):
        visible = page.locator(".wipe").nth(number).locator("img:visible")
        assert visible.count() == 3  # the image lies below both


def test_colours_can_be_mixed_with_the_image(page, tmp_path):
    page.locator("#left").select_option(label="ground truth")
    page.locator("#right").select_option(label="ground truth")
    slider = page.get_by_label("Strength of colours")
    slider.focus()
    page.keyboard.press("Home")
    row = colours(page, tmp_path)
    columns = np.arange(len(row)) * 64 // len(row)
    mixed = 0.1 * line(truth(0))[columns] + 0.9 * picture(0)[9].astype(int)[columns]
    inside = np.abs(np.arange(len(row)) / len(row) - 0.5) > 0.05
    assert np.median(np.abs(row - mixed)[inside]) <= 4


def test_all_can_be_reached_by_keyboard_and_focus_is_seen(page):
    reached = []
    for _ in range(9):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                """() => {
                    const one = document.activeElement, seen = one.closest(".wipe") || one;
                    return [one.id || one.textContent.trim() || one.getAttribute("aria-label"),
                            getComputedStyle(seen).outlineStyle !== "none"];
                }"""
            )
        )
    names = [name for name, _ in reached]
    assert names[:5] == ["Skip to the scores", "left", "swap", "right", "strength"]
    assert names[5:7] == ["Share of the left in first", "Share of the left in second"]
    assert all(seen for _, seen in reached[:7])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_all_without_scrolling_sideways(open_offline, tmp_path, scheme):
    board = make_board(
        {HOSTILE: 24, "runs/with-a-rather-long-name/of-some-run": 6, "c": 9, "d": 1}, names=(HOSTILE, "b")
    )
    page = open_offline(write_comparison(board, tmp_path, {}), color_scheme=scheme, **PHONE)
    assert page.evaluate("() => document.documentElement.scrollWidth") == 390
    beyond = page.evaluate(
        """() => [...document.querySelectorAll("body *:not(.skip):not(.wide *, .wipe input)")]
            .filter(one => one.getClientRects().length && one.getBoundingClientRect().right > 390.5)
            .map(one => one.outerHTML.slice(0, 80))"""
    )
    assert beyond == []
    ground = page.evaluate("() => getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert min(ground) > 230 if scheme == "light" else max(ground) < 40
    assert HOSTILE in page.title() and HOSTILE in page.locator("h1").inner_text()


def test_a_tap_moves_the_edge(open_offline, page_path):
    page = open_offline(page_path, **PHONE)
    where = box(page)
    page.touchscreen.tap(where["x"] + 0.3 * where["width"], where["y"] + 0.7 * where["height"])
    slider = page.get_by_role("slider", name="Share of the left in first")
    assert float(slider.input_value()) == pytest.approx(30, abs=2)
