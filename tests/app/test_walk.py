"""One walk through the page in Chromium: choose, look, draw, adapt, stop, end."""

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.timeout(240), pytest.mark.slow, pytest.mark.extra("starlette", "uvicorn")]
expect.set_options(timeout=30_000)
LOADED = "() => document.querySelector('#results video')?.readyState >= 1"
BEYOND = """() => [...document.querySelectorAll("body *:not(.skip):not(.unseen, .unseen *)")]
    .filter(one => one.getClientRects().length && one.getBoundingClientRect().right > innerWidth + 0.5)
    .map(one => one.outerHTML.slice(0, 80))"""


@pytest.fixture
def page(browser, server):
    """The page; at the end the console has only refusals, and nothing came from elsewhere."""
    wrong = []
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    context.on("console", lambda message: "status of 400" in message.text or wrong.append(message.text))
    context.on("weberror", lambda error: wrong.append(str(error.error)))
    own = (server.address, "data:", "blob:")
    context.on("request", lambda request: request.url.startswith(own) or wrong.append(request.url))
    page = context.new_page()
    page.goto(server.address)
    yield page
    context.close()
    assert wrong == []


def test_a_walk_through_the_page(page, server, tmp_path):
    session = server.session
    job, state = page.locator("#job"), page.locator("#job-stage")
    preview = page.locator("#preview")

    # Choose a video, by keyboard, and look at a frame
    cards = page.locator("#videos button")
    expect(cards).to_have_count(2)
    expect(cards.first).to_contain_text("first.mp4")
    expect(cards.first).to_contain_text("4.0 s · 64 × 48")
    expect(cards.last).to_contain_text("town")
    page.wait_for_function("() => [...document.querySelectorAll('#videos img')].every(one => one.naturalWidth == 320)")
    cards.first.focus()
    page.keyboard.press("Enter")
    expect(preview).to_be_visible()
    expect(page.locator("#moment-text")).to_have_text("0:01 of 0:04")
    assert page.locator("#run").input_value() == "tiny"
    assert preview.evaluate("one => one.naturalWidth") == 64

    # The preview follows what is chosen
    def renewed(action):
        before = preview.get_attribute("src")
        action()
        expect(preview).not_to_have_attribute("src", before)
        page.wait_for_function("() => document.getElementById('preview').complete")

    renewed(lambda: page.locator("#palette").select_option("bright"))
    renewed(lambda: page.locator("#legend").select_option("none"))
    assert preview.evaluate("one => one.naturalHeight") == 48
    renewed(lambda: page.locator("#side_by_side").check())
    assert preview.evaluate("one => one.naturalWidth") == 132
    page.locator("summary").click()
    renewed(lambda: page.get_by_label("Draw only road").check())
    page.locator("#moment").focus()
    renewed(lambda: page.keyboard.press("End"))
    expect(preview).to_have_attribute("alt", "Labelled frame at 0:04")

    # Make the overlay, play and download it, open its page
    page.get_by_role("button", name="Make the overlay").click()
    expect(state).to_have_text("done")
    page.get_by_role("button", name="Show it").click()
    expect(page.locator("#results video")).to_be_in_viewport()
    page.wait_for_function(LOADED)
    video = page.locator("#results video")
    assert video.evaluate("one => [one.videoWidth, one.duration]") == [132, 4]
    video.evaluate("one => new Promise(done => { one.onseeked = done; one.currentTime = 3 })")
    assert (session.out / "first.frames.parquet").is_file()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download video").click()
    download.value.save_as(tmp_path / "saved.mp4")
    assert (tmp_path / "saved.mp4").read_bytes() == (session.out / "first.overlay.mp4").read_bytes()
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Page with statistics").click()
    report = opened.value
    report.wait_for_selector("#chart .trace")
    report.wait_for_function("() => document.getElementById('video').readyState >= 1")
    report.close()

    # Another look refuses to replace it, until it is asked to
    renewed(lambda: page.locator("#legend").select_option("below"))
    page.get_by_role("button", name="Make the overlay").click()
    expect(job).to_contain_text("there already, made with another choice of --legend")
    page.get_by_role("button", name="Replace the earlier result").click()
    expect(state).to_have_text("done")

    # A path that is no video is answered in two lines; one that is joins the list
    page.locator("#path").fill("/no/such.mp4")
    page.locator("#path").press("Enter")
    expect(page.locator("#open .problem")).to_have_text("/no/such.mp4: no such file\nCheck the path.")
    assert server.session.library.as_dict()["found"][0]["name"] == "first.mp4"

    # Adapt: the chart grows, a reloaded page finds the job again, Stop keeps a checkpoint
    page.get_by_role("tab", name="Adapt to your roads").click()
    page.locator("#adapt-videos input").first.check()
    page.locator("#minutes").fill("60")
    page.locator("#name").fill("my roads")
    page.get_by_role("button", name="Start").click()
    page.wait_for_selector("#charts .trace", timeout=90_000)
    page.reload()
    page.wait_for_selector("#charts .trace")
    expect(job).to_contain_text("Adaptation my-roads")
    refused = page.request.post(f"{server.address}overlay", data={"video": 1, "run": "tiny", "look": {}})
    assert refused.status == 400 and refused.json()["cause"] == "my-roads: still running"
    page.get_by_role("button", name="Stop").click()
    expect(state).to_have_text("stopped; what is finished is kept")
    run = session.runs["my-roads"]
    assert run.folder.checkpoint.is_file() and not run.is_finished
    expect(page.locator("#runs li").filter(has_text="my-roads")).to_contain_text("not finished")

    # A short one ends with a verdict, and its weights are in the list
    page.locator("#minutes").evaluate("one => { one.min = one.step = 0.001; one.value = 0.001 }")
    page.locator("#name").fill("short")
    page.locator("#adapt-videos input").first.check()
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#verdict")).to_contain_text("judged without labels", timeout=90_000)
    expect(page.locator("#verdict .detail")).to_contain_text("checked with labels")
    expect(page.locator("#runs li").filter(has_text="short")).to_contain_text("your run")
    assert page.locator("#run option").all_inner_texts() == ["default", "indian", "tiny", "short"]

    # On a phone nothing is wider than the page
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate(BEYOND) == []

    # End the program on the page
    page.get_by_role("button", name="End roadseg").click()
    expect(page.locator("#ended")).to_be_visible()
