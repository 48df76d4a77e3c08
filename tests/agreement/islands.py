"""Cases of float islands: DEQUANTIZE, one or two float operators, QUANTIZE; the board has a table for all of it."""

from __future__ import annotations

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from whit.ops.unary import FLOAT

from .builder import Net
from .draws import ZEROS, Array, Case, Draw, ramps, scales

# rough values: they place the output's scale, and tell where the reference is undefined
_ROUGH = {
    "ABS": np.abs,
    "CEIL": np.ceil,
    "COS": np.cos,
    "ELU": lambda x: np.where(x < 0, np.expm1(x), x),
    "EXP": np.exp,
    "FLOOR": np.floor,
    "LOG": np.log,
    "LOGISTIC": lambda x: 1 / (1 + np.exp(-x)),
    "NEG": np.negative,
    "RELU": lambda x: np.maximum(x, 0),
    "RELU6": lambda x: np.clip(x, 0, 6),
    "ROUND": np.round,
    "RSQRT": lambda x: 1 / np.sqrt(x),
    "SIN": np.sin,
    "SQRT": np.sqrt,
    "SQUARE": np.square,
    "TANH": np.tanh,
}
assert set(_ROUGH) == set(FLOAT)


@st.composite
def island(draw: Draw, kind: str) -> Case:
    """``kind`` alone, or with another float operator before or after it."""
    kinds = [kind]
    if draw(st.integers(0, 2)) == 0:
        kinds.insert(draw(st.integers(0, 1)), draw(st.sampled_from(sorted(FLOAT))))
    scale, zero = draw(st.one_of(scales(-8, 1), scales(-8, 1), scales(-20, 6))), draw(ZEROS)
    if kinds[0] in ("LOG", "SQRT", "RSQRT"):
        zero = -128
    q = np.arange(-128, 128)
    rough = _rough((q - zero) * scale, kinds)
    # whit refuses what gives no number for some input
    assume(not np.isnan(rough).any())
    finite = np.abs(rough[np.abs(rough) < 1e30])
    assume(len(finite) > 0)
    y_scale = float(np.float32(max(float(np.median(finite)), 1e-6) / 64 * 2.0 ** draw(st.floats(-3, 3))))
    # beyond int32 the reference's conversion to an integer is undefined; so is what such values are in
    usable = q[np.abs(rough / y_scale) < 1 << 30].astype(np.int8)
    assume(len(usable) > 0)
    net = Net()
    shape = (draw(st.sampled_from([256, 64])),)
    x = net.tensor(shape, scale, zero)
    t = net.op("DEQUANTIZE", [x], net.tensor(shape, dtype="float32"))
    for name in kinds:
        t = net.op(name, [t], net.tensor(shape, dtype="float32"))
    y = net.op("QUANTIZE", [t], net.tensor(shape, y_scale, draw(ZEROS)))
    values: list[Array] = [np.resize(usable, shape)] if len(usable) < 256 else ramps(shape)
    return Case(net.build(x, y), values, f"{kinds}, scales {scale} -> {y_scale}, zero {zero}")


def _rough(x: Array, kinds: list[str]) -> Array:
    with np.errstate(all="ignore"):
        for kind in kinds:
            x = _ROUGH[kind](x).astype(np.float32).astype(np.float64)  # type: ignore[operator]
    return x
