"""Lowering: one module per operator family, the mirror of the device's kernels.

``LOWER`` maps an operator's name in TensorFlow Lite's schema to a function ``(Op) -> list[Step]``. A function raises
``Unsupported`` with the reason where the operator cannot run; the converter collects all of them.
"""

from __future__ import annotations

from collections.abc import Callable

from whit.graph import Op
from whit.ops import conv, copy, elementwise, lut, matmul, moves, pool, recurrent, reduce, resize, softmax, unary
from whit.program import Step

LOWER: dict[str, Callable[[Op], list[Step]]] = {
    "CONV_2D": conv.conv_2d,
    "DEPTHWISE_CONV_2D": conv.depthwise_conv_2d,
    "FULLY_CONNECTED": conv.fully_connected,
    "TRANSPOSE_CONV": conv.transpose_conv,
    "MAX_POOL_2D": pool.pool_2d,
    "AVERAGE_POOL_2D": pool.pool_2d,
    "MEAN": reduce.mean,
    "SUM": reduce.mean,
    "REDUCE_MAX": reduce.extreme,
    "REDUCE_MIN": reduce.extreme,
    "ADD": elementwise.add,
    "SUB": elementwise.sub,
    "SQUARED_DIFFERENCE": elementwise.squared_difference,
    "MUL": elementwise.mul,
    "PRELU": elementwise.prelu,
    "MAXIMUM": elementwise.maximum,
    "MINIMUM": elementwise.maximum,
    "BATCH_MATMUL": matmul.batch_matmul,
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
    "ASSIGN_VARIABLE": copy.whole,
    "READ_COPY": copy.whole,
    "PACK": moves.pack,
    "UNPACK": moves.unpack,
    "SLICE": moves.slice_,
    "STRIDED_SLICE": moves.strided_slice,
    "SPLIT": moves.split,
    "SPLIT_V": moves.split,
    "TRANSPOSE": moves.transpose,
    "TILE": moves.tile,
    "SPACE_TO_DEPTH": moves.space_to_depth,
    "DEPTH_TO_SPACE": moves.depth_to_space,
    "SPACE_TO_BATCH_ND": moves.space_to_batch,
    "BATCH_TO_SPACE_ND": moves.batch_to_space,
    "GATHER": resize.gather,
    "RESIZE_NEAREST_NEIGHBOR": resize.nearest,
    "RESIZE_BILINEAR": resize.bilinear,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": recurrent.lstm,
    "SVDF": recurrent.svdf,
}
