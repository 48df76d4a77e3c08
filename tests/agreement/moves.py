"""Cases of what only moves bytes: PAD, PADV2, CONCATENATION, and chains with RESHAPE, EXPAND_DIMS and SQUEEZE."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st

from .builder import Net
from .draws import ZEROS, Case, Draw, inputs, int8, scales, shapes


@st.composite
def pad(draw: Draw, kind: str) -> Case:
    shape, zero, scale = draw(shapes(1, 4)), draw(ZEROS), draw(scales())
    amounts = st.tuples(st.integers(0, 3), st.integers(0, 3))
    pads = [draw(st.one_of(st.just((0, 0)), amounts)) for _ in shape]
    net = Net()
    x = net.tensor(shape, scale, zero)
    tensors = [x, net.tensor((len(shape), 2), dtype="int32", data=np.array(pads))]
    if kind == "PADV2":
        value = draw(st.integers(-128, 127))
        tensors.append(net.tensor(draw(st.sampled_from([(), (1,)])), scale, zero, data=np.array([value])))
    padded = [n + before + after for n, (before, after) in zip(shape, pads, strict=True)]
    y = net.op(kind, tensors, net.tensor(padded, scale, zero))
    return Case(net.build(x, y), inputs(draw, shape, zero), f"{kind} {shape} by {pads}, zero {zero}")


@st.composite
def concatenation(draw: Draw) -> Case:
    shape, zero, scale = draw(shapes(1, 4)), draw(ZEROS), draw(scales())
    axis = draw(st.integers(0, len(shape) - 1))
    net = Net()
    x = net.tensor(shape, scale, zero)
    kinds = draw(st.lists(st.sampled_from(["input", "relu", "constant"]), min_size=1, max_size=4))
    kinds.insert(draw(st.integers(0, len(kinds))), "input")
    parts = []
    for kind in kinds:
        if kind == "constant":
            part = [draw(st.integers(1, 4)) if i == axis else n for i, n in enumerate(shape)]
            parts.append(net.tensor(part, scale, zero, data=int8(draw, part)))
        elif kind == "relu":
            parts.append(net.op("RELU", [x], net.tensor(shape, scale, zero)))
        else:
            parts.append(x)
    joined = [sum(net.shapes[p][i] for p in parts) if i == axis else n for i, n in enumerate(shape)]
    named = axis - len(shape) if draw(st.booleans()) else axis
    y = net.op("CONCATENATION", parts, net.tensor(joined, scale, zero), axis=named)
    text = f"CONCATENATION of {kinds}, {[net.shapes[p] for p in parts]}, axis {named}"
    return Case(net.build(x, y), inputs(draw, shape, zero), text)


@st.composite
def chain(draw: Draw) -> Case:
    """Two to eight operators, most of which change the shape only; earlier tensors come back as operands."""
    shape, zero, scale = draw(shapes(1, 4)), draw(ZEROS), draw(scales(-6, 0))
    net = Net()
    x = t = net.tensor(shape, scale, zero)
    quantised = {x: (scale, zero)}
    kinds = draw(st.lists(st.sampled_from(["requantise", *_STEPS]), min_size=2, max_size=8))
    for kind in kinds:
        source = t
        if kind == "requantise":
            own = draw(scales(-6, 0)), draw(ZEROS)
            t = net.op("QUANTIZE", [t], net.tensor(net.shapes[t], *own))
            quantised[t] = own
            continue
        t = _STEPS[kind](draw, net, t, *quantised[t])
        quantised.setdefault(t, quantised[source])
        same = [u for u in quantised if net.shapes[u] == net.shapes[t] and u != t]
        if kind == "relu" and same:
            other = draw(st.sampled_from(same))
            s, z = draw(scales(-6, 0)), draw(ZEROS)
            # the reference aborts where the output is 2**20 times finer than the inputs: far from here
            t = net.op("ADD", [other, t], net.tensor(net.shapes[t], s, z))
            quantised[t] = (s, z)
    return Case(net.build(x, t), inputs(draw, shape, zero), f"chain {shape} {kinds}, {len(net.shapes)} tensors")


def _reshape(draw: Draw, net: Net, t: int, scale: float, zero: int) -> int:
    size = math.prod(net.shapes[t])
    divisor = draw(st.sampled_from([d for d in range(1, size + 1) if size % d == 0]))
    shape = draw(st.sampled_from([(size,), (1, size), (divisor, size // divisor), (1, divisor, size // divisor, 1)]))
    to = net.tensor((len(shape),), dtype="int32", data=np.array(shape))
    return net.op("RESHAPE", [t, to], net.tensor(shape, scale, zero), newShape=list(shape))


def _expand(draw: Draw, net: Net, t: int, scale: float, zero: int) -> int:
    shape = list(net.shapes[t])
    if len(shape) > 3:
        return _reshape(draw, net, t, scale, zero)
    axis = draw(st.integers(-len(shape) - 1, len(shape)))
    shape.insert(axis if axis >= 0 else len(shape) + 1 + axis, 1)
    number = net.tensor((1,), dtype="int32", data=np.array([axis]))
    return net.op("EXPAND_DIMS", [t, number], net.tensor(shape, scale, zero))


def _squeeze(draw: Draw, net: Net, t: int, scale: float, zero: int) -> int:
    ones = [i for i, n in enumerate(net.shapes[t]) if n == 1]
    if not ones or len(net.shapes[t]) == 1:
        return _reshape(draw, net, t, scale, zero)
    dims = draw(
        st.lists(st.sampled_from(ones), min_size=1, max_size=min(len(ones), len(net.shapes[t]) - 1), unique=True)
    )
    shape = [n for i, n in enumerate(net.shapes[t]) if i not in dims]
    return net.op("SQUEEZE", [t], net.tensor(shape, scale, zero), squeezeDims=dims)


def _relu(draw: Draw, net: Net, t: int, scale: float, zero: int) -> int:
    return net.op("RELU", [t], net.tensor(net.shapes[t], scale, zero))


def _same(draw: Draw, net: Net, t: int, scale: float, zero: int) -> int:
    return net.op("QUANTIZE", [t], net.tensor(net.shapes[t], scale, zero))


_STEPS = {"reshape": _reshape, "expand": _expand, "squeeze": _squeeze, "relu": _relu, "quantise": _same}
