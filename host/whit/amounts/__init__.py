"""What the work of a record grows with: for each form of a kernel, how often which of its parts runs.

A cost table (costs.json) has for each core what one of each takes; their products add up to the record's cost. Forms
are ways through a kernel; amounts are what any family's kernel may depend on: most cost nothing in most of them.
"""

from __future__ import annotations

from collections.abc import Callable

from whit import program
from whit.amounts import others
from whit.amounts.conv import conv
from whit.amounts.depthwise import depthwise
from whit.amounts.windows import Amounts, Record


def amounts(r: Record, data: bytes, kept: bool = False) -> tuple[str, Amounts]:
    """(form, amounts) of a record; ``data``: its part of DATA. ``kept``: its expanded weights are kept in RAM."""
    kept = kept and kept_bytes(r) > 0
    if kept and r[29]:
        r = [*r[:29], r[14], *r[30:]]  # all channels at a time
    form, found = _BY_CODE[r[0]](r, data)
    if kept:
        for name in ("weight", "threes: weight", "parts: weight of a part", "parts: weight"):
            found.pop(name, None)
        if form.startswith("dense"):
            form = "dense, kept"
    return form, {"layer": 1, **found}


def kept_bytes(r: Record) -> int:
    """RAM for the expanded weights of a record, if it can keep them, as device/whit/expand.py counts it."""
    if r[0] != program.CONV or r[10] != 1 or not r[30] & 1:
        return 0
    k4 = r[15] * r[16] * r[11] + 3 & ~3
    return (2 * k4 + 24) * (r[14] + 3 & ~3) + 2 * k4


_BY_CODE: dict[int, Callable[[Record, bytes], tuple[str, Amounts]]] = {
    program.CONV: conv,
    program.POOL: others.pool,
    program.REDUCE: others.reduce,
    program.ADD: others.pair,
    program.MUL: others.pair,
    program.SOFTMAX: others.softmax,
    program.LUT: others.lut,
    program.COPY: others.copy,
    program.MINMAX: others.pair,
    program.GATHER: others.gather,
    program.BILINEAR: others.bilinear,
    program.MATMUL: others.matmul,
    program.LSTM: others.lstm,
    program.SVDF: others.svdf,
    program.DEPTHWISE: depthwise,
}
