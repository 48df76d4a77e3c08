"""ADD and MUL of two tensors, with broadcasting."""

from __future__ import annotations

from collections.abc import Callable

from whit.fixed import activation_range, quantize_multiplier, shifts
from whit.graph import Op, Tensor, Unsupported
from whit.ops.common import int8
from whit.program import ADD, MUL, Step, aligned

At = Callable[[Tensor], int]


def add(op: Op) -> list[Step]:
    a, b, y = _operands(op)
    twice = 2 * max(a.scale, b.scale)
    scales = [
        quantize_multiplier(a.scale / twice),
        quantize_multiplier(b.scale / twice),
        quantize_multiplier(twice / ((1 << 20) * y.scale)),
    ]
    if any(m == 0 or shift > 0 for m, shift in scales):
        raise Unsupported("scales too far apart for the reference")
    (ma, sa), (mb, sb), (my, sy) = scales
    tail = [a.zero_point + 128, ma, shifts(sa), b.zero_point + 128, mb, shifts(sb)]
    tail += [y.zero_point + 128, my, shifts(sy)]
    return _binary(op, ADD, tail, scratch=2048)


def mul(op: Op) -> list[Step]:
    a, b, y = _operands(op)
    multiplier, shift = quantize_multiplier(a.scale * b.scale / y.scale)
    if shift > 30:
        raise Unsupported("a scale of 2**30 or more")
    tail = [a.zero_point + 128, b.zero_point + 128, multiplier, shifts(shift), y.zero_point + 128]
    return _binary(op, MUL, tail)


def _operands(op: Op) -> tuple[Tensor, Tensor, Tensor]:
    a, b, y = op.tensor(0), op.tensor(1), op.outputs[0]
    int8(a, b, y)
    return a, b, y


def _binary(op: Op, code: int, tail: list[int], scratch: int = 0) -> list[Step]:
    """The record: operands, destination, scratch, four axes, strides of both operands, then ``tail`` and bounds."""
    a, b, y = _operands(op)
    low, high = activation_range(op.options.get("activation", "NONE"), y.scale, y.zero_point)
    sizes, strides_a, strides_b = broadcast(a.shape, b.shape, y.shape)
    data, refs = b"", []
    for t in (a, b):
        refs.append(len(data))
        if t.data is not None:
            data += aligned(t.data.tobytes())

    def fields(at: At, at_scratch: int) -> list[int]:
        operands = [ref << 1 | 1 if t.data is not None else at(t) << 1 for t, ref in zip((a, b), refs, strict=True)]
        return [*operands, at(y), at_scratch, *sizes, *strides_a, *strides_b, *tail, low + 128, high + 128]

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
