"""Cases of BATCH_MATMUL."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from .builder import Net
from .draws import TIES, ZEROS, Case, Draw, inputs, int8, scales


@st.composite
def batch_matmul(draw: Draw) -> Case:
    rows, depth, columns = (draw(st.integers(1, n)) for n in (6, 20, 6))
    adj_x, adj_y = draw(st.booleans()), draw(st.booleans())
    left = draw(st.lists(st.integers(1, 3), max_size=2))
    right = [draw(st.sampled_from([n, n, 1, 2 if n == 1 else n])) for n in left]
    if draw(st.booleans()):  # axes that one side does not have
        side = left if draw(st.booleans()) else right
        del side[: draw(st.integers(0, len(side)))]
    shape_x = (*left, *((depth, rows) if adj_x else (rows, depth)))
    shape_w = (*right, *((columns, depth) if adj_y else (depth, columns)))
    out = (*np.broadcast_shapes(tuple(left), tuple(right)), rows, columns)
    # sums of up to 20 * 255 * 255 stay inside int32 with shifts to the left by up to 9 bits
    real = draw(st.one_of(scales(-14, -6), scales(-14, -6), TIES, scales(-1, 8), scales(-40, -25)))
    a, b, za, zb, zy = draw(scales(-8, 1)), draw(scales(-8, 0)), draw(ZEROS), draw(ZEROS), draw(ZEROS)
    y_scale = float(np.float32(a * b / real))
    net = Net()
    x = net.tensor(shape_x, a, za)
    how = draw(st.sampled_from(["constant", "constant", "input", "constant first"]))
    if how == "constant first":
        w = net.tensor(shape_w, b, zb)
        x = net.tensor(shape_x, a, za, data=int8(draw, shape_x))
        ins, values = w, list(inputs(draw, shape_w, zb))
    elif how == "constant":
        w = net.tensor(shape_w, b, zb, data=int8(draw, shape_w))
        ins, values = x, list(inputs(draw, shape_x, za))
    else:
        w = net.tensor(shape_w, b, zb)
        ins, values = [x, w], list(zip(inputs(draw, shape_x, za), inputs(draw, shape_w, zb), strict=True))
    y = net.op("BATCH_MATMUL", [x, w], net.tensor(out, y_scale, zy), adjX=adj_x, adjY=adj_y)
    text = f"BATCH_MATMUL {shape_x} {shape_w} ({how}), adj {adj_x} {adj_y}, zeros {za} {zb} {zy}, scale {real}"
    return Case(net.build(ins, y), values, text)
