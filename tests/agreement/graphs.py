"""Random small graphs of what the converter cleans up: padding, joining, splitting, tables, shapes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import strategies as st

from .builder import Net, activation, padding
from .draws import ZEROS, Case, Draw, inputs, int8, scales

_LONGEST = 8  # of an axis of what is joined
Step = Callable[[Draw, "Graph"], None]


class Graph:
    """Tensors of a net that may be used further, all of one scale and zero point, so that they can be joined."""

    def __init__(self, net: Net, scale: float, zero: int) -> None:
        self.net, self.scale, self.zero = net, scale, zero
        self.free: list[int] = []
        self.told: list[str] = []

    def new(self, shape: tuple[int, ...] | list[int]) -> int:
        return self.net.tensor(shape, self.scale, self.zero)

    def pick(self, draw: Draw) -> tuple[int, tuple[int, ...]]:
        """One of the latest tensors, so that chains become long."""
        t = draw(st.sampled_from(self.free[-6:]))
        return t, self.net.shapes[t]

    def add(self, kind: str, inputs: list[int], shape: tuple[int, ...] | list[int], **options: object) -> int:
        t = int(self.net.op(kind, inputs, self.new(shape), **options))
        self.free.append(t)
        return t


@st.composite
def graph(draw: Draw) -> Case:
    shape = (1, *(draw(st.integers(1, 4)) for _ in range(3)))
    net = Net()
    g = Graph(net, draw(scales(-5, -2)), draw(ZEROS))
    xs = [g.new(shape) for _ in range(draw(st.sampled_from([1, 1, 2])))]
    g.free += xs
    for name in draw(st.lists(st.sampled_from(sorted(_STEPS)), min_size=2, max_size=9)):
        before = len(g.free)
        _STEPS[name](draw, g)
        if len(g.free) > before:
            g.told.append(f"{name} {[net.shapes[t] for t in g.free[before:]]}")
    g.told.append(f"outputs of {len(g.free)}")
    some = draw(st.lists(st.sampled_from(g.free), max_size=2))
    values = list(zip(*(inputs(draw, shape, g.zero) for _ in xs), strict=True))
    ys = [g.free[-1], *some]
    return Case(net.build(xs, ys), values, f"{len(xs)} x {shape}: {', '.join(g.told)}; outputs {ys}")


def _relu(draw: Draw, g: Graph) -> None:
    t, shape = g.pick(draw)
    g.add("RELU", [t], shape)


def _requantised(draw: Draw, g: Graph) -> None:
    t, shape = g.pick(draw)
    own = g.net.op("QUANTIZE", [t], g.net.tensor(shape, draw(scales(-6, 0)), draw(ZEROS)))
    if draw(st.booleans()):
        own = g.net.op("RELU", [own], g.net.tensor(shape, draw(scales(-6, 0)), draw(ZEROS)))
    g.add("QUANTIZE", [own], shape)


def _added(draw: Draw, g: Graph) -> None:
    t, shape = g.pick(draw)
    g.add("ADD", [t, draw(st.sampled_from([u for u in g.free if g.net.shapes[u] == shape]))], shape)


def _convolved(draw: Draw, g: Graph) -> None:
    """A convolution, with a PAD before it and reshapes between the two now and then."""
    t, shape = g.pick(draw)
    if len(shape) != 4:
        return
    pads = [(0, 0), *(draw(st.tuples(st.integers(0, 2), st.integers(0, 2))) for _ in range(2)), (0, 0)]
    explicit = draw(st.booleans())
    if explicit:
        t, shape = _padded(draw, g, t, shape, pads)
    depthwise = draw(st.integers(0, 2)) == 0
    kh, kw = draw(st.integers(1, min(3, shape[1]))), draw(st.integers(1, min(3, shape[2])))
    same, stride = not explicit and draw(st.booleans()), draw(st.sampled_from([1, 1, 2]))
    out_h, out_w = (-(-n // stride) if same else (n - k) // stride + 1 for n, k in ((shape[1], kh), (shape[2], kw)))
    channels = shape[3] if depthwise else draw(st.integers(1, 4))
    stored = (1, kh, kw, channels) if depthwise else (channels, kh, kw, shape[3])
    weights = g.net.tensor(stored, 2.0**-7, data=int8(draw, stored), axis=3 if depthwise else 0)
    options = {"padding": padding("SAME" if same else "VALID"), "strideH": stride, "strideW": stride}
    options |= {"dilationHFactor": 1, "dilationWFactor": 1, "fusedActivationFunction": activation("RELU")}
    kind = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
    options |= {"depthMultiplier": 1} if depthwise else {}
    g.add(kind, [t, weights], (shape[0], out_h, out_w, channels), **options)


def _padded(
    draw: Draw, g: Graph, t: int, shape: tuple[int, ...], pads: list[tuple[int, int]]
) -> tuple[int, tuple[int, ...]]:
    """A PAD of an image; or of the same values without its axes of 1, as one-dimensional convolutions have it."""
    flat = [n for n in shape[1:3] if n > 1 or draw(st.booleans())]
    inner = (shape[0], *flat, shape[3])
    if len(flat) < 2 and draw(st.booleans()):
        pads = [(0, 0), *(p for n, p in zip(shape[1:3], pads[1:3], strict=True) if n > 1), (0, 0)][: len(inner)]
        pads += [(0, 0)] * (len(inner) - len(pads))
        t = int(g.net.op("RESHAPE", [t, g.net.numbers(inner)], g.new(inner), newShape=list(inner)))
        shape = inner
    shape = tuple(n + sum(p) for n, p in zip(shape, pads, strict=True))
    how = draw(st.sampled_from(["PAD", "PAD", "PADV2", "other"]))
    tensors = [t, g.net.numbers(pads)]
    if how != "PAD":
        value = g.zero if how == "PADV2" else draw(st.integers(-128, 127))
        tensors.append(g.net.tensor((1,), g.scale, g.zero, data=[value]))
    t = int(g.net.op("PAD" if how == "PAD" else "PADV2", tensors, g.new(shape)))
    if draw(st.integers(0, 4)) == 0:
        g.free.append(t)  # somebody else may want it as well
    if len(shape) < 4:
        axis = draw(st.integers(1, len(shape) - 1))
        while len(shape) < 4:
            shape = (*shape[:axis], 1, *shape[axis:])
            t = int(g.net.op("EXPAND_DIMS", [t, g.net.numbers([axis])], g.new(shape)))
    return t, shape


def _joined(draw: Draw, g: Graph) -> None:
    t, shape = g.pick(draw)
    axis = draw(st.integers(0, len(shape) - 1))

    def fits(other: tuple[int, ...]) -> bool:
        return len(other) == len(shape) and other[:axis] + other[axis + 1 :] == shape[:axis] + shape[axis + 1 :]

    others = [u for u in g.free if fits(g.net.shapes[u])]
    parts = [t, *draw(st.lists(st.sampled_from(others), max_size=3))]
    if draw(st.integers(0, 4)) == 0:
        parts.append(g.net.tensor(shape, g.scale, g.zero, data=int8(draw, shape)))
    parts = list(draw(st.permutations(parts)))
    total = sum(g.net.shapes[p][axis] for p in parts)
    if total <= _LONGEST:
        out = (*shape[:axis], total, *shape[axis + 1 :])
        g.add("CONCATENATION", parts, out, axis=draw(st.sampled_from([axis, axis - len(shape)])))


def _packed(draw: Draw, g: Graph) -> None:
    t, shape = g.pick(draw)
    if len(shape) > 3 and shape[0] != 1:
        return
    parts = [t, *draw(st.lists(st.sampled_from([u for u in g.free if g.net.shapes[u] == shape]), max_size=2))]
    axis = draw(st.integers(0, len(shape)))
    packed = (*shape[:axis], len(parts), *shape[axis:])
    u = int(g.net.op("PACK", parts, g.new(packed), axis=axis, valuesCount=len(parts)))
    out = (int(np.prod(packed[: axis + 1])), *packed[axis + 1 :], 1, 1, 1)[:4] if axis < 2 else (1, 1, 1, -1)
    size = int(np.prod(packed))
    if int(np.prod(out)) != size or -1 in out:
        out = (1, 1, 1, size)
    g.add("RESHAPE", [u, g.net.numbers(out)], out, newShape=list(out))


def _split(draw: Draw, g: Graph) -> None:
    t, shape = g.pick(draw)
    axes = [i for i, n in enumerate(shape) if n > 1]
    if not axes:
        return
    axis = draw(st.sampled_from(axes))
    first = draw(st.integers(1, shape[axis] - 1))
    sizes = [first, shape[axis] - first]
    parts = [g.new((*shape[:axis], n, *shape[axis + 1 :])) for n in sizes]
    g.net.op("SPLIT_V", [t, g.net.numbers(sizes), g.net.numbers(axis)], parts, numSplits=2)
    g.free += parts


def _unpacked(draw: Draw, g: Graph) -> None:
    t, shape = g.pick(draw)
    axis = draw(st.integers(0, len(shape) - 1))
    inner = shape[:axis] + shape[axis + 1 :]
    outs = [g.new(inner) for _ in range(shape[axis])]
    g.net.op("UNPACK", [t], outs, num=len(outs), axis=axis)
    g.free += [
        int(g.net.op("RESHAPE", [u, g.net.numbers((1, *inner))], g.new((1, *inner)), newShape=[1, *inner]))
        for u in outs
    ]


def _reshaped(draw: Draw, g: Graph) -> None:
    t, shape = g.pick(draw)
    out = draw(st.permutations(shape))
    g.add("RESHAPE", [t, g.net.numbers(out)], out, newShape=list(out))


_STEPS: dict[str, Step] = {
    "relu": _relu,
    "requantise": _requantised,
    "add": _added,
    "convolve": _convolved,
    "convolve again": _convolved,
    "join": _joined,
    "join again": _joined,
    "pack": _packed,
    "split": _split,
    "unpack": _unpacked,
    "reshape": _reshaped,
}
