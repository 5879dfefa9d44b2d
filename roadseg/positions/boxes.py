"""Strict reader of the boxes of MP4 and QuickTime files (ISO/IEC 14496-12): it never hangs, and never reads beyond one.

Boxes are visited by name and level by level, so cycles and deep nesting lead nowhere.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

MAX_BOXES = 50_000
"""Boxes of a level that are looked at: half a day of a camera that writes one a second."""
MAX_TABLE_BYTES = 1 << 26
"""Bytes of a table of samples."""
MAX_SAMPLES = 4_000_000
MAX_SAMPLE_BYTES = 1 << 20
MAX_READ_BYTES = 1 << 28
"""Bytes of all samples of a track that are read."""
STARTS = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"GPS ")


class Box(NamedTuple):
    """A box without its header."""

    kind: bytes
    start: int
    """Offset of its content in the file."""
    end: int
    """Offset behind it."""


class Sample(NamedTuple):
    """Data of a track."""

    seconds: float
    """Time of presentation."""
    duration: float
    """Seconds."""
    data: bytes


class BoxFile:
    """An open file of boxes.

    with BoxFile(path) as file:
        for track in file.tracks:
            ...
    """

    def __init__(self, path: Path) -> None:
        """Open a file.

        Raises:
            OSError: it cannot be read.
        """
        self._file = path.open("rb")
        self.size = self._file.seek(0, os.SEEK_END)
        self.faults: list[str] = []
        """Damage that was met, each in a sentence."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    @property
    def is_one(self) -> bool:
        """True if the file begins with a box that such files begin with."""
        return self.read(4, 4) in STARTS

    @cached_property
    def top(self) -> list[Box]:
        """Boxes of the highest level; one that the end of the file cuts off ends there."""
        return list(self._boxes(0, self.size, whole=True))

    @cached_property
    def tracks(self) -> "list[BoxTrack]":
        """Tracks of the file."""
        movie = self.first(self.top, b"moov")
        return [] if movie is None else [BoxTrack(self, box) for box in self.inside(movie) if box.kind == b"trak"]

    def inside(self, box: Box, *, guessed: bool = False) -> list[Box]:
        """Return the boxes in a box; `guessed` where there may be other data, which is not a fault."""
        known = len(self.faults)
        found = list(self._boxes(box.start, box.end, whole=False))
        if guessed:
            del self.faults[known:]
        return found

    def first(self, boxes: list[Box], *kinds: bytes) -> Box | None:
        """Return the first box of a kind, or of one kind in another."""
        for kind in kinds[:-1]:
            outer = next((box for box in boxes if box.kind == kind), None)
            if outer is None:
                return None
            boxes = self.inside(outer)
        return next((box for box in boxes if box.kind == kinds[-1]), None)

    def read(self, start: int, length: int) -> bytes:
        """Return bytes of the file, fewer at its end."""
        self._file.seek(start)
        return self._file.read(max(0, min(length, self.size - start)))

    def content(self, box: Box | None) -> bytes:
        """Return the content of a box; empty without one, or if it is larger than any table."""
        if box is None:
            return b""
        if box.end - box.start > MAX_TABLE_BYTES:
            self._fault(box.kind, box.start)
            return b""
        return self.read(box.start, box.end - box.start)

    def _boxes(self, start: int, end: int, *, whole: bool) -> Iterator[Box]:
        for _ in range(MAX_BOXES):
            header = self.read(start, 16)
            if start + 8 > end or len(header) < 8:
                return
            length, kind, behind = int.from_bytes(header[:4], "big"), header[4:8], 8
            if length == 1:
                length, behind = int.from_bytes(header[8:16], "big"), 16
            elif length == 0:
                if not whole:  # the zeros that end a list
                    return
                length = end - start
            if length < behind or (start + length > end and not whole):
                self._fault(kind, start)
                return
            yield Box(kind, start + behind, min(end, start + length))
            start += length

    def _fault(self, kind: bytes, start: int) -> None:
        name = kind.decode("ascii", "backslashreplace")
        self.faults.append(f"a box {name!r} at byte {start} has a wrong length: nothing behind it is read")


@dataclass(frozen=True)
class BoxTrack:
    """A track of a file."""

    file: BoxFile
    box: Box

    @cached_property
    def _media(self) -> list[Box]:
        media = self.file.first(self.file.inside(self.box), b"mdia")
        return [] if media is None else self.file.inside(media)

    @cached_property
    def _tables(self) -> list[Box]:
        table = self.file.first(self._media, b"minf", b"stbl")
        return [] if table is None else self.file.inside(table)

    @cached_property
    def handler(self) -> bytes:
        """Four characters that name the kind of the track, for example `vide`."""
        return self._table(b"hdlr")[8:12] if self._tables else b""

    @cached_property
    def description(self) -> bytes:
        """Description of its samples: eight bytes of counts, then boxes, the first with the name of the format."""
        return self._table(b"stsd")

    @property
    def format(self) -> bytes:
        """Four characters that name the format of the first description."""
        return self.description[12:16]

    def _table(self, kind: bytes) -> bytes:
        return self.file.content(self.file.first([*self._media, *self._tables], kind))

    def _numbers(self, kind: bytes, columns: int, skipped: int = 8, dtype: str = ">u4") -> NDArray[np.int64]:
        """Return the rows of a table, as many as it states and holds."""
        content = self._table(kind)
        stated = int.from_bytes(content[skipped - 4 : skipped], "big")
        row = columns * np.dtype(dtype).itemsize
        rows = max(0, min(stated, (len(content) - skipped) // row))
        if not rows:
            return np.zeros((0, columns), np.int64)
        return np.frombuffer(content, dtype, rows * columns, skipped).astype(np.int64).reshape(rows, columns)

    def samples(self, largest: int = MAX_SAMPLE_BYTES) -> Iterator[Sample]:
        """Yield the samples in their order, at most the first `largest` bytes of each; those outside the file are left
        out.
        """
        offsets, sizes, seconds, durations = self._layout()
        left = min(MAX_READ_BYTES, 2 * self.file.size)
        for offset, size, second, duration in zip(offsets, sizes, seconds, durations, strict=True):
            taken = min(int(size), largest)
            left -= taken
            if left < 0:
                self.file.faults.append("a track holds more data than the file: the rest is not read")
                return
            if 0 <= offset <= self.file.size - size:
                yield Sample(float(second), float(duration), self.file.read(int(offset), taken))

    def _layout(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Return offset, size, time and duration of each sample."""
        sizes = self._sizes()
        chunks = self._numbers(b"stco", 1)[:, 0]
        if not len(chunks):
            chunks = self._numbers(b"co64", 1, dtype=">u8")[:, 0]
        of_chunk = _repeated(np.arange(len(chunks)), self._chunk_lengths(len(chunks)), len(sizes))
        deltas = self._numbers(b"stts", 2)
        durations = _repeated(deltas[:, 1], deltas[:, 0], len(sizes))
        count = min(len(sizes), len(of_chunk), len(durations))
        sizes, of_chunk, durations = sizes[:count], of_chunk[:count], durations[:count]
        before = np.concatenate([[0], np.cumsum(sizes)])[:count]
        begins = np.concatenate([[True], of_chunk[1:] != of_chunk[:-1]])[:count]
        first = np.maximum.accumulate(np.where(begins, np.arange(count), 0)) if count else np.zeros(0, np.int64)
        offsets = chunks[of_chunk] + before - before[first]
        starts = np.concatenate([[0], np.cumsum(durations)])[:count]
        shifts = self._numbers(b"ctts", 2)
        shift = _repeated(shifts[:, 1].astype(np.uint32).astype(np.int32).astype(np.int64), shifts[:, 0], count)
        starts[: len(shift)] += shift
        scale = self._time_scale()
        return offsets, sizes, starts / scale - self._edit(scale), durations / scale

    def _sizes(self) -> NDArray[np.int64]:
        content = self._table(b"stsz")
        size, count = int.from_bytes(content[4:8], "big"), int.from_bytes(content[8:12], "big")
        if size:
            return np.full(min(count, MAX_SAMPLES, self.file.size // size), size, np.int64)
        return self._numbers(b"stsz", 1, 12)[:MAX_SAMPLES, 0]

    def _chunk_lengths(self, chunks: int) -> NDArray[np.int64]:
        """Return the number of samples in each chunk; none if the table contradicts itself."""
        runs = self._numbers(b"stsc", 3)
        begins = np.minimum(np.append(runs[:, 0] - 1, chunks), chunks)
        if not len(runs) or begins[0] != 0 or (np.diff(begins) < 0).any():
            return np.zeros(0, np.int64)
        return np.repeat(runs[:, 1], np.diff(begins))

    def _time_scale(self) -> int:
        content = self._table(b"mdhd")
        place = 20 if content[:1] == b"\1" else 12
        return int.from_bytes(content[place : place + 4], "big") or 1

    def _edit(self, scale: int) -> float:
        """Return the seconds by which an edit list shows the samples earlier."""
        content = self.file.content(self.file.first(self.file.inside(self.box), b"edts", b"elst"))
        movie = self.file.content(self.file.first(self.file.top, b"moov", b"mvhd"))
        place = 20 if movie[:1] == b"\1" else 12
        movie_scale = int.from_bytes(movie[place : place + 4], "big") or 1
        wide = content[:1] == b"\1"
        delay, at, width = 0.0, 8, 8 if wide else 4
        for _ in range(2):  # an empty edit, then where the media begins
            if at + 2 * width > len(content):
                break
            length = int.from_bytes(content[at : at + width], "big")
            begin = int.from_bytes(content[at + width : at + 2 * width], "big", signed=True)
            if begin >= 0:
                return begin / scale - delay
            delay += length / movie_scale
            at += 2 * width + 4
        return -delay


def _repeated(values: NDArray[np.int64], counts: NDArray[np.int64], limit: int) -> NDArray[np.int64]:
    """Return each value as often as its count says, at most `limit` values in all."""
    counts = np.clip(counts, 0, limit)[:limit]
    ends = np.cumsum(counts)
    used = min(len(counts), int(np.searchsorted(ends, limit)) + 1)
    return np.repeat(values[:used], counts[:used])[:limit]
