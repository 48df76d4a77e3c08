"""CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED, all lowered to the device's one convolution with groups."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from whit.fixed import activation_range, quantize_multiplier, shifts
from whit.graph import Op, Tensor, Unsupported
from whit.ops.common import activations, nhwc, window
from whit.program import CONV, Step, aligned

Array = npt.NDArray[Any]


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
    per_channel = len(op.tensor(1).scales) > 1
    table = _multipliers(op, weights.shape[0], 0, float32_product=not per_channel)
    geometry = [1, rows, 1, weights.shape[1], 1, rows, weights.shape[0], 1, 1, 1, 1, 1, 1, 0, 0]
    return [_step(op, x, y, weights.reshape(weights.shape[0], 1, 1, -1), 1, table, geometry, 0)]


def _weights(op: Op) -> Array:
    weights = op.constant(1)
    if op.tensor(1).dtype != "int8":
        raise Unsupported(f"{op.tensor(1).dtype} weights")
    if op.tensor(1).zero_points.any():
        raise Unsupported("weights with a zero point")
    return weights


def _multipliers(op: Op, channels: int, axis: int, float32_product: bool = False) -> list[tuple[int, int]]:
    """(multiplier, shift) per output channel.

    The reference multiplies the scales in double precision, but those of a fully connected layer with one
    scale in single precision first.
    """
    x, w, y = op.tensor(0), op.tensor(1), op.outputs[0]
    if len(w.scales) not in (1, channels) or (len(w.scales) > 1 and w.axis != axis):
        raise Unsupported(f"{len(w.scales)} scales for {channels} channels")
    if not np.isfinite(w.scales).all() or (w.scales < 0).any():
        raise Unsupported("a scale out of range")
    result = []
    for scale in np.broadcast_to(w.scales, channels):
        product = float(np.float32(x.scale) * scale) if float32_product else x.scale * float(scale)
        result.append(quantize_multiplier(product / y.scale))
    if any(shift > 30 for _, shift in result):
        raise Unsupported("a scale of 2**30 or more")
    return result


def _bias(op: Op, channels: int) -> Array:
    if not op.has(2):
        return np.zeros(channels, np.int64)
    bias = op.constant(2)
    if op.tensor(2).dtype != "int32" or bias.size != channels:
        raise Unsupported(f"a {op.tensor(2).dtype} bias of {bias.size} values for {channels} channels")
    return bias.ravel().astype(np.int64)


def _image(op: Op, x: Tensor, y: Tensor, weights: Array, groups: int, table: list[tuple[int, int]]) -> list[Step]:
    batch, h, w, _ = nhwc(x)
    channels, kh, kw, per_group = weights.shape
    o = op.options
    oh, top = window(h, kh, o["stride_h"], o["dilation_h"], o["padding"])
    ow, left = window(w, kw, o["stride_w"], o["dilation_w"], o["padding"])
    if nhwc(y) != (batch, oh, ow, channels) or oh < 1 or ow < 1:
        raise Unsupported(f"an output of {y.shape} where {(batch, oh, ow, channels)} follows from the input")
    geometry = [h, w, groups, per_group, oh, ow, channels // groups, kh, kw]
    geometry += [o["stride_h"], o["stride_w"], o["dilation_h"], o["dilation_w"], top, left]
    return [_step(op, x, y, weights, groups, table, geometry, b) for b in range(batch)]


def _step(
    op: Op,
    x: Tensor,
    y: Tensor,
    weights: Array,
    groups: int,
    table: list[tuple[int, int]],
    geometry: list[int],
    batch: int,
) -> Step:
    """The record: source, destination, scratch, table, geometry, zero points and bounds (all of these plus 128),
    strides of the output's rows and pixels."""
    if max(geometry) > 32767:
        raise Unsupported("a size above 32767")
    h, w, _, per_group, oh, ow, out_per_group, kh, kw = geometry[:9]
    channels = len(weights)
    k = kh * kw * per_group
    packed = aligned((weights.astype(np.int16) + 128).astype(np.uint8).tobytes())
    sums = weights.reshape(channels, -1).astype(np.int64).sum(1)
    bias = _bias(op, channels) - (x.zero_point + 128) * sums
    words = np.zeros((channels, 3), np.int64)
    words[:, 0] = bias & 0xFFFFFFFF
    words[:, 1] = [m for m, _ in table]
    words[:, 2] = [shifts(s) for _, s in table]
    low, high = activation_range(op.options["activation"], y.scale, y.zero_point)
    x_bytes, y_bytes = h * w * groups * per_group, oh * ow * channels
    return Step(
        CONV,
        op.kind,
        [x],
        y,
        lambda at, scratch: [
            at(x) + batch * x_bytes,
            at(y) + batch * y_bytes,
            scratch,
            len(packed),
            *geometry,
            x.zero_point + 128,
            y.zero_point + 128,
            low + 128,
            high + 128,
            ow * channels,
            channels,
        ],
        data=packed + words.astype("<u4").tobytes(),
        scratch=groups * (k + 3 & ~3),
        macs=oh * ow * channels * k,
        weight_bytes=channels * k,
    )
