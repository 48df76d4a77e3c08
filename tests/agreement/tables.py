"""Cases of functions of one value, and of SOFTMAX. Inputs hold all 256 values."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from .builder import Net
from .draws import HALVES, TIES, ZEROS, Case, Draw, inputs, ramps, scales, shapes


@st.composite
def softmax(draw: Draw) -> Case:
    depth = draw(st.one_of(st.integers(1, 12), st.integers(1, 300)))
    rows = draw(st.sampled_from([(), (1,), (1,), (3,), (2, 1, 2)]))
    # the reference aborts at scale * beta <= 2**-26
    scale = draw(st.one_of(scales(-6, 0), scales(-6, 0), scales(-22, 8)))
    beta = draw(st.sampled_from([1.0, 1.0, 0.5, 2.0, 0.1, 10.0]))
    zero = draw(ZEROS)
    net = Net()
    x = net.tensor((*rows, depth), scale, zero)
    y = net.tensor((*rows, depth), 1 / 256, -128)
    net.op("SOFTMAX", [x], y, beta=beta)
    text = f"SOFTMAX {net.shapes[x]}, scale {scale}, beta {beta}"
    more = ramps(net.shapes[x]) if depth > 100 else []
    return Case(net.build(x, y), inputs(draw, net.shapes[x], zero) + more, text)


@st.composite
def table(draw: Draw, kind: str) -> Case:
    """One value in, one value out."""
    shape = draw(st.one_of(st.just((256,)), shapes(1, 4)))
    zx, x_scale = draw(ZEROS), draw(st.one_of(scales(-8, 1), scales(-20, 8), HALVES))
    options = (
        {"alpha": draw(st.sampled_from([0.01, 0.1, 0.25, 0.3, 0.0, 1.0, 1.5, -0.2, -1.0, -3.0]))}
        if kind == "LEAKY_RELU"
        else {}
    )
    if kind in ("LOGISTIC", "TANH"):
        zy, y_scale = (-128, 1 / 256) if kind == "LOGISTIC" else (0, 1 / 128)
        x_scale = min(x_scale, 8.0)  # from 16 on the converter refuses: 0.5 would be the only output between 0 and 1
    else:
        # 255 * 2**22 stay inside int32: beyond, the reference's left shift overflows, which is undefined
        zy = draw(ZEROS)
        real = draw(st.one_of(scales(-4, 4), scales(-4, 4), TIES, scales(-40, 22)))
        y_scale = float(np.float32(x_scale / real))
    if kind == "ELU":  # the table is made in single precision, beyond int32 as well: far from there
        x_scale = draw(scales(-8, 1))
        y_scale = float(np.float32(x_scale * draw(scales(-4, 6))))
    if kind == "RSQRT":  # negative values are an error of the reference
        zx, x_scale = -128, draw(scales(-12, 4))
        y_scale = float(np.float32(draw(scales(-8, 0)) / np.sqrt(x_scale)))
    if kind == "HARD_SWISH":
        # the reference asks for an output that is not much finer than the input
        x_scale = draw(scales(-8, 1))
        y_scale = float(np.float32(x_scale * draw(scales(-3, 3))))
    net = Net()
    x = net.tensor(shape, x_scale, zx)
    y = net.op(kind, [x], net.tensor(shape, y_scale, zy), **options)
    text = f"{kind} {shape}, scales {x_scale} -> {y_scale}, zeros {zx} {zy}"
    few = ramps(shape) if np.prod(shape) >= 32 else inputs(draw, shape, zx)
    return Case(net.build(x, y), few, text)
