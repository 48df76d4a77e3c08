"""The last word of CONV and DEPTHWISE, `form`: how the viper kernels run a record, and the scratch that they need.

A record is a list of words as in device/FORMAT.md, here up to the last one at least.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from whit.program import CONV, DEPTHWISE

Array = npt.NDArray[Any]

SIZES = (5, 6, 9, 14, 16, 20, 27, 32, 36)  # pairs of a window that viper/pairs.py multiplies in one go
ROOM = 1024  # bytes of scratch for its columns of the input, where windows do not need more
MOST = 1023  # that fits into the upper bits


def form(
    r: list[int],
    weights: Array,
    bias: Array,
    scales: list[tuple[int, int]],
    zero_points: tuple[int, int],
    scratch: int,
) -> tuple[int, int]:
    """(`form`, bytes of scratch) of a record for which ``scratch`` is enough in the other kernels."""
    found = _requantisation(weights, bias, scales, *zero_points)
    fraction, clear, bits = found or (16, 0, 16)
    word = fraction << 8 | clear << 13 | bits << 17
    if r[0] == DEPTHWISE:
        word |= _channels(r, scratch) << 22
        return word, max(scratch, depthwise_scratch(r, word))
    if r[29] and r[30] & 1 and found:
        word |= _pairs(r)
        return word, max(scratch, pairs_scratch(r, word))
    return word, scratch


def pairs(r: list[int], arena_bytes: int) -> bool:
    """Whether 32-bit firmware runs a record of CONV with viper/pairs.py, as device/whit/checks/viper.py decides it."""
    n, positions = r[31] >> 2 & 63, r[31] >> 22
    if not r[29] or n not in SIZES or not 0 < positions <= (r[13] if r[20] == 1 else 1):
        return False
    end = r[5] + (r[12] - 1) * r[27] + (r[13] - 1) * r[28] + r[14]
    last = r[6] + pairs_scratch(r, r[31])
    return last <= arena_bytes and (end <= r[6] or last <= r[5])


def dense(r: Sequence[int]) -> bool:
    """Whether a record is CONV with one position and tap inside the image, without groups, and its weights bytes.

    Some families have a kernel ``dense`` for it; device/whit/checks/xtensa.py decides alike.
    """
    return r[0] == CONV and [r[i] for i in (10, 12, 13, 15, 16, 21, 22, 29)] == [1, 1, 1, 1, 1, 0, 0, 0]


def pairs_scratch(r: list[int], word: int) -> int:
    """Columns of the input as words, then the weights of a block in parts; 0 for a form without pairs."""
    n, positions = word >> 2 & 63, word >> 22
    if not n:
        return 0
    column, parts = _parts(r, n)
    columns = (positions - 1) * r[18] + r[16]
    return (max(2 * column * columns, 4 * parts * n) + 15 & ~15) + r[29] * parts * (4 * n + 20) + 12


def depthwise_scratch(r: list[int], word: int) -> int:
    """For each filter of the channels that are taken at a time its weights and four words, for each channel a line
    along the longer axis and a byte."""
    u, v = (1, 0) if r[12] <= r[13] else (0, 1)
    width = (r[12 + u] - 1) * r[17 + u] + (r[15 + u] - 1) * r[19 + u] + 1
    return (word >> 22) * (4 * r[14] * (4 + r[15] * r[16]) + r[15 + v] * width + 1) + 3


def _parts(r: list[int], n: int) -> tuple[int, int]:
    """Numbers of a column of the window, padded where windows would not begin at an even one; parts of n pairs."""
    column = r[15] * r[11]
    column += column & r[18] & 1
    return column, -(-(r[16] * column + 1 >> 1) // n)


def _pairs(r: list[int]) -> int:
    """The bits for pairs: how many at a time, and positions next to each other between two reads of the input."""
    # a part costs 11 instructions a pair and about 40
    n = min(SIZES, key=lambda n: _parts(r, n)[1] * (11 * n + 40))
    column, parts = _parts(r, n)
    room = max(ROOM, 4 * (r[15] * r[16] * r[11] + 3 & ~3), 4 * parts * n)
    positions = (room // 2 // column - r[16]) // r[18] + 1 if r[20] == 1 else 1
    return n << 2 | min(positions, r[13], MOST) << 22


def _channels(r: list[int], scratch: int) -> int:
    """As many channels at a time as fit into ``scratch``, or one."""
    one, two = (depthwise_scratch(r, n << 22) for n in (1, 2))
    channels = min(max(1, 1 + (scratch - one) // (two - one)), r[10], MOST)
    if 3 < channels < r[10]:
        channels = -(-r[10] // -(-r[10] // channels)) + 3 & ~3  # about equally many each time
    return channels


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
    halves = 2.0 ** -(e + 1) if zo > -128 else 0.0
    best = (0, 0.0)
    found = None
    for bits in range(12, 18):
        short = (m >> 30 - bits) + 1 >> 1
        wrong = np.abs(m / 2.0 ** (31 - bits) - short)
        for fraction in range(12, 24):
            s = e - fraction + bits
            if s.min() < 0 or s.max() > 31:
                continue
            if ((most / 2.0**s + 1) * short).max() + (zo + 130) * 2.0**fraction > (1 << 31) - 1:
                continue
            lost = 2.0 ** (bits - 1) + wrong * (inside / 2.0**s + 1)
            off = float((lost / 2.0**fraction + halves).max())
            clear = int(np.floor(-np.log2(2 * off)))
            if (clear, -off) > best:
                best, found = (clear, -off), (fraction, clear, bits)
    return found
