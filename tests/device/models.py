"""Small models for tests of the device: built by hand, so that they need no file."""

from __future__ import annotations

from typing import Any

import numpy as np
from whit.blob import Blob
from whit.compile import compile_graph
from whit.graph import Graph, Op, Tensor


class Builder:
    """Adds operators to a Graph; every activation is int8 with a scale and a zero point."""

    def __init__(self, name: str, shape: tuple[int, ...], scale: float = 0.05, zero_point: int = 3) -> None:
        self.random = np.random.default_rng(7)
        self.ops: list[Op] = []
        self.name = name
        self.x = self.tensor(shape, scale, zero_point)

    def tensor(self, shape: tuple[int, ...], scale: float = 0.05, zero_point: int = 3) -> Tensor:
        return Tensor("t", shape, "int8", np.array([scale], np.float32), np.array([zero_point]))

    def constant(self, values: Any, scales: Any = ()) -> Tensor:
        data = np.asarray(values)
        scale = np.asarray(scales, np.float32)
        return Tensor("c", data.shape, str(data.dtype), scale, np.zeros(len(scale), np.int64), data=data)

    def weights(self, *shape: int) -> Tensor:
        return self.constant(self.random.integers(-127, 128, shape).astype(np.int8), [0.01])

    def bias(self, n: int) -> Tensor:
        return self.constant(self.random.integers(-3000, 3000, n).astype(np.int32), [0.0005])

    def variable(self, shape: tuple[int, ...], scale: float, dtype: str = "int8", initial: bytes = b"") -> Tensor:
        t = Tensor("v", shape, dtype, np.array([scale], np.float32), np.array([0]))
        t.variable, t.initial = True, initial
        return t

    def add(self, kind: str, inputs: list[Tensor | None], out: Tensor, **options: Any) -> Tensor:
        self.ops.append(Op(kind, len(self.ops), list(inputs), [out], {"activation": "NONE", **options}))
        return out

    def blob(self, out: Tensor, labels: list[str] | None = None) -> Blob:
        return compile_graph(Graph(self.name, self.name, [self.x], [out], self.ops), labels=labels)


WINDOW = {"stride_h": 1, "stride_w": 1, "dilation_h": 1, "dilation_w": 1, "padding": "SAME"}


def tiny(
    labels: list[str] | None = None, outputs: int = 3, scale: float = 0.05, zero_point: int = 3, name: str = "tiny"
) -> Blob:
    """FULLY_CONNECTED of 4 values."""
    b = Builder(name, (1, 4), scale, zero_point)
    inputs = [b.x, b.weights(outputs, 4), b.bias(outputs)]
    return b.blob(b.add("FULLY_CONNECTED", inputs, b.tensor((1, outputs), 0.1, -5)), labels)


def recurrent() -> Blob:
    """LSTM, and SVDF with states of 8 and of 16 bits: 5 steps of 3 values -> 3 values."""
    b = Builder("memory", (1, 5, 3))
    inputs: list[Tensor | None] = [b.x, *(b.weights(4, 3) for _ in range(4)), *(b.weights(4, 4) for _ in range(4))]
    inputs += [None] * 3 + [b.bias(4) for _ in range(4)] + [None] * 2
    inputs += [b.variable((1, 4), 1 / 128), b.variable((1, 4), 2.0**-11, "int16")]
    options = {"activation": "TANH", "cell_clip": 9.0, "time_major": False}
    sequence = b.add("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, b.tensor((1, 5, 4), 1 / 128, 0), **options)
    flat = b.add("RESHAPE", [sequence], b.tensor((1, 20), 1 / 128, 0))
    for dtype, n in (("int8", 20), ("int16", 3)):
        times = b.constant(b.random.integers(-127, 128, (6, 4)).astype(dtype), [0.01])
        inputs = [flat, b.weights(6, n), times, b.bias(3), b.variable((1, 24), 0.02, dtype)]
        flat = b.add("SVDF", inputs, b.tensor((1, 3), 0.05, 2), rank=2)
    return b.blob(flat)


def everything() -> Blob:
    """Every operator of PLAN that forgets, and a variable, in a few hundred values: 6x6x2 -> 5 classes."""
    b = Builder("all", (1, 6, 6, 2))
    image = b.add("CONV_2D", [b.x, b.weights(4, 3, 3, 2), b.bias(4)], b.tensor((1, 6, 6, 4)), **WINDOW)
    pads = b.constant(np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32))
    wide = b.add("PAD", [image, pads], b.tensor((1, 8, 8, 4)))
    two = {**WINDOW, "stride_h": 2, "stride_w": 2, "filter_h": 2, "filter_w": 2}
    small = b.add("MAX_POOL_2D", [wide], b.tensor((1, 4, 4, 4)), **two)
    gate = b.add("LOGISTIC", [small], b.tensor((1, 4, 4, 4), 1 / 256, -128))
    per_channel = b.constant(np.array([5, -100, 77, 0], np.int8), [0.02])
    total = b.add("ADD", [gate, per_channel], b.tensor((1, 4, 4, 4), 0.02, -7))
    product = b.add("MUL", [total, small], b.tensor((1, 4, 4, 4), 0.02, -7))
    memory = b.variable((1, 4, 4, 4), 0.02, initial=bytes(range(100, 228, 2)))
    memory.zero_points = total.zero_points
    product = b.add("MAXIMUM", [product, memory], b.tensor((1, 4, 4, 4), 0.02, -7))
    plain = {"align_corners": False, "half_pixel_centers": False}
    for kind, size in (("RESIZE_NEAREST_NEIGHBOR", 3), ("RESIZE_BILINEAR", 4)):
        inputs = [product, b.constant(np.array([size, size], np.int32))]
        product = b.add(kind, inputs, b.tensor((1, size, size, 4), 0.02, -7), **plain)
    both = b.add("CONCATENATION", [total, product], b.tensor((1, 4, 4, 8), 0.02, -7), axis=3)
    deep = {**WINDOW, "stride_h": 2, "stride_w": 2}
    inputs = [both, b.weights(1, 3, 3, 16), b.bias(16)]
    image = b.add("DEPTHWISE_CONV_2D", inputs, b.tensor((1, 2, 2, 16)), **deep, depth_multiplier=2)
    mean = b.add("AVERAGE_POOL_2D", [image], b.tensor((1, 2, 2, 16)), **{**two, "stride_h": 1, "stride_w": 1})
    axes = b.constant(np.array([1, 2], np.int32))
    flat = b.add("MEAN", [mean, axes], b.tensor((1, 16), 0.04, 1), keep_dims=False)
    adjoint = {"adj_x": False, "adj_y": False}
    flat = b.add("BATCH_MATMUL", [flat, b.weights(16, 8)], b.tensor((1, 8), 0.04, 1), **adjoint)
    scores = b.add("FULLY_CONNECTED", [flat, b.weights(5, 8), b.bias(5)], b.tensor((1, 5), 0.1, 4))
    out = b.add("SOFTMAX", [scores], b.tensor((1, 5), 1 / 256, -128), beta=1.0)
    return b.blob(out, ["a", "b", "c", "d", "e"])
