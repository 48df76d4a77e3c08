"""Cases of MAX_POOL_2D, AVERAGE_POOL_2D, MEAN, SUM, REDUCE_MAX and REDUCE_MIN."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st

from .builder import Net, activation, padding
from .draws import ACTIVATIONS, HALVES, PADDINGS, TIES, ZEROS, Case, Draw, inputs, scales, shapes


@st.composite
def pool(draw: Draw, kind: str) -> Case:
    pad, act, zero, scale = draw(PADDINGS), draw(ACTIVATIONS), draw(ZEROS), draw(st.one_of(scales(-8, 2), HALVES))
    sizes = []
    for _ in range(2):
        size, filter_size, stride = draw(st.tuples(st.integers(1, 9), st.integers(1, 6), st.integers(1, 4)))
        if pad == "VALID":
            size = max(size, filter_size)
        out = -(-size // stride) if pad == "SAME" else (size - filter_size) // stride + 1
        sizes.append((size, filter_size, stride, out))
    (h, kh, sh, oh), (w, kw, sw, ow) = sizes
    batch, channels = draw(st.sampled_from([1, 1, 2])), draw(st.integers(1, 7))
    net = Net()
    x = net.tensor((batch, h, w, channels), scale, zero)
    y = net.tensor((batch, oh, ow, channels), scale, zero)
    act_number = activation(act)
    options = {"strideH": sh, "strideW": sw, "filterHeight": kh, "filterWidth": kw}
    net.op(kind, [x], y, padding=padding(pad), fusedActivationFunction=act_number, **options)
    text = f"{kind} {net.shapes[x]} by {kh}x{kw}, strides {sh}x{sw}, {pad} {act}, zero {zero}, scale {scale}"
    return Case(net.build(x, y), inputs(draw, net.shapes[x], zero), text)


@st.composite
def reduce(draw: Draw, kind: str) -> Case:
    """MEAN, SUM, REDUCE_MAX or REDUCE_MIN over any axes."""
    shape, keep = draw(shapes(1, 4, 9)), draw(st.booleans())
    rank = len(shape)
    axes = draw(st.lists(st.integers(0, rank - 1), min_size=1, max_size=rank, unique=True))
    named = [a - rank if draw(st.booleans()) else a for a in axes]
    zx, zy, x_scale = draw(ZEROS), draw(ZEROS), draw(scales(-8, 2))
    # input scale by output scale; 255 * 9**4 values * 2**8 stay inside int32
    real = draw(st.one_of(scales(-2, 3), scales(-2, 3), TIES, scales(3, 7), scales(-40, -31), scales(-31, -22)))
    if kind in ("REDUCE_MAX", "REDUCE_MIN"):
        zy, real = zx, 1.0
    elif kind == "SUM":
        real = draw(scales(-10, 0))
    kept = [1 if i in axes else n for i, n in enumerate(shape) if keep or i not in axes]
    net = Net()
    x = net.tensor(shape, x_scale, zx)
    axis = net.tensor((len(axes),), dtype="int32", data=np.array(named))
    y = net.tensor(kept, float(np.float32(x_scale / real)), zy)
    net.op(kind, [x, axis], y, keepDims=keep)
    count = math.prod(shape[a] for a in axes)
    text = f"{kind} {shape} over {named} ({count} values), keep {keep}, zeros {zx} {zy}, scale {real}"
    return Case(net.build(x, y), inputs(draw, shape, zx), text)
