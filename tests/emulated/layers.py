"""Models of one small layer each, by the kernel that runs them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from whit import program
from whit.blob import Blob
from whit.ops import form

from tests.device.models import WINDOW, Builder


def conv() -> Blob:
    b = Builder("conv", (1, 5, 6, 3))
    return b.blob(b.add("CONV_2D", [b.x, b.weights(6, 3, 3, 3), b.bias(6)], b.tensor((1, 5, 6, 6)), **WINDOW))


def strided() -> Blob:
    b = Builder("conv", (1, 7, 7, 4))
    two = {**WINDOW, "stride_h": 2, "stride_w": 2, "padding": "VALID", "activation": "RELU"}
    return b.blob(b.add("CONV_2D", [b.x, b.weights(8, 2, 3, 4), b.bias(8)], b.tensor((1, 3, 3, 8), 0.2, -9), **two))


def groups() -> Blob:
    b = Builder("conv", (1, 3, 3, 8))
    return b.blob(b.add("CONV_2D", [b.x, b.weights(4, 3, 3, 4), b.bias(4)], b.tensor((1, 3, 3, 4)), **WINDOW))


def dense() -> Blob:
    b = Builder("dense", (1, 37))
    return b.blob(b.add("FULLY_CONNECTED", [b.x, b.weights(7, 37), b.bias(7)], b.tensor((1, 7), 0.2, -5)))


def depthwise() -> Blob:
    b = Builder("depthwise", (1, 6, 5, 4))
    options = {**WINDOW, "depth_multiplier": 1}
    inputs = [b.x, b.weights(1, 3, 3, 4), b.bias(4)]
    return b.blob(b.add("DEPTHWISE_CONV_2D", inputs, b.tensor((1, 6, 5, 4)), **options))


def multiplied() -> Blob:
    b = Builder("depthwise", (1, 6, 5, 2))
    options = {**WINDOW, "depth_multiplier": 3, "stride_h": 2, "stride_w": 2}
    inputs = [b.x, b.weights(1, 3, 3, 6), b.bias(6)]
    return b.blob(b.add("DEPTHWISE_CONV_2D", inputs, b.tensor((1, 3, 3, 6)), **options))


def pool(kind: str, *shape: int) -> Callable[[], Blob]:
    def make() -> Blob:
        b = Builder("pool", (1, 7, 6, shape[-1]))
        options: dict[str, Any] = {**WINDOW, "filter_h": 3, "filter_w": 2, "stride_h": 2, "stride_w": 2}
        return b.blob(b.add(kind, [b.x], b.tensor((1, *shape), 0.05, 3), **options))

    return make


def add() -> Blob:
    b = Builder("add", (1, 4, 5, 3))
    per_channel = b.constant(np.array([5, -100, 77], np.int8), [0.02])
    return b.blob(b.add("ADD", [b.x, per_channel], b.tensor((1, 4, 5, 3), 0.04, -7)))


def lut() -> Blob:
    b = Builder("lut", (1, 61))
    return b.blob(b.add("LOGISTIC", [b.x], b.tensor((1, 61), 1 / 256, -128)))


def mul() -> Blob:
    b = Builder("mul", (1, 4, 5, 3))
    per_channel = b.constant(np.array([5, -100, 77], np.int8), [0.02])
    return b.blob(b.add("MUL", [b.x, per_channel], b.tensor((1, 4, 5, 3), 0.04, -7)))


def minmax() -> Blob:
    b = Builder("minmax", (1, 4, 5, 3))
    per_channel = b.constant(np.array([5, -100, 77], np.int8), [0.05])
    per_channel.zero_points = b.x.zero_points
    return b.blob(b.add("MAXIMUM", [b.x, per_channel], b.tensor((1, 4, 5, 3))))


def mean() -> Blob:
    b = Builder("mean", (1, 4, 5, 3))
    axes = b.constant(np.array([1, 2], np.int32))
    return b.blob(b.add("MEAN", [b.x, axes], b.tensor((1, 3), 0.04, 1), keep_dims=False))


def pad() -> Blob:
    b = Builder("pad", (1, 4, 5, 3))
    pads = b.constant(np.array([[0, 0], [1, 2], [1, 0], [0, 0]], np.int32))
    return b.blob(b.add("PAD", [b.x, pads], b.tensor((1, 7, 6, 3))))


def softmax() -> Blob:
    b = Builder("softmax", (1, 11))
    return b.blob(b.add("SOFTMAX", [b.x], b.tensor((1, 11), 1 / 256, -128), beta=1.0))


def matmul() -> Blob:
    b = Builder("matmul", (1, 3, 16))
    adjoint = {"adj_x": False, "adj_y": False}
    return b.blob(b.add("BATCH_MATMUL", [b.x, b.weights(16, 8)], b.tensor((1, 3, 8), 0.2, 1), **adjoint))


LAYERS: dict[str, list[Callable[[], Blob]]] = {
    "conv": [conv, strided, groups, dense],
    "depthwise": [depthwise, multiplied],
    "pool": [pool("MAX_POOL_2D", 4, 3, 5), pool("AVERAGE_POOL_2D", 4, 3, 5)],
    "add": [add],
    "lut": [lut],
    "mul": [mul],
    "minmax": [minmax],
    "reduce": [mean],
    "copy": [pad],
    "softmax": [softmax],
    "matmul": [matmul],
}


def steps(blob: Blob, viper: bool = False) -> list[tuple[int, str]]:
    """Offset in PLAN and kernel of each record that computes; ``viper``: with its kernel for pairs."""
    offset, found = 0, []
    for record in blob.records:
        if record[0] in program.KERNELS:
            pairs = viper and record[0] == program.CONV and form.pairs(record, blob.arena_bytes)
            found.append((offset, "pairs" if pairs else program.KERNELS[record[0]]))
        offset += 4 * record[1]
    return found


def place(blob: Blob, x: bytes) -> bytes:
    """The arena before the first run, with the bytes of the only input."""
    arena = bytearray(blob.arena_bytes)
    for r in blob.records:
        if r[0] in (program.INPUT, program.STATE):
            first = x if r[0] == program.INPUT else blob.data[r[2] : r[2] + r[5]] if r[3] else bytes([r[6]]) * r[5]
            arena[r[4] : r[4] + r[5]] = first
    assert len(arena) == blob.arena_bytes
    return bytes(arena)
