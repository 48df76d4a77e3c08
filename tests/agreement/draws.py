"""What all operators draw: zero points, scales, bytes; and the case that comes out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

Array = npt.NDArray[Any]
Draw = st.DrawFn

INT32_MAX = (1 << 31) - 1
ACTIVATIONS = st.sampled_from(["NONE", "RELU", "RELU6", "RELU_N1_TO_1"])
PADDINGS = st.sampled_from(["SAME", "VALID"])
ZEROS = st.one_of(st.sampled_from([0, -128, 127]), st.integers(-128, 127))
SEEDS = st.integers(0, (1 << 32) - 1)


@dataclass(frozen=True)
class Case:
    """A model of the test's own: the .tflite file, inputs in its own dtype, and what it is, for people.

    A model with several inputs takes a tuple of arrays per run. ``expected``: outputs of each run where the reference
    lacks the operator.
    """

    model: bytes
    inputs: Sequence[Array | tuple[Array, ...]]
    text: str
    expected: list[list[Array]] | None = None

    @property
    def runs(self) -> list[tuple[Array, ...]]:
        """All inputs of each run."""
        return [x if isinstance(x, tuple) else (x,) for x in self.inputs]


def scales(low: float = -10, high: float = 2) -> st.SearchStrategy[float]:
    """float32 between 2**low and 2**high, whole powers among them."""
    powers = st.integers(math.ceil(low), math.floor(high)).map(lambda e: 2.0**e)
    return st.one_of(powers, st.floats(low, high).map(lambda e: float(np.float32(2.0**e))))


# where the rounding of 6 / scale in single precision decides on the bound of a RELU6
HALVES = st.integers(0, 120).map(lambda k: float(np.float32(6 / (k + 0.5))))
# ratios of scales at which values lie half way between two outputs, if the reference's precision is kept
TIES = st.sampled_from([0.25, 0.5, 0.75, 1.0, 1.5, 2.5])


def shapes(low: int, high: int, longest: int = 6) -> st.SearchStrategy[tuple[int, ...]]:
    """Shapes of ``low`` to ``high`` axes."""
    return st.lists(st.integers(1, longest), min_size=low, max_size=high).map(tuple)


def int8(draw: Draw, shape: Sequence[int]) -> Array:
    """Bytes of a constant: any, only the two ends, or small ones. Drawn as one seed, so that shrinking is quick."""
    rng = np.random.default_rng(draw(SEEDS))
    how = draw(st.sampled_from(["any", "ends", "small", "low", "high"]))
    if how == "any":
        return rng.integers(-128, 128, shape).astype(np.int8)
    if how == "ends":
        return rng.choice(np.array([-128, 127], np.int8), shape)
    if how == "small":
        return rng.integers(-3, 4, shape).astype(np.int8)
    return np.full(shape, -128 if how == "low" else 127, np.int8)


def inputs(draw: Draw, shape: Sequence[int], zero: int) -> list[Array]:
    """Four inputs: any bytes, one of the ends all over, the zero point all over, and the two ends mixed."""
    rng = np.random.default_rng(draw(SEEDS))
    return [
        rng.integers(-128, 128, shape).astype(np.int8),
        np.full(shape, draw(st.sampled_from([-128, 127])), np.int8),
        np.full(shape, zero, np.int8),
        rng.choice(np.array([-128, 127], np.int8), shape),
    ]


def ramps(shape: Sequence[int]) -> list[Array]:
    """Inputs that together hold every one of the 256 values."""
    size = math.prod(shape)
    count = -(-256 // size)
    ramp = (np.arange(count * size) % 256 - 128).astype(np.int8)
    return [part.reshape(shape) for part in np.split(ramp, count)]
