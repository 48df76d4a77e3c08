"""What the work of a record grows with: for each form of a kernel, how often which of its parts runs.

A cost table (costs.json) has for each core what one of each takes; their products add up to the record's cost.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from whit import program

Record = list[int]
Amounts = dict[str, float]


def amounts(r: Record, data: bytes, kept: bool = False) -> tuple[str, Amounts]:
    """(form, amounts) of a record; ``data``: its part of DATA. ``kept``: its expanded weights are kept in RAM."""
    form, found = _BY_CODE[r[0]](r, data)
    if kept and kept_bytes(r):
        found.pop("weight", None)
        if form.startswith("dense"):
            form += ", kept"
    return form, {"layer": 1, **found}


def kept_bytes(r: Record) -> int:
    """RAM for the expanded weights of a record, if it can keep them, as device/whit/expand.py counts it."""
    if r[0] != program.CONV or r[10] != 1 or not r[30]:
        return 0
    k4 = r[15] * r[16] * r[11] + 3 & ~3
    return (2 * k4 + 24) * (r[14] + 3 & ~3) + 2 * k4


def _inside(outputs: int, stride: int, kernel: int, dilation: int, before: int, size: int) -> int:
    """Taps of all windows along one axis that lie inside the image."""
    starts = range(-before, outputs * stride - before, stride)
    return sum(0 <= start + tap * dilation < size for start in starts for tap in range(kernel))


def _general(r: Record, data: bytes) -> int:
    """Output channels whose requantisation takes the slow way."""
    return sum(data[r[7] + 16 * i + 11] >> 7 for i in range(r[10] * r[14]))


def _conv(r: Record, data: bytes) -> tuple[str, Amounts]:
    h, w, groups, depth, oh, ow, filters, kh, kw, sh, sw, dh, dw, top, left = r[8:23]
    k = kh * kw * depth
    k4 = k + 3 & ~3
    positions, channels, block = oh * ow, groups * filters, r[29]
    passes = -(-channels // block) if block else 1
    rows = _inside(oh, sh, kh, dh, top, h)
    columns = _inside(ow, sw, kw, dw, left, w)
    outputs = positions * channels
    tiles = positions * groups * -(-filters // 4)
    found: Amounts = {
        "channel": channels,
        "row": oh * passes,
        "position": positions * passes,
        "odd position": oh * (ow & 1) * tiles // positions,
        "window row": ow * rows * groups,
        "window byte": rows * columns * groups * depth,
        "outside": (positions * kh * kw - rows * columns) * groups * depth,
        "output": outputs,
        "tile": tiles,
        "step of a tile": tiles * k4 / 4,
        "step": outputs * k4 / 4,
        "odd row": positions * groups * (filters % 4) * k4 / 4,
        "general": positions * _general(r, data),
        "clamped": outputs * (r[25] > 0 or r[26] < 255),
    }
    if block:
        found["weight"] = channels * k4
        found["repeated byte"] = (passes - 1) * rows * columns * depth
    form = "conv" if groups == 1 else "grouped conv"
    if groups == 1 and positions == 1 and not block:
        form = "dense"
    elif groups == 1 and kh == kw == 1:
        form = "pointwise"
    return form + ("" if r[30] else ", bytes"), found


def _depthwise(r: Record, data: bytes) -> tuple[str, Amounts]:
    h, w, groups, _, oh, ow, multiplier, kh, kw, sh, sw, dh, dw, top, left = r[8:23]
    channels, positions = groups * multiplier, oh * ow
    width = (ow - 1) * sw + (kw - 1) * dw + 1
    rows = _inside(oh, sh, kh, dh, top, h)
    found: Amounts = {
        "channel": channels,
        "weight": channels * kh * kw,
        "row": oh,
        "copied row": rows,
        "copied byte": rows * min(w, width - left) * groups,
        "outside": (oh * kh * width - rows * min(w, width - left)) * groups,
        "position": positions,
        "odd position": oh * (ow & 1) * channels,
        "output": positions * channels,
        "odd output": positions * (channels % 4),
        "window row": positions * channels * kh,
        "tap": positions * channels * kh * kw,
        "general": positions * _general(r, data),
        "clamped": positions * channels * (r[25] > 0 or r[26] < 255),
    }
    form = (
        "depthwise" + (" 3x3" if kh == kw == 3 else " 3 wide" if kw == 3 else "") + (", multiplied" * (multiplier > 1))
    )
    return form + ("" if r[30] else ", bytes"), found


def _pool(r: Record, _: bytes) -> tuple[str, Amounts]:
    h, w, channels, oh, ow, kh, kw, sh, sw, top, left = r[6:17]
    rows = _inside(oh, sh, kh, 1, top, h)
    columns = _inside(ow, sw, kw, 1, left, w)
    found: Amounts = {"row": oh, "position": oh * ow, "output": oh * ow * channels}
    found |= {"odd output": oh * ow * (channels % 4)}
    found |= {"window": rows * columns, "window row": rows * ow * channels, "value": rows * columns * channels}
    return "average pool" if r[19] else "max pool", found


def _reduce(r: Record, _: bytes) -> tuple[str, Amounts]:
    kept, values = r[6] * r[8], r[10] * r[12]
    found: Amounts = {"output": kept, "run": kept * r[10], "value": kept * values}
    return ("sum", "maximum", "minimum")[r[20]], found


def _pair(r: Record, _: bytes) -> tuple[str, Amounts]:
    runs, size = prod(r[8:11]), r[11]
    broadcast = ", broadcast" * (r[15] != 1 or r[19] != 1)
    kinds = {program.MUL: "mul", program.MINMAX: "minmax"}
    form = kinds.get(r[0]) or ("add", "sub", "", "square")[r[32]]
    if r[0] == program.MUL and r[27]:
        form = "prelu"
    return form + broadcast, {"run": runs, "value": runs * size}


def _softmax(r: Record, _: bytes) -> tuple[str, Amounts]:
    return "softmax", {"row": r[6], "value": r[6] * r[7]}


def _lut(r: Record, _: bytes) -> tuple[str, Amounts]:
    return "lut", {"value": r[6]}


def _copy(r: Record, _: bytes) -> tuple[str, Amounts]:
    runs = prod(r[9:12])
    found: Amounts = {"filled": r[7], "run": runs, "value": runs * r[12]}
    return "copy" if r[16] == r[20] == 1 else "copy, strided", found


def _gather(r: Record, _: bytes) -> tuple[str, Amounts]:
    return "gather", {"row": r[6], "piece": r[6] * r[7], "value": r[6] * r[7] * r[8]}


def _bilinear(r: Record, _: bytes) -> tuple[str, Amounts]:
    return "bilinear", {"row": r[7], "position": r[7] * r[8], "value": r[7] * r[8] * r[6]}


def _matmul(r: Record, _: bytes) -> tuple[str, Amounts]:
    outputs = prod(r[7:11])
    return "matmul", {"row": prod(r[7:10]), "output": outputs, "step": outputs * r[11]}


def _lstm(r: Record, _: bytes) -> tuple[str, Amounts]:
    times, inputs, units = r[10:13]
    padded = (inputs + 3 & ~3) + (units + 3 & ~3)
    return "lstm", {"time": times, "unit": times * units, "value": times * padded, "step": times * units * padded}


def _svdf(r: Record, _: bytes) -> tuple[str, Amounts]:
    inputs, units, rank, memory = r[10:14]
    filters = units * rank
    found: Amounts = {"input": inputs, "unit": units, "filter": filters}
    return "svdf", found | {"step": filters * inputs, "moment": filters * memory}


_BY_CODE: dict[int, Callable[[Record, bytes], tuple[str, Amounts]]] = {
    program.CONV: _conv,
    program.POOL: _pool,
    program.REDUCE: _reduce,
    program.ADD: _pair,
    program.MUL: _pair,
    program.SOFTMAX: _softmax,
    program.LUT: _lut,
    program.COPY: _copy,
    program.MINMAX: _pair,
    program.GATHER: _gather,
    program.BILINEAR: _bilinear,
    program.MATMUL: _matmul,
    program.LSTM: _lstm,
    program.SVDF: _svdf,
    program.DEPTHWISE: _depthwise,
}
