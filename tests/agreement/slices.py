"""Cases of what cuts and joins: STRIDED_SLICE, SLICE, SPLIT, SPLIT_V, PACK, UNPACK, GATHER."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st

from .builder import Net
from .draws import SEEDS, ZEROS, Case, Draw, inputs, int8, scales, shapes


@st.composite
def strided_slice(draw: Draw) -> Case:
    """Every mask that the reference knows, strides of both signs, ends beyond the tensor."""
    shape, zero, scale = draw(shapes(1, 4, 7)), draw(ZEROS), draw(scales())
    columns, masks, index = [], {"beginMask": 0, "endMask": 0, "shrinkAxisMask": 0}, []
    for i, n in enumerate(shape):
        column, marked, part = _cut(draw, n)
        columns.append(column)
        index.append(part)
        for mask in marked:
            masks[mask] |= 1 << i
    net = Net()
    x = net.tensor(shape, scale, zero)
    out = np.zeros(shape)[tuple(index)].shape
    numbers = [net.numbers(row) for row in zip(*columns, strict=True)]
    y = net.op("STRIDED_SLICE", [x, *numbers], net.tensor(out, scale, zero), **masks)
    text = f"STRIDED_SLICE {shape}, begin end stride {columns}, {masks} -> {out}"
    return Case(net.build(x, y), inputs(draw, shape, zero), text)


def _cut(draw: Draw, n: int) -> tuple[tuple[int, int, int], list[str], slice | int]:
    """((begin, end, stride), masks that are set, the same as numpy's index) of an axis of n; never empty."""
    if draw(st.integers(0, 4)) == 0:  # the axis goes away: one value of it stays
        at = draw(st.integers(0, n - 1))
        masked = draw(st.integers(0, 3)) == 0
        begin = draw(st.integers(-n, n - 1)) if masked else draw(st.sampled_from([at, at - n]))
        if masked:  # the beginning of the axis then
            return (begin, begin + 1, 1), ["shrinkAxisMask", "beginMask"], 0
        return (begin, begin + 1, 1), ["shrinkAxisMask"], at
    stride, first = draw(st.sampled_from([1, 1, 2, 3, -1, -2])), draw(st.integers(0, n - 1))
    most = (n - 1 - first) // stride + 1 if stride > 0 else first // -stride + 1
    count = draw(st.integers(1, most))
    last = first + (count - 1) * stride
    part = slice(first, last + (1 if stride > 0 else -1), stride)
    if stride < 0 and last == 0:
        part = slice(first, None, stride)
    # any end from just behind the last value to just before the next
    end = last + stride if count < most and draw(st.booleans()) else last + (1 if stride > 0 else -1)
    if end < 0:
        end = -n - draw(st.integers(1, 9))
    elif end >= n:
        end += draw(st.integers(0, 9))
    elif draw(st.booleans()):
        end -= n
    masks = []
    if first == (0 if stride > 0 else n - 1) and draw(st.booleans()):
        masks.append("beginMask")
        first = draw(st.integers(-n, n))
    elif draw(st.booleans()):
        first -= n
    if count == most and draw(st.booleans()):
        masks.append("endMask")
        end = draw(st.integers(-n, n))
    return (first, end, stride), masks, part


@st.composite
def slice_(draw: Draw) -> Case:
    shape, zero, scale = draw(shapes(1, 5, 7)), draw(ZEROS), draw(scales())
    begin = [draw(st.integers(0, n - 1)) for n in shape]
    size = [draw(st.integers(1, n - b)) for n, b in zip(shape, begin, strict=True)]
    named = [-1 if b + s == n and draw(st.booleans()) else s for n, b, s in zip(shape, begin, size, strict=True)]
    net = Net()
    x = net.tensor(shape, scale, zero)
    y = net.op("SLICE", [x, net.numbers(begin), net.numbers(named)], net.tensor(size, scale, zero))
    return Case(net.build(x, y), inputs(draw, shape, zero), f"SLICE {shape} from {begin}, {named}")


@st.composite
def split(draw: Draw, kind: str) -> Case:
    """SPLIT, SPLIT_V or UNPACK; the parts are outputs, or go on in another order."""
    shape, zero, scale = draw(shapes(1, 4, 5)), draw(ZEROS), draw(scales(-6, 0))
    axis = draw(st.integers(0, len(shape) - 1))
    named = axis - len(shape) if draw(st.booleans()) else axis
    net = Net()
    if kind == "SPLIT":
        shape = (*shape[:axis], shape[axis] * draw(st.integers(1, 4)), *shape[axis + 1 :])
        sizes = [shape[axis] // (count := draw(st.sampled_from(_divisors(shape[axis]))))] * count
    elif kind == "SPLIT_V":
        sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
        shape = (*shape[:axis], sum(sizes), *shape[axis + 1 :])
    else:
        sizes = [1] * shape[axis]
    x = net.tensor(shape, scale, zero)
    outs = [(*shape[:axis], *([] if kind == "UNPACK" else [n]), *shape[axis + 1 :]) for n in sizes]
    ys = [net.tensor(out, scale, zero) for out in outs]
    if kind == "SPLIT":
        net.op(kind, [net.numbers(named), x], ys, numSplits=len(sizes))
    elif kind == "SPLIT_V":
        told = list(sizes)
        if draw(st.booleans()):
            told[draw(st.integers(0, len(sizes) - 1))] = -1  # what is left
        net.op(kind, [x, net.numbers(told), net.numbers(named)], ys, numSplits=len(sizes))
    else:
        net.op(kind, [x], ys, num=len(sizes), axis=named)
    ys = _used(draw, net, ys, axis if kind != "UNPACK" else None, scale, zero)
    text = f"{kind} {shape}, axis {named}, into {sizes}, {len(ys)} outputs"
    return Case(net.build(x, ys), inputs(draw, shape, zero), text)


def _divisors(n: int) -> list[int]:
    return [d for d in range(1, n + 1) if n % d == 0]


def _used(draw: Draw, net: Net, parts: list[int], axis: int | None, scale: float, zero: int) -> list[int]:
    """Outputs of the model: the parts themselves, some of them, each through a RELU, or all joined backwards."""
    how = draw(st.sampled_from(["all", "some", "relu", "joined"]))
    if how == "some":
        return [p for p in parts if draw(st.booleans())] or parts[-1:]
    if how == "relu":
        own = draw(scales(-6, 0)), draw(ZEROS)
        return [net.op("RELU", [p], net.tensor(net.shapes[p], *own)) for p in parts]
    if how == "joined" and axis is not None:
        shape = list(net.shapes[parts[0]])
        shape[axis] = sum(net.shapes[p][axis] for p in parts)
        return [net.op("CONCATENATION", parts[::-1], net.tensor(shape, scale, zero), axis=axis)]
    return parts


@st.composite
def pack(draw: Draw) -> Case:
    shape, zero, scale = draw(shapes(1, 3)), draw(ZEROS), draw(scales())
    axis = draw(st.integers(0, len(shape)))
    net = Net()
    x = net.tensor(shape, scale, zero)
    kinds = draw(st.lists(st.sampled_from(["input", "relu", "constant"]), max_size=3))
    kinds.insert(draw(st.integers(0, len(kinds))), "input")
    parts = []
    for kind in kinds:
        if kind == "constant":
            parts.append(net.tensor(shape, scale, zero, data=int8(draw, shape)))
        else:
            parts.append(net.op("RELU", [x], net.tensor(shape, scale, zero)) if kind == "relu" else x)
    packed = (*shape[:axis], len(parts), *shape[axis:])
    named = axis - len(packed) if draw(st.booleans()) else axis
    y = net.op("PACK", parts, net.tensor(packed, scale, zero), axis=named, valuesCount=len(parts))
    return Case(net.build(x, y), inputs(draw, shape, zero), f"PACK of {kinds}, {shape}, axis {named}")


@st.composite
def gather(draw: Draw) -> Case:
    """Constant indices; what is gathered from may be constant as well."""
    shape, zero, scale = draw(shapes(1, 4)), draw(ZEROS), draw(scales(-6, 0))
    axis = draw(st.integers(0, len(shape) - 1))
    places = draw(st.sampled_from([(), (1,), (3,), (5,), (2, 3), (1, 2)]))
    rng = np.random.default_rng(draw(SEEDS))
    indices = rng.integers(0, shape[axis], places)
    named = axis - len(shape) if draw(st.booleans()) else axis
    constant = draw(st.integers(0, 3)) == 0
    out = (*shape[:axis], *places, *shape[axis + 1 :])
    net = Net()
    source = net.tensor(shape, scale, zero, data=int8(draw, shape) if constant else None)
    t = net.op("GATHER", [source, net.numbers(indices)], net.tensor(out, scale, zero), axis=named)
    x = source
    if constant:
        x = net.tensor(out, scale, zero)
        t = net.op("MAXIMUM", [x, t], net.tensor(out, scale, zero))
    text = f"GATHER {shape}, axis {named}, {indices.tolist()}, constant {constant}"
    assert math.prod(out) > 0
    return Case(net.build(x, t), inputs(draw, net.shapes[x], zero), text)
