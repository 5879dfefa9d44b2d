"""Servers of live streams on 127.0.0.1: Motion JPEG over HTTP, and H.264 over RTSP."""

import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction

import av
import cv2
import numpy as np

from helpers.clips import picture
from helpers.servers import Handler


def motion_jpeg(frames: int = 10**6, rate: float = 50.0, size: tuple[int, int] = (64, 48)):
    """Answer with so many pictures as Motion JPEG; then the connection ends."""

    def answer(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "multipart/x-mixed-replace; boundary=b")
        handler.end_headers()
        for index in range(frames):
            data = cv2.imencode(".jpg", picture(index, *size)[:, :, ::-1])[1].tobytes()
            head = f"--b\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n".encode()
            handler.wfile.write(head + data + b"\r\n")
            if handler.server.closing.wait(1 / rate):
                break
        handler.close_connection = True

    return answer


class _Rtsp(socketserver.StreamRequestHandler):
    """RTSP 1.0 (RFC 2326) with RTP (RFC 6184) in the same connection; a picture each 40 ms until the server ends."""

    def handle(self) -> None:
        try:
            while line := self.rfile.readline().decode():
                method, url = line.split()[:2]
                headers = {}
                while (header := self.rfile.readline().decode().strip()) != "":
                    name, _, value = header.partition(":")
                    headers[name.lower()] = value.strip()
                self._answer(method, url, headers)
                if method == "PLAY":
                    self._play()
                    return
        except OSError:
            return

    def _answer(self, method: str, url: str, headers: dict[str, str]) -> None:
        body, more = "", {"Session": "1"}
        if method == "OPTIONS":
            more["Public"] = "OPTIONS, DESCRIBE, SETUP, PLAY"
        elif method == "DESCRIBE":
            body = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=clip\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n"
            body += "a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:track\r\n"
            more |= {"Content-Type": "application/sdp", "Content-Base": f"{url}/"}
        elif method == "SETUP":
            more["Transport"] = "RTP/AVP/TCP;unicast;interleaved=0-1"
        lines = ["RTSP/1.0 200 OK", f"CSeq: {headers['cseq']}", *(f"{name}: {value}" for name, value in more.items())]
        self.wfile.write("\r\n".join([*lines, f"Content-Length: {len(body)}", "", body]).encode())

    def _play(self) -> None:
        encoder = av.CodecContext.create("libx264", "w")
        encoder.width, encoder.height, encoder.pix_fmt = 64, 48, "yuv420p"
        encoder.time_base, encoder.options = Fraction(1, 25), {"tune": "zerolatency", "g": "10", "crf": "12"}
        number = 0
        for index in range(10**6):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture(index, 64, 48)), "rgb24")
            frame.pts = index
            for packet in encoder.encode(frame.reformat(format="yuv420p")):
                units = [unit.strip(b"\0") for unit in bytes(packet).split(b"\0\0\1") if unit.strip(b"\0")]
                for unit in units:
                    last = 0x80 if unit is units[-1] else 0
                    rtp = struct.pack("!BBHII", 0x80, last | 96, number & 0xFFFF, index * 3600, 1) + unit
                    self.wfile.write(struct.pack("!cBH", b"$", 0, len(rtp)) + rtp)
                    number += 1
            if self.server.stopped.wait(0.04):
                return


class _RtspServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = False

    def __init__(self) -> None:
        self.stopped = threading.Event()
        super().__init__(("127.0.0.1", 0), _Rtsp)


@contextmanager
def rtsp_server() -> Iterator[str]:
    """Serve a stream; yields its address."""
    server = _RtspServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"rtsp://127.0.0.1:{server.server_address[1]}/clip"
    finally:
        server.stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()
