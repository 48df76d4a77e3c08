"""MEAN, SUM, REDUCE_MAX and REDUCE_MIN over any axes."""

from __future__ import annotations

import math

from whit.fixed import quantize_multiplier, shifts
from whit.graph import Op, Unsupported
from whit.ops.common import activations
from whit.program import REDUCE, Step


def mean(op: Op) -> list[Step]:
    x, y = activations(op)
    kept, reduced, count = _axes(op)
    multiplier, shift = quantize_multiplier(x.scale / y.scale)
    if op.kind == "MEAN":
        # the division by the count goes into the multiplier, as far as the shift stays in range
        extra = min(count.bit_length() - 1, 32, 31 + shift)
        multiplier, shift = (multiplier << extra) // count, shift - extra
    if shift > 30:
        raise Unsupported("a scale of 2**30 or more")
    bias = -(x.zero_point + 128) * count & 0xFFFFFFFF
    return _step(op, [*kept, *reduced, bias, multiplier, shifts(shift), y.zero_point + 128, 0, 255, 0])


def extreme(op: Op) -> list[Step]:
    """REDUCE_MAX and REDUCE_MIN."""
    x, y = activations(op)
    if x.scale != y.scale or x.zero_point != y.zero_point:
        raise Unsupported("an output with another scale than its input")
    kept, reduced, _ = _axes(op)
    return _step(op, [*kept, *reduced, 0, 0, 0, 0, 0, 0, 1 if op.kind == "REDUCE_MAX" else 2])


def _step(op: Op, tail: list[int]) -> list[Step]:
    x, y = op.tensor(0), op.outputs[0]
    return [Step(REDUCE, op.kind, [x], y, lambda at, _: [at(x), at(y), *tail])]


def _axes(op: Op) -> tuple[list[int], list[int], int]:
    """(sizes and strides of two kept axes, of two reduced axes, number of values that are reduced to one)."""
    x = op.tensor(0)
    rank = len(x.shape)
    axes = {int(a) + rank * (int(a) < 0) for a in op.constant(1).ravel()}
    if not all(0 <= a < rank for a in axes):
        raise Unsupported("an axis that the input does not have")
    kept, reduced = _runs(x.shape, axes)
    if op.outputs[0].size != math.prod(n for n, _ in kept):
        raise Unsupported(f"an output of {op.outputs[0].shape} for an input of {x.shape}")
    count = 1
    for n, _ in reduced:
        count *= n
    return [n for pair in _two(kept) for n in pair], [n for pair in _two(reduced) for n in pair], count


def _runs(shape: tuple[int, ...], axes: set[int]) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """(kept, reduced): each a list of (length, stride), neighbouring axes of a kind merged, axes of 1 left out."""
    stride = 1
    runs: list[tuple[bool, int, int]] = []
    for axis in reversed(range(len(shape))):
        n, kind = shape[axis], axis in axes
        if n != 1:
            if runs and runs[0][0] == kind:
                runs[0] = (kind, runs[0][1] * n, runs[0][2])
            else:
                runs.insert(0, (kind, n, stride))
        stride *= n
    return [r[1:] for r in runs if not r[0]], [r[1:] for r in runs if r[0]]


def _two(runs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    if len(runs) > 2:
        raise Unsupported("more than two separate runs of axes")
    return [(1, 0)] * (2 - len(runs)) + runs
