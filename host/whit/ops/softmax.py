"""SOFTMAX: the host makes a table of exp(x - max) for all 256 differences."""

from __future__ import annotations

import numpy as np

from whit.fixed import exp_on_negative_values, input_radius, quantize_multiplier, srdhm, wrap32
from whit.graph import Op, Unsupported
from whit.ops.common import activations
from whit.program import SOFTMAX, Step

_INTEGER_BITS = 5  # of the scaled difference: the reference keeps it in Q5.26


def softmax(op: Op) -> list[Step]:
    x, y = activations(op)
    if y.scale != 1 / 256 or y.zero_point != -128:
        raise Unsupported("an output with another scale than 1/256")
    if x.size != y.size or not x.size:
        raise Unsupported(f"an output of {y.shape} for an input of {x.shape}")
    depth = x.shape[-1] if x.shape else 1
    if depth > 512:
        raise Unsupported(f"{depth} classes; the reference takes up to 512")
    rows = x.size // depth
    data = np.array(exp_table(x.scale, op.options.get("beta", 1.0)), "<u4").tobytes()
    return [Step(SOFTMAX, op.kind, [x], y, lambda at, _: [at(x), at(y), rows, depth], data=data, inplace=[x])]


def exp_table(scale: float, beta: float) -> list[int]:
    """Q0.31 of ``exp(-i * scale * beta)`` for i in 0..255, 0 where the reference leaves a term out."""
    real = min(beta * scale * (1 << (31 - _INTEGER_BITS)), (1 << 31) - 1.0)
    if not real > 1:
        raise Unsupported("a softmax whose scale is too small for the reference")
    multiplier, shift = quantize_multiplier(real)
    limit = input_radius(_INTEGER_BITS, shift)
    return [
        exp_on_negative_values(srdhm(wrap32(-i << shift), multiplier), _INTEGER_BITS) if i <= limit else 0
        for i in range(256)
    ]
