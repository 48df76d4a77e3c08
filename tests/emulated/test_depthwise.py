"""DEPTHWISE in assembler, record by record: any shape, padding, scale and clamp, and what an output costs."""

from __future__ import annotations

import numpy as np
import pytest
from whit import program
from whit.ops.conv import depthwise_scratch

from .records import Array, Kernel, axis, biases, clamp, families, lay_out, scales, table, values

Record = tuple[list[int], Array, bytes, tuple[int, int]]
# a walk is along the longer axis, which a stride or dilation forbids: every combination must be met
CASES = 300


def record(rng: np.random.Generator, y: dict[str, int], x: dict[str, int], ci: int, og: int, usual: bool) -> Record:
    """(record, arena, DATA, scratch) for two axes."""
    channels, taps = ci * og, y["k"] * x["k"]
    weights = rng.integers(-127, 128, (channels, taps))
    kind = "usual" if usual else str(rng.choice(["usual", "ties", "any"]))
    zero_point = -128 if usual else int(rng.integers(-128, 128))
    if not usual and not rng.integers(0, 4):
        weights.flat[rng.integers(0, weights.size)] = -128
    if not usual and not rng.integers(0, 4):
        weights //= 8
    how = scales(rng, kind, channels)
    bias = biases(rng, "small" if usual else str(rng.choice(["small", "large", "ends"])), weights, how[2])
    bytes_ = (weights + 128).astype(np.uint8).tobytes()
    bytes_ += bytes(-len(bytes_) % 4)
    part = bytes_ + table(weights, bias, zero_point, how)
    pixel = channels + (0 if usual else int(rng.choice([0, 0, 3])))
    row = x["outputs"] * pixel
    size = (y["outputs"] - 1) * row + (x["outputs"] - 1) * pixel + channels
    kernel, stride, dilation = ((y[field], x[field]) for field in ("k", "stride", "dilation"))
    scratch = depthwise_scratch(ci, channels, kernel, x["outputs"], stride, dilation)
    at, end = lay_out(rng, scratch=scratch, x=y["n"] * x["n"] * ci, y=size)
    r = [program.DEPTHWISE, 31, 8, len(part), at["x"], at["y"], at["scratch"], len(bytes_), y["n"], x["n"], ci, 1]
    r += [y["outputs"], x["outputs"], og]
    for field in ("k", "stride", "dilation", "before"):
        r += [y[field], x[field]]
    zero = 0 if usual else int(rng.choice([0, 128, 255, rng.integers(0, 256)]))
    r += [zero_point + 128, zero, *((0, 255) if usual else clamp(rng)), row, pixel, 0, int(weights.min() > -128)]
    return r, values(rng, end, zero_point), bytes(8) + part, (at["scratch"], scratch)


@pytest.mark.parametrize("family", families("depthwise"))
def test_any_record(family: str) -> None:
    kernel = Kernel(family, "depthwise")
    for seed in range(CASES):
        rng = np.random.default_rng(seed)
        largest = int(rng.choice([3, 9]))
        y, x = (axis(rng, largest, int(rng.choice([3, 5]))) for _ in range(2))
        ci, og = int(rng.integers(1, 6)), int(rng.choice([1, 1, 1, 2, 3]))
        kernel.check(*record(rng, y, x, ci, og, False))


@pytest.mark.parametrize("family", families("depthwise"))
def test_any_kernel_of_three_with_stride_1(family: str) -> None:
    kernel = Kernel(family, "depthwise")
    for seed in range(CASES):
        rng = np.random.default_rng(seed)
        y, x = axis(rng, 8, 3), axis(rng, 8, 3)
        walk, other = (y, x) if rng.integers(0, 2) else (x, y)
        walk["stride"] = walk["dilation"] = 1
        walk["n"] += 8
        walk["outputs"] = max(1, walk["n"] + walk["before"] + int(rng.integers(0, 3)) - walk["k"] + 1)
        assert other["outputs"] > 0
        kernel.check(*record(rng, y, x, int(rng.integers(1, 5)), int(rng.choice([1, 1, 2])), False))


# instructions for each multiplication of a layer of 16 x 16 pixels: what is in reach, a little above
LIMITS = {"thumb": 7.5, "rv32": 4.6}


@pytest.mark.parametrize("family", [family for family in families("depthwise") if family in LIMITS])
def test_what_a_multiplication_costs(family: str) -> None:
    kernel = Kernel(family, "depthwise")
    same = {"n": 16, "k": 3, "stride": 1, "dilation": 1, "before": 1, "outputs": 16}
    kernel.check(*record(np.random.default_rng(1), same, same, 32, 1, True))
    assert kernel.machine.instructions / (16 * 16 * 9 * 32) < LIMITS[family]
