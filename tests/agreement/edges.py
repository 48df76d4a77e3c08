"""Cases of models whose users see uint8, int16 or float32: QUANTIZE and DEQUANTIZE at the edges."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st

from .builder import Net
from .draws import SEEDS, ZEROS, Array, Case, Draw, inputs, scales, shapes

DTYPES = st.sampled_from(["int8", "uint8", "float32", "int16"])


@st.composite
def edge(draw: Draw) -> Case:
    """dtype -> int8 -> RELU or nothing -> int8 -> dtype, with RESHAPE on either side of a QUANTIZE or DEQUANTIZE."""
    shape, first, last = draw(shapes(1, 4)), draw(DTYPES), draw(DTYPES)
    (s, z), inner = (draw(scales(-8, 2)), draw(ZEROS)), draw(st.booleans())
    net = Net()
    own, text = _own(draw, first, s, z)
    x = t = net.tensor(shape, *own, dtype=first)
    if first != "int8":
        t = _reshaped(draw, net, t, own, first)
        t = net.op("QUANTIZE", [t], net.tensor(net.shapes[t], s, z))
        t = _reshaped(draw, net, t, (s, z), "int8")
    if inner or t == x:
        t = net.op("RELU", [t], net.tensor(net.shapes[t], s, z))
    y = t
    if last != "int8":
        y = _reshaped(draw, net, y, (s, z), "int8")
        theirs, _ = _own(draw, last, s, z)
        y = net.op(
            "DEQUANTIZE" if last == "float32" else "QUANTIZE", [y], net.tensor(net.shapes[y], *theirs, dtype=last)
        )
        y = _reshaped(draw, net, y, theirs, last)
    values = inputs(draw, shape, z)
    if first == "uint8":
        values = [(v.view(np.uint8) ^ 128) for v in values]
    elif first == "int16":
        rng = np.random.default_rng(draw(SEEDS))
        values = [rng.integers(-32768, 32768, shape).astype(np.int16), rng.choice([-32768, 32767], shape)]
        values = [v.astype(np.int16) for v in values]
    elif first == "float32":
        values = floats(draw, shape, s)
    return Case(net.build(x, y), values, f"{first} -> {last} {shape}, scale {s}, zero {z}, inner {inner}{text}")


def _own(draw: Draw, dtype: str, s: float, z: int) -> tuple[tuple[float | None, int], str]:
    """(scale and zero point of an edge, what to call them)."""
    if dtype == "float32":
        return (None, 0), ""
    if dtype == "int8":
        return (s, z), ""
    if dtype == "int16":
        # 2**16 times finer or coarser stays inside int32
        own = float(np.float32(s * draw(scales(-12, 4))))
        return (own, 0), f", int16 scale {own}"
    # most converters shift by 128 and keep the scale; any other is a requantisation
    own, zero = (s, z) if draw(st.booleans()) else (draw(scales(-8, 2)), draw(ZEROS))
    return (own, zero + 128), f", uint8 scale {own} zero {zero + 128}"


def _reshaped(draw: Draw, net: Net, t: int, own: tuple[float | None, int], dtype: str) -> int:
    if draw(st.integers(0, 3)):
        return t
    size = math.prod(net.shapes[t])
    shape = draw(st.sampled_from([(size,), (1, size), (size, 1, 1)]))
    return int(net.op("RESHAPE", [t, net.numbers(shape)], net.tensor(shape, *own, dtype=dtype), newShape=list(shape)))


def floats(draw: Draw, shape: tuple[int, ...], scale: float) -> list[Array]:
    """Any values, exact halves between two integers, and their next neighbours on both sides."""
    rng = np.random.default_rng(draw(SEEDS))
    any_value = (rng.normal(0, 100, shape) * scale).astype(np.float32)
    ties = ((rng.integers(-300, 300, shape) + 0.5) * scale).astype(np.float32)
    one = np.float32(1)
    near = [np.nextafter(ties, ties + side * one, dtype=np.float32) for side in (-1, 1)]
    far = (rng.choice(np.array([-1e6, 0.0, -0.0, 1e6]), shape) * scale).astype(np.float32)
    half = np.full(shape, np.nextafter(np.float32(0.5), np.float32(0)) * np.float32(scale), np.float32)
    return [any_value, ties, *near, far, half]
