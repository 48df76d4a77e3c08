"""Lowering: one module per operator family, the mirror of the device's kernels.

``LOWER`` maps an operator's name in TensorFlow Lite's schema to a function ``(Op) -> list[Step]``. A function raises
``Unsupported`` with the reason where the operator cannot run; the converter collects all of them.
"""

from __future__ import annotations

from collections.abc import Callable

from whit.graph import Op
from whit.ops import conv, copy, elementwise, lut, pool, reduce, softmax, unary
from whit.program import Step

LOWER: dict[str, Callable[[Op], list[Step]]] = {
    "CONV_2D": conv.conv_2d,
    "DEPTHWISE_CONV_2D": conv.depthwise_conv_2d,
    "FULLY_CONNECTED": conv.fully_connected,
    "MAX_POOL_2D": pool.pool_2d,
    "AVERAGE_POOL_2D": pool.pool_2d,
    "MEAN": reduce.mean,
    "ADD": elementwise.add,
    "MUL": elementwise.mul,
    "SOFTMAX": softmax.softmax,
    "LOGISTIC": lut.logistic,
    "RELU": lut.relu,
    "RELU6": lut.relu6,
    "TANH": unary.tanh,
    "HARD_SWISH": unary.hard_swish,
    "LEAKY_RELU": unary.leaky_relu,
    "ABS": unary.absolute,
    "RSQRT": unary.rsqrt,
    "ELU": unary.elu,
    "FLOAT": unary.island,
    "QUANTIZE": lut.quantize,
    "PAD": copy.pad,
    "PADV2": copy.pad,
    "CONCATENATION": copy.concatenation,
}
