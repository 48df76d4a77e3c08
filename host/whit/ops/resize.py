"""RESIZE_NEAREST_NEIGHBOR, RESIZE_BILINEAR and GATHER: the host works out every place that is read."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from whit.fixed import round_away
from whit.graph import Op, Tensor, Unsupported
from whit.ops.common import activations, int8, nhwc
from whit.program import BILINEAR, GATHER, Step, aligned

MAX_PIECES = 32767  # in rows, and in columns


def nearest(op: Op) -> list[Step]:
    x, y, (h, w, depth), (oh, ow) = _sizes(op)
    align, half = op.options["align_corners"], op.options["half_pixel_centers"]
    rows = [_nearest(i, h, oh, align, half) * w * depth for i in range(oh)]
    columns = [_nearest(i, w, ow, align, half) * depth for i in range(ow)]
    return [pieces(op, x, y, b * h * w * depth, b * oh * ow * depth, rows, columns, depth) for b in range(x.shape[0])]


def gather(op: Op) -> list[Step]:
    x, y = op.tensor(0), op.outputs[0]
    int8(x, y)
    if x.scale != y.scale or x.zero_point != y.zero_point:
        raise Unsupported("an output with another scale than its input")
    if op.options.get("batch_dims"):
        raise Unsupported("batch dimensions")
    axis = op.options["axis"] % len(x.shape)
    indices = op.constant(1).ravel()
    if (indices < 0).any() or (indices >= x.shape[axis]).any():
        raise Unsupported("indices outside the input")
    inner = math.prod(x.shape[axis + 1 :])
    if math.prod(x.shape[:axis]) > MAX_PIECES:
        raise Unsupported(f"more than {MAX_PIECES} pieces")
    rows = [i * x.shape[axis] * inner for i in range(math.prod(x.shape[:axis]))]
    if y.size != len(rows) * len(indices) * inner:
        raise Unsupported(f"an output of {y.shape} that does not fit the indices")
    return [pieces(op, x, y, 0, 0, rows, [int(i) * inner for i in indices], inner)]


def bilinear(op: Op) -> list[Step]:
    x, y, (h, w, depth), (oh, ow) = _sizes(op)
    align, half = op.options["align_corners"], op.options["half_pixel_centers"]
    if x.scale != y.scale or x.zero_point != y.zero_point:
        raise Unsupported("an output with another scale than its input")
    table = [
        (low * stride, high * stride, fraction + 2048)
        for size, out, stride in ((h, oh, w * depth), (w, ow, depth))
        for low, high, fraction in (_between(i, size, out, align, half) for i in range(out))
    ]
    data = np.array(table, "<u4").tobytes()

    def step(batch: int) -> Step:
        start, to = batch * h * w * depth, batch * oh * ow * depth
        return Step(BILINEAR, op.kind, [x], y, lambda at, _: [at(x) + start, at(y) + to, depth, oh, ow], data=data)

    return [step(b) for b in range(x.shape[0])]


def _sizes(op: Op) -> tuple[Tensor, Tensor, tuple[int, int, int], tuple[int, int]]:
    x, y = activations(op)
    (batch, h, w, depth), (batch_y, oh, ow, depth_y) = nhwc(x), nhwc(y)
    if (batch, depth) != (batch_y, depth_y) or tuple(op.constant(1).ravel()) != (oh, ow):
        raise Unsupported("an output that does not fit the size")
    if max(oh, ow) > MAX_PIECES:
        raise Unsupported(f"more than {MAX_PIECES} pieces")
    return x, y, (h, w, depth), (oh, ow)


def pieces(op: Op, x: Tensor, y: Tensor, start: int, to: int, rows: list[int], columns: list[int], size: int) -> Step:
    """A GATHER step: piece (i, j) of ``size`` bytes comes from rows[i] + columns[j]."""
    if not rows or not columns or size < 1:
        raise Unsupported("an empty output")
    if max(len(rows), len(columns)) > MAX_PIECES:
        raise Unsupported(f"more than {MAX_PIECES} pieces")
    constant = aligned(x.data.tobytes()) if x.data is not None else b""
    data = constant + np.array(rows + columns, "<u4").tobytes()
    live = x.data is None

    def fields(at: Callable[[Tensor], int], _: int) -> list[int]:
        source = (at(x) + start) << 1 if live else start << 1 | 1
        return [source, at(y) + to, len(rows), len(columns), size, len(constant)]

    return Step(GATHER, op.kind, [x] if live else [], y, fields, data=data)


def _nearest(i: int, size: int, out: int, align: bool, half: bool) -> int:
    """Index of the neighbour, in the single precision of the reference."""
    above, below = (size - 1, out - 1) if align and out > 1 else (size, out)
    scale = np.float32(above) / np.float32(below)
    place = float(np.float32(np.float32(i + (0.5 if half else 0)) * scale))
    index = round_away(place) if align else math.floor(place)
    return max(0, min(index, size - 1))


def _between(i: int, size: int, out: int, align: bool, half: bool) -> tuple[int, int, int]:
    """(lower neighbour, upper neighbour, distance from the lower one) with 10 bits of fraction."""
    scale = (1024 * size + out // 2) // out
    if align and out > 1:
        scale = (1024 * (size - 1) + (out - 1) // 2) // (out - 1)
    place = i * scale + (scale // 2 - 512 if half else 0)
    low = max(int(place / 1024), 0)  # C's division, towards zero
    high = min(int((place + 1023) / 1024), size - 1)
    if not (high >= 0 and low < size):
        raise Unsupported("a resize beyond the image")
    return low, high, place - 1024 * low
