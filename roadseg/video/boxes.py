"""Boxes of MP4 and QuickTime files (ISO/IEC 14496-12, section 4.2)."""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

MAX_BOXES = 4096
"""Largest number of boxes read on one level; files of cameras have fewer."""


class Box(NamedTuple):
    """A box: its four-letter name, and where its content begins and ends in the file."""

    kind: bytes
    start: int
    end: int


def boxes(file: BinaryIO, start: int, end: int) -> Iterator[Box]:
    """Yield the boxes that lie beside each other between two places of a file; stop where a length is impossible.

    Args:
        file: open for reading; its position changes.
        start: where the first box begins.
        end: where the last one ends; a box that would be longer is cut there.
    """
    for _ in range(MAX_BOXES):
        if start + 8 > end:
            return
        file.seek(start)
        header = file.read(16)
        if len(header) < 8:
            return
        length, kind, content = int.from_bytes(header[:4]), header[4:8], start + 8
        if length == 1:
            length, content = int.from_bytes(header[8:16]), start + 16
        elif length == 0:  # up to the end
            length = end - start
        if length < content - start or content > end:
            return
        yield Box(kind, content, min(start + length, end))
        start += length
