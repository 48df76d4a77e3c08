"""What the viper kernel for pairs of products wants to know of a convolution: see device/whit/viper/pairs.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

SIZES = (5, 6, 9, 14, 16, 20, 27, 32, 36)  # pairs that it multiplies in one go
ROOM = 1024  # bytes of scratch for columns of the input, where windows do not need more
MOST_POSITIONS = 1023


@dataclass(frozen=True)
class Pairs:
    """How the kernel runs a record: ``size`` pairs in one go, ``positions`` next to each other between two reads of
    the input, and the requantisation by ``bits`` of the multiplier to a number with ``fraction`` bits behind the
    point, of which the first ``clear`` tell whether it is too near to a bound between two outputs."""

    size: int
    positions: int
    fraction: int
    clear: int
    bits: int

    @property
    def word(self) -> int:
        """As the record has it, above the flags."""
        return self.size << 2 | self.fraction << 8 | self.clear << 13 | self.bits << 17 | self.positions << 22


def size(word: int) -> int:
    """Pairs in one go; 0 where the kernel does not run the record."""
    return word >> 2 & 63


def scratch_bytes(r: list[int]) -> int:
    """Scratch of a record: columns of the input as words, then the weights of a block in records of a part each."""
    n, positions, block = size(r[31]), r[31] >> 22, r[29]
    column, parts = _parts(r[15], r[16], r[11], r[18], n)
    columns = (positions - 1) * r[18] + r[16]
    return (max(2 * column * columns, 4 * parts * n) + 15 & ~15) + block * parts * (4 * n + 20) + 12


def suits(r: list[int], arena_bytes: int) -> bool:
    """Whether 32-bit firmware runs the record with this kernel, as device/whit/checks/pairs.py decides it."""
    n, positions = size(r[31]), r[31] >> 22
    if not r[29] or n not in SIZES or not 0 < positions <= (r[13] if r[20] == 1 else 1):
        return False
    end = r[5] + (r[12] - 1) * r[27] + (r[13] - 1) * r[28] + r[14]
    last = r[6] + scratch_bytes(r)
    return last <= arena_bytes and (end <= r[6] or last <= r[5])


def _parts(kh: int, kw: int, channels: int, stride: int, n: int) -> tuple[int, int]:
    """Numbers of a column of the window, padded where windows would not begin at an even one; parts of n pairs."""
    column = kh * channels + (kh * channels & stride & 1)
    return column, -(-(kw * column + 1 >> 1) // n)


def choose(
    r: list[int], weights: Array, bias: Array, scales: list[tuple[int, int]], zero_points: tuple[int, int]
) -> Pairs | None:
    """The form for a record (without its last word), or None where its scales do not suit."""
    found = _requantisation(weights, bias, scales, *zero_points)
    if not found:
        return None
    kh, kw, channels, sw, dw = r[15], r[16], r[11], r[18], r[20]
    # a part costs 11 instructions a pair and about 40
    n = min(SIZES, key=lambda n: _parts(kh, kw, channels, sw, n)[1] * (11 * n + 40))
    column, parts = _parts(kh, kw, channels, sw, n)
    room = max(ROOM, 4 * (kh * kw * channels + 3 & ~3), 4 * parts * n)
    positions = (room // 2 // column - kw) // sw + 1 if dw == 1 else 1
    return Pairs(n, min(positions, r[13], MOST_POSITIONS), *found)


def depthwise_form(
    r: list[int],
    weights: Array,
    bias: Array,
    scales: list[tuple[int, int]],
    zero_points: tuple[int, int],
    scratch: int,
) -> tuple[int, int]:
    """(the last word, scratch) of a record of DEPTHWISE: as many channels at a time as fit into ``scratch``, or one."""
    least = depthwise_scratch_bytes(r, 1)
    more = depthwise_scratch_bytes(r, 2) - least
    channels = min(max(1, 1 + (scratch - least) // more), r[10], MOST_POSITIONS)
    if channels < r[10]:
        channels = -(-r[10] // -(-r[10] // channels)) + 3 & ~3 if channels > 3 else channels
    fraction, clear, bits = _requantisation(weights, bias, scales, *zero_points) or (16, 0, 16)
    word = fraction << 8 | clear << 13 | bits << 17 | channels << 22
    return word, max(scratch, depthwise_scratch_bytes(r, channels))


def depthwise_scratch_bytes(r: list[int], channels: int) -> int:
    """Scratch of the viper kernel: for each filter its weights and four words, for each channel a line and a byte."""
    u, v = (1, 0) if r[12] <= r[13] else (0, 1)  # along an output line: a row, or a column if these are longer
    width = (r[12 + u] - 1) * r[17 + u] + (r[15 + u] - 1) * r[19 + u] + 1
    return channels * (4 * r[14] * (4 + r[15] * r[16]) + r[15 + v] * width + 1) + 3


def _requantisation(
    weights: Array, bias: Array, scales: list[tuple[int, int]], zx: int, zo: int
) -> tuple[int, int, int] | None:
    """(fraction, clear, bits) with which the fewest outputs are too near to a bound; None where nothing is exact.

    A sum a with |a| < 2^30, multiplier m and right shift e become ((a >> s) * (m >> 31 - bits) + c) >> fraction, with
    s = e - fraction + bits. What that loses, and what the two roundings of the reference differ from one, must be less
    than what `clear` bits of the fraction see.
    """
    flat = weights.reshape(len(weights), -1).astype(np.int64)
    above, below = np.where(flat > 0, flat, 0).sum(1), np.where(flat < 0, flat, 0).sum(1)
    ends = (bias + above * (127 - zx) - below * (128 + zx), bias - above * (128 + zx) + below * (127 - zx))
    most = np.maximum(np.abs(ends[0]), np.abs(ends[1])).astype(np.float64)
    m, e = np.array([m for m, _ in scales]), np.array([-s for _, s in scales])
    if e.min() < 1 or e.max() > 31 or most.max() >= 1 << 30:
        return None
    inside = np.minimum(most, (max(zo + 128, 127 - zo) + 1) * 2.0 ** (31 + e) / np.maximum(m, 1))  # not clamped
    # halves away from zero: an exact shift of the bounds where nothing below zero is left, else a distance from them
    halves = 0.0 if zo == -128 else 2.0 ** -(e + 1)
    best = (0, 0.0)
    found = None
    for bits in range(12, 18):
        short = (m >> 30 - bits) + 1 >> 1
        wrong = np.abs(m / 2.0 ** (31 - bits) - short)
        for fraction in range(12, 24):
            s = e - fraction + bits
            if s.min() < 0 or s.max() > 31 or (zo == -128 and e.max() >= fraction):
                continue
            if ((most / 2.0**s + 1) * short).max() + (zo + 130) * 2.0**fraction > (1 << 31) - 1:
                continue
            lost = 2.0 ** (bits - 1) + wrong * (inside / 2.0**s + 1)
            off = float((lost / 2.0**fraction + halves).max())
            clear = int(np.floor(-np.log2(2 * off)))
            if (clear, -off) > best:
                best, found = (clear, -off), (fraction, clear, bits)
    return found
