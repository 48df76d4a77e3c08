"""Amounts of all other operators."""

from __future__ import annotations

from math import prod

from whit import program
from whit.amounts.windows import Amounts, Axis, Record


def pool(r: Record, _: bytes) -> tuple[str, Amounts]:
    h, w, channels, oh, ow, kh, kw, sh, sw, top, left = r[6:17]
    rows, columns = Axis(h, oh, kh, sh, 1, top).inside, Axis(w, ow, kw, sw, 1, left).inside
    fours, rest = channels >> 2, channels & 3
    found: Amounts = {
        "row": oh,
        "position": oh * ow,
        "window row": rows * ow,
        "window": rows * columns,
        "output": oh * ow * channels,
        "output row": rows * ow * channels,
        "value": rows * columns * channels,
        "four": oh * ow * fours,
        "row of four": rows * ow * fours,
        "value of four": rows * columns * fours,
        "rest": oh * ow * rest,
        "row of the rest": rows * ow * rest,
        "value of the rest": rows * columns * rest,
    }
    # sums of up to 256 bytes fit 16 bits
    form = ("average pool" if kh * kw <= 256 else "large average pool") if r[19] else "max pool"
    return form + ", small" * (kh * kw <= 4 and r[17] == 0 and r[18] == 255), found


def reduce(r: Record, _: bytes) -> tuple[str, Amounts]:
    lines, across, rows, values = r[6], r[8], r[10], r[10] * r[12]
    fours, rest = lines * (across >> 2), lines * (across & 3)
    found: Amounts = {"line": lines, "output": lines * across}
    found |= {"row": lines * across * rows, "value": lines * across * values}
    found |= {"four": fours, "row of four": fours * rows, "value of four": fours * values}
    found |= {"rest": rest, "row of the rest": rest * rows, "value of the rest": rest * values}
    form = ("sum", "maximum", "minimum")[r[20]]
    return form + (", outputs side by side" if r[9] == 1 else ", along" if r[13] == 1 else ""), found


def pair(r: Record, _: bytes) -> tuple[str, Amounts]:
    runs, size = prod(r[8:11]), r[11]
    broadcast = ", broadcast" * (r[15] != 1 or r[19] != 1)
    kinds = {program.MUL: "mul", program.MINMAX: "minmax"}
    form = kinds.get(r[0]) or ("add", "sub", "", "square")[r[32]]
    if r[0] == program.MUL and r[27]:
        form = "prelu"
    form += ", large" * (prod(r[8:12]) >= 512)
    return form + broadcast, {"run": runs, "value": runs * size, "four": runs * (size >> 2), "rest": runs * (size & 3)}


def softmax(r: Record, _: bytes) -> tuple[str, Amounts]:
    return "softmax", {"row": r[6], "value": r[6] * r[7]}


def lut(r: Record, _: bytes) -> tuple[str, Amounts]:
    return "lut", {"value": r[6], "four": r[6] >> 2, "rest": r[6] & 3}


def copy(r: Record, _: bytes) -> tuple[str, Amounts]:
    runs = prod(r[9:12])
    found: Amounts = {"filled": r[7], "run": runs, "value": runs * r[12]}
    found |= {"four": runs * (r[12] >> 2), "rest": runs * (r[12] & 3)}
    return "copy" if r[16] == r[20] == 1 else "copy, strided", found


def gather(r: Record, _: bytes) -> tuple[str, Amounts]:
    return "gather", {"row": r[6], "piece": r[6] * r[7], "value": r[6] * r[7] * r[8]}


def bilinear(r: Record, _: bytes) -> tuple[str, Amounts]:
    return "bilinear", {"row": r[7], "position": r[7] * r[8], "value": r[7] * r[8] * r[6]}


def matmul(r: Record, _: bytes) -> tuple[str, Amounts]:
    outputs = prod(r[7:11])
    return "matmul", {"row": prod(r[7:10]), "output": outputs, "step": outputs * r[11]}


def lstm(r: Record, _: bytes) -> tuple[str, Amounts]:
    times, inputs, units = r[10:13]
    padded = (inputs + 3 & ~3) + (units + 3 & ~3)
    return "lstm", {"time": times, "unit": times * units, "value": times * padded, "step": times * units * padded}


def svdf(r: Record, _: bytes) -> tuple[str, Amounts]:
    inputs, units, rank, memory = r[10:14]
    filters = units * rank
    found: Amounts = {"input": inputs, "unit": units, "filter": filters}
    return "svdf", found | {"step": filters * inputs, "moment": filters * memory}
