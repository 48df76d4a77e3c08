"""What the converter makes of a Graph: steps, each one record of PLAN (see device/FORMAT.md)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from whit.graph import Tensor

# numbers of the operators in PLAN
INPUT, OUTPUT, CONV, POOL, REDUCE, ADD, MUL, SOFTMAX, LUT, COPY, MINMAX, GATHER, BILINEAR, MATMUL, STATE = range(1, 16)
LSTM, SVDF, DEPTHWISE = 16, 17, 18
# words of the record of each of them, as device/whit/verify.py has them
WORDS = dict(enumerate((8, 8, 32, 20, 21, 33, 30, 8, 7, 21, 20, 10, 9, 25, 8, 41, 21, 32), 1))
# the device's module for each operator that computes
KERNELS = {
    code: name.lower()
    for name, code in list(globals().items())
    if name.isupper() and isinstance(code, int) and code not in (INPUT, OUTPUT, STATE)
}


@dataclass(eq=False)
class Step:
    """One call of a kernel.

    ``fields`` gets a function that tells a tensor's byte offset in the arena, and the offset of this step's scratch;
    it returns the words of the record from the fifth on. ``inplace`` names inputs whose memory the output may take
    over, because the kernel reads each byte before it writes it. ``data`` is this step's part of DATA. ``state``:
    variables that the step reads and writes.
    """

    code: int
    layer: str
    inputs: list[Tensor]
    output: Tensor
    fields: Callable[[Callable[[Tensor], int], int], list[int]]
    data: bytes = b""
    scratch: int = 0
    macs: int = 0
    weight_bytes: int = 0
    inplace: list[Tensor] = field(default_factory=list)
    state: list[Tensor] = field(default_factory=list)


def aligned(data: bytes) -> bytes:
    """Padded with zeros to a multiple of 4 bytes."""
    return data + bytes(-len(data) % 4)
