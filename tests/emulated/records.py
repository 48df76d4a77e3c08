"""Single records, made by hand, for the assembled kernels; the simulator says what is right."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from whit import simulate
from whit.ops import form
from whit.ops.conv import GENERAL
from whit.paths import mpy_root

from .boards import PROCESSORS, machine
from .boards import families as families

Array = npt.NDArray[Any]
BEFORE = 4  # bytes of PLAN before the record


class Kernel:
    """One assembled kernel; `machine` has the costs of its last call."""

    def __init__(self, family: str, kernel: str, counts: bool = False) -> None:
        self.machine = machine(PROCESSORS[family], counts)
        code = (mpy_root() / family / f"{kernel}.mpy").read_bytes()
        self._run = self.machine.load_mpy(code, ["run"])["run"]

    def __call__(self, record: list[int], arena: Array, data: bytes) -> Array:
        """The arena (int8) afterwards. Buffers are exact, so an access outside of them is an EmulationError."""
        words = np.array(record, np.int64).astype("<u4").tobytes()
        contents = (bytes(BEFORE) + words, arena.tobytes(), data)
        plan, memory, constants = buffers = [self.machine.buffer(content) for content in contents]
        block = [BEFORE, plan.addr, 0, memory.addr, 0, constants.addr, 0, 0, 0, 0]
        self.machine.call(self._run, block, limit=1_000_000_000)
        result = np.frombuffer(memory.read(), np.int8)
        assert (plan.read(), constants.read()) == (contents[0], data), "PLAN or DATA has changed"
        for buffer in buffers:
            buffer.free()
        return result

    def check(self, record: list[int], arena: Array, data: bytes = b"", scratch: tuple[int, int] = (0, 0)) -> None:
        """The arena must be what the simulator makes of it, but for scratch: (offset, bytes)."""
        want = arena.copy()
        part = np.frombuffer(data, np.uint8)[record[2] : record[2] + record[3]]
        simulate._KERNELS[record[0]](want, part, record)
        got = self(record, arena, data).copy()
        free = slice(scratch[0], scratch[0] + scratch[1])
        got[free] = want[free]
        wrong = np.flatnonzero(got != want)
        assert not wrong.size, f"{record}: {wrong.size} bytes differ, the first at {wrong[0]}"


def lay_out(rng: np.random.Generator, **sizes: int) -> tuple[dict[str, int], int]:
    """(offsets, size) of an arena with these pieces in any order; `scratch` is aligned."""
    at, end = {}, int(rng.integers(0, 5))
    for name in rng.permutation(list(sizes)):
        if name == "scratch":
            end = end + 3 & ~3
        at[str(name)] = end
        end += sizes[name]
    return at, end


def scales(rng: np.random.Generator, kind: str, channels: int) -> tuple[Array, Array, Array]:
    """(multipliers, right shifts, left shifts) of one kind: "usual", "ties" or "any"."""
    right, left = rng.integers(4, 11, channels), np.zeros(channels, np.int64)
    multipliers = rng.integers(1 << 30, 1 << 31, channels)
    if kind == "ties":
        multipliers = rng.choice([1 << 30, (1 << 30) + (1 << 20), 3 << 29, (1 << 31) - 1], channels)
        right = rng.integers(1, 8, channels)
    if kind == "any":
        right = rng.integers(0, 32, channels)
        left = np.where(right < 4, rng.integers(0, 12, channels), 0)
        right = np.where(left > 0, 0, right)
    return multipliers, right, left


def table(weights: Array, bias: Array, zero_point: int, how: tuple[Array, Array, Array]) -> bytes:
    """The table of CONV and DEPTHWISE for weights (channels, taps), without any of the host's code."""
    multipliers, right, left = how
    flat = weights.astype(np.int64)
    largest = np.abs(bias) + np.abs(flat).sum(1) * max(127 - zero_point, zero_point + 128)
    general = (left > 0) | (right == 0) | (largest >= 1 << 30)
    words = [bias - (zero_point + 128) * flat.sum(1), multipliers]
    words += [right | left << 8 | general * GENERAL, bias - zero_point * flat.sum(1)]
    return (np.stack(words, 1) & 0xFFFFFFFF).astype("<u4").tobytes()


def small(weights: Array, bias: Array, zero_point: int, how: tuple[Array, Array, Array]) -> bool:
    """Whether bit 1 of `pairs` may be set; as exact as can be, so that kernels are tried with the largest such sums."""
    _, right, left = how
    ends = np.stack([weights.astype(np.int64) * (n - zero_point) for n in (-128, 127)])
    sums = np.stack([bias + ends.min(0).sum(1), bias + ends.max(0).sum(1)])
    return bool(((left == 0) & (right > 0) & (right < 15)).all() and np.abs(sums).max() < (1 << 21) - (1 << 11))


def form_of(r: list[int], weights: Array, bias: Array, how: tuple[Array, Array, Array]) -> int:
    """The last word of CONV and DEPTHWISE, but for what only viper takes."""
    multipliers, right, left = how
    shifts = [(int(m), int(b - a)) for m, a, b in zip(multipliers, right, left, strict=True)]
    zx, zo = r[23] - 128, r[24] - 128
    fraction, clear, bits = form._requantisation(weights, bias, shifts, zx, zo) or (16, 0, 16)
    return fraction << 8 | clear << 13 | bits << 17


def biases(rng: np.random.Generator, kind: str, weights: Array, left: Array) -> Array:
    """Biases with which no sum of inputs times weights leaves int32, before or after the shift to the left.

    Of the kind "small", "large" (sums near 2**18), or "ends" (near 2**31).
    """
    reach = 255 * np.abs(weights.astype(np.int64)).sum(1) + 1
    limits = np.maximum(((1 << 31) - 1 >> left) - reach, 0)
    signs = rng.choice([-1, 1], len(weights))
    if kind == "ends":
        chosen = signs * (limits - rng.integers(0, 2000, len(weights)))
    elif kind == "large":
        chosen = signs * ((1 << 18) + rng.integers(-300_000, 3000, len(weights)))
    else:
        chosen = rng.integers(-3000, 3001, len(weights))
    result: Array = np.clip(chosen, -limits, limits)
    return result


def axis(rng: np.random.Generator, largest: int, kernel: int) -> dict[str, int]:
    """Geometry of one axis: size, kernel, stride, dilation, padding before the image, outputs."""
    n, k = int(rng.integers(1, largest + 1)), int(rng.integers(1, kernel + 1))
    stride, dilation = int(rng.choice([1, 1, 1, 2, 3])), int(rng.choice([1, 1, 1, 2, 3]))
    span = (k - 1) * dilation + 1
    if rng.integers(0, 2):
        outputs = -(-n // stride)
        before = max(0, (outputs - 1) * stride + span - n) // 2
    else:
        before, after = (int(p) for p in rng.integers(0, 4, 2))
        n = max(n, span - before - after, 1)
        outputs = (n + before + after - span) // stride + 1
    return {"n": n, "k": k, "stride": stride, "dilation": dilation, "before": before, "outputs": outputs}


def clamp(rng: np.random.Generator) -> tuple[int, int]:
    """(lo, hi): mostly 0 and 255."""
    if rng.integers(0, 3):
        return 0, 255
    low = int(rng.integers(0, 256))
    return low, int(rng.integers(low, 256))


def values(rng: np.random.Generator, size: int, zero_point: int) -> Array:
    """An arena of any bytes, or of the ends of their range and the zero point."""
    if rng.integers(0, 2):
        return rng.integers(-128, 128, size).astype(np.int8)
    return rng.choice([-128, 127, zero_point], size).astype(np.int8)
