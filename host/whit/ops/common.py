"""What several lowerings ask of their tensors."""

from __future__ import annotations

from collections.abc import Callable

from whit.fixed import quantize_multiplier, shifts
from whit.graph import Op, Tensor, Unsupported
from whit.program import aligned

MAX_BATCH = 1024  # each has a record of its own
At = Callable[[Tensor], int]  # the offset in the arena


def int8(*tensors: Tensor) -> None:
    """Refuses tensors that are not int8, quantised as a whole."""
    for t in tensors:
        if t.dtype != "int8":
            raise Unsupported(f"{t.dtype} values; only int8 runs")
        if len(t.scales) != 1 or len(t.zero_points) != 1:
            raise Unsupported("an activation without one scale and zero point")
        if not t.scale_runs:
            raise Unsupported("a scale or zero point out of range")


def activations(op: Op, *inputs: int) -> tuple[Tensor, Tensor]:
    """The first of the named inputs (default: 0) and the output, all proven int8; no input may be a constant."""
    tensors = [op.tensor(i) for i in (inputs or (0,))]
    int8(*tensors, op.outputs[0])
    if any(t.data is not None for t in tensors):
        raise Unsupported("a constant input")
    return tensors[0], op.outputs[0]


def scale_words(real: float) -> list[int]:
    """Multiplier and shifts of a record."""
    multiplier, shift = quantize_multiplier(real)
    if shift > 30:
        raise Unsupported("a scale of 2**30 or more")
    return [multiplier, shifts(shift)]


def operands(*tensors: Tensor) -> tuple[bytes, Callable[[At], list[int]]]:
    """Operands each of which may be a constant: (the constants' DATA, what gives a word of the record for each).

    The word is twice the offset in the arena, or twice the offset in DATA plus 1.
    """
    data, refs = b"", []
    for t in tensors:
        refs.append(len(data))
        if t.data is not None:
            data += aligned(t.data.tobytes())

    def words(at: At) -> list[int]:
        return [ref << 1 | 1 if t.data is not None else at(t) << 1 for t, ref in zip(tensors, refs, strict=True)]

    return data, words


def window(size: int, kernel: int, stride: int, dilation: int, padding: str) -> tuple[int, int]:
    """(output size, padding before) of one axis of a convolution or a pooling."""
    if stride < 1 or dilation < 1 or kernel < 1:
        raise Unsupported("a stride, dilation or kernel below 1")
    effective = (kernel - 1) * dilation + 1
    if padding == "SAME":
        out = -(-size // stride)
        return out, max(0, (out - 1) * stride + effective - size) // 2
    if padding == "VALID":
        return (size + stride - effective) // stride, 0
    raise Unsupported(f"padding {padding}")


def nhwc(t: Tensor) -> tuple[int, int, int, int]:
    """Batch, height, width, channels."""
    if len(t.shape) != 4:
        raise Unsupported(f"{len(t.shape)} axes where 4 are wanted")
    b, h, w, c = t.shape
    if b > MAX_BATCH:
        raise Unsupported(f"a batch of {b}; at most {MAX_BATCH} run")
    return b, h, w, c
