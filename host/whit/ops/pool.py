"""MAX_POOL_2D and AVERAGE_POOL_2D."""

from __future__ import annotations

from whit.fixed import activation_range
from whit.graph import Op, Tensor, Unsupported
from whit.ops.common import activations, nhwc, window
from whit.program import POOL, Step


def pool_2d(op: Op) -> list[Step]:
    x, y = activations(op)
    if abs(x.scale - y.scale) > 1e-6 or x.zero_point != y.zero_point:
        raise Unsupported("an output with another scale than its input")
    batch, h, w, channels = nhwc(x)
    o = op.options
    oh, top = window(h, o["filter_h"], o["stride_h"], 1, o["padding"])
    ow, left = window(w, o["filter_w"], o["stride_w"], 1, o["padding"])
    if nhwc(y) != (batch, oh, ow, channels) or oh < 1 or ow < 1:
        raise Unsupported(f"an output of {y.shape} where {(batch, oh, ow, channels)} follows from the input")
    geometry = [h, w, channels, oh, ow, o["filter_h"], o["filter_w"], o["stride_h"], o["stride_w"], top, left]
    if max(geometry) > 32767:
        raise Unsupported("a size above 32767")
    low, high = activation_range(o["activation"], y.scale, y.zero_point)
    tail = [*geometry, low + 128, high + 128, int(op.kind == "AVERAGE_POOL_2D")]
    return [_step(op, x, y, tail, b * h * w * channels, b * oh * ow * channels) for b in range(batch)]


def _step(op: Op, x: Tensor, y: Tensor, tail: list[int], x_start: int, y_start: int) -> Step:
    return Step(POOL, op.kind, [x], y, lambda at, _: [at(x) + x_start, at(y) + y_start, *tail])
