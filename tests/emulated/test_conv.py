"""CONV in assembler, record by record: any shape, padding, scale and clamp, and what an output costs."""

from __future__ import annotations

import numpy as np
import pytest
from whit import program
from whit.ops.conv import SMALL, conv_scratch, expanded_channels, tiles

from .records import Array, Kernel, axis, biases, clamp, families, form_of, lay_out, scales, small, table, values

Record = tuple[list[int], Array, bytes, tuple[int, int]]
CASES = 250
FAMILIES = families("conv")


def record(
    rng: np.random.Generator,
    y: dict[str, int],
    x: dict[str, int],
    cg: int,
    og: int,
    groups: int = 1,
    usual: bool = False,
) -> Record:
    """(record, arena, DATA, scratch) for two axes, channels of a group and groups."""
    channels, k = groups * og, y["k"] * x["k"] * cg
    weights = rng.integers(-127, 128, (channels, y["k"], x["k"], cg))
    kind = "usual" if usual else str(rng.choice(["usual", "ties", "any"]))
    zero_point = -128 if usual else int(rng.integers(-128, 128))
    if not usual and not rng.integers(0, 6):
        weights.flat[rng.integers(0, weights.size)] = -128
    if not usual and not rng.integers(0, 6):
        weights = rng.choice([-127, 127], weights.shape)  # the largest sums
    how = scales(rng, kind, channels)
    flat = weights.reshape(channels, k)
    bias = biases(rng, "small" if usual else str(rng.choice(["small", "large", "ends"])), flat, how[2])
    packed = tiles(weights, groups)
    part = packed + table(flat, bias, zero_point, how)
    pixel = channels + (0 if usual else int(rng.choice([0, 0, 3])))
    row = x["outputs"] * pixel
    positions, k4 = y["outputs"] * x["outputs"], k + 3 & ~3
    block = 0 if groups > 1 else expanded_channels(channels, k4, positions)
    if block > 4 and not usual:
        block = int(rng.choice([block, 4, 4 * -(-channels // 8)]))  # one pass or several
        block = channels if block >= channels else block
    scratch = conv_scratch(groups, cg, k4, block)
    size = (y["outputs"] - 1) * row + (x["outputs"] - 1) * pixel + channels
    at, end = lay_out(rng, scratch=scratch, x=y["n"] * x["n"] * groups * cg, y=size)
    r = [program.CONV, 32, 8, len(part), at["x"], at["y"], at["scratch"], len(packed), y["n"], x["n"], groups, cg]
    r += [y["outputs"], x["outputs"], og]
    for field in ("k", "stride", "dilation", "before"):
        r += [y[field], x[field]]
    zero = 0 if usual else int(rng.choice([0, 128, 255, rng.integers(0, 256)]))
    bounds = (0, 255) if usual else clamp(rng)
    pairs = int(weights.min() > -128)
    pairs |= SMALL * (pairs & small(flat, bias, zero_point, how))
    r += [zero_point + 128, zero, *bounds, row, pixel, block, pairs]
    r.append(form_of(r, flat, bias, how))
    return r, values(rng, end, zero_point), bytes(8) + part, (at["scratch"], scratch)


def point() -> dict[str, int]:
    return {"n": 1, "k": 1, "stride": 1, "dilation": 1, "before": 0, "outputs": 1}


@pytest.mark.parametrize("family", FAMILIES)
def test_any_record(family: str) -> None:
    kernel = Kernel(family, "conv")
    for seed in range(CASES):
        rng = np.random.default_rng(seed)
        largest = int(rng.choice([3, 9]))
        y, x = (axis(rng, largest, int(rng.choice([1, 3, 5]))) for _ in range(2))
        if not rng.integers(0, 4):
            y = point()
        kernel.check(*record(rng, y, x, int(rng.integers(1, 9)), int(rng.integers(1, 20))))


@pytest.mark.parametrize("family", FAMILIES)
def test_groups(family: str) -> None:
    kernel = Kernel(family, "conv")
    for seed in range(CASES // 5):
        rng = np.random.default_rng(seed)
        y, x = axis(rng, 6, 3), axis(rng, 6, 3)
        groups, cg, og = (int(n) for n in rng.integers(1, 6, 3))
        kernel.check(*record(rng, y, x, cg, og, groups + 1))


@pytest.mark.parametrize("family", FAMILIES)
def test_many_channels(family: str) -> None:
    kernel = Kernel(family, "conv")
    for seed in range(CASES // 5):
        rng = np.random.default_rng(seed)
        y, x = axis(rng, 9, int(rng.choice([1, 3]))), axis(rng, 9, int(rng.choice([1, 3])))
        cg = int(rng.choice([8, 12, 16, 17, 24, 32, 64]))
        kernel.check(*record(rng, y, x, cg, int(rng.choice([4, 8, 12, 15, 24, 32]))))


@pytest.mark.parametrize("family", FAMILIES)
def test_dense(family: str) -> None:
    kernel = Kernel(family, "conv")
    for seed in range(CASES // 2):
        rng = np.random.default_rng(seed)
        cg = int(rng.choice([rng.integers(1, 20), rng.integers(1, 300)]))
        kernel.check(*record(rng, point(), point(), cg, int(rng.integers(1, 30))))


# instructions for each multiplication: what is in reach, a little above
LIMITS = {"thumb": {"conv": 2.3, "1x1": 2.5, "dense": 3.7}, "rv32": {"conv": 2.5, "1x1": 2.6, "dense": 3.7}}
LIMITS["dsp"] = {"conv": 0.95, "1x1": 1.0, "dense": 1.4}
LIMITS["xtensa"] = {"conv": 1.65, "1x1": 1.9, "dense": 2.4}
LIMITS["xtensa-s2"] = {"conv": 3.5, "1x1": 3.8, "dense": 3.9}


@pytest.mark.parametrize("family", [family for family in FAMILIES if family in LIMITS])
def test_what_a_multiplication_costs(family: str) -> None:
    kernel = Kernel(family, "conv", counts=True)
    three = {"n": 16, "k": 3, "stride": 1, "dilation": 1, "before": 1, "outputs": 16}
    one = {**three, "k": 1, "before": 0}
    for name, axis_, cg, og in (("conv", three, 16, 32), ("1x1", one, 64, 64), ("dense", point(), 640, 64)):
        kernel.check(*record(np.random.default_rng(1), axis_, axis_, cg, og, usual=True))
        macs = axis_["outputs"] ** 2 * axis_["k"] ** 2 * cg * og
        assert kernel.machine.instructions / macs < LIMITS[family][name], name
