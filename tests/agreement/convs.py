"""Cases of CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st

from .builder import Net, activation, padding
from .draws import ACTIVATIONS, INT32_MAX, PADDINGS, SEEDS, TIES, ZEROS, Array, Case, Draw, inputs, int8, scales

# of the sum to the output: in the usual range, exactly 0.5, 1 and more (left shifts), and tiny, beyond 2**-31 too
REALS = st.one_of(scales(-15, -4), scales(-15, -4), TIES, scales(-1, 8), scales(-40, -25), scales(-26, -15))


def _window(draw: Draw, least: int = 1) -> tuple[int, int, int, int]:
    """(size, kernel, stride, dilation) of one axis; the kernel's span may be larger than the image."""
    return draw(st.tuples(st.integers(least, 9), st.integers(1, 5), st.integers(1, 3), st.sampled_from([1, 1, 2, 3])))


def _sized(window: tuple[int, int, int, int], pad: str) -> tuple[int, int]:
    """(size, output size): with VALID the image is made at least as large as the kernel's span."""
    size, kernel, stride, dilation = window
    if pad == "SAME":
        return size, -(-size // stride)
    span = (kernel - 1) * dilation + 1
    size = max(size, span)
    return size, (size - span) // stride + 1


def _weight_scales(draw: Draw, real: float, channels: int) -> tuple[float, float, list[float]]:
    """(input scale, output scale, one weight scale or one per channel) for an effective scale near ``real``."""
    x, w = draw(scales(-8, 1)), draw(scales(-8, 0))
    y = float(np.float32(x * w / real))
    if not draw(st.booleans()):
        return x, y, [w]
    rng = np.random.default_rng(draw(SEEDS))
    return x, y, [float(np.float32(w * f)) for f in 2.0 ** rng.uniform(-3, 3, channels)]


def _bounded(x: float, y: float, ws: list[float], weights: Array) -> tuple[list[float], Array]:
    """(weight scales, largest bias per channel) for which no sum leaves int32, nor its left shift, nor the output.

    The reference computes with signed 32-bit integers whose overflow is undefined in C++: nothing to agree with.
    """
    sums = 255 * np.abs(weights.astype(np.int64)).sum(1) + 1
    limits = np.zeros(len(weights), np.int64)

    def shift(j: int) -> int:
        # a hair more than the scale, for its rounding and for the zero point that the output adds
        return math.frexp(x * ws[j % len(ws)] / y * 1.0001)[1]

    for j in range(len(weights)):
        while int(sums[j]) << max(0, shift(j)) > INT32_MAX:
            ws[j % len(ws)] /= 2
    for j in range(len(weights)):
        limits[j] = (INT32_MAX >> max(0, shift(j))) - sums[j]
    return ws, limits


def _bias(draw: Draw, limits: Array, reals: list[float]) -> Array | None:
    """None, small ones, any up to the limits, or ones that lie half way between two outputs (+- 1) by themselves.

    Where nothing is shifted left, the limits lie beyond 2**30. The last kind meets an input that is all zero point.
    """
    how = draw(st.sampled_from(["none", "small", "any", "ends", "ties", "ties"]))
    rng = np.random.default_rng(draw(SEEDS))
    if how == "none":
        return None
    if how == "small":
        return np.clip(rng.integers(-5000, 5001, len(limits)), -limits, limits)
    if how == "ties":
        halves = rng.integers(-130, 130, len(limits)) + 0.5
        near = halves / np.broadcast_to(np.array(reals), len(limits)) + rng.integers(-1, 2, len(limits))
        return np.clip(np.round(near), -limits, limits).astype(np.int64)
    return rng.integers(-limits, limits + 1) if how == "any" else rng.choice([-1, 1], len(limits)) * limits


@st.composite
def conv_2d(draw: Draw) -> Case:
    return _image(draw, "CONV_2D", draw(st.sampled_from([1, 1, 1, 2, 3])), 1)


@st.composite
def depthwise_conv_2d(draw: Draw) -> Case:
    return _image(draw, "DEPTHWISE_CONV_2D", draw(st.integers(1, 9)), draw(st.integers(1, 4)))


def _image(draw: Draw, kind: str, groups: int, multiplier: int) -> Case:
    depthwise = kind == "DEPTHWISE_CONV_2D"
    pad, act, zx, zy = draw(PADDINGS), draw(ACTIVATIONS), draw(ZEROS), draw(ZEROS)
    rows, columns = _window(draw), _window(draw)
    (h, oh), (w, ow) = _sized(rows, pad), _sized(columns, pad)
    batch = draw(st.sampled_from([1, 1, 1, 2]))
    per_group = 1 if depthwise else draw(st.integers(1, 9))
    channels = groups * (multiplier if depthwise else draw(st.integers(1, 5)))
    weights = int8(draw, (channels, rows[1], columns[1], per_group))
    x_scale, y_scale, ws = _weight_scales(draw, draw(REALS), channels)
    ws, limits = _bounded(x_scale, y_scale, ws, weights.reshape(channels, -1))
    bias = _bias(draw, limits, [x_scale * s / y_scale for s in ws])
    net = Net()
    x = source = net.tensor((batch, h, w, groups * per_group), x_scale, zx)
    before = ""
    if pad == "VALID" and draw(st.integers(0, 3)) == 0:
        x, before = _padded(draw, net, x, (batch, h, w, groups * per_group), x_scale, zx)
    stored = weights.transpose(3, 1, 2, 0) if depthwise else weights
    tensors = [source, net.tensor(stored.shape, ws, data=stored, axis=3 if depthwise else 0)]
    if bias is not None:
        tensors.append(net.tensor(bias.shape, [x_scale * s for s in ws], dtype="int32", data=bias))
    y = net.tensor((batch, oh, ow, channels), y_scale, zy)
    options = {"depthMultiplier": multiplier} if depthwise else {}
    net.op(
        kind,
        tensors,
        y,
        padding=padding(pad),
        strideH=rows[2],
        strideW=columns[2],
        dilationHFactor=rows[3],
        dilationWFactor=columns[3],
        fusedActivationFunction=activation(act),
        **options,
    )
    text = f"{before}{kind} {net.shapes[source]} * {weights.shape} / {groups} groups -> {net.shapes[y]}, {pad} {act},"
    text += f" strides {rows[2]}x{columns[2]}, dilations {rows[3]}x{columns[3]}, zeros {zx} {zy}, {len(ws)} scales"
    return Case(net.build(x, y), inputs(draw, net.shapes[x], zx), text)


def _padded(draw: Draw, net: Net, t: int, shape: tuple[int, ...], scale: float, zero: int) -> tuple[int, str]:
    """(the model's input, what to call it): t becomes the output of a PAD, as converters write explicit padding."""
    pads = [(0, 0), draw(_AMOUNTS), draw(_AMOUNTS), (0, 0)]
    smaller = [n - sum(p) for n, p in zip(shape, pads, strict=True)]
    if min(smaller) < 1:
        return t, ""
    x = net.tensor(smaller, scale, zero)
    net.op("PAD", [x, net.tensor((4, 2), dtype="int32", data=np.array(pads))], t)
    return x, f"PAD {pads} "


_AMOUNTS = st.tuples(st.integers(0, 2), st.integers(0, 2))


@st.composite
def fully_connected(draw: Draw) -> Case:
    rows, k, channels = draw(st.integers(1, 5)), draw(st.integers(1, 70)), draw(st.integers(1, 20))
    act, zx, zy = draw(ACTIVATIONS), draw(ZEROS), draw(ZEROS)
    weights = int8(draw, (channels, k))
    x_scale, y_scale, ws = _weight_scales(draw, draw(REALS), channels)
    ws, limits = _bounded(x_scale, y_scale, ws, weights)
    bias = _bias(draw, limits, [x_scale * s / y_scale for s in ws])
    form = draw(st.sampled_from(["flat", "kept", "image"]))
    x_shape = {"flat": (rows, k), "kept": (1, rows, k), "image": (rows, 1, k, 1)}[form]
    net = Net()
    x = net.tensor(x_shape, x_scale, zx)
    tensors = [x, net.tensor(weights.shape, ws, data=weights)]
    if bias is not None:
        # the reference holds the bias's scale against the product of the others
        tensors.append(net.tensor(bias.shape, [x_scale * s for s in ws], dtype="int32", data=bias))
    elif draw(st.booleans()):
        tensors.append(-1)  # both ways to say that there is none occur
    y = net.tensor((1, rows, channels) if form == "kept" else (rows, channels), y_scale, zy)
    net.op("FULLY_CONNECTED", tensors, y, fusedActivationFunction=activation(act), keepNumDims=form == "kept")
    text = f"FULLY_CONNECTED {x_shape} * {weights.shape}, {act}, zeros {zx} {zy}, {len(ws)} scales, "
    return Case(net.build(x, y), inputs(draw, x_shape, zx), text + ("no bias" if bias is None else "bias"))


@st.composite
def transpose_conv(draw: Draw) -> Case:
    """Kernels smaller and larger than the stride; outputs smaller and larger than what the input covers."""
    pad, zx, zy = draw(PADDINGS), draw(ZEROS), draw(ZEROS)
    batch, depth, channels = draw(st.sampled_from([1, 1, 2])), draw(st.integers(1, 5)), draw(st.integers(1, 5))
    rows, columns = (draw(st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 3))) for _ in range(2))
    outs = [_grown(draw, *axis, pad) for axis in (rows, columns)]
    weights = int8(draw, (channels, rows[1], columns[1], depth))
    x_scale, y_scale, ws = _weight_scales(draw, draw(REALS), channels)
    ws, limits = _bounded(x_scale, y_scale, ws, weights.reshape(channels, -1))
    bias = _bias(draw, limits, [x_scale * s / y_scale for s in ws])
    net = Net()
    x = net.tensor((batch, rows[0], columns[0], depth), x_scale, zx)
    out = (batch, *outs, channels)
    tensors = [net.numbers(out), net.tensor(weights.shape, ws, data=weights), x]
    if bias is not None:
        tensors.append(net.tensor(bias.shape, [x_scale * s for s in ws], dtype="int32", data=bias))
    y = net.tensor(out, y_scale, zy)
    act = draw(ACTIVATIONS)
    options = {"padding": padding(pad), "fusedActivationFunction": activation(act)}
    net.op("TRANSPOSE_CONV", tensors, y, strideH=rows[2], strideW=columns[2], **options)
    text = f"TRANSPOSE_CONV {net.shapes[x]} * {weights.shape} -> {out}, {pad} {act}, strides {rows[2]}x{columns[2]},"
    return Case(net.build(x, y), inputs(draw, net.shapes[x], zx), f"{text} zeros {zx} {zy}, {len(ws)} scales")


def _grown(draw: Draw, size: int, kernel: int, stride: int, pad: str) -> int:
    """Output size of one axis: any that a convolution back would turn into ``size``."""
    if pad == "SAME":
        return size * stride - draw(st.integers(0, stride - 1))
    return (size - 1) * stride + kernel + draw(st.integers(0, stride - 1))
