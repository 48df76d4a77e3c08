"""BATCH_MATMUL."""

from __future__ import annotations

from whit.graph import Op, Unsupported
from whit.ops.common import int8, operands, scale_words
from whit.ops.copy import contiguous
from whit.program import MATMUL, Step


def batch_matmul(op: Op) -> list[Step]:
    a, b, y = op.tensor(0), op.tensor(1), op.outputs[0]
    int8(a, b, y)
    if min(len(a.shape), len(b.shape)) < 2 or len(y.shape) > 4:
        raise Unsupported(f"{len(y.shape)} axes where 2 to 4 are wanted")
    shape_a, strides_a = _four(a.shape)
    shape_b, strides_b = _four(b.shape)
    shape_y, _ = _four(y.shape)
    if op.options["adj_x"]:
        shape_a[2:], strides_a[2:] = shape_a[:1:-1], strides_a[:1:-1]
    if not op.options["adj_y"]:  # columns first, then the axis that is summed
        shape_b[2:], strides_b[2:] = shape_b[:1:-1], strides_b[:1:-1]
    rows, depth = shape_a[2:]
    columns = shape_b[2]
    for i in (0, 1):
        if shape_a[i] not in (1, shape_y[i]) or shape_b[i] not in (1, shape_y[i]):
            raise Unsupported(f"shapes {a.shape} and {b.shape} that do not go together")
        strides_a[i] *= shape_a[i] > 1
        strides_b[i] *= shape_b[i] > 1
    if shape_b[3] != depth or shape_y[2:] != [rows, columns]:
        raise Unsupported(f"shapes {a.shape} and {b.shape} that do not go together")
    scale = scale_words(a.scale * b.scale / y.scale)
    data, words = operands(a, b)
    zeros = [a.zero_point + 128, b.zero_point + 128]
    tail = [*shape_y[:2], rows, columns, depth, *strides_a, *strides_b, *zeros]
    tail += [*scale, y.zero_point + 128]
    live = [t for t in (a, b) if t.data is None]
    return [
        Step(
            MATMUL,
            op.kind,
            live,
            y,
            lambda at, _: [*words(at), at(y), *tail],
            data=data,
            macs=y.size * depth,
        )
    ]


def _four(shape: tuple[int, ...]) -> tuple[list[int], list[int]]:
    """Shape and strides with four axes."""
    missing = 4 - len(shape)
    if missing < 0:
        raise Unsupported(f"{len(shape)} axes where 2 to 4 are wanted")
    return [1] * missing + list(shape), [0] * missing + contiguous(shape)
