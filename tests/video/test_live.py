"""Live sources: real servers on loopback, and a video that plays as if it were live."""

import re
import threading
import time
from fractions import Fraction
from itertools import pairwise

import pytest
from helpers.clips import level, make_clip
from helpers.servers import content, page, serving
from helpers.streams import motion_jpeg, rtsp_server

from roadseg.errors import VideoError
from roadseg.video import live
from roadseg.video.interval import Interval
from roadseg.video.live import Newest, SourceClock, is_endless, is_real_time, live_source

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def site():
    with serving() as site:
        yield site


def grey(frame):
    """Level at the lower right, which tells the number of the picture."""
    return float(frame.to_rgb()[-8:, -8:].mean())


def test_the_newest_frame_is_taken_and_those_before_it_are_counted(site):
    site.routes["/cam"] = motion_jpeg(rate=100)
    with Newest(live_source(site.url("/cam"))) as newest:
        taken = [newest.take()]
        for _ in range(3):
            time.sleep(0.15)
            taken.append(newest.take())
        assert [grey(one.frame) for one in taken] == pytest.approx([level(one.frame.index) for one in taken], abs=3)
        indices = [one.frame.index for one in taken]
        assert [one.dropped for one in taken[1:]] == [b - a - 1 for a, b in pairwise(indices)]
        assert all(one.dropped > 0 for one in taken[1:])


def test_a_stream_that_breaks_off_is_connected_to_again(site, monkeypatch):
    monkeypatch.setattr(live, "LONGEST_PAUSE", 0.01)
    site.routes["/cam"] = motion_jpeg(frames=4)
    notices = []
    address = site.url("/cam")
    with Newest(live_source(address), notices.append) as newest:
        while len(site.requests("/cam")) < 2:
            assert newest.take() is not None
        site.routes.clear()
        with pytest.raises(VideoError) as caught:
            while newest.take() is not None:
                pass
    assert notices[0].startswith(f"{address}: ") and notices[0].endswith("connecting again in 0.01 s (1 of 5)")
    assert notices[-1].endswith("(5 of 5)")
    assert re.search("is not back after 5 attempts", caught.value.cause)


def test_rtsp():
    with rtsp_server() as address, Newest(live_source(address)) as newest:
        frames = [newest.take().frame for _ in range(5)]
    assert (frames[0].width, frames[0].height) == (64, 48)
    assert [grey(frame) for frame in frames] == pytest.approx([level(frame.index) for frame in frames], abs=4)


def test_a_video_plays_at_its_own_speed_and_ends(tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", pts=range(25)).path
    started = time.monotonic()
    with Newest(live_source(str(clip), Interval.lasting(0.2, 0.4))) as newest:
        taken = []
        while (one := newest.take()) is not None:
            if not taken:
                time.sleep(0.5)
            taken.append(one)
    assert {one.frame.index for one in taken} <= set(range(5, 15))
    assert taken[0].frame.index == 5 and taken[1].dropped < 5  # it waits until the first was used
    assert taken[-1].arrived - started >= taken[-1].frame.seconds - 0.2 - 0.001  # it is never ahead
    assert sum(one.dropped for one in taken) == taken[-1].frame.index - taken[0].frame.index + 1 - len(taken)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("77", "camera 77: there is none, or another program has it"),
        ("rtsp://127.0.0.1:1/none", "rtsp://127.0.0.1:1/none: Connection refused"),
        ("no.mp4", "no.mp4: no such file"),
    ],
)
def test_a_source_that_is_not_there_is_told_at_once(given, told):
    with Newest(live_source(given)) as newest, pytest.raises(VideoError) as caught:
        newest.take()
    assert caught.value.cause == told and caught.value.remedy


def test_what_is_live(tmp_path, monkeypatch, site):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "5").touch()
    assert [is_real_time(given) for given in ("0", "5", "rtsp://x/y", "RTMP://x", "drive.mp4", "https://x/y")] == [
        *(True, False, True, True, False, False)
    ]
    playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\na.ts\n"
    kind = "application/vnd.apple.mpegurl"
    site.routes |= {
        "/cam": motion_jpeg(frames=1),
        "/live.m3u8": content(playlist.encode(), kind),
        "/recorded.m3u8": content(f"{playlist}#EXT-X-ENDLIST\n".encode(), kind),
        "/all.m3u8": content(b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlive.m3u8\n", kind),
        "/page": page("<video>"),
    }
    paths = ("/cam", "/live.m3u8", "/recorded.m3u8", "/all.m3u8", "/page", "/drive.mp4", "/no")
    assert [path for path in paths if is_endless(site.url(path))] == ["/cam", "/live.m3u8", "/all.m3u8"]
    assert not site.requests("/drive.mp4")  # its name says that it is a file


class Now:
    """A clock for tests, which goes on when somebody waits."""

    def __init__(self):
        self.seconds = 100.0

    def monotonic(self):
        return self.seconds

    def wait(self, seconds):
        self.seconds += seconds


@pytest.mark.parametrize("is_paced", [True, False])
def test_clocks_of_sources(monkeypatch, is_paced):
    now = Now()
    monkeypatch.setattr(live, "time", now)
    clock = SourceClock(now, is_paced=is_paced)
    assert (clock.wait(7.0), now.seconds) == (0, 100)
    # A second of frames that are there at once: shown by their times, or the newest at once.
    assert (clock.wait(8.0), now.seconds) == (0, 101 if is_paced else 100)
    now.seconds += 3
    assert clock.wait(9.0) == pytest.approx(2, abs=0.01)  # three seconds have passed, one of the source
    assert clock.wait(5000.0) == 0  # it jumps
    assert clock.wait(5000.0) == 0


def test_the_thread_ends_with_the_block(tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", pts=range(100), time_base=Fraction(1, 5)).path
    with Newest(live_source(str(clip))) as newest:
        newest.take()
    assert not [thread for thread in threading.enumerate() if thread.name == "roadseg-live"]
