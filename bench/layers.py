"""Models of one layer, as blobs: what the benches count. Weights and biases are random, scales as in trained models.

Weights stay above -128 and scales below 1/2, as the converters of TensorFlow make them, unless a layer asks for others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from whit.blob import Blob
from whit.compile import compile_graph
from whit.importers import tflite

from tests.agreement.builder import Net, activation, padding

_SCALE, _ZERO = 0.05, -3  # of what goes in
_WEIGHT = 0.01


def _random(shape: Sequence[int], low: int = -127, high: int = 127) -> np.ndarray:
    return np.random.default_rng(math.prod(shape)).integers(low, high + 1, shape).astype(np.int8)


def _blob(net: Net, x: int | Sequence[int], y: int) -> Blob:
    blob = compile_graph(tflite.parse(net.build(x, y), "layer.tflite"))
    assert len(blob.layers) == 1, [layer.kind for layer in blob.layers]
    return blob


def _output_scale(k: int) -> float:
    """So that sums of k random products fill the range of int8."""
    return _SCALE * _WEIGHT * math.sqrt(k) * 73 * 73 / 50


def _bias(channels: int, k: int) -> np.ndarray:
    """So that 44 % of all sums are negative, as in trained models with RELU."""
    return np.random.default_rng(channels).integers(-2000, 2000, channels) + int(0.15 * 73 * 73 * math.sqrt(k))


def _output_zero(act: str) -> int:
    """RELU is nothing but the lower end of int8, as converters choose it; RELU6 stands for bounds inside of int8."""
    return -128 if act == "RELU" else 2


def _axis(size: int, kernel: int, stride: int, dilation: int, pad: str) -> int:
    return -(-size // stride) if pad == "SAME" else (size - (kernel - 1) * dilation - 1) // stride + 1


def conv(
    h: int,
    w: int,
    channels: int,
    filters: int,
    kernel: tuple[int, int] = (3, 3),
    stride: int = 1,
    pad: str = "SAME",
    act: str = "RELU",
    dilation: int = 1,
    depthwise: bool = False,
    groups: int = 1,
    low: int = -127,
    coarse: float = 1.0,
) -> Blob:
    """A convolution; ``low`` -128 has weights that no pair kernel takes, ``coarse`` makes a requantisation general."""
    kh, kw = kernel
    depth = 1 if depthwise else channels // groups
    shape = (1, kh, kw, filters) if depthwise else (filters, kh, kw, depth)
    weights = _random(shape, low)
    weights.flat[0] = low
    net = Net()
    x = net.tensor((1, h, w, channels), _SCALE, _ZERO)
    scales = _WEIGHT * np.linspace(0.6, 1.6, filters)
    tensors = [x, net.tensor(shape, scales, data=weights, axis=3 if depthwise else 0)]
    bias = _bias(filters, kh * kw * depth)
    tensors.append(net.tensor((filters,), [_SCALE * s for s in scales], dtype="int32", data=bias))
    out = (1, _axis(h, kh, stride, dilation, pad), _axis(w, kw, stride, dilation, pad), filters)
    y = net.tensor(out, _output_scale(kh * kw * depth) / coarse, _output_zero(act))
    options = {"padding": padding(pad), "strideH": stride, "strideW": stride}
    options |= {"dilationHFactor": dilation, "dilationWFactor": dilation, "fusedActivationFunction": activation(act)}
    if depthwise:
        options |= {"depthMultiplier": filters // channels}
    net.op("DEPTHWISE_CONV_2D" if depthwise else "CONV_2D", tensors, y, **options)
    return _blob(net, x, y)


def depthwise(h: int, w: int, channels: int, kernel: tuple[int, int] = (3, 3), **options: object) -> Blob:
    filters = channels * int(options.pop("multiplier", 1))  # type: ignore[call-overload]
    return conv(h, w, channels, filters, kernel, depthwise=True, **options)  # type: ignore[arg-type]


def dense(inputs: int, outputs: int, act: str = "RELU", low: int = -127) -> Blob:
    net = Net()
    x = net.tensor((1, inputs), _SCALE, _ZERO)
    weights = _random((outputs, inputs), low)
    weights.flat[0] = low
    bias = _bias(outputs, inputs)
    tensors = [x, net.tensor(weights.shape, _WEIGHT, data=weights)]
    tensors.append(net.tensor((outputs,), _SCALE * _WEIGHT, dtype="int32", data=bias))
    y = net.tensor((1, outputs), _output_scale(inputs), _output_zero(act))
    net.op("FULLY_CONNECTED", tensors, y, fusedActivationFunction=activation(act))
    return _blob(net, x, y)


def pool(kind: str, h: int, w: int, channels: int, kernel: tuple[int, int] = (2, 2), stride: int = 2) -> Blob:
    """``kind``: MAX_POOL_2D or AVERAGE_POOL_2D."""
    net = Net()
    x = net.tensor((1, h, w, channels), _SCALE, _ZERO)
    out = [(n - k) // stride + 1 for n, k in zip((h, w), kernel, strict=True)]
    y = net.tensor((1, *out, channels), _SCALE, _ZERO)
    options = {"strideH": stride, "strideW": stride, "filterHeight": kernel[0], "filterWidth": kernel[1]}
    net.op(kind, [x], y, padding=padding("VALID"), fusedActivationFunction=activation("NONE"), **options)
    return _blob(net, x, y)


def reduce(kind: str, shape: Sequence[int], axes: Sequence[int]) -> Blob:
    """``kind``: MEAN, SUM, REDUCE_MAX or REDUCE_MIN."""
    net = Net()
    x = net.tensor(shape, _SCALE, _ZERO)
    scale = _SCALE * (0.8 if kind == "MEAN" else 20.0 if kind == "SUM" else 1.0)
    y = net.tensor([n for i, n in enumerate(shape) if i not in axes], scale, _ZERO)
    net.op(kind, [x, net.numbers(list(axes))], y, keepDims=False)
    return _blob(net, x, y)


def pair(kind: str, a: Sequence[int], b: Sequence[int], constant: bool = False) -> Blob:
    """An operator of two operands: ADD, SUB, MUL, MAXIMUM, MINIMUM or PRELU, whose second may be a constant."""
    net = Net()
    same = kind in ("MAXIMUM", "MINIMUM")
    x = net.tensor(a, _SCALE, _ZERO)
    scale = _SCALE if same else 0.04
    zero = _ZERO if same else 5
    other = net.tensor(b, scale, zero, data=_random(b)) if constant else net.tensor(b, scale, zero)
    y = net.tensor(np.broadcast_shapes(tuple(a), tuple(b)), _SCALE if same else 0.11, _ZERO)
    options = {} if same or kind in ("PRELU", "SQUARED_DIFFERENCE") else {"fusedActivationFunction": activation("NONE")}
    net.op(kind, [x, other], y, **options)
    return _blob(net, x if constant else [x, other], y)


def one(kind: str, shape: Sequence[int]) -> Blob:
    """A function of one value by table, or SOFTMAX over the last axis."""
    net = Net()
    x = net.tensor(shape, _SCALE, _ZERO)
    y = net.tensor(shape, 1 / 256, -128)
    net.op(kind, [x], y, **({"beta": 1.0} if kind == "SOFTMAX" else {}))
    return _blob(net, x, y)


def transpose(shape: Sequence[int], order: Sequence[int]) -> Blob:
    net = Net()
    x = net.tensor(shape, _SCALE, _ZERO)
    y = net.op("TRANSPOSE", [x, net.numbers(order)], net.tensor([shape[i] for i in order], _SCALE, _ZERO))
    return _blob(net, x, int(y))


def pad(shape: Sequence[int], pads: Sequence[tuple[int, int]]) -> Blob:
    net = Net()
    x = net.tensor(shape, _SCALE, _ZERO)
    out = [n + sum(p) for n, p in zip(shape, pads, strict=True)]
    y = net.op("PAD", [x, net.numbers(list(pads))], net.tensor(out, _SCALE, _ZERO))
    return _blob(net, x, int(y))


def matmul(rows: int, depth: int, columns: int) -> Blob:
    net = Net()
    x = net.tensor((1, rows, depth), _SCALE, _ZERO)
    w = net.tensor((1, depth, columns), _WEIGHT)
    y = net.tensor((1, rows, columns), _output_scale(depth), 2)
    net.op("BATCH_MATMUL", [x, w], y, adjX=False, adjY=False)
    return _blob(net, [x, w], y)


def resize(kind: str, h: int, w: int, channels: int, oh: int, ow: int) -> Blob:
    """``kind``: RESIZE_NEAREST_NEIGHBOR or RESIZE_BILINEAR."""
    net = Net()
    x = net.tensor((1, h, w, channels), _SCALE, _ZERO)
    y = net.tensor((1, oh, ow, channels), _SCALE, _ZERO)
    net.op(kind, [x, net.numbers([oh, ow])], y, alignCorners=False, halfPixelCenters=False)
    return _blob(net, x, y)


def lstm(times: int, inputs: int, units: int) -> Blob:
    net = Net()
    x = net.tensor((1, times, inputs), 0.01, _ZERO)
    tensors = [x] + [-1] * 23
    for i in range(1, 9):
        size = (units, inputs if i < 5 else units)
        tensors[i] = net.tensor(size, 2.0**-8, data=_random(size))
    for i in range(12, 16):
        tensors[i] = net.tensor((units,), 0.01 * 2.0**-8, dtype="int32", data=np.arange(units) * 50)
    tensors[18] = net.tensor((1, units), 2.0**-7, variable=True)
    tensors[19] = net.tensor((1, units), 2.0**-11, dtype="int16", variable=True)
    y = net.tensor((1, times, units), 2.0**-7)
    net.op("UNIDIRECTIONAL_SEQUENCE_LSTM", tensors, y, fusedActivationFunction=activation("TANH"), cellClip=0.0)
    return _blob(net, x, y)


def svdf(inputs: int, units: int, rank: int, memory: int) -> Blob:
    net = Net()
    filters = units * rank
    x = net.tensor((1, inputs), _SCALE, _ZERO)
    scale = _output_scale(inputs)
    tensors = [x, net.tensor((filters, inputs), _WEIGHT, data=_random((filters, inputs)))]
    tensors.append(net.tensor((filters, memory), 2.0**-7, data=_random((filters, memory))))
    tensors.append(net.tensor((units,), scale * 2.0**-7, dtype="int32", data=np.arange(units)))
    tensors.append(net.tensor((1, filters * memory), scale, variable=True))
    y = net.tensor((1, units), scale * memory, 0)
    net.op("SVDF", tensors, y, rank=rank, fusedActivationFunction=activation("NONE"))
    return _blob(net, x, y)
