"""Runs a Blob in numpy, with the arithmetic of the device's kernels.

It makes the self-test that a blob carries, and lets the host answer where no board is at hand. It executes PLAN, not
the Graph, so it proves lowering and memory plan as well. Slow and plain on purpose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from whit import program, recurrent
from whit.blob import Blob
from whit.fixed import rescale_array, signed32

Array = npt.NDArray[Any]


class Simulator:
    """A Blob with its arena. ``arena`` is int8; ``run`` takes and gives the board's int8 numbers."""

    def __init__(self, blob: Blob) -> None:
        self.arena = np.zeros(blob.arena_bytes, np.int8)
        self.data = np.frombuffer(blob.data, np.uint8)
        self.records = blob.records
        self.inputs = [r for r in self.records if r[0] == program.INPUT]
        self.outputs = [r for r in self.records if r[0] == program.OUTPUT]
        self.reset()

    def reset(self) -> None:
        """Fills what the model keeps between runs."""
        for r in self.records:
            if r[0] == program.STATE:
                initial = self.data[r[2] : r[2] + r[5]] if r[3] else np.full(r[5], r[6], np.uint8)
                self.arena[r[4] : r[4] + r[5]] = initial.view(np.int8)

    def run(self, x: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
        """x: all inputs, flat, one after another. Returns all outputs alike."""
        at = 0
        for r in self.inputs:
            self.arena[r[4] : r[4] + r[5]] = x.ravel()[at : at + r[5]]
            at += r[5]
        for r in self.records:
            if r[0] in _KERNELS:
                _KERNELS[r[0]](self.arena, self.data[r[2] : r[2] + r[3]], r)
        return np.concatenate([self.arena[r[4] : r[4] + r[5]] for r in self.outputs])


def _store(arena: Array, offset: int, values: Array, zero: int, low: int, high: int) -> None:
    """Adds the zero point, clamps (all plus 128) and writes."""
    flat = np.clip(values + zero, low, high).ravel() - 128
    arena[offset : offset + flat.size] = flat.astype(np.int8)


def _strided(buffer: Array, offset: int, shape: list[int], strides: list[int]) -> Array:
    """A view that lies inside the buffer, which numpy does not check."""
    span = sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))
    if min(shape) < 1 or offset + span >= buffer.size:
        raise IndexError("a record reaches outside its memory")
    steps = [stride * buffer.itemsize for stride in strides]
    return np.lib.stride_tricks.as_strided(buffer[offset:], shape, steps)


def _inside(size: int, count: int, stride: int, start: int) -> tuple[slice, slice]:
    """(outputs, inputs) of one axis that a tap connects: output i and input i * stride + start, inside the image."""
    first = max(0, -(start // stride))
    last = min(count - 1, (size - 1 - start) // stride)
    if last < first:
        return slice(0, 0), slice(0, 0)
    return slice(first, last + 1), slice(first * stride + start, last * stride + start + 1, stride)


def _conv(arena: Array, data: Array, r: list[int]) -> None:
    src, out, _, table, h, w, groups, cg, oh, ow, og, kh, kw, sh, sw, dh, dw, top, left, zx, zo, low, high = r[4:27]
    channels, k = groups * og, kh * kw * cg
    x = arena[src : src + h * w * groups * cg].reshape(h, w, groups, cg).astype(np.int64) - (zx - 128)
    if r[0] == program.CONV:
        filters = np.concatenate(list(_rows(data, groups, og, k + 3 & ~3)))[:, :k]
    else:
        filters = data[: channels * k]
    weights = filters.astype(np.int64).reshape(groups, og, kh, kw, cg) - 128
    acc = np.zeros((oh, ow, groups, og), np.int64)
    for ky in range(kh):
        to_rows, rows = _inside(h, oh, sh, ky * dh - top)
        for kx in range(kw):
            to_columns, columns = _inside(w, ow, sw, kx * dw - left)
            acc[to_rows, to_columns] += np.einsum("hwgc,goc->hwgo", x[rows, columns], weights[:, :, ky, kx])
    words = data[table : table + 16 * channels].view("<u4").astype(np.int64).reshape(channels, 4)
    # the table's bias holds -(zx) * sum of weights, for inputs that are not yet centred
    bias = signed32(words[:, 0]) + zx * weights.reshape(channels, -1).sum(1)
    result = rescale_array(signed32(acc.reshape(-1, channels) + bias), words[:, 1], words[:, 2] & 0xFFFF)
    pixels = np.clip(result + zo, low, high).reshape(oh, ow, channels) - 128
    _strided(arena, out, [oh, ow, channels], [r[27], r[28], 1])[...] = pixels.astype(np.int8)


def _rows(data: Array, groups: int, og: int, k4: int) -> Iterator[Array]:
    """Tiles of CONV as rows: a tile of n rows is for each word of a row that word of all n."""
    at = 0
    for _ in range(groups):
        for first in range(0, og, 4):
            n = min(4, og - first)
            yield data[at : at + n * k4].reshape(-1, n, 4).transpose(1, 0, 2).reshape(n, k4)
            at += n * k4


def _pool(arena: Array, _: Array, r: list[int]) -> None:
    src, out, h, w, c, oh, ow, kh, kw, sh, sw, top, left, low, high, mean = r[4:]
    x = arena[src : src + h * w * c].reshape(h, w, c).astype(np.int64)
    y = np.full((oh, ow, c), 0 if mean else -128, np.int64)
    n = np.zeros((oh, ow, 1), np.int64)
    if oh * ow <= kh * kw:  # window by window, or tap by tap: the fewer
        for oy, ox in np.ndindex(oh, ow):
            y0, x0 = oy * sh - top, ox * sw - left
            part = x[max(0, y0) : y0 + kh, max(0, x0) : x0 + kw].reshape(-1, c)
            y[oy, ox], n[oy, ox] = part.sum(0) if mean else part.max(0), len(part)
    else:
        for ky, kx in np.ndindex(kh, kw):
            to_rows, rows = _inside(h, oh, sh, ky - top)
            to_columns, columns = _inside(w, ow, sw, kx - left)
            part = y[to_rows, to_columns]
            part[...] = part + x[rows, columns] if mean else np.maximum(part, x[rows, columns])
            n[to_rows, to_columns] += 1
    if mean:
        y = np.where(y > 0, (y + n // 2) // n, -((n // 2 - y) // n))
    _store(arena, out, y, 128, low, high)


def _reduce(arena: Array, _: Array, r: list[int]) -> None:
    src, out, n0, s0, n1, s1, m0, t0, m1, t1, bias, multiplier, shifts, zero, low, high, kind = r[4:]
    x = _strided(arena, src, [n0, n1, m0, m1], [s0, s1, t0, t1]).astype(np.int64)
    if kind:
        _store(arena, out, x.max((2, 3)) if kind == 1 else x.min((2, 3)), 128, 0, 255)
        return
    total = x.sum((2, 3)) + 128 * m0 * m1 + signed32(bias)
    _store(arena, out, rescale_array(total, multiplier, shifts), zero, low, high)


def _operands(arena: Array, data: Array, r: list[int]) -> list[Array]:
    """Both operands of ADD or MUL as int64 arrays of the output's shape."""
    result = []
    for ref, strides in ((r[4], r[12:16]), (r[5], r[16:20])):
        buffer = data.view(np.int8) if ref & 1 else arena
        result.append(_strided(buffer, ref >> 1, r[8:12], strides).astype(np.int64))
    return result


def _add(arena: Array, data: Array, r: list[int]) -> None:
    a, b = _operands(arena, data, r)
    a = rescale_array((a + 128 - r[20]) << r[31], r[21], r[22])
    b = rescale_array((b + 128 - r[23]) << r[31], r[24], r[25])
    total = a - b if r[32] & 1 else a + b
    _store(arena, r[6], rescale_array(total * total if r[32] & 2 else total, r[27], r[28]), r[26], r[29], r[30])


def _mul(arena: Array, data: Array, r: list[int]) -> None:
    a, b = _operands(arena, data, r)
    a = a + 128 - r[20]
    result = rescale_array(a * (b + 128 - r[21]), r[22], r[23])
    if r[27]:
        result = np.where(a >= 0, rescale_array(a, r[28], r[29]), result)
    _store(arena, r[6], result, r[24], r[25], r[26])


def _minmax(arena: Array, data: Array, r: list[int]) -> None:
    a, b = _operands(arena, data, r)
    _store(arena, r[6], np.minimum(a, b) if r[7] else np.maximum(a, b), 128, 0, 255)


def _gather(arena: Array, data: Array, r: list[int]) -> None:
    _, out, n0, n1, size, at = r[4:]
    source = data.view(np.int8) if r[4] & 1 else arena
    places = data[at : at + 4 * (n0 + n1)].view("<u4").astype(np.int64) + np.where(
        np.arange(n0 + n1) < n0, r[4] >> 1, 0
    )
    index = places[:n0, None, None] + places[None, n0:, None] + np.arange(size)
    arena[out : out + index.size] = source[index].ravel()


def _bilinear(arena: Array, data: Array, r: list[int]) -> None:
    src, out, depth, rows, columns = r[4:]
    table = data.view("<u4").astype(np.int64).reshape(-1, 3)
    y, x = table[:rows, None, None], table[None, rows : rows + columns, None]
    fy, fx = y[..., 2] - 2048, x[..., 2] - 2048

    def at(row: int, column: int) -> Array:
        index = src + y[..., row] + x[..., column] + np.arange(depth)
        values: Array = arena[index].astype(np.int64)
        return values

    left: Array = at(0, 0) * (1024 - fy) + at(1, 0) * fy
    right = at(0, 1) * (1024 - fy) + at(1, 1) * fy
    total: Array = left * (1024 - fx) + right * fx
    half = 1 << 19
    rounded: Array = np.where(total > 0, (total + half) >> 20, -((half - total) >> 20))
    _store(arena, out, rounded, 128, 0, 255)


def _matmul(arena: Array, data: Array, r: list[int]) -> None:
    n0, n1, rows, columns, depth = r[7:12]
    operands = []
    for ref, n, strides, zero in ((r[4], rows, r[12:16], r[20]), (r[5], columns, r[16:20], r[21])):
        buffer = data.view(np.int8) if ref & 1 else arena
        # a view: what is used for many rows or batches is there once
        shape = [n0, n1, n, depth]
        span = 1 + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
        wide = buffer[ref >> 1 : (ref >> 1) + span].astype(np.int64) + 128 - zero
        operands.append(_strided(wide, 0, shape, strides))
    total: Array = np.einsum("abik,abjk->abij", *operands)
    _store(arena, r[6], rescale_array(total, r[22], r[23]), r[24], 0, 255)


def _softmax(arena: Array, data: Array, r: list[int]) -> None:
    from whit.fixed import one_over_one_plus_x, rounding_shift

    src, out, rows, depth = r[4:]
    table = [int(word) for word in data.view("<u4")]
    short = np.array([rounding_shift(e, 12) for e in table])
    x = arena[src : src + rows * depth].reshape(rows, depth).astype(np.int64)
    places = x.max(1, keepdims=True) - x
    totals, kind = np.unique(short[places].sum(1), return_inverse=True)  # many rows, few sums
    zeros = np.array([32 - int(total).bit_length() for total in totals])
    scales = [one_over_one_plus_x((int(total) << int(n)) - (1 << 31)) for total, n in zip(totals, zeros, strict=True)]
    product = (np.array(scales)[kind][:, None] * np.array(table)[places] + (1 << 30)) >> 31
    shift = (35 - zeros[kind])[:, None]
    mask = (1 << shift) - 1
    values = (product >> shift) + ((product & mask) > (mask >> 1))
    arena[out : out + rows * depth] = (np.minimum(values, 255) - 128).ravel().astype(np.int8)


def _lut(arena: Array, data: Array, r: list[int]) -> None:
    x = arena[r[4] : r[4] + r[6]].view(np.uint8)
    arena[r[5] : r[5] + r[6]] = data[x].view(np.int8)


def _copy(arena: Array, data: Array, r: list[int]) -> None:
    source = data.view(np.int8) if r[4] & 1 else arena
    arena[r[6] : r[6] + r[7]] = np.array(r[8], np.uint8).view(np.int8)
    x = _strided(source, r[4] >> 1, r[9:13], r[13:17]).copy()
    _strided(arena, r[5], r[9:13], r[17:21])[...] = x


_KERNELS: dict[int, Callable[[Array, Array, list[int]], None]] = {
    program.CONV: _conv,
    program.DEPTHWISE: _conv,
    program.POOL: _pool,
    program.REDUCE: _reduce,
    program.ADD: _add,
    program.MUL: _mul,
    program.SOFTMAX: _softmax,
    program.LUT: _lut,
    program.COPY: _copy,
    program.MINMAX: _minmax,
    program.GATHER: _gather,
    program.BILINEAR: _bilinear,
    program.MATMUL: _matmul,
    program.LSTM: recurrent.lstm,
    program.SVDF: recurrent.svdf,
}
