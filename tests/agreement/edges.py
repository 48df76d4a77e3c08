"""Cases of models whose users see uint8 or float32: QUANTIZE and DEQUANTIZE at the edges."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from .builder import Net
from .draws import SEEDS, ZEROS, Array, Case, Draw, inputs, scales, shapes

DTYPES = st.sampled_from(["int8", "uint8", "float32"])


@st.composite
def edge(draw: Draw) -> Case:
    """dtype -> int8 -> RELU or nothing -> int8 -> dtype."""
    shape, first, last = draw(shapes(1, 4)), draw(DTYPES), draw(DTYPES)
    (s, z), inner = (draw(scales(-8, 2)), draw(ZEROS)), draw(st.booleans())
    net = Net()
    if first == "uint8":
        # most converters shift by 128 and keep the scale; any other is a requantisation
        same = draw(st.booleans())
        own = (s, z) if same else (draw(scales(-8, 2)), draw(ZEROS))
        x = net.tensor(shape, own[0], own[1] + 128, dtype="uint8")
    else:
        x = net.tensor(shape, s if first == "int8" else None, z if first == "int8" else 0, dtype=first)
    t = x if first == "int8" else net.op("QUANTIZE", [x], net.tensor(shape, s, z))
    if inner or t == x:
        t = net.op("RELU", [t], net.tensor(shape, s, z))
    y = t
    if last == "uint8":
        same = draw(st.booleans())
        own = (s, z) if same else (draw(scales(-8, 2)), draw(ZEROS))
        y = net.op("QUANTIZE", [t], net.tensor(shape, own[0], own[1] + 128, dtype="uint8"))
    elif last == "float32":
        y = net.op("DEQUANTIZE", [t], net.tensor(shape, dtype="float32"))
    values = inputs(draw, shape, z)
    if first == "uint8":
        values = [(v.view(np.uint8) ^ 128) for v in values]
    elif first == "float32":
        values = floats(draw, shape, s)
    return Case(net.build(x, y), values, f"{first} -> {last} {shape}, scale {s}, zero {z}, inner {inner}")


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
