"""Functions of one int8 value: the host computes all 256 outputs as the reference would."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from whit.fixed import (
    activation_range,
    input_radius,
    quantize_multiplier,
    rescale,
    round_away,
    rounding_shift,
)
from whit.fixed import (
    logistic as fixed_logistic,
)
from whit.graph import Op, Tensor, Unsupported
from whit.ops.common import activations
from whit.program import LUT, Step


def table_step(op: Op, function: Callable[[int], int]) -> list[Step]:
    """A LUT step for ``function``, which maps -128..127 to an integer that is then clamped to int8."""
    return table_step_between(op, *activations(op), function)


def table_step_between(op: Op, x: Tensor, y: Tensor, function: Callable[[int], int]) -> list[Step]:
    """The same for tensors that are int8 already."""
    if x.size != y.size:
        raise Unsupported(f"an output of {y.shape} for an input of {x.shape}")
    values = [min(127, max(-128, function(q))) for q in range(-128, 128)]
    table = bytes(values[(i ^ 128)] & 255 for i in range(256))
    return [Step(LUT, op.kind, [x], y, lambda at, _: [at(x), at(y), x.size], data=table, inplace=[x])]


def chained(first: Step, second: Step) -> Step:
    """One table for two that follow each other."""
    x, y = first.inputs[0], second.output
    table = bytes(second.data[i] for i in first.data)
    layer = f"{first.layer}+{second.layer}"
    return Step(LUT, layer, [x], y, lambda at, _: [at(x), at(y), x.size], data=table, inplace=[x])


def fixed_point_input(op: Op, integer_bits: int) -> tuple[Callable[[int], int], int]:
    """(input value in fixed point with that many integer bits, radius beyond which the output saturates)."""
    x = op.tensor(0)
    activations(op)
    fraction, shift = math.frexp(x.scale * (1 << (31 - integer_bits)))
    multiplier = round_away(fraction * (1 << 31))
    if shift > 31:
        raise Unsupported("an input scale too large for the reference")
    return (lambda q: rescale(q - x.zero_point, multiplier, shift)), input_radius(integer_bits, max(shift, 0))


def relu(op: Op) -> list[Step]:
    x, y = activations(op)
    multiplier, shift = quantize_multiplier(x.scale / y.scale)
    low, high = activation_range("RELU", y.scale, y.zero_point)

    def function(q: int) -> int:
        value = y.zero_point + rescale(q - x.zero_point, multiplier, shift)
        return min(high, max(low, value))

    return table_step(op, function)


def relu6(op: Op) -> list[Step]:
    x, _ = activations(op)
    six = min(127, max(-128, round_away(float(np.float32(6) / np.float32(x.scale))) + x.zero_point))
    return table_step(op, lambda q: six if q > six else max(q, x.zero_point))


def quantize(op: Op) -> list[Step]:
    x, y = activations(op)
    multiplier, shift = quantize_multiplier(x.scale / y.scale)
    return table_step(op, lambda q: y.zero_point + rescale(q - x.zero_point, multiplier, shift))


def logistic(op: Op) -> list[Step]:
    x, y = activations(op)
    if y.zero_point != -128:
        raise Unsupported(f"an output with zero point {y.zero_point}; the reference takes -128")
    integer_bits = 4
    value, radius = fixed_point_input(op, integer_bits)

    def function(q: int) -> int:
        distance = q - x.zero_point
        if distance <= -radius:
            return -128
        if distance >= radius:
            return 127
        return rounding_shift(fixed_logistic(value(q), integer_bits), 23) - 128

    return table_step(op, function)
