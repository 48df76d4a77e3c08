"""Cases of models with several inputs and outputs of different types."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from .builder import Net
from .draws import SEEDS, ZEROS, Array, Case, Draw, scales, shapes
from .edges import floats


@st.composite
def several(draw: Draw) -> Case:
    """One to three inputs; outputs are functions of one or two of them, inputs themselves, and any of it twice."""
    shape = draw(shapes(1, 3))
    net = Net()
    xs, ts, kinds = [], [], draw(st.lists(st.sampled_from(["int8", "uint8", "float32"]), min_size=1, max_size=3))
    for kind in kinds:
        scale, zero = draw(scales(-6, 0)), draw(ZEROS)
        if kind == "int8":
            xs.append(net.tensor(shape, scale, zero))
            ts.append((xs[-1], scale, zero))
            continue
        xs.append(net.tensor(shape, scale if kind == "uint8" else None, zero + 128, dtype=kind))
        ts.append((net.op("QUANTIZE", [xs[-1]], net.tensor(shape, scale, zero)), scale, zero))
    made = []
    for how in draw(st.lists(st.sampled_from(["relu", "add", "float", "uint8", "itself"]), min_size=1, max_size=4)):
        t, scale, zero = draw(st.sampled_from(ts))
        made.append(t if how == "itself" else _made(draw, net, how, t, draw(st.sampled_from(ts))[0], scale, zero))
    if draw(st.integers(0, 3)) == 0:
        made.append(draw(st.sampled_from(made)))
    values = [tuple(_value(draw, kind, shape) for kind in kinds) for _ in range(3)]
    return Case(net.build(xs, made), values, f"{kinds} {shape} -> {len(made)} outputs {made}")


def _made(draw: Draw, net: Net, how: str, t: int, other: int, scale: float, zero: int) -> int:
    shape = net.shapes[t]
    if how == "relu":
        return int(net.op("RELU", [t], net.tensor(shape, draw(scales(-6, 0)), draw(ZEROS))))
    if how == "add":
        return int(net.op("ADD", [t, other], net.tensor(shape, draw(scales(-6, 0)), draw(ZEROS))))
    if how == "float":
        return int(net.op("DEQUANTIZE", [t], net.tensor(shape, dtype="float32")))
    return int(net.op("QUANTIZE", [t], net.tensor(shape, scale, zero + 128, dtype="uint8")))


def _value(draw: Draw, kind: str, shape: tuple[int, ...]) -> Array:
    if kind == "float32":
        return floats(draw, shape, 0.1)[0]
    values = np.random.default_rng(draw(SEEDS)).integers(0, 256, shape).astype(np.uint8)
    return values if kind == "uint8" else values.view(np.int8)
