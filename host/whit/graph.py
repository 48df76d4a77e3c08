"""The graph between an importer and the planner: tensors, operators, and what quantisation says of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

SCALES = (2.0**-126, 2.0**121)  # of activations: no less and no more than what 255 steps in single precision give


@dataclass(eq=False)
class Tensor:
    """A tensor of the model.

    ``scale`` is float32; ``scales`` has one entry, or one per channel along ``axis``. ``data`` is set for constants.
    A ``variable`` keeps its bytes between runs; it begins as ``initial``, or filled with the byte ``fill``.
    ``pitch``: bytes from one pixel to the next where the tensor lies among the channels of another (else None).
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scales: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    zero_points: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    axis: int = 0
    data: npt.NDArray[Any] | None = None
    variable: bool = False
    initial: bytes = b""
    fill: int = 0
    pitch: int | None = None

    @property
    def scale(self) -> float:
        """Scale of a tensor quantised as a whole (the exact value of the float32)."""
        return float(self.scales[0]) if len(self.scales) else 0.0

    @property
    def scale_runs(self) -> bool:
        """Whether it is quantised as a whole, by numbers that int8 operators can work with."""
        one = len(self.scales) == len(self.zero_points) == 1
        return one and SCALES[0] < self.scale < SCALES[1] and -128 <= self.zero_point <= 127

    @property
    def zero_point(self) -> int:
        return int(self.zero_points[0]) if len(self.zero_points) else 0

    @property
    def size(self) -> int:
        """Number of values."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes that it takes in the arena."""
        return self.size * {"int16": 2, "int32": 4}.get(self.dtype, 1)


@dataclass(eq=False)
class Op:
    """An operator: ``kind`` is the name in TensorFlow Lite's schema, ``index`` its place in the model's own order."""

    kind: str
    index: int
    inputs: list[Tensor | None]
    outputs: list[Tensor]
    options: dict[str, Any] = field(default_factory=dict)

    def tensor(self, i: int) -> Tensor:
        """Input i, which must be there."""
        t = self.inputs[i] if i < len(self.inputs) else None
        if t is None:
            raise Unsupported(f"input {i} is missing")
        return t

    def constant(self, i: int) -> npt.NDArray[Any]:
        """Data of input i, which must be constant."""
        data = self.tensor(i).data
        if data is None:
            raise Unsupported(f"input {i} is not a constant")
        return data

    def has(self, i: int) -> bool:
        return i < len(self.inputs) and self.inputs[i] is not None


@dataclass(frozen=True)
class Edge:
    """An input or output as the model's users see it: type, scale and zero point (0 for floats)."""

    dtype: str
    scale: float
    zero_point: int


@dataclass
class Graph:
    """A model. ``aliases`` maps id(tensor) to the tensor in whose memory it lies, and where.

    ``name`` is the model's own; ``source`` is what messages call it (the file's name).
    """

    name: str
    source: str
    inputs: list[Tensor]
    outputs: list[Tensor]
    ops: list[Op]
    source_sha256: str = ""
    input_edges: list[Edge] = field(init=False)  # what users of the model see, whatever the passes make of it
    output_edges: list[Edge] = field(init=False)
    aliases: dict[int, tuple[Tensor, int]] = field(default_factory=dict)
    kept: list[Tensor] = field(default_factory=list)  # keeps tensors alive whose id is a key of ``aliases``

    def __post_init__(self) -> None:
        self.input_edges = [Edge(t.dtype, t.scale, t.zero_point) for t in self.inputs]
        self.output_edges = [Edge(t.dtype, t.scale, t.zero_point) for t in self.outputs]

    def storage(self, t: Tensor) -> Tensor:
        """The tensor in whose memory t lies."""
        while id(t) in self.aliases:
            t = self.aliases[id(t)][0]
        return t

    def offset(self, t: Tensor) -> int:
        """Byte of its storage at which t begins."""
        total = 0
        while id(t) in self.aliases:
            t, start = self.aliases[id(t)]
            total += start
        return total

    def maker(self, t: Tensor) -> Op | None:
        """The operator that writes t, or None."""
        return next((op for op in self.ops if any(o is t for o in op.outputs)), None)

    def consumers(self, t: Tensor) -> Iterator[Op]:
        return (op for op in self.ops if any(i is t for i in op.inputs))


class Unsupported(Exception):
    """An operator that cannot run; the text says why. The converter collects all of them into one error."""
