"""POOL, ADD, REDUCE and SOFTMAX in assembler, record by record: any shape and scale, and what an output costs."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from whit import program
from whit.fixed import quantize_multiplier, shifts
from whit.ops.softmax import exp_table

from .records import Array, Kernel, axis, clamp, families, lay_out, scales, values

Record = tuple[list[int], Array, bytes, tuple[int, int]]
CASES = 300


def record_of_pool(rng: np.random.Generator, y: dict[str, int], x: dict[str, int], channels: int, mean: int) -> Record:
    size = y["outputs"] * x["outputs"] * channels
    at, end = lay_out(rng, x=y["n"] * x["n"] * channels, y=size)
    r = [program.POOL, 20, 0, 0, at["x"], at["y"], y["n"], x["n"], channels, y["outputs"], x["outputs"]]
    for field in ("k", "stride", "before"):
        r += [y[field], x[field]]
    return [*r, *clamp(rng), mean], values(rng, end, 0), b"", (0, 0)


def pool_axis(rng: np.random.Generator) -> dict[str, int]:
    """An axis of which every window has a value."""
    while True:
        one = axis(rng, 12, int(rng.choice([2, 4, 9])))
        if one["before"] < one["k"] and (one["outputs"] - 1) * one["stride"] < one["n"] + one["before"]:
            return one


def pool(rng: np.random.Generator) -> Record:
    channels, mean = int(rng.integers(1, 6)), int(rng.integers(0, 2))
    return record_of_pool(rng, pool_axis(rng), pool_axis(rng), channels, mean)


def record_of_add(
    rng: np.random.Generator,
    sizes: list[int],
    strides: tuple[list[int], list[int]],
    real: list[float],
    mode: int,
    constant: int = 0,
) -> Record:
    """`real`: scales of a, b and the output; `constant`: bit 0, a lies in DATA; bit 1, b does."""
    spans = [1 + sum((n - 1) * s for n, s in zip(sizes, one, strict=True)) for one in strides]
    stored = [spans[i] if constant >> i & 1 else 0 for i in range(2)]
    at, end = lay_out(rng, a=spans[0] - stored[0], b=spans[1] - stored[1], y=int(np.prod(sizes)), scratch=2048)
    data = rng.integers(0, 256, sum(stored) + 7 & ~3).astype(np.uint8).tobytes()
    a = 1 if stored[0] else at["a"] << 1
    b = stored[0] << 1 | 1 if stored[1] else at["b"] << 1
    twice = 2 * max(real[:2])
    out = twice * twice / ((1 << 14) * real[2]) if mode & 2 else twice / ((1 << 20) * real[2])
    words = [
        [int(rng.integers(0, 256)), multiplier, shifts(shift)]
        for multiplier, shift in map(quantize_multiplier, (real[0] / twice, real[1] / twice, out))
    ]
    r = [program.ADD, 33, 4, len(data) - 4, a, b, at["y"], at["scratch"], *sizes, *strides[0], *strides[1]]
    r += [*words[0], *words[1], *words[2], *clamp(rng), 7 if mode & 2 else 20, mode]
    return r, values(rng, end, 0), data, (at["scratch"], 2048)


def add(rng: np.random.Generator) -> Record:
    sizes = [int(n) for n in rng.integers(1, [3, 4, 5, 40])]

    def strides() -> list[int]:
        found, step = [], 1
        for n in reversed(sizes):
            found.insert(0, step if rng.integers(0, 3) else 0)
            step *= n if found[0] else 1
        found[3] *= int(rng.choice([1, 1, 1, 3]))
        return found

    mode = int(rng.choice([0, 0, 1, 1, 3]))
    real = [float(s) for s in 2.0 ** (rng.uniform(-1.3, 1, 3) if rng.integers(0, 2) else rng.uniform(-4, 3, 3))]
    real[1] = float(rng.choice(real[:2]))
    if mode == 3:
        real[2] = float(max(real[:2]) ** 2 * 2.0 ** rng.uniform(-12, 4))
    return record_of_add(rng, sizes, (strides(), strides()), real, mode, int(rng.choice([0, 0, 1, 2, 3])))


def reduce(rng: np.random.Generator) -> Record:
    sizes = [int(n) for n in rng.integers(1, [4, 6, 5, 9])]
    strides, step = [0] * 4, 1
    for i in rng.permutation(4):
        strides[i] = step
        step *= sizes[i] + int(rng.integers(0, 2))
    span = 1 + sum((n - 1) * s for n, s in zip(sizes, strides, strict=True))
    at, end = lay_out(rng, x=span, y=sizes[0] * sizes[1])
    (multiplier,), (right,), (left,) = scales(rng, str(rng.choice(["usual", "ties", "any"])), 1)
    bias = -int(rng.integers(0, 256)) * sizes[2] * sizes[3]
    if not rng.integers(0, 3):
        bias = int(rng.integers(-(1 << 31) + (1 << 17), (1 << 31) - (1 << 17))) >> int(left)
    pairs = [word for pair in zip(sizes, strides, strict=True) for word in pair]
    r = [program.REDUCE, 21, 0, 0, at["x"], at["y"], *pairs, bias & 0xFFFFFFFF, int(multiplier)]
    r += [int(right | left << 8), int(rng.integers(0, 256)), *clamp(rng), int(rng.choice([0, 0, 1, 2]))]
    return r, values(rng, end, 0), b"", (0, 0)


def record_of_softmax(rng: np.random.Generator, rows: int, depth: int) -> Record:
    table = np.array(exp_table(float(2.0 ** rng.uniform(-8, 1)), 1.0), "<u4").tobytes()
    n = rows * depth
    at, end = lay_out(rng, x=n + 3, y=n)
    start = at["x"] + 3
    to = int(rng.choice([at["y"], start, at["x"]]))  # apart, in place, or before
    x = values(rng, end, 0)
    if rng.integers(0, 2):
        x = np.clip(rng.normal(0, rng.choice([0, 1, 5, 20]), end), -128, 127).astype(np.int8)
    return [program.SOFTMAX, 8, 4, 1024, start, to, rows, depth], x, bytes(4) + table, (0, 0)


def softmax(rng: np.random.Generator) -> Record:
    return record_of_softmax(rng, int(rng.integers(1, 4)), int(rng.choice([1, 2, 3, 12, rng.integers(1, 513), 512])))


MAKERS: dict[str, Callable[[np.random.Generator], Record]] = {
    "pool": pool,
    "add": add,
    "reduce": reduce,
    "softmax": softmax,
}


@pytest.mark.parametrize("name, family", [(name, family) for name in MAKERS for family in families(name)])
def test_any_record(name: str, family: str) -> None:
    kernel = Kernel(family, name)
    for seed in range(CASES if name != "softmax" else 60):
        kernel.check(*MAKERS[name](np.random.default_rng(seed)))


@pytest.mark.parametrize("family", families("pool"))
def test_means_of_many_values(family: str) -> None:
    kernel = Kernel(family, "pool")
    for n, value in ((1, 127), (129, -128), (363, 127), (400, -127)):  # 363 * 363 > 2**17
        whole = {"n": n, "k": n, "stride": 1, "before": 0, "outputs": 1}
        r, x, data, scratch = record_of_pool(np.random.default_rng(n), whole, whole, 1, 1)
        x[:] = value
        x[:: n // 2 + 1] = value // 2
        kernel.check(r, x, data, scratch)


@pytest.mark.parametrize("family", families("add"))
def test_every_pair_of_values(family: str) -> None:
    kernel = Kernel(family, "add")
    halves = itertools.product([0.25, 0.5, 1.0], [0.5, 1.0, 2.0])  # sums that lie half way between two outputs
    rng = np.random.default_rng(9)
    uneven = [[float(s) for s in 2.0 ** rng.uniform(-1.4, 1, 3)] for _ in range(4)]
    for mode, real in enumerate([*([1.0, b, y] for b, y in halves), *uneven]):
        r, x, data, scratch = record_of_add(rng, [1, 1, 256, 256], ([0, 0, 1, 0], [0, 0, 0, 1]), real, mode & 1)
        for place in (r[4] >> 1, r[5] >> 1):
            x[place : place + 256] = np.arange(-128, 128)
        kernel.check(r, x, data, scratch)


def usual_pool(rng: np.random.Generator) -> tuple[Record, int]:
    one = {"n": 16, "k": 2, "stride": 2, "before": 0, "outputs": 8}
    record = record_of_pool(rng, one, one, 16, 0)
    record[0][17:19] = [0, 255]
    return record, 8 * 8 * 16


def usual_add(rng: np.random.Generator) -> tuple[Record, int]:
    return record_of_add(rng, [1, 1, 1, 1176], ([0, 0, 0, 1], [0, 0, 0, 1]), [0.05, 0.04, 0.07], 0), 1176


def usual_softmax(rng: np.random.Generator) -> tuple[Record, int]:
    return record_of_softmax(rng, 1, 10), 10


# instructions for each output of a usual layer: what is in reach, a little above
LIMITS = {("thumb", "pool"): 22, ("thumb", "add"): 25, ("thumb", "softmax"): 95}
LIMITS |= {("dsp", "pool"): 17, ("dsp", "add"): 21}
LIMITS |= {("xtensa", "pool"): 25, ("xtensa", "add"): 60, ("xtensa", "softmax"): 85}
LIMITS |= {("xtensa-s2", "pool"): 26, ("xtensa-s2", "add"): 62, ("xtensa-s2", "softmax"): 85}
LIMITS |= {("rv32", "pool"): 22, ("rv32", "add"): 30, ("rv32", "softmax"): 60}
USUAL = {"pool": usual_pool, "add": usual_add, "softmax": usual_softmax}


@pytest.mark.parametrize("family, name", LIMITS)
def test_what_an_output_costs(family: str, name: str) -> None:
    kernel = Kernel(family, name, counts=True)
    record, outputs = USUAL[name](np.random.default_rng(1))
    kernel.check(*record)
    assert kernel.machine.instructions / outputs < LIMITS[family, name]
