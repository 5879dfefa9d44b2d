"""Real HTTP servers on 127.0.0.1 and small real videos to serve from them."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av
import numpy as np
from Cryptodome.Cipher import AES
from Cryptodome.Util.Padding import pad


@dataclass(frozen=True)
class Seen:
    """A request that the server got, and how much of the body it sent."""

    path: str
    range: str | None
    sent_bytes: int


class Handler(BaseHTTPRequestHandler):
    server: "Site"

    def do_GET(self) -> None:
        self.sent_bytes = 0
        try:
            self.server.routes.get(self.path, status(404))(self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            self.server.seen.append(Seen(self.path, self.headers.get("Range"), self.sent_bytes))

    do_HEAD = do_GET  # noqa: N815

    def reply(self, code: int, headers: dict[str, str], body: bytes = b"") -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
            self.sent_bytes = len(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


Route = Callable[[Handler], None]


class Site(ThreadingHTTPServer):
    """A server with `routes`, the answer of each path, and `seen`, the requests so far."""

    daemon_threads = False  # so that closing the server waits for its threads and leaves no open socket

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.routes: dict[str, Route] = {}
        self.seen: list[Seen] = []
        self.closing = threading.Event()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"

    def requests(self, path: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.path == path]


@contextmanager
def serving() -> Iterator[Site]:
    """A site that runs until the block ends."""
    site = Site()
    thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        site.closing.set()
        site.shutdown()
        thread.join()
        site.server_close()


def content(
    body: bytes, kind: str = "video/mp4", *, ranges: bool = True, cut_at: int | None = None, **headers: str
) -> Route:
    """Answer with `body`; with `ranges` also parts of it, if `If-Range` is this version; with `cut_at` hang up before
    that byte of the file."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def route(handler: Handler) -> None:
        first, code, extra = 0, 200, {"Accept-Ranges": "bytes"} if ranges else {}
        asked = handler.headers.get("Range")
        wanted = handler.headers.get("If-Range")
        if ranges and asked and wanted in (None, headers.get("ETag"), headers.get("Last-Modified")):
            first = int(asked.removeprefix("bytes=").split("-")[0])
            code, extra = 206, {"Content-Range": f"bytes {first}-{len(body) - 1}/{len(body)}"}
        rest = body[first:]
        length = {"Content-Type": kind, "Content-Length": str(len(rest))}
        handler.reply(code, length | extra | headers, rest if cut_at is None else body[first:cut_at])
        handler.close_connection = True

    return route


def page(html: str) -> Route:
    return content(html.encode(), "text/html; charset=utf-8", ranges=False)


def redirect(location: str) -> Route:
    return lambda handler: handler.reply(302, {"Location": location, "Content-Length": "0"})


def status(code: int) -> Route:
    return lambda handler: handler.reply(code, {"Content-Length": "0"})


def silence(handler: Handler) -> None:
    """Take the request and say nothing until the server closes."""
    handler.server.closing.wait()
    handler.close_connection = True


def folder(path: Path, prefix: str) -> dict[str, Route]:
    """Routes for the files of a folder."""
    kinds = {".m3u8": "application/vnd.apple.mpegurl", ".ts": "video/mp2t"}
    return {
        f"{prefix}/{file.name}": content(file.read_bytes(), kinds.get(file.suffix, "video/mp4"))
        for file in path.iterdir()
    }


def write_clip(
    path: Path, *, seconds: int = 2, width: int = 96, height: int = 64, seed: int = 0, **options: str
) -> Path:
    """An H.264 clip of noise at 10 fps with a key frame each second; the suffix chooses the container."""
    noise = np.random.default_rng(seed)
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream("libx264", rate=10, options={"g": "10", "keyint_min": "10", "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for _ in range(10 * seconds):
            picture = noise.integers(0, 256, (height, width, 3), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


def cut_clip(video: Path, path: Path, *, seconds: float) -> Path:
    """The first seconds of a video, packet by packet."""
    with av.open(str(video)) as whole, av.open(str(path), "w") as part:
        stream = part.add_stream_from_template(whole.streams.video[0])
        for packet in whole.demux(whole.streams.video[0]):
            if packet.dts is not None and packet.pts * packet.time_base < seconds:
                packet.stream = stream
                part.mux(packet)
    return path


def write_hls(folder: Path, *, fragmented_mp4: bool = False) -> Path:
    """A three-second HLS stream, a segment a second; returns its playlist."""
    folder.mkdir()
    return write_clip(
        folder / "index.m3u8",
        seconds=3,
        hls_time="1",
        hls_playlist_type="vod",
        hls_segment_type="fmp4" if fragmented_mp4 else "mpegts",
    )


def encrypt_hls(playlist: Path, method: str = "AES-128") -> None:
    """Encrypt the segments of an HLS stream by RFC 8216: `key` lies beside them, the IV is the segment's number."""
    key = bytes(range(16))
    (playlist.parent / "key").write_bytes(key)
    for number, segment in enumerate(sorted(playlist.parent.glob("*.ts"))):
        cipher = AES.new(key, AES.MODE_CBC, iv=number.to_bytes(16, "big"))
        segment.write_bytes(cipher.encrypt(pad(segment.read_bytes(), AES.block_size)))
    head, first, rest = playlist.read_text().partition("#EXTINF")
    playlist.write_text(f'{head}#EXT-X-KEY:METHOD={method},URI="key"\n{first}{rest}')
