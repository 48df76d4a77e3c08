"""ADD, SUB, SQUARED_DIFFERENCE, MUL, PRELU, MAXIMUM and MINIMUM of two tensors, with broadcasting."""

from __future__ import annotations

import numpy as np

from whit.fixed import activation_range, quantize_multiplier, shifts
from whit.graph import Op, Tensor, Unsupported
from whit.ops.common import At, int8, operands, scale_words
from whit.program import ADD, MINMAX, MUL, Step


def add(op: Op) -> list[Step]:
    return _sum(op, *_ratios(op), 20, 0)


def sub(op: Op) -> list[Step]:
    return _sum(op, *_ratios(op), 20, 1)


def _ratios(op: Op) -> tuple[float, float, float]:
    """Scales of the operands and of the output, as fractions of what the sum is computed in."""
    a, b, y = _operands(op)
    twice = 2 * max(a.scale, b.scale)
    return a.scale / twice, b.scale / twice, twice / ((1 << 20) * y.scale)


def squared_difference(op: Op) -> list[Step]:
    a, b, y = _operands(op)
    twice = 2 * max(a.scale, b.scale)
    out = twice * twice / float(np.float32(1 << 14) * np.float32(y.scale))
    return _sum(op, a.scale / twice, b.scale / twice, out, 7, 3)


def _sum(op: Op, ratio_a: float, ratio_b: float, ratio_y: float, fine: int, mode: int) -> list[Step]:
    """ADD in ``mode`` 0, or 1: subtract, 2: square. ``fine``: bits by which the operands are shifted up first."""
    a, b, y = _operands(op)
    scales = [quantize_multiplier(ratio) for ratio in (ratio_a, ratio_b, ratio_y)]
    if any(shift > 0 for _, shift in scales[: 2 if mode & 2 else 3]) or scales[2][1] > 30:
        raise Unsupported("scales too far apart for the reference")
    (ma, sa), (mb, sb), (my, sy) = scales
    tail = [a.zero_point + 128, ma, shifts(sa), b.zero_point + 128, mb, shifts(sb)]
    tail += [y.zero_point + 128, my, shifts(sy), *_bounds(op), fine, mode]
    return _binary(op, ADD, tail, scratch=2048)


def mul(op: Op) -> list[Step]:
    a, b, y = _operands(op)
    tail = [a.zero_point + 128, b.zero_point + 128, *scale_words(a.scale * b.scale / y.scale), y.zero_point + 128]
    return _binary(op, MUL, [*tail, *_bounds(op), 0, 0, 0])


def prelu(op: Op) -> list[Step]:
    a, b, y = _operands(op)
    tail = [a.zero_point + 128, b.zero_point + 128, *scale_words(a.scale * b.scale / y.scale), y.zero_point + 128]
    return _binary(op, MUL, [*tail, 0, 255, 1, *scale_words(a.scale / y.scale)])


def maximum(op: Op) -> list[Step]:
    return _binary(op, MINMAX, [], mode=int(op.kind == "MINIMUM"))


def _bounds(op: Op) -> tuple[int, int]:
    """Bounds of the fused activation, plus 128."""
    y = op.outputs[0]
    low, high = activation_range(op.options.get("activation", "NONE"), y.scale, y.zero_point)
    return low + 128, high + 128


def _operands(op: Op) -> tuple[Tensor, Tensor, Tensor]:
    a, b, y = op.tensor(0), op.tensor(1), op.outputs[0]
    int8(a, b, y)
    return a, b, y


def _binary(op: Op, code: int, tail: list[int], scratch: int = 0, mode: int = 0) -> list[Step]:
    """The record: operands, destination, scratch or mode, four axes, strides of both operands, then ``tail``."""
    a, b, y = _operands(op)
    sizes, strides_a, strides_b = broadcast(a.shape, b.shape, y.shape)
    data, words = operands(a, b)

    def fields(at: At, at_scratch: int) -> list[int]:
        return [*words(at), at(y), at_scratch if scratch else mode, *sizes, *strides_a, *strides_b, *tail]

    live = [t for t in (a, b) if t.data is None]
    return [
        Step(
            code,
            op.kind,
            live,
            y,
            fields,
            data=data,
            scratch=scratch,
            inplace=[t for t in live if t.size == y.size],
        )
    ]


def broadcast(a: tuple[int, ...], b: tuple[int, ...], out: tuple[int, ...]) -> tuple[list[int], list[int], list[int]]:
    """Four (size, stride of a, stride of b): axes merged where both operands run on; stride 0 repeats."""
    rank = len(out)
    if max(len(a), len(b)) > rank:
        raise Unsupported(f"shapes {a} and {b} that do not broadcast to {out}")
    a, b = (1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b
    merged: list[list[int]] = []
    stride_a = stride_b = 1
    for na, nb, n in zip(reversed(a), reversed(b), reversed(out), strict=True):
        if na not in (1, n) or nb not in (1, n) or max(na, nb) != n:
            raise Unsupported(f"shapes {a} and {b} that do not broadcast to {out}")
        sa, sb = (stride_a if na == n else 0), (stride_b if nb == n else 0)
        stride_a, stride_b = stride_a * na, stride_b * nb
        if n == 1:
            continue
        if merged:
            last = merged[0]
            if sa == last[0] * last[1] and sb == last[0] * last[2]:
                last[0] *= n
                continue
        merged.insert(0, [n, sa, sb])
    if len(merged) > 4:
        raise Unsupported("broadcasting over more than four separate axes")
    rows = [[1, 0, 0]] * (4 - len(merged)) + merged
    return [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows]
