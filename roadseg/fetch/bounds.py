"""Limits on the memory and the time that an answer of a server may take.

Answers that are read whole (pages, playlists, keys) have a maximum size, after decompression; a video is read in blocks
and has none. All must arrive at a minimum speed.
"""

import http.client
import io
import time
import zlib
from typing import Any, Protocol

MAX_WHOLE_BYTES = 32 << 20
"""Largest size of an answer that is read whole. Pages have a few MB; a playlist of a day in short segments 20 MB."""
MAX_SEGMENT_BYTES = 512 << 20
"""Largest size of a segment of a stream, which yt-dlp reads whole from the disk."""
MIN_BYTES_PER_SECOND = 1000
WINDOW_SECONDS = 60.0
"""Time over which the speed is averaged. Only waiting counts, so that `--rate-limit` makes no server look slow."""


class TooLargeError(OSError):
    """An answer that is read whole is larger than `MAX_WHOLE_BYTES`."""

    def __init__(self) -> None:
        super().__init__(f"answer larger than {MAX_WHOLE_BYTES} bytes")


class TooSlowError(OSError):
    """An answer arrives more slowly than `MIN_BYTES_PER_SECOND`."""

    def __init__(self) -> None:
        super().__init__(f"slower than {MIN_BYTES_PER_SECOND} bytes per second")


class BoundedResponse(http.client.HTTPResponse):
    """Answer with a maximum size where it is read whole, and a minimum speed."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.fp = io.BufferedReader(_Paced(self.fp.detach()))

    def read(self, amt: int | None = None) -> bytes:
        """Read `amt` bytes, or all that is left.

        Raises:
            TooLargeError: all that is left is more than `MAX_WHOLE_BYTES`.
            http.client.IncompleteRead: the connection ended before.
        """
        if amt is not None:
            return super().read(amt)
        data = super().read(MAX_WHOLE_BYTES + 1)
        if len(data) > MAX_WHOLE_BYTES:
            self.close()
            raise TooLargeError
        if self.length:
            raise http.client.IncompleteRead(data, self.length)
        return data


class _Source(Protocol):
    def read(self, amt: int, /) -> bytes: ...

    def close(self) -> None: ...


class Inflated(io.BufferedReader):
    """Decompressed content of an answer in gzip or deflate, with the same limits.

    Args:
        source: the compressed content.
    """

    def __init__(self, source: _Source) -> None:
        super().__init__(_Inflater(source))

    def read(self, size: int | None = -1, /) -> bytes:
        """Read `size` bytes, or all that is left.

        Raises:
            TooLargeError: all that is left is more than `MAX_WHOLE_BYTES`.
            EOFError: the connection ended before.
        """
        if size is not None and size >= 0:
            return super().read(size)
        data = super().read(MAX_WHOLE_BYTES + 1)
        if len(data) > MAX_WHOLE_BYTES:
            self.close()
            raise TooLargeError
        return data


class _Paced(io.RawIOBase):
    """Bytes of a connection, with a minimum speed."""

    def __init__(self, raw: io.RawIOBase) -> None:
        self._raw = raw
        self._received = 0
        self._waited = 0.0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        started = time.monotonic()
        count: int | None = self._raw.readinto(buffer)
        if self._received:  # before, the server prepares its answer
            self._waited += time.monotonic() - started
        self._received += count or 0
        if self._waited >= WINDOW_SECONDS:
            if self._received < MIN_BYTES_PER_SECOND * self._waited:
                self.close()
                raise TooSlowError
            self._received, self._waited = 0, 0.0
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Inflater(io.RawIOBase):
    """Content that is decompressed as it is read."""

    def __init__(self, source: _Source) -> None:
        self._source = source
        self._inflater: Any = None
        self._tail = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        if self._inflater is None:
            head = self._source.read(1 << 16)
            if not head:
                return 0
            # 47 accepts gzip's header and zlib's. "deflate" should have the latter (RFC 9110), and often has none.
            headed = head[:2] == b"\x1f\x8b" or (head[0] & 15 == 8 and int.from_bytes(head[:2]) % 31 == 0)
            self._inflater = zlib.decompressobj(wbits=47 if headed else -zlib.MAX_WBITS)
            self._tail = head
        while not self._inflater.eof:
            data = self._tail or self._source.read(1 << 16)
            if not data:
                raise EOFError("the compressed content ended early")
            made: bytes = self._inflater.decompress(data, len(buffer))
            self._tail = self._inflater.unconsumed_tail
            if made:
                buffer[: len(made)] = made
                return len(made)
        return 0

    def close(self) -> None:
        self._source.close()
        super().close()
