"""A live look on its page: what it serves, to whom, and that nothing of it stays."""

import json
import threading
from contextlib import contextmanager
from http.client import HTTPConnection
from urllib.request import Request, urlopen

import cv2
import numpy as np
import pytest
from helpers.drive_clips import TheUpperHalfIsSky, make_drive

from roadseg.errors import InputError, VideoError
from roadseg.jobs.live import overlay_live

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def drive(tmp_path):
    """Two seconds, ten frames a second."""
    return make_drive(tmp_path / "drive.mp4", (1,) * 20)


@contextmanager
def looking(source, **options):
    """A live look in a thread; yields the address of its page, and waits for the end of the video."""
    addresses, results, there = [], [], threading.Event()

    def tell(address):
        addresses.append(address)
        there.set()

    def look():
        results.append(overlay_live(source, TheUpperHalfIsSky(), port=0, on_address=tell, **options))

    thread = threading.Thread(target=look)
    thread.start()
    assert there.wait(20)
    yield addresses[0], results
    thread.join(30)
    assert not thread.is_alive()


def test_the_page_shows_the_newest_frame_and_its_speed(drive):
    with looking(drive, opacity=1, legend="none") as (address, results):
        with urlopen(f"{address}stream") as answer:
            assert answer.headers.get_content_type() == "multipart/x-mixed-replace"
            assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
            head = {}
            assert answer.readline() == b"--frame\r\n"
            while (line := answer.readline().decode().strip()) != "":
                name, _, head[name] = line.partition(": ")
            shown = cv2.imdecode(np.frombuffer(answer.read(int(head["Content-Length"])), np.uint8), cv2.IMREAD_COLOR)
        assert shown.shape == (48, 64, 3)
        assert np.abs(shown[40, 32].astype(int)[::-1] - (128, 64, 128)).max() < 12  # road
        while not (status := json.load(urlopen(f"{address}status")))["frames"]:
            pass  # the first picture may be here before it is counted
        assert status["median_latency_seconds"] > 0 and status["notice"] == ""
        assert b"<title>" in urlopen(address).read()
    (result,) = results
    assert result.frames >= 2 and 1 <= result.frames + result.dropped <= 20
    assert result.latency_seconds > 0 and result.worst_latency_seconds < 30
    with pytest.raises(OSError, match="refused"):
        urlopen(address)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("roadseg")]


def test_names_that_other_pages_have_led_here_get_nothing(drive):
    with looking(drive, duration=0.5) as (address, _):
        port = int(address.rstrip("/").rpartition(":")[2])
        for host, code in (("evil.example", 403), (f"127.0.0.1:{port}", 200), (f"localhost:{port}", 200)):
            connection = HTTPConnection("127.0.0.1", port)
            connection.request("GET", "/", headers={"Host": host})
            assert connection.getresponse().status == code
            connection.close()
        with pytest.raises(OSError, match="404"):
            urlopen(Request(f"{address}../etc"))


def test_what_cannot_be_shown_is_told(drive, tmp_path):
    with looking(drive, duration=0.3) as (address, _):
        port = int(address.rstrip("/").rpartition(":")[2])
        with pytest.raises(InputError, match=f"port {port}: cannot be used"):
            overlay_live(drive, TheUpperHalfIsSky(), port=port)
    with pytest.raises(InputError, match="is live and has no times"):
        overlay_live(77, TheUpperHalfIsSky(), port=0, start=5)
    with pytest.raises(VideoError, match="camera 77: there is none"):
        overlay_live(77, TheUpperHalfIsSky(), port=0)
    with pytest.raises(InputError, match="port 70000: wanted 0 to 65535"):
        overlay_live(drive, TheUpperHalfIsSky(), port=70000)
    with pytest.raises(InputError, match="Cat"):
        overlay_live(drive, TheUpperHalfIsSky(), port=0, classes=["Cat"])


def test_in_a_browser(browser, tmp_path):
    drive = make_drive(tmp_path / "drive.mp4", (1,) * 60)
    wrong = []
    context = browser.new_context()
    with looking(drive) as (address, _):
        page = context.new_page()
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(address, wait_until="commit")
        page.wait_for_function("() => document.getElementById('picture').naturalWidth === 64")
        page.wait_for_function("() => parseFloat(document.getElementById('fps').textContent) > 0")
        assert wrong == []
    page.wait_for_function("() => document.getElementById('notice').textContent === 'It has ended.'")
    context.close()
