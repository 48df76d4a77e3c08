"""CONV kernels of every family against 64-bit integers: kept weights, roundings, sums at their limits, odd memory.

A record is built here word by word as device/FORMAT.md has it. Nothing but the output and the scratch may change.
WHIT_CASES=N sets how many shapes are tried (150); WHIT_SEED=N draws others.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from whit.ops.conv import conv_scratch, tiles
from whit.ops.form import dense
from whit.paths import device_root, mpy_root

from .boards import PROCESSORS, families, machine
from .records import form_of

CASES = int(os.environ.get("WHIT_CASES", "150"))
SEED = int(os.environ.get("WHIT_SEED", "1"))
FAMILIES = [*families("conv"), "viper"]
CONV, GENERAL, SMALL = 3, 1 << 31, 2
Array = npt.NDArray[Any]
Rng = np.random.Generator


@dataclass
class Case:
    """One record with its numbers; `output` is what it must give, [row, column, channel]."""

    h: int = 1
    w: int = 1
    groups: int = 1
    depth: int = 8  # of a group, as is
    outs: int = 4
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    pad: tuple[int, int] = (0, 0)
    size: tuple[int, int] = (1, 1)  # of the output
    gaps: tuple[int, int] = (0, 0)  # bytes between rows and between pixels of the output that belong to others
    block: int = 0
    skew: int = 0  # of the input, from a multiple of 4
    zx: int = 0
    zo: int = 0
    lo: int = -128
    hi: int = 127
    scales: tuple[int, int] = (-9, -7)  # binary exponents
    kind: str = "usual"
    x: Array = field(default_factory=lambda: np.zeros(0))
    weights: Array = field(default_factory=lambda: np.zeros(0))
    bias: Array = field(default_factory=lambda: np.zeros(0))
    table: Array = field(default_factory=lambda: np.zeros(0))

    def fill(self, rng: Rng) -> Case:
        """Draw input, weights, bias and scales."""
        channels, k = self.groups * self.outs, self.kernel[0] * self.kernel[1] * self.depth
        self.x = rng.choice([-128, -1, 0, 127, *rng.integers(-128, 128, 8)], (self.h, self.w, self.groups * self.depth))
        self.weights = rng.integers(-127, 128, (channels, k))
        if self.kind == "ends":
            self.x = rng.choice([-128, 127], self.x.shape)
            self.weights = rng.choice([-127, 127], self.weights.shape)
        if self.kind == "bytes":
            self.weights[rng.integers(0, channels), rng.integers(0, k)] = -128
        reach = max(1, int(255 * np.abs(self.weights).sum(1).max()))
        self.bias = rng.integers(-reach // 8, reach // 8 + 1, channels)
        if self.kind == "wide":
            self.bias = rng.integers(-(1 << 31) + reach, (1 << 31) - reach, channels)
        shifts = rng.integers(self.scales[0], self.scales[1] + 1, channels)
        multipliers = rng.integers(1 << 30, 1 << 31, channels)
        multipliers[rng.random(channels) < 0.05] = rng.choice([1 << 30, (1 << 31) - 1])
        if self.scales[1] >= 0:
            multipliers[shifts == 0] *= rng.integers(0, 2)  # a scale of 0 has no shifts
        sums = self.weights.sum(1)
        largest = np.abs(self.bias) + np.abs(self.weights).sum(1) * 255
        general = (shifts >= 0) | (largest >= 1 << 30)
        packed = np.where(shifts < 0, -shifts, shifts << 8) | np.where(general, GENERAL, 0)
        self.small = bool(((shifts <= -1) & (shifts >= -14) & (largest < (1 << 21) - (1 << 11))).all())
        columns = [self.bias - (self.zx + 128) * sums, multipliers, packed, self.bias - self.zx * sums]
        self.table = np.stack(columns, 1).astype(np.int64)
        return self

    @property
    def k4(self) -> int:
        return self.kernel[0] * self.kernel[1] * self.depth + 3 & ~3

    def output(self) -> Array:
        """By the definition, with integers of 64 bits."""
        (kh, kw), (oh, ow) = self.kernel, self.size
        x = self.x.astype(np.int64) - self.zx
        weights = self.weights.astype(np.int64).reshape(self.groups, self.outs, kh, kw, self.depth)
        sums = np.zeros((oh, ow, self.groups, self.outs), np.int64)
        for ky in range(kh):
            for kx in range(kw):
                for oy in range(oh):
                    y = oy * self.stride[0] - self.pad[0] + ky * self.dilation[0]
                    at = np.arange(ow) * self.stride[1] - self.pad[1] + kx * self.dilation[1]
                    inside = (at >= 0) & (at < self.w)
                    if 0 <= y < self.h and inside.any():
                        taps = x[y, at[inside]].reshape(-1, self.groups, self.depth)
                        sums[oy, inside] += np.einsum("pgc,goc->pgo", taps, weights[:, :, ky, kx])
        a = sums.reshape(oh, ow, -1) + self.bias
        m, left, right = self.table[:, 1], self.table[:, 2] >> 8 & 31, self.table[:, 2] & 255
        a = ((a << left) + (1 << 31) & 0xFFFFFFFF) - (1 << 31)
        r = a * m + (1 << 30) >> 31
        r = np.where(right > 0, r + (r >> 63) + (1 << np.maximum(right, 1) - 1) >> right, r)
        result: Array = np.clip(r + self.zo, self.lo, self.hi).astype(np.int8)
        return result

    def record(self, at: int, to: int, scratch: int, table: int) -> list[int]:
        row = (self.size[1] - 1) * self.pixel + self.groups * self.outs + self.gaps[0]
        shape = [self.h, self.w, self.groups, self.depth, *self.size, self.outs, *self.kernel, *self.stride]
        points = [n + 128 for n in (self.zx, self.zo, self.lo, self.hi)]
        pairs = int(self.weights.min() > -128)
        tail = [*self.dilation, *self.pad, *points, row, self.pixel, self.block, pairs | SMALL * (pairs & self.small)]
        r = [CONV, 32, 8, 0, at, to, scratch, table, *shape, *tail]
        left, right = self.table[:, 2] >> 8 & 31, self.table[:, 2] & 255
        return [*r, form_of(r, self.weights, self.bias, (self.table[:, 1], right, left))]

    @property
    def pixel(self) -> int:
        return self.groups * self.outs + self.gaps[1]


class Board:
    """A machine with the CONV kernel of a family."""

    def __init__(self, family: str) -> None:
        self.family = family
        self.start()

    def start(self) -> None:
        self.machine = machine(PROCESSORS.get(self.family, "armv6m"))
        self.runs = 0
        if self.family == "viper":
            self.kernels = [self.machine.load(device_root() / "whit" / "viper" / "conv.py")["run"]]
        else:
            paths = [mpy_root() / self.family / f"{name}.mpy" for name in ("conv", "dense")]
            found = [self.machine.load_mpy(path.read_bytes(), ["run"]) for path in paths if path.exists()]
            self.kernels = [functions["run"] for functions in found]

    def run(self, case: Case, keep: bool = False) -> int:
        """Run a case, in the kernel for dense layers too if it is one, and check every byte of the arena.

        Returns the instructions of the last run.
        """
        if self.runs > 500:  # the machine never uses an address twice
            self.start()
        self.runs += 1
        machine = self.machine
        weights = tiles(case.weights.astype(np.int8), case.groups)
        data = bytes(range(8)) + weights + (case.table & 0xFFFFFFFF).astype("<u4").tobytes()
        x = case.x.astype(np.int8).tobytes()
        size = conv_scratch(case.groups, case.depth, case.k4, case.block)
        # input, output and scratch one after another, with no byte between them that is not needed
        to = case.skew + len(x)
        words = case.record(case.skew, to, 0, len(weights))
        expected = case.output()
        span = (case.size[0] - 1) * words[27] + (case.size[1] - 1) * words[28] + expected.shape[2]
        scratch = to + span + 3 & ~3
        words[6] = scratch
        arena = np.full(scratch + size, 0x5A, np.uint8)
        arena[case.skew : to] = np.frombuffer(x, np.uint8)
        after = arena.copy()
        for oy in range(case.size[0]):
            for ox in range(case.size[1]):
                at = to + oy * words[27] + ox * words[28]
                after[at : at + expected.shape[2]] = expected[oy, ox].view(np.uint8)
        plan = machine.buffer(np.array([7, *words], "<u4").tobytes(), name="PLAN")
        stored, memory = machine.buffer(data, name="DATA"), machine.buffer(arena.tobytes(), name="arena")
        kept = None
        if keep:
            kept = machine.buffer((2 * case.k4 + 24) * (case.outs + 3 & ~3) + 2 * case.k4, name="kept weights")
        buffers = [plan, stored, memory, *([kept] if kept else [])]
        before = [plan.read(), stored.read()]
        kernels = self.kernels[: 2 if dense(words) and not keep else 1]
        for kernel, filled in [(kernels[0], 0), (kernels[0], 1)] if keep else [(kernel, 0) for kernel in kernels]:
            x_block = [4, plan.addr, 0, memory.addr, 0, stored.addr, 0, kept.addr if kept else 0, 0, filled]
            machine.call(kernel, x_block)
            found = np.frombuffer(memory.read(), np.uint8)[:scratch]
            wrong = np.flatnonzero(found != after[:scratch])
            assert not len(wrong), f"{len(wrong)} of {expected.size} bytes, the first at {wrong[0] - to}: {case}"
            memory.write(arena[:scratch].tobytes())
        assert before == [plan.read(), stored.read()]
        for buffer in buffers:
            buffer.free()
        return machine.instructions


@pytest.fixture(scope="module", params=FAMILIES)
def board(request: pytest.FixtureRequest) -> Board:
    return Board(request.param)


def draw(rng: Rng) -> Case:
    """Any shape."""

    def one(*values: int) -> int:
        return int(rng.choice(values))

    kernel = (one(1, 1, 2, 3, 3, 5), one(1, 1, 2, 3, 3, 4))
    dilation = (one(1, 1, 1, 2), one(1, 1, 1, 2, 3))
    stride = (one(1, 1, 2, 3), one(1, 1, 2, 3))
    groups = one(1, 1, 1, 1, 2, 3)
    depth = one(1, 2, 3, 4, 4, 5, 8, 9, 12, 16)
    outs = one(1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13)
    h, w = one(1, 2, 3, 5, 6), one(1, 2, 3, 4, 7)
    pad = (int(rng.integers(0, kernel[0] + 1)), int(rng.integers(0, kernel[1] + 1)))
    size = (one(1, 1, 2, 3), one(1, 2, 3, 4))
    relu = rng.random() < 0.5
    zo = int(rng.integers(-128, 128)) if rng.random() < 0.7 else -128
    lo, hi = -128, 127
    if rng.random() < 0.3:
        lo, hi = sorted(int(n) for n in rng.integers(-128, 128, 2))
    if relu:
        lo, hi = zo, max(zo, hi)
    case = Case(h, w, groups, depth, outs, kernel, stride, dilation, pad, size, zo=zo, lo=lo, hi=hi)
    case.gaps = (one(0, 0, 1, 6), one(0, 0, 1, 5))
    case.skew = one(0, 0, 0, 1, 2)
    case.zx = one(-128, 0, 5, 127)
    case.kind = str(rng.choice(["usual", "usual", "usual", "ends", "bytes", "wide"]))
    case.scales = [(-9, -7), (-14, -5), (-31, -10), (-2, 2), (-12, 0)][int(rng.choice([0, 0, 0, 1, 1, 2, 3, 4]))]
    if groups == 1 and (size != (1, 1) or rng.random() < 0.3):
        case.block = one(outs, outs, *range(4, outs, 4))
    return case.fill(rng)


def test_any_shape(board: Board) -> None:
    rng = np.random.default_rng(SEED)
    for _ in range(CASES):
        case = draw(rng)
        board.run(case, keep=case.groups == 1 and case.kind != "bytes" and rng.random() < 0.3)


def test_long_windows(board: Board) -> None:
    rng = np.random.default_rng(SEED)
    for depth, kernel, outs in ((31, (3, 3), 5), (33, (3, 3), 4), (32, (3, 3), 8), (36, (3, 3), 4), (300, (1, 1), 6)):
        for block in (outs, 4):
            case = Case(4, 5, 1, depth, outs, kernel, pad=(1, 1), size=(4, 5), block=block, zx=-3, zo=-128)
            case.lo = int(rng.choice([-128, -100]))
            board.run(case.fill(rng))


def test_dense_layers(board: Board) -> None:
    # with none, few and many inputs at the upper end before small ones, which some kernels treat on their own
    rng = np.random.default_rng(SEED)
    for _ in range(CASES // 3):
        depth, outs = int(rng.integers(1, 700)), int(rng.integers(1, 24))
        case = Case(1, 1, 1, depth, outs, skew=int(rng.integers(0, 3)), zx=int(rng.choice([-128, 0, 127]))).fill(rng)
        share = rng.choice([0, 0.01, 0.03, 0.5, 1])
        case.x = np.where(rng.random(case.x.shape) < share, 127, case.x)
        board.run(case)


def test_sums_up_to_the_ends_of_int32(board: Board) -> None:
    rng = np.random.default_rng(SEED)
    for scales in ((-31, -29), (-1, 0), (0, 1), (29, 31)):
        for size in ((1, 1), (1, 3)):
            case = Case(1, 3, 1, 9, 6, size=size, kind="wide", scales=scales, zo=127, block=6 * (size != (1, 1)))
            board.run(case.fill(rng))


def test_halves_are_rounded_as_the_reference_rounds_them(board: Board) -> None:
    # one tap of weight 1: every sum from -30000 on in steps, at scales of which halves are exact
    rng = np.random.default_rng(SEED)
    for e in (1, 2, 5, 8, 14):
        for lo in (-128, 3):
            case = Case(1, 16, 1, 4, 64, size=(1, 16), block=64, zo=3, lo=lo).fill(rng)
            case.weights[:] = 0
            case.weights[:, 0] = 1
            case.x[..., 0] = np.arange(-8, 8)
            case.bias = np.arange(-32, 32) * (1 << e) + rng.integers(-1, 2, 64) * (1 << e - 1)
            case.table[:, 0] = case.table[:, 3] = case.bias
            case.table[:, 0] -= 128
            case.table[:, 1], case.table[:, 2] = rng.choice([1 << 30, (1 << 31) - 1, 3 << 29]), e
            case.small = True
            board.run(case)
