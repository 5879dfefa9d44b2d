"""Local page that shows a live overlay: a server on the loopback interface alone."""

import json
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import ClassVar, Self

import cv2

from roadseg.errors import InputError
from roadseg.overlay.live import LiveStatus
from roadseg.report.html import render, template_text
from roadseg.video.frame import Frame

HOST = "127.0.0.1"
JPEG_QUALITY = 85
BOUNDARY = "frame"
SEND_SECONDS = 10.0
"""Longest wait for a browser that takes no more data."""
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; img-src 'self' data:; script-src 'self'; connect-src 'self'; "
    "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""Other pages in the browser may neither show nor read what is here."""


class LivePage:
    """Server of one page with the picture, its speed and notices. Only programs on this machine reach it.

    Args:
        title: name of the source.
        port: port to listen at; None for a free one.

    Raises:
        InputError: another program listens at the port, or it is not allowed.
    """

    closed: ClassVar[bool] = False
    """A page in a browser may be closed and opened again."""

    def __init__(self, title: str, port: int | None = None) -> None:
        self.title = title
        self.changed = threading.Condition()
        self.picture = b""
        """The last frame as JPEG; empty before the first."""
        self.number = 0
        """Number of pictures so far."""
        self.status = LiveStatus()
        self.notice = ""
        self.viewers = 0
        """Number of browsers that take pictures."""
        self.ended = False
        try:
            self._server = _Server((HOST, port or 0), self)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise InputError(f"port {port}: cannot be used ({reason})", "Choose another --port.") from None
        self._thread = threading.Thread(target=self._server.serve_forever, name="roadseg-page", args=(0.1,))

    @property
    def address(self) -> str:
        """Address of the page."""
        return f"http://{HOST}:{self._server.server_port}/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self.changed:
            self.ended = True
            self.changed.notify_all()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def show(self, frame: Frame, status: LiveStatus) -> None:
        """Send a frame to all browsers that look; each takes the newest one when it can."""
        picture = b""
        if self.viewers:
            bgr = cv2.cvtColor(frame.to_rgb(), cv2.COLOR_RGB2BGR)
            picture = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()
        with self.changed:
            self.status, self.notice = status, ""
            if picture:
                self.picture, self.number = picture, self.number + 1
            self.changed.notify_all()

    def say(self, notice: str) -> None:
        """Show a sentence until the next frame."""
        self.notice = notice


class _Server(ThreadingHTTPServer):
    daemon_threads = True  # a browser that takes no data does not hold up the end

    def __init__(self, address: tuple[str, int], page: LivePage) -> None:
        self.page = page
        super().__init__(address, _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Browsers go away at any time."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = SEND_SECONDS

    def do_GET(self) -> None:
        page = self.server.page
        port = self.server.server_port
        if self.headers.get("Host") not in (f"{HOST}:{port}", f"localhost:{port}"):
            self._reply(b"for this machine alone", "text/plain", code=403)  # a name that leads here by a trick
        elif self.path == "/":
            self._reply(render("live.html", name=page.title).encode(), "text/html; charset=utf-8")
        elif self.path == "/live.js":
            self._reply(template_text("live.js").encode(), "text/javascript; charset=utf-8")
        elif self.path == "/status":
            facts = {**vars(page.status), "notice": page.notice}
            self._reply(json.dumps(facts).encode(), "application/json")
        elif self.path == "/stream":
            self._stream(page)
        else:
            self._reply(b"not found", "text/plain", code=404)

    def _stream(self, page: LivePage) -> None:
        """Send pictures, always the newest, until the browser or the look ends."""
        self._head(f"multipart/x-mixed-replace; boundary={BOUNDARY}")
        with page.changed:
            page.viewers += 1
        sent = 0
        try:
            while True:
                with page.changed:
                    page.changed.wait_for(lambda: page.ended or (page.number > sent and bool(page.picture)))  # noqa: B023
                    if page.ended:
                        return
                    picture, sent = page.picture, page.number
                head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
                self.wfile.write(head.encode() + picture + b"\r\n")
        except OSError:
            return
        finally:
            with page.changed:
                page.viewers -= 1

    def _reply(self, body: bytes, kind: str, code: int = 200) -> None:
        with suppress(OSError):
            self._head(kind, code, len(body))
            self.wfile.write(body)

    def _head(self, kind: str, code: int = 200, length: int | None = None) -> None:
        self.send_response(code)
        for name, value in {**HEADERS, "Content-Type": kind}.items():
            self.send_header(name, value)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Requests are no news."""
