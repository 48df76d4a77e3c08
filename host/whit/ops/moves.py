"""Operators that only rearrange: slices, splits, transposes, tiles and blocks, each one strided copy."""

from __future__ import annotations

import math

import numpy as np

from whit.graph import Op, Tensor, Unsupported
from whit.ops.common import MAX_BATCH, activations, int8, nhwc
from whit.ops.copy import contiguous, copy_step, merge
from whit.program import Step

_WORD = 8  # bytes of a place


def _same_scale(x: Tensor, y: Tensor) -> None:
    int8(x, y)
    if x.scale != y.scale or x.zero_point != y.zero_point:
        raise Unsupported("an output with another scale than its input")


def strided_slice(op: Op) -> list[Step]:
    x, y = activations(op)
    _same_scale(x, y)
    # the slice of an array of places tells start and stride of every axis, masks and negative numbers included
    from whit.passes import strided_slice as fold

    return _view(op, x, y, fold(_places(x), op))


def slice_(op: Op) -> list[Step]:
    x, y = activations(op)
    _same_scale(x, y)
    begin, size = op.constant(1).ravel().tolist(), op.constant(2).ravel().tolist()
    index = tuple(slice(b, None if n == -1 else b + n) for b, n in zip(begin, size, strict=True))
    return _view(op, x, y, _places(x)[index])


def split(op: Op) -> list[Step]:
    """SPLIT (axis, input) and SPLIT_V (input, sizes, axis)."""
    x = op.tensor(0 if op.kind == "SPLIT_V" else 1)
    axis = int(op.constant(2 if op.kind == "SPLIT_V" else 0).ravel()[0]) % len(x.shape)
    start, steps = 0, []
    for y in op.outputs:
        _same_scale(x, y)
        stop = start + y.shape[axis]
        steps += _view(op, x, y, _places(x)[(slice(None),) * axis + (slice(start, stop),)])
        start = stop
    return steps


def unpack(op: Op) -> list[Step]:
    x = op.tensor(0)
    axis = op.options["axis"] % len(x.shape)
    steps = []
    for i, y in enumerate(op.outputs):
        _same_scale(x, y)
        steps += _view(op, x, y, _places(x)[(slice(None),) * axis + (i,)])
    return steps


def pack(op: Op) -> list[Step]:
    y = op.outputs[0]
    axis = op.options["axis"] % len(y.shape)
    strides = contiguous(y.shape)
    inner = strides[:axis] + strides[axis + 1 :]
    placed = op.options.get("starts")  # where some inputs lie in the output already
    steps = []
    for i in range(len(op.inputs)):
        x = op.tensor(i)
        _same_scale(x, y)
        if x.shape != y.shape[:axis] + y.shape[axis + 1 :]:
            raise Unsupported("inputs of different shapes")
        steps.append(
            copy_step(op, x, y, x.shape, contiguous(x.shape), inner, 0, placed[i] if placed else i * strides[axis])
        )
    return steps


def transpose(op: Op) -> list[Step]:
    x, y = activations(op)
    _same_scale(x, y)
    return _view(op, x, y, _places(x).transpose(op.constant(1).ravel()))


def tile(op: Op) -> list[Step]:
    x, y = activations(op)
    _same_scale(x, y)
    multiples = op.constant(1).ravel()
    if len(multiples) != len(x.shape) or (multiples < 1).any():
        raise Unsupported("multiples that do not fit the input")
    # every axis, with one before it that repeats it
    shape = tuple(int(n) for pair in zip(multiples, x.shape, strict=True) for n in pair)
    strides = [step for stride in contiguous(x.shape) for step in (0, stride * _WORD)]
    return _view(op, x, y, np.lib.stride_tricks.as_strided(_places(x), shape, strides))


def space_to_depth(op: Op) -> list[Step]:
    x, y = activations(op)
    _same_scale(x, y)
    b, h, w, c = nhwc(x)
    n = op.options["block_size"]
    if n < 1 or h % n or w % n:
        raise Unsupported("a block that does not divide the image")
    blocks = _places(x).reshape(b, h // n, n, w // n, n, c).transpose(0, 1, 3, 2, 4, 5)
    return _view(op, x, y, blocks)


def depth_to_space(op: Op) -> list[Step]:
    x, y = activations(op)
    _same_scale(x, y)
    b, h, w, c = nhwc(x)
    n = op.options["block_size"]
    if n < 1 or c % (n * n):
        raise Unsupported("a block that does not divide the channels")
    blocks = _places(x).reshape(b, h, w, n, n, c // (n * n)).transpose(0, 1, 3, 2, 4, 5)
    return _view(op, x, y, blocks)


def space_to_batch(op: Op) -> list[Step]:
    x, y = activations(op)
    _same_scale(x, y)
    block = [int(n) for n in op.constant(1).ravel()]
    pads = op.constant(2).reshape(-1, 2).astype(int)
    rank = len(block)
    if rank >= len(x.shape) or len(pads) != rank or min(block, default=0) < 1:
        raise Unsupported("blocks or paddings that do not fit the input")
    if math.prod(block) * x.shape[0] != y.shape[0] or math.prod(block) > MAX_BATCH:
        raise Unsupported(f"an output of {y.shape} for an input of {x.shape} in blocks of {block}")
    # one copy per corner of the block: the output positions whose input lies inside the paddings
    steps: list[Step] = []
    strides_x, strides_y = contiguous(x.shape), contiguous(y.shape)
    inner = x.shape[1 + rank :]
    for i, corner in enumerate(np.ndindex(*block)):
        count, start_x, start_y = [], 0, i * x.shape[0] * strides_y[0]
        for axis in range(rank):
            # positions o of the output with 0 <= o * block + corner - pad < size
            low = max(0, -(-(pads[axis][0] - corner[axis]) // block[axis]))
            high = (x.shape[1 + axis] - 1 + pads[axis][0] - corner[axis]) // block[axis]
            high = min(high, y.shape[1 + axis] - 1)
            count.append(max(0, high - low + 1))
            start_x += (low * block[axis] + corner[axis] - pads[axis][0]) * strides_x[1 + axis]
            start_y += low * strides_y[1 + axis]
        shape = (x.shape[0], *count, *inner)
        if math.prod(shape) == 0:
            continue
        fill = y.zero_point if not steps else None
        from_strides = [
            strides_x[0],
            *(s * n for s, n in zip(strides_x[1:], block, strict=False)),
            *strides_x[1 + rank :],
        ]
        steps.append(copy_step(op, x, y, shape, from_strides, strides_y, start_x, start_y, fill=fill))
    if not steps:
        raise Unsupported("an output of paddings alone")
    return steps


def batch_to_space(op: Op) -> list[Step]:
    x, y = activations(op)
    _same_scale(x, y)
    block = [int(n) for n in op.constant(1).ravel()]
    crops = op.constant(2).reshape(-1, 2).astype(int)
    rank, batch = len(block), y.shape[0]
    spread = _places(x).reshape(*block, batch, *x.shape[1:])
    order = [rank] + [a for i in range(rank) for a in (rank + 1 + i, i)] + list(range(2 * rank + 1, spread.ndim))
    shape = (batch, *(n * b for n, b in zip(x.shape[1:], block, strict=False)), *x.shape[1 + rank :])
    full = spread.transpose(order).reshape(shape)
    index = (slice(None), *(slice(int(c[0]), full.shape[1 + i] - int(c[1])) for i, c in enumerate(crops)))
    return _places_to_steps(op, x, y, full[index])


def _places(x: Tensor) -> np.ndarray:
    """Byte offset of every value of x; views of it tell what a rearrangement reads."""
    return np.arange(x.size, dtype=np.int64).reshape(x.shape)


def _view(op: Op, x: Tensor, y: Tensor, view: np.ndarray) -> list[Step]:
    """One copy from a strided view of x's places."""
    if view.size != y.size or not view.size:
        raise Unsupported(f"an output of {y.shape} where {view.shape} follows from the input")
    strides = [s // view.itemsize for s in view.strides]
    backwards = any(s < 0 for s, n in zip(strides, view.shape, strict=True) if n > 1)
    if backwards or len(merge(view.shape, strides, contiguous(view.shape))) > 4:
        return _places_to_steps(op, x, y, view)
    return [copy_step(op, x, y, view.shape, strides, contiguous(view.shape), int(view.flat[0]), 0)]


def _places_to_steps(op: Op, x: Tensor, y: Tensor, places: np.ndarray) -> list[Step]:
    """Any rearrangement: pieces of the longest run of neighbours, gathered."""
    from whit.ops.resize import pieces

    if places.size != y.size or not places.size:
        raise Unsupported(f"an output of {y.shape} where {places.shape} follows from the input")
    axes = next(i for i in range(places.ndim + 1) if _runs_on(places, i))
    starts = places.reshape(*places.shape[:axes], -1)[..., 0]
    best: tuple[list[int], list[int]] | None = None
    for i in range(axes + 1):  # what the leading axes add to a place, and what the others add
        table = starts.reshape(math.prod(starts.shape[:i]), -1)
        columns = table[0] - table[0].min()
        rows = table.min(1)
        if (table == rows[:, None] + columns).all() and (
            best is None or len(rows) + len(columns) < sum(map(len, best))
        ):
            best = rows.tolist(), columns.tolist()
    assert best is not None  # rows alone always do
    return [pieces(op, x, y, 0, 0, *best, places.size // starts.size)]


def _runs_on(places: np.ndarray, axis: int) -> bool:
    """Whether the axes from ``axis`` on are neighbours in memory, in their order."""
    runs = places.reshape(math.prod(places.shape[:axis]), -1)
    return bool((runs == runs[:, :1] + np.arange(runs.shape[1])).all())
