"""DEPTHWISE in assembler, record by record: any shape, padding, scale and clamp, and what an output costs."""

from __future__ import annotations

import numpy as np
import pytest
from whit import program
from whit.ops.conv import depthwise_scratch

from .records import Array, Kernel, axis, biases, clamp, families, form_of, lay_out, scales, table, values

Record = tuple[list[int], Array, bytes, tuple[int, int]]
# a walk is along the longer axis, which a stride or dilation forbids: every combination must be met
CASES = 300


def record(
    rng: np.random.Generator, y: dict[str, int], x: dict[str, int], ci: int, og: int, usual: bool, cut: bool = False
) -> Record:
    """(record, arena, DATA, scratch) for two axes. ``cut``: nothing below zero comes out."""
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
    r = [program.DEPTHWISE, 32, 8, len(part), at["x"], at["y"], at["scratch"], len(bytes_), y["n"], x["n"], ci, 1]
    r += [y["outputs"], x["outputs"], og]
    for field in ("k", "stride", "dilation", "before"):
        r += [y[field], x[field]]
    zero = 0 if usual else int(rng.choice([0, 128, 255, rng.integers(0, 256)]))
    lo, hi = (0, 255) if usual else clamp(rng)
    r += [zero_point + 128, lo if cut else zero, lo, hi, row, pixel, 0, int(weights.min() > -128)]
    r.append(form_of(r, weights, bias, how) | 1 << 22)
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
def test_any_walk_along_the_longer_axis(family: str) -> None:
    kernel = Kernel(family, "depthwise")
    for seed in range(CASES):
        rng = np.random.default_rng(seed)
        y, x = axis(rng, 8, 3), axis(rng, 8, 3)
        walk, other = (y, x) if rng.integers(0, 2) else (x, y)
        walk["stride"], walk["dilation"] = int(rng.choice([1, 2])), 1
        walk["k"] = int(rng.integers(1, 6 if walk["stride"] == 1 else 4))
        walk["n"] += 8
        walk["outputs"] = (walk["n"] + walk["before"] + int(rng.integers(0, 3)) - walk["k"]) // walk["stride"] + 1
        assert other["outputs"] > 0
        kernel.check(*record(rng, y, x, int(rng.integers(1, 5)), int(rng.choice([1, 1, 2])), False))


@pytest.mark.parametrize("family", families("depthwise"))
def test_three_by_three(family: str) -> None:
    kernel = Kernel(family, "depthwise")
    for seed in range(CASES):
        rng = np.random.default_rng(seed)
        stride = int(rng.choice([1, 2]))
        y, x = (
            {"n": int(rng.integers(1, 20)), "k": 3, "stride": stride, "dilation": 1, "before": int(rng.integers(0, 3))}
            for _ in range(2)
        )
        for one in (y, x):
            one["outputs"] = max(1, (one["n"] + one["before"] + int(rng.integers(0, 3)) - 3) // stride + 1)
            one["before"] = min(one["before"], (one["outputs"] - 1) * stride + 3)
        kernel.check(*record(rng, y, x, int(rng.integers(1, 5)), 1, False, cut=bool(rng.integers(0, 2))))


@pytest.mark.parametrize("family", families("depthwise"))
def test_sums_next_to_where_outputs_change(family: str) -> None:
    kernel = Kernel(family, "depthwise")
    channels = 32
    for seed in range(40):
        rng = np.random.default_rng(seed)
        lo, hi = (0, 255) if seed & 1 else sorted(int(v) for v in rng.integers(0, 256, 2))
        zero = int(rng.choice([lo, hi, rng.integers(lo, hi + 1)]))
        right = rng.integers(1, 13, channels)
        multipliers = rng.integers(1 << 30, 1 << 31, channels)
        if seed & 2:
            multipliers = rng.choice([1 << 30, (1 << 31) - 1, 3 << 29, (1 << 30) + 1], channels)
        weights = rng.choice([1, -1, 2, 3, 17, 127, -127], (channels, 1))
        # 256 sums around where the output goes from n to n + 1
        n = rng.integers(lo - zero - 1, hi - zero + 2, channels)
        bias = (2 * n + 1) * (1 << 30 + right) // multipliers - weights[:, 0] * rng.integers(-128, 128, channels)
        how = (multipliers, right, np.zeros(channels, np.int64))
        part = (weights + 128).astype(np.uint8).tobytes() + table(weights, bias, 0, how)
        scratch = depthwise_scratch(1, channels, (1, 1), 16, (1, 1), (1, 1))
        at, end = lay_out(rng, scratch=scratch, x=256, y=256 * channels)
        x = values(rng, end, 0)
        x[at["x"] : at["x"] + 256] = np.arange(-128, 128)
        r = [program.DEPTHWISE, 32, 0, len(part), at["x"], at["y"], at["scratch"], channels, 16, 16, 1, 1]
        r += [16, 16, channels, 1, 1, 1, 1, 1, 1, 0, 0, 128, zero, lo, hi, 16 * channels, channels, 0, 1]
        r.append(form_of(r, weights, bias, how))
        kernel.check(r, x, part, (at["scratch"], scratch))


# instructions for each multiplication of a layer of 16 x 16 pixels: what is in reach, a little above
LIMITS = {("thumb", 3, 3, 1): 5.6, ("thumb", 3, 3, 2): 8.0, ("thumb", 5, 3, 1): 4.9, ("thumb", 5, 5, 1): 9.5}
LIMITS |= {("rv32", 3, 3, 1): 4.2, ("rv32", 3, 3, 2): 5.6, ("rv32", 5, 3, 1): 5.4, ("rv32", 5, 5, 1): 4.7}
LIMITS |= {("xtensa", 3, 3, 1): 7.9, ("xtensa", 5, 5, 1): 9.2, ("xtensa-s2", 3, 3, 1): 9.9, ("xtensa-s2", 5, 5, 1): 11}
LIMITS |= {("dsp", 3, 3, 1): 2.8, ("dsp", 3, 3, 2): 5.0, ("dsp", 5, 3, 1): 4.0, ("dsp", 3, 5, 1): 4.0}


@pytest.mark.parametrize("family, kh, kw, stride", LIMITS)
def test_what_a_multiplication_costs(family: str, kh: int, kw: int, stride: int) -> None:
    kernel = Kernel(family, "depthwise", counts=True)
    one = {"n": 16, "stride": stride, "dilation": 1, "outputs": 16 // stride}
    y, x = ({**one, "k": k, "before": (k - stride) // 2} for k in (kh, kw))
    kernel.check(*record(np.random.default_rng(1), y, x, 32, 1, True))
    macs = 32 * one["outputs"] ** 2 * kh * kw
    assert kernel.machine.instructions / macs < LIMITS[family, kh, kw, stride]
