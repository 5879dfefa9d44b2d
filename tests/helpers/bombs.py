"""Small files that ask for much memory or time."""

import struct
import zlib
from pathlib import Path


def huge_png(*, side: int = 40_000, bits: int = 8, colour_type: int = 0) -> bytes:
    """A PNG whose header promises side x side pixels; its data are a few rows.

    Args:
        side: width and height in pixels.
        bits: bits of a channel.
        colour_type: 0 for grey, 2 for RGB.
    """
    row = bytes(1 + side * (3 if colour_type == 2 else 1) * bits // 8)
    header = struct.pack(">IIBBBBB", side, side, bits, colour_type, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(row * 3)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(map(png_chunk, *zip(*chunks, strict=True)))


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG: length, kind, content, checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def sparse(path: Path, size: int) -> Path:
    """A file of `size` zero bytes that takes no room on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size)
    return path
