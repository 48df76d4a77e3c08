"""TANH, HARD_SWISH, LEAKY_RELU, ABS, RSQRT, ELU and float islands: more functions of one int8 value, as tables."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from whit.fixed import exp_on_negative_values as fixed_exp
from whit.fixed import (
    inverse_sqrt,
    one_minus_x_over_one_plus_x,
    quantize_multiplier,
    rescale,
    round_away,
    rounding_shift,
)
from whit.graph import Op, Unsupported
from whit.ops.common import activations, int8
from whit.ops.lut import fixed_point_input, table_step, table_step_between
from whit.program import Step


def tanh(op: Op) -> list[Step]:
    integer_bits = 4
    value, radius = fixed_point_input(op, integer_bits)

    def function(q: int) -> int:
        distance = q - op.tensor(0).zero_point
        if abs(distance) >= radius:
            return 127 if distance > 0 else -128
        a = value(q)
        if a == 0:
            return 0
        # tanh(-|a|) = -(1 - exp(-2|a|)) / (1 + exp(-2|a|)); doubling moves the binary point
        t = one_minus_x_over_one_plus_x(fixed_exp(-abs(a), integer_bits + 1))
        return rounding_shift(-t if a < 0 else t, 24)

    return table_step(op, function)


def leaky_relu(op: Op) -> list[Step]:
    x, y = activations(op)
    product = x.scale * op.options["alpha"] / y.scale
    negative, positive = quantize_multiplier(abs(product)), quantize_multiplier(x.scale / y.scale)
    sign = -1 if product < 0 else 1

    def function(q: int) -> int:
        value = q - x.zero_point
        scaled = rescale(value, *positive) if value >= 0 else sign * rescale(value, *negative)
        return y.zero_point + scaled

    return table_step(op, function)


def absolute(op: Op) -> list[Step]:
    x, y = activations(op)
    multiplier = quantize_multiplier(x.scale / y.scale)

    def function(q: int) -> int:
        value = abs(q - x.zero_point)
        return y.zero_point + (value if x.scale == y.scale else rescale(value, *multiplier))

    return table_step(op, function)


def rsqrt(op: Op) -> list[Step]:
    x, y = activations(op)
    multiplier, shift = quantize_multiplier(1 / (math.sqrt(x.scale) * y.scale))
    kept = 20  # bits that keep the inverse root whole

    def function(q: int) -> int:
        value = q - x.zero_point
        if value <= 0:  # the reference refuses to run on negative values; here they count as 0
            return 127
        root, root_shift = inverse_sqrt(value)
        return y.zero_point + rescale(rescale(1, root, root_shift + kept), multiplier, shift - kept)

    return table_step(op, function)


def hard_swish(op: Op) -> list[Step]:
    x, y = activations(op)
    out_multiplier, out_shift = quantize_multiplier(x.scale / 128 / y.scale)
    relu_multiplier, relu_shift = quantize_multiplier(x.scale / 128 * 32768 / 3)
    if out_shift > 0:
        raise Unsupported("an output scale too small for the reference")
    out16, relu16 = _to_16_bits(out_multiplier), _to_16_bits(relu_multiplier)

    def function(q: int) -> int:
        value = (q - x.zero_point) << 7
        unshifted = _high16(value, out16)
        relu = value
        if relu_shift > 0:
            relu = _saturate16(relu << (relu_shift - 1))
        relu = _high16(relu, relu16)
        if relu_shift > 0:
            relu = _saturate16(relu << 1)
        if relu_shift < 0:
            relu = rounding_shift(relu, -relu_shift)
        relu = (relu + (1 << 15)) >> 1
        product = int(relu * unshifted / (1 << 15))  # towards zero: it cancels the bias of the roundings above
        return y.zero_point + rounding_shift(product, -out_shift)

    return table_step(op, function)


def elu(op: Op) -> list[Step]:
    x, y = activations(op)
    inverse = np.float32(1) / np.float32(y.scale)

    def function(q: int) -> int:
        real = np.float32(x.scale) * np.float32(q - x.zero_point)
        value = np.float32(np.float32(math.exp(real)) - np.float32(1)) if real < 0 else real
        return round_away(float(np.float32(value * inverse))) + y.zero_point

    return table_step(op, function)


def _floor_log(x: float) -> float:
    return math.log(x) if x > 0 else -math.inf if x == 0 else math.nan


def _float_logistic(x: float) -> float:
    # the reference's steps, in single precision: far below 0 it takes the exponential alone
    return math.exp(x) if x < -9 else float(1 / (np.float32(1) + np.float32(math.exp(-x))))


# float operators of TensorFlow Lite Micro that may stand between DEQUANTIZE and QUANTIZE
FLOAT: dict[str, Callable[[float], float]] = {
    "ABS": abs,
    "CEIL": lambda x: math.ceil(x) if math.isfinite(x) else x,
    "COS": lambda x: math.cos(x) if math.isfinite(x) else math.nan,
    "ELU": lambda x: math.exp(x) - 1 if x < 0 else x,
    "EXP": lambda x: math.exp(min(x, 89.0)) if x < 89 else math.inf,
    "FLOOR": lambda x: math.floor(x) if math.isfinite(x) else x,
    "LOG": _floor_log,
    "LOGISTIC": _float_logistic,
    "NEG": lambda x: -x,
    "RELU": lambda x: max(x, 0.0),
    "RELU6": lambda x: min(max(x, 0.0), 6.0),
    "ROUND": lambda x: round(x) if math.isfinite(x) else x,  # halves to even, as the reference
    "RSQRT": lambda x: 1 / math.sqrt(x) if x > 0 else math.inf if x == 0 else math.nan,
    "SIN": lambda x: math.sin(x) if math.isfinite(x) else math.nan,
    "SQRT": lambda x: math.sqrt(x) if x >= 0 else math.nan,
    "SQUARE": lambda x: x * x,
    "TANH": math.tanh,
}


def island(op: Op) -> list[Step]:
    """A DEQUANTIZE, float operators and a QUANTIZE that ``passes.fold_islands`` has made one operator of."""
    x, y = op.tensor(0), op.outputs[0]
    int8(x, y)
    functions = [FLOAT[kind] for kind in op.options["kinds"]]

    def function(q: int) -> int:
        value = np.float32((q - x.zero_point) * x.scale)
        with np.errstate(over="ignore"):
            for f in functions:
                value = np.float32(f(float(value)))
            scaled = np.float32(value / np.float32(y.scale))
        if math.isnan(scaled):
            raise Unsupported("values for which its float part is not defined")
        return 127 if scaled > 1e6 else -128 if scaled < -1e6 else round_away(float(scaled)) + y.zero_point

    return table_step_between(op, x, y, function)


def _to_16_bits(multiplier: int) -> int:
    """The upper 16 bits of a multiplier, rounded."""
    return 32767 if multiplier >= (1 << 31) - 1 - (1 << 15) else (multiplier + (1 << 15)) >> 16


def _saturate16(x: int) -> int:
    return min(32767, max(-32768, x))


def _high16(a: int, b: int) -> int:
    """SaturatingRoundingDoublingHighMul of 16-bit numbers: halves up."""
    return 32767 if a == b == -32768 else (a * b + (1 << 14)) >> 15
