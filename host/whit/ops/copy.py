"""Operators that only move bytes: PAD and CONCATENATION."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from whit.graph import Op, Tensor, Unsupported
from whit.ops.common import activations, int8
from whit.program import COPY, Step, aligned

At = Callable[[Tensor], int]


def pad(op: Op) -> list[Step]:
    x, y = activations(op)
    pads = op.constant(1).astype(np.int64).reshape(-1, 2)
    if len(pads) != len(x.shape) or (pads < 0).any():
        raise Unsupported("paddings that do not fit the input")
    if tuple(n + int(p.sum()) for n, p in zip(x.shape, pads, strict=True)) != y.shape:
        raise Unsupported("an output that does not fit the paddings")
    value = int(op.constant(2).ravel()[0]) if op.has(2) else y.zero_point
    strides = contiguous(y.shape)
    start = sum(int(p[0]) * s for p, s in zip(pads, strides, strict=True))
    return [copy_step(op, x, y, x.shape, contiguous(x.shape), strides, 0, start, fill=value)]


def concatenation(op: Op) -> list[Step]:
    y = op.outputs[0]
    axis = op.options["axis"] % len(y.shape)
    if op.options.get("activation", "NONE") != "NONE":
        raise Unsupported("a fused activation")
    steps = []
    start = 0
    strides = contiguous(y.shape)
    placed = op.options.get("starts")  # where some inputs lie in the output already
    for i in range(len(op.inputs)):
        x = op.tensor(i)
        int8(x, y)
        if x.scale != y.scale or x.zero_point != y.zero_point:
            raise Unsupported("inputs with another scale than the output")
        if len(x.shape) != len(y.shape):
            raise Unsupported("inputs with another number of axes than the output")
        if x.shape[:axis] + x.shape[axis + 1 :] != y.shape[:axis] + y.shape[axis + 1 :]:
            raise Unsupported(f"inputs of {x.shape} that do not fit an output of {y.shape}")
        start = placed[i] if placed else start
        steps.append(copy_step(op, x, y, x.shape, contiguous(x.shape), strides, 0, start))
        start += x.shape[axis] * strides[axis]
    return steps


def whole(op: Op) -> list[Step]:
    """All of a tensor: ASSIGN_VARIABLE, and READ_VARIABLE where the variable changes while its value is in use."""
    x, y = op.tensor(0), op.outputs[0]
    if x.dtype != "int8" or y.dtype != "int8" or x.size != y.size:
        raise Unsupported(f"{x.dtype} values; only int8 runs")
    return [copy_step(op, x, y, (x.size,), [1], [1], 0, 0)]


def contiguous(shape: tuple[int, ...]) -> list[int]:
    """Strides in bytes of a dense int8 tensor."""
    strides = [1] * len(shape)
    for i in range(len(shape) - 1, 0, -1):
        strides[i - 1] = strides[i] * shape[i]
    return strides


def copy_step(
    op: Op,
    x: Tensor,
    y: Tensor,
    shape: tuple[int, ...],
    from_strides: list[int],
    to_strides: list[int],
    from_start: int,
    to_start: int,
    fill: int | None = None,
) -> Step:
    """Copies ``shape`` values between two strided views; ``fill`` first sets all of y."""
    axes = merge(shape, from_strides, to_strides)
    if len(axes) > 4:
        raise Unsupported("more than four separate axes")
    axes = [(1, 0, 0)] * (4 - len(axes)) + axes
    constant = x.data is not None

    def fields(at: At, _: int) -> list[int]:
        source = (from_start << 1 | 1) if constant else (at(x) + from_start) << 1
        filled = [at(y), y.size, fill & 255] if fill is not None else [0, 0, 0]
        columns = [column for i in range(3) for column in (axis[i] for axis in axes)]
        return [source, at(y) + to_start, *filled, *columns]

    data = aligned(x.data.tobytes()) if x.data is not None else b""
    return Step(COPY, op.kind, [] if constant else [x], y, fields, data=data)


def merge(shape: tuple[int, ...], a: list[int], b: list[int]) -> list[tuple[int, int, int]]:
    """Axes (size, stride, stride), those of 1 left out, neighbours merged where both sides run on."""
    axes: list[tuple[int, int, int]] = []
    for n, sa, sb in zip(reversed(shape), reversed(a), reversed(b), strict=True):
        if n == 1:
            continue
        if axes and sa == axes[0][0] * axes[0][1] and sb == axes[0][0] * axes[0][2]:
            axes[0] = (axes[0][0] * n, axes[0][1], axes[0][2])
        else:
            axes.insert(0, (n, sa, sb))
    return axes
