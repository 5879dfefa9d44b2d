"""Videos with positions, written byte by byte as cameras do."""

import struct
from collections.abc import Sequence
from datetime import datetime
from itertools import accumulate
from pathlib import Path

import av
import numpy as np


def write_clip(path: Path, creation: datetime | None = None, seconds: int = 8) -> Path:
    """Write a video of one frame a second, 64x48, and return its path."""
    with av.open(str(path), "w") as container:
        if creation is not None:
            container.metadata["creation_time"] = creation.isoformat()
        stream = container.add_stream("mpeg4", rate=1)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(seconds):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), "rgb24")))
        container.mux(stream.encode())
    return path


def nmea_sentence(body: str) -> str:
    """A sentence with its checksum."""
    total = 0
    for character in body:
        total ^= ord(character)
    return f"${body}*{total:02X}"


def box(kind: bytes, *content: bytes) -> bytes:
    """Return a box of MP4."""
    data = b"".join(content)
    return struct.pack(">I4s", 8 + len(data), kind) + data


def full_box(kind: bytes, *content: bytes) -> bytes:
    """Return a box of MP4 with version and flags."""
    return box(kind, bytes(4), *content)


def track(handler: bytes, form: bytes, samples: Sequence[bytes], offset: int, *, milliseconds: int = 1000) -> bytes:
    """Return a track whose samples lie one behind the other from `offset` on, and last as long each."""
    count = len(samples)
    tables = box(
        b"stbl",
        full_box(b"stsd", struct.pack(">I", 1), box(form, bytes(8))),
        full_box(b"stts", struct.pack(">3I", 1, count, milliseconds)),
        full_box(b"stsc", struct.pack(">4I", 1, 1, count, 1)),
        full_box(b"stsz", struct.pack(f">2I{count}I", 0, count, *map(len, samples))),
        full_box(b"stco", struct.pack(">2I", 1, offset)),
    )
    length = count * milliseconds
    return box(
        b"trak",
        full_box(b"tkhd", struct.pack(">5I60x", 0, 0, 9, 0, length)),
        box(
            b"mdia",
            full_box(b"mdhd", struct.pack(">4I4x", 0, 0, 1000, length)),
            full_box(b"hdlr", bytes(4), handler, bytes(13)),
            box(b"minf", tables),
        ),
    )


def with_track(path: Path, handler: bytes, form: bytes, samples: Sequence[bytes], *, milliseconds: int = 1000) -> Path:
    """Add a track to a video whose index is at its end."""
    before, movie = _split(path)
    data = box(b"mdat", *samples)
    added = track(handler, form, samples, len(before) + 8, milliseconds=milliseconds)
    path.write_bytes(before + data + box(b"moov", movie, added))
    return path


def with_blocks(path: Path, blocks: Sequence[bytes], *, index: bool = False) -> Path:
    """Add Novatek's blocks to a video whose index is at its end: as boxes, or in `mdat` with an index of them."""
    before, movie = _split(path)
    if not index:
        path.write_bytes(before + box(b"moov", movie) + b"".join(box(b"free", block[4:]) for block in blocks))
        return path
    whole = [box(b"free", block[4:]) for block in blocks]
    places = list(accumulate(map(len, whole), initial=len(before) + 8))
    entries = b"".join(struct.pack(">2I", at, len(block)) for at, block in zip(places, whole, strict=False))
    listed = box(b"gps ", struct.pack(">2I", 0x101, len(whole)), entries)
    path.write_bytes(before + box(b"mdat", *whole) + box(b"moov", movie, listed))
    return path


def _split(path: Path) -> tuple[bytes, bytes]:
    """Return what precedes the last box of a video, `moov`, and its content."""
    data, at = path.read_bytes(), 0
    while data[at + 4 : at + 8] != b"moov":
        at += int.from_bytes(data[at : at + 4], "big")
    assert at + int.from_bytes(data[at : at + 4], "big") == len(data)
    return data[:at], data[at + 8 :]


def novatek(
    at: int,
    when: datetime,
    lat: float,
    lon: float,
    *,
    letters: bytes = b"ANE",
    knots: float = 10.0,
    course: float = 0.0,
) -> bytes:
    """Return a block of 256 bytes with the time at an offset; places as DDDMM.MMMM."""
    block = bytearray(256)
    block[:8] = b"freeGPS "
    fields = (when.hour, when.minute, when.second, when.year - 2000, when.month, when.day)
    struct.pack_into("<6I3sx4f", block, at, *fields, letters, lat, lon, knots, course)
    return bytes(block)


def gpmf(key: bytes, kind: bytes, size: int, *structures: bytes) -> bytes:
    """Return an item of GPMF; a list for the type of a zero byte."""
    data = b"".join(structures)
    repeat = len(data) // size
    return struct.pack(">4scBH", key, kind, size, repeat) + data + bytes(-len(data) % 4)


def gopro_sample(fixes: Sequence[tuple[float, float, float]], *, when: bytes, dop: int = 150, lock: int = 3) -> bytes:
    """Return a sample of GPS5 with latitude, longitude and speed of each fix."""
    points = [struct.pack(">5i", round(lat * 1e7), round(lon * 1e7), 0, round(v * 1e3), 0) for lat, lon, v in fixes]
    stream = gpmf(
        b"STRM",
        b"\0",
        1,
        gpmf(b"GPSF", b"L", 4, struct.pack(">I", lock)),
        gpmf(b"GPSU", b"U", 16, when),
        gpmf(b"GPSP", b"S", 2, struct.pack(">H", dop)),
        gpmf(b"SCAL", b"l", 4, struct.pack(">5i", 10**7, 10**7, 1000, 1000, 100)),
        gpmf(b"GPS5", b"l", 20, *points),
    )
    return gpmf(b"DEVC", b"\0", 1, gpmf(b"DVNM", b"c", 4, b"Hero"), stream)


def tesla_message(lat: float, lon: float, speed: float, heading: float) -> bytes:
    """Return the supplemental information of a picture, with start code: a message of protobuf as user data."""
    message = b"\x08\x01\x10\x01\x18\x2a" + struct.pack("<BfBdBdBd", 0x25, speed, 0x59, lat, 0x61, lon, 0x69, heading)
    payload = 16 * b"B" + b"i" + message
    unit = bytes([6, 5, len(payload)]) + payload + b"\x80"
    return b"\0\0\0\1" + escaped(unit)


def escaped(unit: bytes) -> bytes:
    """Return a unit with the bytes that keep it from looking like a start code."""
    out, zeros = bytearray(), 0
    for byte in unit:
        if zeros >= 2 and byte <= 3:
            out.append(3)
            zeros = 0
        out.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(out)


def write_tesla(path: Path, messages: Sequence[bytes]) -> Path:
    """Write a video of H.264, one frame a second, with a message in front of each picture."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=1, options={"bf": "0", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        left = iter(messages)
        pictures = [av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), "rgb24") for _ in messages]
        for packet in (packet for picture in [*pictures, None] for packet in stream.encode(picture)):
            marked = av.Packet(next(left) + bytes(packet))
            marked.pts, marked.dts, marked.time_base = packet.pts, packet.dts, packet.time_base
            marked.stream, marked.is_keyframe = stream, packet.is_keyframe
            container.mux(marked)
    return path


def transport_stream(payloads: Sequence[bytes]) -> bytes:
    """Return packets of private data on a stream of their own, between packets of padding."""
    packets = []
    for payload in payloads:
        unit = b"\0\0\1\xbf" + struct.pack(">H", len(payload)) + payload
        packets += [b"\x47\x1f\xff\x10".ljust(188, b"\xff")] * 3
        packets.append(b"\x47\x43\x00\x10" + unit.ljust(184, b"\xff"))
    return b"".join(packets)
