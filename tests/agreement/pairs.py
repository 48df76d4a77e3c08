"""Cases of ADD, SUB, SQUARED_DIFFERENCE, MUL, PRELU, MAXIMUM and MINIMUM: every way in which two operands meet."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from .builder import Net, activation
from .draws import ACTIVATIONS, TIES, ZEROS, Case, Draw, inputs, int8, scales, shapes

HOWS = ["constant", "constant first", "scalar", "same tensor", "requantised", "mean", "two means"]


@st.composite
def add(draw: Draw, kind: str) -> Case:
    """ADD or SUB."""
    a, ratio = draw(scales(-8, 1)), draw(st.one_of(st.just(1.0), scales(-4, 4), scales(-24, 24)))
    b = float(np.float32(a * ratio))
    # the output's multiplier must be below 1: the reference aborts otherwise
    wide = draw(st.one_of(scales(-2, 3), TIES, scales(-18, 8)))
    return _pair(draw, kind, a, b, float(np.float32(max(a, b) * wide)))


@st.composite
def mul(draw: Draw) -> Case:
    a, b = draw(scales(-8, 1)), draw(scales(-8, 1))
    # 255 * 255 * 2**14 stay inside int32: beyond, the reference's left shift overflows, which is undefined
    real = draw(st.one_of(scales(-10, -4), scales(-10, -4), TIES, scales(-1, 14), scales(-40, -25)))
    return _pair(draw, "MUL", a, b, float(np.float32(a * b / real)))


@st.composite
def extreme(draw: Draw, kind: str) -> Case:
    """MAXIMUM or MINIMUM, whose tensors share one scale and zero point."""
    scale = draw(scales(-8, 1))
    return _pair(draw, kind, scale, scale, scale)


@st.composite
def squared_difference(draw: Draw) -> Case:
    a, ratio = draw(scales(-8, 1)), draw(st.one_of(st.just(1.0), scales(-4, 4), scales(-24, 24)))
    b = float(np.float32(a * ratio))
    # the difference is scaled to 2 * the larger scale, in 7 bits of fraction; its square fills 30 bits
    real = draw(st.one_of(scales(-8, 0), scales(-8, 0), TIES, scales(-40, -20)))
    return _pair(draw, "SQUARED_DIFFERENCE", a, b, float(np.float32(max(a, b) ** 2 / real)))


@st.composite
def prelu(draw: Draw) -> Case:
    """Slopes of any shape that broadcasts to the input's, as a constant or another input."""
    shape, zx, za, zy = draw(shapes(1, 4)), draw(ZEROS), draw(ZEROS), draw(ZEROS)
    slopes = [draw(st.sampled_from([n, n, 1])) for n in shape][draw(st.integers(0, len(shape) - 1)) :]
    x_scale, a_scale = draw(scales(-8, 1)), draw(scales(-10, -4))
    # products of 255 * 255 * 2**14 and values of 255 * 2**22 stay inside int32
    real = draw(st.one_of(scales(-3, 3), scales(-3, 3), TIES, scales(-40, 14)))
    y_scale = float(np.float32(x_scale / real))
    net = Net()
    x = net.tensor(shape, x_scale, zx)
    ins, values = x, list(inputs(draw, shape, zx))
    if draw(st.booleans()):
        a = net.tensor(slopes, a_scale, za, data=int8(draw, slopes))
    else:
        a = net.tensor(slopes, a_scale, za)
        ins, values = [x, a], list(zip(values, inputs(draw, slopes, za), strict=True))
    y = net.op("PRELU", [x, a], net.tensor(shape, y_scale, zy))
    text = f"PRELU {shape} with {slopes}, scales {x_scale} {a_scale} -> {y_scale}, zeros {zx} {za} {zy}"
    return Case(net.build(ins, y), values, text)


def _pair(draw: Draw, kind: str, a_scale: float, b_scale: float, y_scale: float) -> Case:
    how, act = draw(st.sampled_from(HOWS)), draw(ACTIVATIONS)
    za, zb, zy = draw(ZEROS), draw(ZEROS), draw(ZEROS)
    options = {"fusedActivationFunction": activation(act)}
    if kind in ("MAXIMUM", "MINIMUM"):
        zb, zy, options = za, za, {}
    if kind == "SQUARED_DIFFERENCE":
        options = {}
    shape = draw(shapes(1, 4))
    net = Net()
    x = net.tensor(shape, a_scale, za)
    if how in ("constant", "constant first"):
        other = _partner(draw, shape)
        operands = [x, net.tensor(other, b_scale, zb, data=int8(draw, other))]
    elif how == "scalar":
        other = draw(st.sampled_from([(), (1,), (1, 1)]))
        operands = [x, net.tensor(other, b_scale, zb, data=int8(draw, other))]
    elif how == "same tensor":
        operands = [x, x]
    elif how == "requantised":
        operands = [x, net.op("QUANTIZE", [x], net.tensor(shape, b_scale, zb))]
    elif how == "mean":
        operands = [x, _mean(draw, net, x, b_scale, zb)]
    else:
        operands = [_mean(draw, net, x, a_scale, za), _mean(draw, net, x, b_scale, zb)]
    if how == "constant first" or (how in ("requantised", "mean") and draw(st.booleans())):
        operands.reverse()
    left, right = (net.shapes[t] for t in operands)
    y = net.tensor(np.broadcast_shapes(left, right), y_scale, zy)
    net.op(kind, operands, y, **options)
    text = f"{kind} {left} with {right} ({how}), {act}, scales {a_scale} {b_scale} -> {y_scale}, "
    return Case(net.build(x, y), inputs(draw, shape, za), text + f"zeros {za} {zb} {zy}")


def _partner(draw: Draw, shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape that broadcasts with ``shape``: axes of 1 on either side, leading axes left out or added."""
    other = [draw(st.sampled_from([n, n, 1, 1 if n > 1 else 3])) for n in shape]
    how = draw(st.sampled_from(["same rank", "same rank", "shorter", "longer"]))
    if how == "shorter":
        other = other[draw(st.integers(0, len(other) - 1)) :]
    elif how == "longer" and len(other) < 4:
        other = [draw(st.integers(1, 3)), *other]
    return tuple(other)


def _mean(draw: Draw, net: Net, x: int, scale: float, zero: int) -> int:
    """A tensor that the model computes itself, of 1 along some axes of x."""
    shape = net.shapes[x]
    axes = draw(st.lists(st.integers(0, len(shape) - 1), min_size=1, max_size=len(shape), unique=True))
    axis = net.tensor((len(axes),), dtype="int32", data=np.array(axes))
    y = net.tensor([1 if i in axes else n for i, n in enumerate(shape)], scale, zero)
    return net.op("MEAN", [x, axis], y, keepDims=True)
