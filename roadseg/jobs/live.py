"""The job behind a live look: labels on the newest frame of a camera, stream or video, in a window or on a page."""

from collections.abc import Callable
from fractions import Fraction
from os import PathLike, fspath
from typing import Unpack

from roadseg.errors import InputError, VideoError
from roadseg.inference.engines import EngineName, load_segmenter
from roadseg.inference.segmenter import Segmenter
from roadseg.jobs.live_page import LivePage
from roadseg.jobs.live_window import LiveWindow, has_display
from roadseg.models.names import DEFAULT
from roadseg.overlay.appearance import Appearance, AppearanceOptions
from roadseg.overlay.live import LiveMeter, LiveOverlay, LiveStatus
from roadseg.runtime import DeviceName
from roadseg.video.interval import Interval
from roadseg.video.live import Newest, live_source


def overlay_live(
    source: str | PathLike[str] | int,
    run: str | PathLike[str] | Segmenter = DEFAULT,
    *,
    input_size: tuple[int, int] | None = None,
    device: DeviceName = "auto",
    engine: EngineName = "auto",
    port: int | None = None,
    start: float | Fraction = 0,
    duration: float | Fraction | None = None,
    on_address: Callable[[str], None] = lambda address: None,
    on_status: Callable[[LiveStatus], None] = lambda status: None,
    on_notice: Callable[[str], None] = lambda notice: None,
    **appearance: Unpack[AppearanceOptions],
) -> LiveStatus:
    """Show a camera, a stream or a video with labels drawn on it, as it comes; nothing is written.

    The newest frame is labelled; those that come meanwhile are dropped and counted. So a frame waits at most for the
    one before it, and its picture comes at most twice the time of one frame after it. A stream that breaks off is
    connected to again, five times.

    The picture is in a window where there is a screen, which q or Escape closes, and otherwise on a page that browsers
    on this machine alone can open. It ends with the video, the window or Ctrl-C.

    Args:
        source: number of a camera, from 0; address of a stream (`rtsp://...`, `https://.../stream.m3u8`, MJPEG,
            MPEG-TS); or path of a video, which plays at its own speed.
        run: see `overlay_videos`; so are the options that are not described here.
        input_size: (width, height) in pixels that frames are scaled to for the network.
        device: see `load_segmenter`.
        engine: see `load_segmenter`.
        port: show the page, at this port of the machine itself; 0 for a free one. None for a window where possible.
        start: second of a video to begin at.
        duration: seconds of a video to play; None for all that follows.
        on_address: called with the address of the page.
        on_status: called after each frame.
        on_notice: called with sentences about connections, from another thread.
        **appearance: what people see, see `AppearanceOptions`.

    Returns:
        Frames shown and dropped, speed and latency.

    Raises:
        InputError: an option is outside its range, or the port cannot be used.
        VideoError: the source cannot be opened, or did not come back.
        WeightsError: there is no readable model.
    """
    given = str(source) if isinstance(source, int) else fspath(source)
    shown, part = Appearance.of(appearance), Interval.lasting(start, duration)
    if port is not None and not 0 <= port < 2**16:
        raise InputError(f"port {port}: wanted 0 to {2**16 - 1}", "Leave it out for a free one.")
    live = live_source(given, part)
    if not live.ends and not part.is_whole:
        raise InputError(f"{given}: is live and has no times to begin or end at", "Leave --start and --duration out.")
    display = LiveWindow(live.name) if port is None and has_display() else LivePage(live.name, port)

    def notice(text: str) -> None:
        display.say(text)
        on_notice(text)

    meter = LiveMeter()
    with display, Newest(live, notice) as newest:
        taken = newest.take()  # first: a missing source is reported before the network is loaded
        if taken is None:
            raise VideoError(f"{given}: none of its frames can be decoded", "Check that it plays elsewhere.")
        segmenter = run
        if not isinstance(segmenter, Segmenter):
            segmenter = load_segmenter(segmenter, device=device, engine=engine, input_size=input_size)
        overlay = LiveOverlay(segmenter, shown)
        if isinstance(display, LivePage):
            on_address(display.address)
        while taken is not None and not display.closed:
            display.show(overlay.draw(taken.frame), meter.status)
            on_status(meter.count(taken.arrived, taken.dropped))
            taken = newest.take()
    return meter.status
