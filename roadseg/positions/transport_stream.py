"""Private data of MPEG transport streams (ISO/IEC 13818-1), where cameras put positions."""

from pathlib import Path

import numpy as np

PACKET = 188
PRIVATE_1, PRIVATE_2 = 0xBD, 0xBF
"""Stream identifiers of private data; only the first has an optional header."""
CHUNK_PACKETS = 100_000
MAX_PAYLOADS = 200_000


def private_payloads(path: Path) -> list[bytes]:
    """Return the beginning of each private unit, at most what its first packet holds; none of another format.

    Raises:
        OSError: the file cannot be read.
    """
    found: list[bytes] = []
    with path.open("rb") as file:
        start = file.read(5 * 192)
        layout = next((each for each in ((188, 0), (192, 4)) if _is_in_step(start, *each)), None)
        if layout is None:
            return found
        length, skipped = layout
        file.seek(0)
        while len(found) < MAX_PAYLOADS:
            chunk = file.read(length * CHUNK_PACKETS)
            packets = np.frombuffer(chunk, np.uint8, len(chunk) // length * length).reshape(-1, length)[:, skipped:]
            if not len(packets):
                break
            begins = np.flatnonzero((packets[:, 0] == 0x47) & (packets[:, 1] & 0x40 > 0) & (packets[:, 3] & 0x10 > 0))
            found += [unit for packet in packets[begins] if (unit := _unit(packet.tobytes()))]
    return found[:MAX_PAYLOADS]


def _is_in_step(start: bytes, length: int, skipped: int) -> bool:
    marks = start[skipped : 5 * length : length]
    return len(marks) == 5 and marks == b"\x47" * 5


def _unit(packet: bytes) -> bytes:
    """Return the data of the unit that begins in a packet; empty if it is not private."""
    at = 5 + packet[4] if packet[3] & 0x20 else 4
    head = packet[at : at + 9]
    if head[:3] != b"\0\0\1" or len(head) < 9 or head[3] not in (PRIVATE_1, PRIVATE_2):
        return b""
    begin = at + 6 if head[3] == PRIVATE_2 else at + 9 + head[8]
    length = int.from_bytes(head[4:6], "big")
    return packet[begin : min(PACKET, at + 6 + length) if length else PACKET]
