"""Files broken by chance, in the ways in which disks, downloads and recorders break them, and in worse ones."""

import struct
from collections.abc import Callable, Iterator, Sequence

import numpy as np

Chance = np.random.Generator

BOXES = {b"moov": 8, b"trak": 8, b"mdia": 8, b"minf": 8, b"stbl": 8, b"edts": 8, b"moof": 8, b"traf": 8, b"stsd": 16}
"""MP4 boxes that hold boxes, and where these begin."""
BOXES |= {b"avc1": 86, b"hvc1": 86, b"av01": 86}


def place(data: bytearray, chance: Chance) -> int:
    """Anywhere, in a quarter of the cases near the beginning or the end, where headers are."""
    kind = chance.integers(8)
    if kind == 0:
        return int(chance.integers(min(len(data), 600)))
    if kind == 1:
        return len(data) - 1 - int(chance.integers(min(len(data), 2000)))
    return int(chance.integers(len(data)))


def span(data: bytearray, chance: Chance) -> slice:
    start = place(data, chance)
    return slice(start, min(len(data), start + int(2 ** chance.uniform(0, 12))))


def flip_bytes(data: bytearray, other: bytes, chance: Chance) -> bytearray:
    for _ in range(int(2 ** chance.uniform(0, 8))):
        data[place(data, chance)] = chance.integers(256)
    return data


def flip_bits(data: bytearray, other: bytes, chance: Chance) -> bytearray:
    for _ in range(int(2 ** chance.uniform(0, 5))):
        data[place(data, chance)] ^= 1 << int(chance.integers(8))
    return data


def insane_numbers(data: bytearray, other: bytes, chance: Chance) -> bytearray:
    """Numbers at the limits of 16, 32 and 64 bits."""
    for _ in range(int(2 ** chance.uniform(0, 3))):
        width = int(chance.choice([2, 4, 8]))
        at = place(data, chance)
        value = int(chance.choice([0, 1, -1, -2, -(2 ** (8 * width - 1)), 2 ** (8 * width - 1) - 1, 30000]))
        data[at : at + width] = value.to_bytes(width, chance.choice(["big", "little"]), signed=True)
    return data


def cut(data: bytearray, other: bytes, chance: Chance) -> bytearray:
    return data[: place(data, chance) + 1]


def lose_start(data: bytearray, other: bytes, chance: Chance) -> bytearray:
    return data[place(data, chance) :]


def zero(data: bytearray, other: bytes, chance: Chance) -> bytearray:
    where = span(data, chance)
    data[where] = bytes(where.stop - where.start)
    return data


def remove(data: bytearray, other: bytes, chance: Chance) -> bytearray:
    del data[span(data, chance)]
    return data or bytearray(1)


def duplicate(data: bytearray, other: bytes, chance: Chance) -> bytearray:
    where = span(data, chance)
    at = place(data, chance)
    return data[:at] + data[where] + data[at:]


def shuffle(data: bytearray, other: bytes, chance: Chance) -> bytearray:
    """Blocks of one size in another order, in a part of the file."""
    size = int(2 ** chance.uniform(4, 12))
    blocks = [data[at : at + size] for at in range(0, len(data), size)]
    first = int(chance.integers(len(blocks)))
    some = blocks[first : first + 8]
    chance.shuffle(some)
    return bytearray(b"".join([*blocks[:first], *some, *blocks[first + 8 :]]))


def foreign_header(data: bytearray, other: bytes, chance: Chance) -> bytearray:
    length = int(2 ** chance.uniform(2, 11))
    data[:length] = other[:length]
    return data


def foreign_block(data: bytearray, other: bytes, chance: Chance) -> bytearray:
    where = span(data, chance)
    at = place(bytearray(other), chance)
    data[where] = other[at : at + where.stop - where.start]
    return data or bytearray(1)


def boxes(data: bytes, start: int, stop: int) -> Iterator[int]:
    """Find the first bytes of all boxes of an MP4 file, nested ones included (ISO/IEC 14496-12, section 4.2)."""
    while start + 8 <= stop:
        length, kind = struct.unpack_from(">I4s", data, start)
        if length < 8 or start + length > stop:
            return
        yield start
        if kind in BOXES:
            yield from boxes(data, start + BOXES[kind], start + length)
        start += length


def mp4_box(data: bytearray, other: bytes, chance: Chance) -> bytearray:
    """Another size of a box, another kind of it, or other numbers in it."""
    found = list(boxes(bytes(data), 0, len(data)))
    if not found:
        return flip_bytes(data, other, chance)
    at = int(chance.choice(found))
    length = struct.unpack_from(">I", data, at)[0]
    change = chance.integers(4)
    if change == 0:
        sizes = [0, 1, 7, 8, length - 1, length + 1, length * 2, 2**32 - 1]
        struct.pack_into(">I", data, at, int(chance.choice(sizes)))
    elif change == 1:
        kind = int(chance.choice(found)) + 4
        data[at + 4 : at + 8] = data[kind : kind + 4]
    else:
        number = at + 8 + int(chance.integers(max(1, min(length - 8, 200))))
        value = int(chance.choice([0, 1, 2**31 - 1, 2**31, 2**32 - 1, 30000, int(chance.integers(2**32))]))
        data[number : number + 4] = struct.pack(">I", value)
    return data


MUTATIONS: Sequence[Callable[[bytearray, bytes, Chance], bytearray]] = (
    *2 * (flip_bytes, flip_bits, insane_numbers, zero, foreign_block, mp4_box),
    *(cut, lose_start, remove, duplicate, shuffle, foreign_header),
)
"""Each changes a file, may take parts of another for it, and may leave nothing of it."""


def mutant(data: bytes, other: bytes, chance: Chance) -> bytes:
    """The file after one to three accidents; `other` is the file that foreign parts come from."""
    broken = bytearray(data)
    for _ in range(int(chance.choice([1, 1, 2, 3]))):
        change = MUTATIONS[chance.integers(len(MUTATIONS))]
        broken = change(broken, other, chance) or bytearray(1)
    return bytes(broken)
