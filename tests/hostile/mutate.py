"""Takes a .whit file apart and puts it together again with wrong parts, under a checksum that is right."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

from whit.blob import HEADER, Blob

Records = list[list[int]]


def seal(content: bytes) -> bytes:
    """The bytes with the checksum that belongs to them."""
    crc = zlib.crc32(content[12:], zlib.crc32(content[:8]))
    return content[:8] + struct.pack("<I", crc) + content[12:]


@dataclass
class Parts:
    """The sections of a blob; ``pack`` makes a file of them, whose header is right but for what ``head`` says."""

    meta: bytes
    records: Records
    data: bytes
    test: bytes
    arena_bytes: int
    head: dict[int, int] = field(default_factory=dict)  # index in HEADER -> value

    def pack(self) -> bytes:
        plan = struct.pack(f"<{sum(map(len, self.records))}I", *chain.from_iterable(self.records))
        body = self.meta + plan + self.data + self.test
        sizes = [len(self.meta), len(plan), len(self.data), len(self.test)]
        words = [b"WHIT", 1, 1, 0, 0, HEADER.size + len(body), self.arena_bytes, *sizes]
        for index, value in self.head.items():
            words[index] = value
        return seal(HEADER.pack(*words) + body)


def parts(blob: Blob) -> Parts:
    """The parts of a blob, to be changed at will."""
    start = HEADER.size
    meta = blob.content[start : blob.content.index(blob.plan, start)]
    result = Parts(meta, [list(r) for r in blob.records], blob.data, blob.test, blob.arena_bytes)
    assert result.pack() == blob.content
    return result


def hostile(word: int, blob: Blob) -> list[int]:
    """Values to put where ``word`` is: the limits of types, of sections and of checks, and near misses."""
    arena, data = blob.arena_bytes, len(blob.data)
    limits = (1, 1 << 8, 512, 1 << 15, 1 << 16, 1 << 24, 1 << 30, 1 << 31, 1 << 32, arena, data, 2 * arena, 2 * data)
    near = [value + step for value in limits for step in (-1, 0)] + [word - 1, word + 1, word + 2, word + 4, word * 2]
    return sorted({value & 0xFFFFFFFF for value in near} - {word})


def words(blob: Blob) -> Iterator[tuple[int, int]]:
    """(record, word) of every word of PLAN."""
    for i, record in enumerate(blob.records):
        for j in range(len(record)):
            yield i, j
