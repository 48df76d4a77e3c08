"""CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED and TRANSPOSE_CONV: convolutions with groups."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from whit.fixed import activation_range, quantize_multiplier, shifts
from whit.graph import Op, Tensor, Unsupported
from whit.ops.common import MAX_BATCH, activations, int8, nhwc, window
from whit.ops.form import form
from whit.program import CONV, DEPTHWISE, Step, aligned

Array = npt.NDArray[Any]


PART_BYTES = 16 * 1024  # weights of one record; a larger layer is made in parts, so that they can be read one by one
EXPANDED_BYTES = 6 * 1024  # scratch for weights in the form in which kernels multiply; more are expanded in turns
MOST_PLACES = 288  # bytes of a window (k4) for which scratch has a table of their places
SMALL, SMALL_SUM = 2, (1 << 21) - (1 << 11)  # in `pairs`: every sum lies below, and scales are moderate
MAX_TAPS = 1 << 14  # places of a window
GENERAL = 1 << 31  # in a shift word: the fast requantisation is not exact for every input


@dataclass(frozen=True)
class Window:
    """Where a record reads and writes: sizes, strides and padding as in PLAN, and the output's place and strides."""

    h: int
    w: int
    oh: int
    ow: int
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)  # before the first row, before the first column
    x_start: int = 0
    y_start: int = 0
    y_strides: tuple[int, int] | None = None  # bytes between rows and pixels of the output; None: it is dense


def conv_2d(op: Op) -> list[Step]:
    x, y = activations(op)
    weights = _weights(op)
    if weights.ndim != 4:
        raise Unsupported("weights without 4 axes")
    out_channels, kh, kw, channels = weights.shape
    in_channels = nhwc(x)[3]
    if in_channels % channels or out_channels % (in_channels // channels):
        raise Unsupported(f"{in_channels} input channels, weights for {channels}")
    groups = in_channels // channels
    return _image(op, x, y, weights, groups, _multipliers(op, out_channels, 0))


def depthwise_conv_2d(op: Op) -> list[Step]:
    x, y = activations(op)
    weights = _weights(op)
    if weights.ndim != 4 or weights.shape[0] != 1:
        raise Unsupported("weights of another shape than 1 x h x w x channels")
    channels = weights.shape[3]
    groups = nhwc(x)[3]
    if channels % groups:
        raise Unsupported(f"{groups} input channels, {channels} output channels")
    weights = np.ascontiguousarray(weights.transpose(3, 1, 2, 0))
    return _image(op, x, y, weights, groups, _multipliers(op, channels, 3))


def fully_connected(op: Op) -> list[Step]:
    x, y = activations(op)
    weights = _weights(op)
    if op.options.get("weights_format"):
        raise Unsupported("shuffled weights")
    if weights.ndim != 2 or x.size % weights.shape[1]:
        raise Unsupported("weights that do not fit the input")
    rows = x.size // weights.shape[1]
    if y.size != rows * weights.shape[0]:
        raise Unsupported("an output that does not fit the weights")
    table = _multipliers(op, weights.shape[0], 0)
    weights = weights.reshape(weights.shape[0], 1, 1, -1)
    return _steps(op, x, y, weights, 1, table, _bias(op, len(weights), 2), Window(1, rows, 1, rows))


def transpose_conv(op: Op) -> list[Step]:
    """TRANSPOSE_CONV, as one dense convolution per phase of the stride: output pixel p gets input pixel q through
    tap p + padding - stride * q, so pixels of one phase share their taps."""
    x, y = op.tensor(2), op.outputs[0]
    int8(x, y)
    if x.data is not None:
        raise Unsupported("a constant input")
    weights = _weights(op)
    (batch, h, w, depth), (batch_y, oh, ow, channels) = nhwc(x), nhwc(y)
    if weights.ndim != 4 or weights.shape[0] != channels or weights.shape[3] != depth or batch != batch_y:
        raise Unsupported("weights that do not fit input and output")
    strides = (op.options["stride_h"], op.options["stride_w"])
    padding = [
        window(size, kernel, stride, 1, op.options["padding"])[1]
        for size, kernel, stride in zip((oh, ow), weights.shape[1:3], strides, strict=True)
    ]
    table = _multipliers(op, channels, 0, x=x)
    bias = _bias(op, channels, 3)
    if batch * min(strides[0], oh) * min(strides[1], ow) > MAX_BATCH:
        raise Unsupported(f"strides of {strides[0]}x{strides[1]} for an output of {y.shape}")
    steps = []
    for b in range(batch):
        for rows in _phases(oh, weights.shape[1], strides[0], padding[0]):
            for columns in _phases(ow, weights.shape[2], strides[1], padding[1]):
                taps = np.zeros((channels, rows.taps, columns.taps, depth), np.int8)
                part = weights[:, rows.first :: strides[0], columns.first :: strides[1]][:, ::-1, ::-1]
                taps[:, rows.taps - part.shape[1] :, columns.taps - part.shape[2] :] = part
                place = Window(
                    h,
                    w,
                    rows.count,
                    columns.count,
                    padding=(rows.padding, columns.padding),
                    x_start=b * h * w * depth,
                    y_start=((b * oh + rows.start) * ow + columns.start) * channels,
                    y_strides=(strides[0] * ow * channels, strides[1] * channels),
                )
                steps += _steps(op, x, y, taps, 1, table, bias, place)
    return steps


@dataclass(frozen=True)
class _Phase:
    """Output pixels start, start + stride ... of one axis; they use the taps first, first + stride ..."""

    start: int
    count: int
    first: int
    taps: int
    padding: int


def _phases(size: int, kernel: int, stride: int, padding: int) -> list[_Phase]:
    phases = []
    for start in range(min(stride, size)):
        first = (start + padding) % stride
        begin = (start + padding) // stride  # the input pixel that tap `first` meets at the first output pixel
        # taps of weight 0 stand in front where the window would begin beyond the padding, or where there is none
        taps = max(len(range(first, kernel, stride)), begin + 1, 1)
        phases.append(_Phase(start, len(range(start, size, stride)), first, taps, taps - 1 - begin))
    return phases


def _weights(op: Op) -> Array:
    weights = op.constant(1)
    if op.tensor(1).dtype != "int8":
        raise Unsupported(f"{op.tensor(1).dtype} weights")
    if op.tensor(1).zero_points.any():
        raise Unsupported("weights with a zero point")
    return weights


def _multipliers(op: Op, channels: int, axis: int, x: Tensor | None = None) -> list[tuple[int, int]]:
    """(multiplier, shift) per output channel, worked out in double precision as the reference does."""
    x, w, y = x or op.tensor(0), op.tensor(1), op.outputs[0]
    if len(w.scales) not in (1, channels) or (len(w.scales) > 1 and w.axis != axis):
        raise Unsupported(f"{len(w.scales)} scales for {channels} channels")
    if not np.isfinite(w.scales).all() or (w.scales < 0).any():
        raise Unsupported("a scale out of range")
    scales = np.broadcast_to(w.scales, channels)
    result = [quantize_multiplier(x.scale * float(scale) / y.scale) for scale in scales]
    if any(shift > 30 for _, shift in result):
        raise Unsupported("a scale of 2**30 or more")
    return result


def _bias(op: Op, channels: int, i: int) -> Array:
    """The bias, which is input i where there is one."""
    if not op.has(i):
        return np.zeros(channels, np.int64)
    bias = op.constant(i)
    if op.tensor(i).dtype != "int32" or bias.size != channels:
        raise Unsupported(f"a {op.tensor(i).dtype} bias of {bias.size} values for {channels} channels")
    return bias.ravel().astype(np.int64)


def _image(op: Op, x: Tensor, y: Tensor, weights: Array, groups: int, table: list[tuple[int, int]]) -> list[Step]:
    batch, h, w, depth = nhwc(x)
    channels, kh, kw, _ = weights.shape
    o = op.options
    if "pads" in o:  # a PAD that the convolution does itself: (top, bottom, left, right)
        top, bottom, left, right = o["pads"]
        oh = window(h + top + bottom, kh, o["stride_h"], o["dilation_h"], "VALID")[0]
        ow = window(w + left + right, kw, o["stride_w"], o["dilation_w"], "VALID")[0]
    else:
        oh, top = window(h, kh, o["stride_h"], o["dilation_h"], o["padding"])
        ow, left = window(w, kw, o["stride_w"], o["dilation_w"], o["padding"])
    if nhwc(y) != (batch, oh, ow, channels) or oh < 1 or ow < 1:
        raise Unsupported(f"an output of {y.shape} where {(batch, oh, ow, channels)} follows from the input")
    if kh * kw > MAX_TAPS:
        raise Unsupported(f"a window of {kh}x{kw}; at most {MAX_TAPS} places run")
    pitch = y.pitch or channels
    bias = _bias(op, channels, 2)
    steps = []
    for b in range(batch):
        place = Window(
            h,
            w,
            oh,
            ow,
            (o["stride_h"], o["stride_w"]),
            (o["dilation_h"], o["dilation_w"]),
            (top, left),
            b * h * w * depth,
            b * oh * ow * pitch,
            (ow * pitch, pitch),
        )
        steps += _steps(op, x, y, weights, groups, table, bias, place)
    return steps


def _steps(
    op: Op,
    x: Tensor,
    y: Tensor,
    weights: Array,
    groups: int,
    table: list[tuple[int, int]],
    bias: Array,
    place: Window,
) -> list[Step]:
    """One record, or several that each make some of the output channels."""
    channels = len(weights)
    per_channel = weights[0].size
    y_strides = place.y_strides or (place.ow * channels, channels)
    size = channels
    if groups == 1 and channels * per_channel > PART_BYTES:
        parts = -(-channels * per_channel // PART_BYTES)
        size = -(-channels // parts) + 3 & ~3
    steps = []
    for first in range(0, channels, size):
        some = slice(first, first + size)
        part = replace(place, y_start=place.y_start + first, y_strides=y_strides)
        steps.append(_step(op, x, y, weights[some], groups, table[some], bias[some], part))
    return steps


def _step(
    op: Op,
    x: Tensor,
    y: Tensor,
    weights: Array,
    groups: int,
    table: list[tuple[int, int]],
    bias: Array,
    place: Window,
) -> Step:
    """The record: source, destination, scratch, table, geometry, zero points and bounds (all of these plus 128),
    strides of the output's rows and pixels, how many channels are expanded at a time, and what may be done faster."""
    channels, kh, kw, per_group = weights.shape
    geometry = [place.h, place.w, groups, per_group, place.oh, place.ow, channels // groups, kh, kw]
    geometry += [*place.stride, *place.dilation, *place.padding]
    if max(geometry) > 32767:
        raise Unsupported("a size above 32767")
    k = kh * kw * per_group
    # a channel of its own for each filter: the kernel that walks along rows is faster than the one that gathers windows
    depthwise = per_group == 1 and groups > 1
    k4 = k + 3 & ~3
    block = 0 if depthwise or groups > 1 else expanded_channels(channels, k4, place.oh * place.ow)
    if depthwise:
        packed = aligned(unsigned(weights).tobytes())
        scratch = depthwise_scratch(groups, channels, (kh, kw), place.ow, place.stride, place.dilation)
    else:
        packed = tiles(weights, groups)
        scratch = conv_scratch(groups, per_group, k4, block)
    low, high = activation_range(op.options.get("activation", "NONE"), y.scale, y.zero_point)
    tail = [*geometry, x.zero_point + 128, y.zero_point + 128, low + 128, high + 128, *(place.y_strides or ())]
    pairs = int(weights.min() > -128)
    if pairs and not depthwise and _small(weights, bias, table, x.zero_point):
        pairs |= SMALL
    tail += [block, pairs, 0]
    record = [DEPTHWISE if depthwise else CONV, *[0] * 7, *tail]
    tail[-1], scratch = form(record, weights, bias, table, (x.zero_point, y.zero_point), scratch)
    return Step(
        DEPTHWISE if depthwise else CONV,
        op.kind,
        [x],
        y,
        lambda at, scratch: [at(x) + place.x_start, at(y) + place.y_start, scratch, len(packed), *tail],
        data=packed + _table(weights, bias, table, x.zero_point),
        scratch=scratch,
        macs=place.oh * place.ow * channels * k,
        weight_bytes=channels * k,
    )


def unsigned(weights: Array) -> Array:
    """int8 weights plus 128: loads without a sign are cheaper."""
    return (weights.astype(np.int16) + 128).astype(np.uint8)


def tiles(weights: Array, groups: int) -> bytes:
    """Weights (channels, kh, kw, depth) as CONV reads them: rows padded to words, four interleaved word by word."""
    rows = unsigned(weights.reshape(len(weights), -1))
    rows = np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4)), constant_values=128)
    parts = []
    for group in rows.reshape(groups, -1, rows.shape[1]):
        for first in range(0, len(group), 4):
            tile = group[first : first + 4]
            parts.append(tile.reshape(len(tile), -1, 4).transpose(1, 0, 2).tobytes())
    return b"".join(parts)


def expanded_channels(channels: int, k4: int, positions: int) -> int:
    """Output channels whose weights are expanded at a time: all, or as many fours as there is room for.

    0 where each weight is used but once: expanding would cost more than it saves.
    """
    if positions == 1:
        return 0
    most = max(4, EXPANDED_BYTES // (2 * k4) & ~3)
    if channels <= most:
        return channels
    return -(-channels // -(-channels // most)) + 3 & ~3


def conv_scratch(groups: int, channels: int, k4: int, block: int) -> int:
    """Bytes of scratch of a CONV record: the gathered windows of all groups as bytes, or one of int16 and, as a kernel
    loads one step ahead, 8 bytes behind it; or, where weights are expanded, room for two windows of int16 (or four of
    bytes), 2 bytes for each weight of a block, whose channels count in fours, and 24 for each of its channels; and for
    a window's places in the image where it does not consist of words."""
    if not block:
        return max(groups * k4, 2 * k4 + 8)
    places = 2 * k4 if channels % 4 and k4 <= MOST_PLACES else 0
    return 4 * k4 + places + (2 * k4 + 24) * (block + 3 & ~3)


def _largest(weights: Array, bias: Array, zero_point: int) -> Array:
    """What the sum of each channel does not exceed, whatever the input."""
    flat = weights.reshape(len(weights), -1).astype(np.int64)
    ends = flat * (-128 - zero_point), flat * (127 - zero_point)
    highest, lowest = bias + np.maximum(*ends).sum(1), bias + np.minimum(*ends).sum(1)
    largest: Array = np.maximum(highest, -lowest)
    return largest


def _small(weights: Array, bias: Array, scales: list[tuple[int, int]], zero_point: int) -> bool:
    """Whether a requantisation for small sums is exact: products by parts of the multiplier must fit 32 bits."""
    return all(-14 <= s <= -1 for _, s in scales) and bool((_largest(weights, bias, zero_point) < SMALL_SUM).all())


def _table(weights: Array, bias: Array, scales: list[tuple[int, int]], zero_point: int) -> bytes:
    """Four words per output channel: bias for inputs plus 128, multiplier, shifts, bias for signed inputs."""
    flat = weights.reshape(len(weights), -1).astype(np.int64)
    sums = flat.sum(1)
    largest = _largest(weights, bias, zero_point)
    words = np.zeros((len(weights), 4), np.int64)
    words[:, 0] = bias - (zero_point + 128) * sums & 0xFFFFFFFF
    words[:, 1] = [m for m, _ in scales]
    for i, (_, shift) in enumerate(scales):
        words[i, 2] = shifts(shift) | (0 if shift < 0 and largest[i] < 1 << 30 else GENERAL)
    words[:, 3] = bias - zero_point * sums & 0xFFFFFFFF
    return words.astype("<u4").tobytes()


def depthwise_scratch(
    inputs: int,
    outputs: int,
    kernel: tuple[int, int],
    columns: int,
    stride: tuple[int, int],
    dilation: tuple[int, int],
) -> int:
    """Bytes of scratch of a depthwise record: its weights as words (two for each of a channel, where there is but one)
    or as int16 behind four words for each output, and the input rows of one output row; or what the kernel that reads
    input rows in pairs needs for four channels, if that is more."""
    width = (columns - 1) * stride[1] + (kernel[1] - 1) * dilation[1] + 1
    rows = kernel[0] + (stride[0] if dilation[0] == 1 and stride[0] <= kernel[0] else 0)
    channel = 4 * ((rows + 1) // 2) * (width + 3 * kernel[1] * outputs // inputs) + 1
    taps = kernel[0] * kernel[1]
    stored = max(4 * taps * max(outputs, 2), (16 + 4 * ((taps + 1) // 2)) * outputs)
    return max(stored + kernel[0] * width * inputs, min(inputs, 4) * channel)
