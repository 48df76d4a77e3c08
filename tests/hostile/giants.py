"""Small .tflite files that ask for much: the largest shapes, the longest chains, tables used a thousand times."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.agreement.builder import Net, padding

PLAIN = {"strideH": 1, "strideW": 1, "padding": padding("SAME")}
CONV = {**PLAIN, "dilationHFactor": 1, "dilationWFactor": 1}
MOST = 8 << 20  # values of a tensor that the importer takes


def one(kind: str, shape: tuple[int, ...], out: tuple[int, ...], *constants: object, **options: object) -> bytes:
    """A model of one operator, its further inputs constant: arrays of int32, or (shape, scale) of int8 weights."""
    net = Net()
    x = net.tensor(shape, 0.05, 0)
    inputs = [x]
    for value in constants:
        if isinstance(value, tuple):
            inputs.append(net.tensor(value, 0.01, data=np.ones(value, np.int8)))
        else:
            inputs.append(net.numbers(np.asarray(value)))
    return net.build(x, net.op(kind, inputs, net.tensor(out, 0.05, 0), **options))


def chain(kind: str, n: int) -> bytes:
    """n operators, one after another; ADD adds the first input again and again."""
    net = Net()
    x = t = net.tensor((1, 4), 0.05, 0)
    for _ in range(n):
        more = {"ADD": [x], "FULLY_CONNECTED": [net.tensor((4, 4), 0.01, data=np.ones((4, 4))), -1]}.get(kind, [])
        t = net.op(kind, [t, *more], net.tensor((1, 4), 0.05, 0))
    return net.build(x, t)


def joined(n: int) -> bytes:
    """CONCATENATION of n copies of one input."""
    net = Net()
    x = net.tensor((1, 4), 0.05, 0)
    return net.build(x, net.op("CONCATENATION", [x] * n, net.tensor((1, 4 * n), 0.05, 0), axis=1))


def folded(n: int) -> bytes:
    """Constants that double n times."""
    net = Net()
    x = net.tensor((1, 4), 0.05, 0)
    t = net.numbers([1, 2, 3, 4])
    for _ in range(n):
        t = net.op("CONCATENATION", [t, t], net.tensor((1,), dtype="int32"), axis=0)
    return net.build(x, net.op("RESHAPE", [x, t], net.tensor((1, 4), 0.05, 0)))


def pooled(kind: str, side: int, window: int, out: int, stride: int = 1) -> bytes:
    options = {"padding": padding("SAME"), "filterHeight": window, "filterWidth": window}
    return one(kind, (1, side, side, 1), (1, out, out, 1), **options, strideH=stride, strideW=stride)


def softmax(rows: int, depth: int) -> bytes:
    net = Net()
    x = net.tensor((rows, depth), 0.05, 0)
    return net.build(x, net.op("SOFTMAX", [x], net.tensor((rows, depth), 1 / 256, -128), beta=1.0))


def matmul(a: tuple[int, ...], b: tuple[int, ...], y: tuple[int, ...]) -> bytes:
    net = Net()
    inputs = [net.tensor(a, 0.05, 0), net.tensor(b, 0.05, 0)]
    return net.build(inputs, net.op("BATCH_MATMUL", inputs, net.tensor(y, 0.05, 0), adjX=False, adjY=False))


GIANTS: dict[str, Callable[[], bytes]] = {
    "RELU of 8 M": lambda: one("RELU", (1, MOST), (1, MOST)),
    "RELU of 2 GB": lambda: one("RELU", (1, 1 << 31 - 1), (1, 1 << 31 - 1)),
    "image of 2 M": lambda: one("CONV_2D", (1, 1448, 1448, 1), (1, 1448, 1448, 1), (1, 3, 3, 1), **CONV),
    "image of 8 M": lambda: one("CONV_2D", (1, 2896, 2896, 1), (1, 2896, 2896, 1), (1, 1, 1, 1), **CONV),
    "window of 1 M": lambda: one("CONV_2D", (1, 8, 8, 1), (1, 8, 8, 1), (1, 1000, 1000, 1), **CONV),
    "window of 16 K": lambda: one("CONV_2D", (1, 8, 8, 1), (1, 8, 8, 1), (1, 128, 128, 1), **CONV),
    "depthwise": lambda: one("DEPTHWISE_CONV_2D", (1, 999, 999, 2), (1, 999, 999, 2), (1, 3, 3, 2), **CONV),
    "batch": lambda: one("CONV_2D", (1024, 8, 8, 1), (1024, 8, 8, 1), (1, 3, 3, 1), **CONV),
    "batch of 8 M": lambda: one("CONV_2D", (MOST, 1, 1, 1), (MOST, 1, 1, 1), (1, 1, 1, 1), **CONV),
    "rows": lambda: one("FULLY_CONNECTED", (32767, 4), (32767, 4), (4, 4), [0, 0, 0, 0]),
    "rows of 8 M": lambda: one("FULLY_CONNECTED", (MOST, 1), (MOST, 1), (1, 1), [0]),
    "pool by window": lambda: pooled("MAX_POOL_2D", 2800, 2800, 2, 1400),
    "pool by tap": lambda: pooled("AVERAGE_POOL_2D", 1400, 3, 1400),
    "pool of both": lambda: pooled("MAX_POOL_2D", 160, 160, 160),
    "pool far outside": lambda: pooled("MAX_POOL_2D", 100, 32767, 100),
    "softmax": lambda: softmax(1 << 19, 4),
    "softmax of 1": lambda: softmax(MOST, 1),
    "softmax of 512": lambda: softmax(16000, 512),
    "matmul": lambda: matmul((1000, 1, 1, 1000), (1, 1000, 1000, 1), (1000, 1000, 1, 1)),
    "matmul of batches": lambda: matmul((1, 1000, 1, 1000), (1, 1, 1000, 8), (1, 1000, 1, 8)),
    "transpose": lambda: one("TRANSPOSE", (2048, 4096), (4096, 2048), [1, 0]),
    "transpose of 5": lambda: one("TRANSPOSE", (32, 16, 32, 16, 16), (16, 32, 16, 32, 16), [4, 2, 3, 0, 1]),
    "tile": lambda: one("TILE", (1, 8), (1, MOST), [1, MOST // 8]),
    "slice": lambda: one(
        "STRIDED_SLICE", (MOST,), (MOST,), [0], [MOST], [1], beginMask=0, endMask=0, ellipsisMask=0, newAxisMask=0
    ),
    "gather": lambda: one("GATHER", (8, 32000), (8, 32000), list(range(32000)), axis=1),
    "gather rows": lambda: one("GATHER", (1 << 20, 8), (1 << 20, 8), list(range(8)), axis=1),
    "nearest": lambda: one("RESIZE_NEAREST_NEIGHBOR", (1, 8, 8, 1), (1, 32000, 250, 1), [32000, 250]),
    "nearest of 8 M": lambda: one("RESIZE_NEAREST_NEIGHBOR", (1, 8, 8, 1), (1, MOST, 1, 1), [MOST, 1]),
    "bilinear": lambda: one("RESIZE_BILINEAR", (1, 8, 8, 1), (1, 2000, 2000, 1), [2000, 2000]),
    "blocks": lambda: one("SPACE_TO_BATCH_ND", (1, 4096, 2048, 1), (1 << 23, 1, 1, 1), [4096, 2048], [[0, 0], [0, 0]]),
    "blocks of 2^40": lambda: one("SPACE_TO_BATCH_ND", (1, 4, 4, 1), (4, 2, 2, 1), [1 << 20] * 2, [[0, 0], [0, 0]]),
    "blocks back": lambda: one("BATCH_TO_SPACE_ND", (1024, 64, 64, 1), (1, 2048, 2048, 1), [32, 32], [[0, 0]] * 2),
    "depth": lambda: one("DEPTH_TO_SPACE", (1, 1000, 1000, 4), (1, 2000, 2000, 1), blockSize=2),
    "mean": lambda: one("MEAN", (1, 2048, 4096, 1), (1, 1), [1, 2], keepDims=False),
    "pad": lambda: one("PAD", (1, 8), (1, MOST), [[0, 0], [0, MOST - 8]]),
    "transposed": lambda: one(
        "TRANSPOSE_CONV", (1, 512, 512, 1), (1, 1024, 1024, 1), **{**PLAIN, "strideH": 2, "strideW": 2}
    ),
    "1000 joined": lambda: joined(1000),
    "100,000 joined": lambda: joined(100_000),
    "doubled 60 times": lambda: folded(60),
    "1000 RELU": lambda: chain("RELU", 1000),
    "4000 RELU": lambda: chain("RELU", 4000),
    "1000 ADD": lambda: chain("ADD", 1000),
    "4000 ADD": lambda: chain("ADD", 4000),
    "2000 FULLY_CONNECTED": lambda: chain("FULLY_CONNECTED", 2000),
    "4000 RESHAPE": lambda: chain("RESHAPE", 4000),
    "20,000 RELU": lambda: chain("RELU", 20_000),
}
