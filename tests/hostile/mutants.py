"""Endless blobs that are almost right: the mutator knows what every word of PLAN means, from device/FORMAT.md.

A mutant is a few records, each with its part of DATA, in an arena that mostly just fits. Those that ran and were new
(a word of a size, or two places in an order, that no mutant before had) join what is mutated next.
"""

from __future__ import annotations

import json
import random
import re
import struct
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from whit import memory, program
from whit.blob import Blob

from .mutate import Parts, hostile, parts

FORMAT = Path(__file__).resolve().parents[2] / "device" / "FORMAT.md"
LIMIT = 140_000  # bytes of arena; more do not fit a board
MASK = 0xFFFFFFFF

OFFSETS = {"from", "to", "scratch", "offset", "hidden", "cell", "state", "fill_at"}
REFERENCES = {"source", "a", "b"}
IN_DATA = {"table", "biases", "time"}
BYTES = {"za", "zb", "zo", "zx", "zh", "zs", "zero", "lo", "hi", "fill"}
STRIDES = {"strides_a", "strides_b", "strides_from", "strides_to", "row", "pixel", "step_from", "step_to"}


@cache
def fields() -> dict[int, list[str]]:
    """Operator -> the name of each word of its record."""
    found = {}
    for number, text in re.findall(r"^\| (\d+) [A-Z]+ \| (.+) \|$", FORMAT.read_text(encoding="utf-8"), re.MULTILINE):
        names = ["operator", "words", "part", "part_size"]
        for name, count in re.findall(r"`(\w+)(?:\[(\d+)\])?`", text):
            names += [name] * int(count or 1)
        found[int(number)] = names
    return found


@dataclass(frozen=True)
class Piece:
    """A record and its part of DATA; ``arena`` is what it ran in."""

    record: tuple[int, ...]
    data: bytes
    arena: int


def pieces(blob: Blob) -> list[Piece]:
    """Every record that computes or keeps something."""
    return [
        Piece(tuple(r), blob.data[r[2] : r[2] + r[3]], blob.arena_bytes)
        for r in blob.records
        if r[0] not in (program.INPUT, program.OUTPUT)
    ]


class Mutator:
    """An endless, repeatable stream of blobs; ``learn`` tells it how one ended."""

    def __init__(self, seeds: list[Blob], seed: str) -> None:
        self.random = random.Random(seed)
        self.whole = [parts(b) for b in seeds if len(b.content) < 8000]
        self.pool: dict[int, list[Piece]] = {}
        self.known: set[tuple[int, ...]] = set()
        self.fresh = 0  # pieces that were learnt
        for blob in seeds:
            for piece in pieces(blob):
                if piece.arena < LIMIT // 4 and len(piece.data) < 20_000:
                    self._add(piece)

    def next(self) -> Parts:
        """The next mutant."""
        r = self.random
        p = self._whole() if r.random() < 0.08 else self._composed()
        for _ in range(r.choice((0, 1, 1, 1, 2, 2, 3))):
            self._change(p)
        if r.random() < 0.6:
            self._fit(p)
        if r.random() < 0.04:
            self._frame(p)
        return p

    def learn(self, p: Parts) -> bool:
        """``p`` ran: its records that show something new are mutated further. Returns whether there were any."""
        new = False
        for record in p.records:
            if len(record) > 4 and record[0] in self.pool and len(record) == len(fields()[record[0]]):
                part = p.data[record[2] : record[2] + record[3]]
                new |= self._add(Piece(tuple(record), part, p.arena_bytes))
        self.fresh += new
        return new

    def _add(self, piece: Piece) -> bool:
        signs = set(self._signs(piece))
        if signs <= self.known:
            return False
        self.known |= signs
        self.pool.setdefault(piece.record[0], []).append(piece)
        return True

    def _signs(self, piece: Piece) -> list[tuple[int, ...]]:
        """What is new about a record: the size of each word, and how its places lie to one another."""
        record = piece.record
        names = fields()[record[0]]
        signs = [(record[0], i, word if word < 5 else 3 + word.bit_length()) for i, word in enumerate(record)]
        places = [word >> (name in REFERENCES) for name, word in zip(names, record, strict=True) if name in OFFSETS]
        for i, a in enumerate(places):
            for j, b in enumerate(places[:i]):
                signs.append((record[0], -1 - i, j, (a > b) - (a < b), min(abs(a - b), 5)))
        return signs

    def _composed(self) -> Parts:
        """One to four records of any operators, one after another, between an input and an output."""
        r = self.random
        chosen = [r.choice(self.pool[r.choice(sorted(self.pool))]) for _ in range(r.choice((1, 1, 1, 1, 2, 2, 3, 4)))]
        data = b""
        records = []
        for piece in chosen:
            record = list(piece.record)
            record[2] = len(data) if piece.data else 0
            data += piece.data
            records.append(record)
        arena = max(piece.arena for piece in chosen)
        size = r.choice((1, 1, 4, min(arena, 30), arena if arena < 200 else 60))
        scale = 0x3D4CCCCD
        edges = [[kind, 8, 0, 0, r.choice((0, max(arena - size, 0))), size, scale, 128] for kind in (1, 2)]
        if r.random() < 0.02:
            edges += [list(r.choice(edges))]
        test = b"" if r.random() < 0.7 else r.randbytes(2 * size)
        meta = b'{"name":"x"}' if r.random() < 0.9 else _meta(r)
        return Parts(meta, [*edges, *records], data, test, arena)

    def _whole(self) -> Parts:
        p = self.random.choice(self.whole)
        return replace(p, records=[list(record) for record in p.records], head={})

    def _change(self, p: Parts) -> None:
        r = self.random
        kind = r.random()
        if not p.records:
            return
        record = r.choice(p.records[2:] or p.records) if r.random() < 0.95 else r.choice(p.records)
        if len(record) < 5:
            return  # cut off already
        if kind < 0.72:
            self._word(p, record)
        elif kind < 0.90 and p.data:
            self._data(p, record)
        elif kind < 0.94:
            p.records.remove(record)
            if r.random() < 0.7:
                p.records.insert(r.randrange(len(p.records) + 1), record)
        elif kind < 0.96:
            p.records.append(list(record))
        elif kind < 0.97:
            record[0] = r.choice((0, 19, r.randrange(1, 19), r.randrange(1 << 32)))
        elif kind < 0.98:
            record[1] = r.choice((0, 1, len(record) - 1, len(record) + 1, r.randrange(1 << 32)))
        elif kind < 0.99:
            del record[r.randrange(len(record)) :]
        else:
            p.data = p.data[: r.randrange(len(p.data) // 4 + 1) * 4]

    def _word(self, p: Parts, record: list[int]) -> None:
        r = self.random
        i = r.randrange(4 if r.random() < 0.9 else 2, len(record))
        names = fields().get(record[0], [])
        name = names[i] if i < len(names) else ""
        old = record[i]
        how = r.random()
        if how < 0.08:
            new = r.choice(hostile(old, p))  # type: ignore[arg-type]
        elif how < 0.11:
            new = r.randrange(1 << 32)
        elif how < 0.2:
            new = old + r.choice((-4, -2, -1, 1, 2, 4))
        elif how < 0.25:
            new = r.choice(record)
        elif name in OFFSETS:
            new = self._place(p, record, names)
        elif name in REFERENCES:
            new = self._place(p, record, names) << 1 | (old & 1 if r.random() < 0.8 else r.randrange(2))
        elif name in IN_DATA or name in ("part", "part_size"):
            new = r.choice(
                (old + 4, old - 4, 0, len(p.data), len(p.data) - 4, record[3] - 4, r.randrange(len(p.data) + 1))
            )
        elif name in BYTES:
            new = r.choice((0, 1, 127, 128, 129, 254, 255, 256, r.randrange(256)))
        elif name in STRIDES:
            new = r.choice((0, 1, 2, old * 2, (1 << 24) - 1, 1 << 24, p.arena_bytes, r.randrange(64)))
        elif name.startswith("scale"):
            shift = r.randrange(33) if r.random() < 0.5 else r.randrange(33) << 8
            new = r.choice((0, MASK >> 1, 1 << 31, 1 << 30, shift, shift, r.randrange(1 << 31), r.randrange(8192)))
        elif name == "form":
            new = r.choice(
                (0, old ^ 1 << r.randrange(32), r.randrange(1 << 22), r.randrange(1, 9) << 22 | old & 0x3FFFFF)
            )
        else:
            few = (0, 1, 2, 3, 4, 5, 7, 8, 16, 64, 255, 256, 512, 513)
            many = (old * 2, old // 2, old + 1, 32767, 32768, p.arena_bytes, r.randrange(1, 40), r.randrange(1, 2000))
            new = r.choice(few + many)
        record[i] = new & MASK

    def _place(self, p: Parts, record: list[int], names: list[str]) -> int:
        """A place in the arena: its ends, and where it comes to lie over others."""
        r = self.random
        others = [w >> (n in REFERENCES) for w, n in zip(record, names, strict=False) if n in OFFSETS | REFERENCES]
        near = r.choice(others or [0]) + r.choice((0, 0, 0, -1, 1, -4, 4, r.randrange(-40, 41)))
        return max(
            0, r.choice((0, near, near, p.arena_bytes - r.randrange(64), r.randrange(p.arena_bytes + 4), near & ~3))
        )

    def _data(self, p: Parts, record: list[int]) -> None:
        """Some words of DATA, mostly of this record's part."""
        r = self.random
        values = (0, 1, 31, 32, 0x1F1F, 0x2000, 0x80000000, MASK, MASK >> 1, 1 << 30, 255, 256, 512, 2048, 4095, 4096)
        low, high = record[2:4] if len(record) > 3 and r.random() < 0.9 else (0, len(p.data))
        words = (min(high, len(p.data) - min(low, len(p.data))) or len(p.data)) // 4
        low = low if low + 4 * words <= len(p.data) else 0
        table = r.choice((0, 0, max(0, words - r.randrange(40))))
        for _ in range(r.choice((1, 1, 1, 2, 8))):
            at = low + 4 * r.randrange(table, words) if words > table else 0
            if at + 4 <= len(p.data):
                old = struct.unpack_from("<I", p.data, at)[0]
                new = r.choice(
                    (r.choice(values), r.choice(values), r.randrange(1 << 32), old + 1, old ^ 1 << r.randrange(32))
                )
                p.data = p.data[:at] + struct.pack("<I", new & MASK) + p.data[at + 4 :]

    def _fit(self, p: Parts) -> None:
        """An arena that just holds what the records touch, or just does not."""
        end = 0
        for record in p.records:
            try:
                touched = memory.access(record, p.data[record[2] : record[2] + record[3]])
            except (ValueError, IndexError, OverflowError, ZeroDivisionError):
                continue
            for at, n in (*touched.reads, *touched.writes, *touched.scratch):
                end = max(end, at + n)
            if record[0] < 3 and len(record) == 8:
                end = max(end, record[4] + record[5])
        if end < LIMIT:
            p.arena_bytes = max(0, end + self.random.choice((0, 0, 0, 0, 0, 0, 1, 3, 4, 8, -1, -2, -4, 100)))

    def _frame(self, p: Parts) -> None:
        """Header, META and TEST."""
        r = self.random
        kind = r.randrange(6)
        if kind == 0:
            p.head[r.randrange(1, 11)] = r.choice((0, 1, 2, 255))
        elif kind == 1:
            i, j = r.sample(range(7, 11), 2)
            sizes = [len(p.meta), 4 * sum(map(len, p.records)), len(p.data), len(p.test)]
            move = r.choice((1, 4, 32, 1 << 31, 1 << 16))
            p.head = {7 + i: sizes[i - 7] for i in ()} | {
                i: (sizes[i - 7] + move) & MASK,
                j: (sizes[j - 7] - move) & MASK,
            }
        elif kind == 2:
            p.meta = _meta(r)
        elif kind == 3:
            p.test = r.randbytes(r.choice((0, 1, 2, 8, len(p.test) + 1)))
        elif kind == 4:
            p.arena_bytes = r.choice((0, 1, 4, 1 << 17, 1 << 20, 1 << 30, (1 << 31) - 4, 1 << 31, MASK, MASK - 3))
        else:
            p.data += r.randbytes(r.choice((4, 4, 64, 1, 2)))


def _meta(r: random.Random) -> bytes:
    """A description that is wrong in some way, or none."""
    odd: list[object] = [None, 7, -1.5e300, "x", "", [], {}, [None], [[1, 2]], [["a", [1], 3]], {"shape": 3}, True]
    names = ("name", "labels", "inputs", "outputs", "layers", "weight_bytes", "source_sha256", "converter")
    meta: object = {name: r.choice(odd) for name in r.sample(names, r.randrange(len(names)))}
    if r.random() < 0.3:
        meta = r.choice(odd)
    if r.random() < 0.2:
        meta = {"labels": ["l" * r.randrange(30)] * r.randrange(300), "layers": [["a", [1, 2], 3]] * r.randrange(4)}
        meta["inputs"] = meta["outputs"] = [{"shape": [1, r.choice([3, "a", None, 10**40])]}]
    text = json.dumps(meta).encode()
    if r.random() < 0.3:
        at = r.randrange(len(text) + 1)
        text = text[:at] + r.choice((b"[" * r.randrange(3000), b"\xff\xfe", b"\0", b"9" * 500, b"", b"\\u", b"1e999"))
    return text + b" " * (-len(text) % 4)
