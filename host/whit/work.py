"""How many steps a record of PLAN takes, as the check on the board counts them (device/whit/checks)."""

from __future__ import annotations

from collections.abc import Callable

from whit import program

MOST = 1 << 30  # of a run; a board refuses more: it would run for minutes

Record = list[int]


def steps(r: Record) -> int:
    """Steps of one record."""
    return _STEPS[r[0]](r)


def _conv(r: Record) -> int:
    k4, block = r[15] * r[16] * r[11] + 3 & ~3, r[29]
    passes = 1 + (r[14] // block if block else 0)
    return 1000 * r[10] * r[14] + r[12] * r[13] * r[10] * (k4 * (r[14] + 4 * passes) + 8 * r[14])


def _depthwise(r: Record) -> int:
    width = ((r[13] - 1) * r[18] + (r[16] - 1) * r[20] + 1) * r[10]
    return 1000 * r[10] * r[14] + r[12] * (r[15] * width + r[13] * r[10] * r[14] * 4 * (r[15] * r[16] + 8))


def _lstm(r: Record) -> int:
    return r[10] * r[12] * (4 * ((r[11] + 3 & ~3) + (r[12] + 3 & ~3)) + 256)


def _binary(r: Record) -> int:
    return 8 * r[8] * r[9] * r[10] * r[11]


def _edge(r: Record) -> int:
    return 300 * r[5]


_STEPS: dict[int, Callable[[Record], int]] = {
    program.INPUT: _edge,
    program.OUTPUT: _edge,
    program.STATE: _edge,
    program.CONV: _conv,
    program.DEPTHWISE: _depthwise,
    program.POOL: lambda r: r[9] * r[10] * r[8] * (min(r[6], r[11]) * (min(r[7], r[12]) + 8) + 8),
    program.REDUCE: lambda r: r[6] * r[8] * (r[10] * (r[12] + 4) + 8),
    program.ADD: _binary,
    program.MUL: _binary,
    program.MINMAX: _binary,
    program.SOFTMAX: lambda r: 16 * r[6] * r[7] + 256_000,
    program.LUT: lambda r: r[6],
    program.COPY: lambda r: r[7] + 8 * r[9] * r[10] * r[11] * r[12],
    program.GATHER: lambda r: r[6] * r[7] * (r[8] + 8) + 1000 * (r[6] + r[7]),
    program.BILINEAR: lambda r: 16 * r[6] * r[7] * r[8] + 3000 * (r[7] + r[8]),
    program.MATMUL: lambda r: r[7] * r[8] * r[9] * r[10] * (r[11] + 16),
    program.LSTM: _lstm,
    program.SVDF: lambda r: r[11] * r[12] * (r[10] + 2 * r[13] + 64) + 64 * r[11],
}
