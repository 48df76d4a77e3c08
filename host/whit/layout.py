"""Passes that save memory and copies: what need not be moved lies where it is wanted. No byte of a result changes."""

from __future__ import annotations

import math

from whit.graph import Graph, Op, Tensor
from whit.ops.copy import contiguous

_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")


def arrange(graph: Graph) -> None:
    """All of them, after ``passes.clean``."""
    fold_pads(graph)
    place_parts(graph)


def fold_pads(graph: Graph) -> None:
    """A PAD with the zero point, before a convolution without padding: the convolution does it itself."""
    for conv in [op for op in graph.ops if op.kind in _CONVOLUTIONS and op.options["padding"] == "VALID"]:
        x = conv.inputs[0]
        if x is None or len(x.shape) != 4:
            continue
        root = graph.storage(x)
        pad = graph.maker(root)
        if pad is None or pad.kind not in ("PAD", "PADV2") or _users(graph, root) != [conv] or _is_output(graph, root):
            continue
        source, pads = pad.inputs[0], _spatial(pad, x.shape)
        if source is None or source.data is not None or pads is None or source.dtype != "int8":
            continue
        if (source.scale, source.zero_point) != (x.scale, x.zero_point) or _pad_value(pad, root) != x.zero_point:
            continue
        b, h, w, c = x.shape
        inner = Tensor(x.name, (b, h - pads[0] - pads[1], w - pads[2] - pads[3], c), x.dtype, x.scales, x.zero_points)
        if inner.size != source.size:
            continue
        graph.aliases[id(inner)] = (source, 0)
        graph.kept.append(inner)
        conv.inputs[0] = inner
        conv.options["pads"] = pads
        graph.ops.remove(pad)


def _pad_value(pad: Op, out: Tensor) -> int:
    return int(pad.constant(2).ravel()[0]) if pad.has(2) and pad.tensor(2).data is not None else out.zero_point


def _spatial(pad: Op, shape: tuple[int, ...]) -> tuple[int, int, int, int] | None:
    """(top, bottom, left, right) of a PAD whose output is seen as ``shape``, or None where it pads other axes."""
    out = pad.outputs[0].shape
    if pad.tensor(1).data is None:
        return None
    amounts = [(int(a), int(b)) for a, b in pad.constant(1).reshape(-1, 2)]
    # axes of 1 may have been put in or taken out between PAD and convolution
    axes = [(n, amount) for n, amount in zip(out, amounts, strict=True) if n != 1]
    found = [(0, 0)] * 4
    i = 0
    for axis, n in enumerate(shape):
        if n != 1:
            if i >= len(axes) or axes[i][0] != n:
                return None
            found[axis] = axes[i][1]
            i += 1
    if i != len(axes) or found[0] != (0, 0) or found[3] != (0, 0):
        return None
    return (*found[1], *found[2])


def place_parts(graph: Graph) -> None:
    """Parts of a tensor that lie in it as one piece are its memory: inputs of CONCATENATION and PACK, outputs of SPLIT,
    UNPACK and slices. Convolutions write their channels between those of others."""
    for op in list(graph.ops):
        if op.kind in ("SPLIT", "SPLIT_V", "UNPACK"):
            _place_outputs(graph, op)
    for op in graph.ops[::-1]:  # the outermost first: what is a part of it already can have parts itself
        if op.kind in ("CONCATENATION", "PACK"):
            _place_inputs(graph, op)


def _place_inputs(graph: Graph, op: Op) -> None:
    y = op.outputs[0]
    axis = op.options["axis"] % len(y.shape)
    stride = contiguous(y.shape)[axis]
    outer = math.prod(y.shape[:axis])
    parts = [t for t in op.inputs if t is not None]
    if not _fit(parts, y, axis, op.kind == "PACK"):
        return  # to be refused with its layer
    if op.options.get("activation", "NONE") != "NONE" or y.dtype != "int8":
        return
    start = 0
    remaining: list[Tensor | None] = []
    starts: list[int] = []
    for t in parts:
        size = t.size // outer
        if not _may_move(graph, t, op, parts, y) or not _place(graph, op, t, y, start, outer, stride):
            remaining.append(t)
            starts.append(start)
        start += size
    op.options["starts"] = starts
    op.inputs = remaining
    if not remaining:
        graph.ops.remove(op)


def _place(graph: Graph, op: Op, t: Tensor, y: Tensor, start: int, outer: int, stride: int) -> bool:
    """Puts t at byte ``start`` of y: as a whole where there is one piece, else as channels of a convolution."""
    if outer == 1:
        graph.aliases[id(t)] = (y, start)
        return True
    maker = graph.maker(t)
    last = op.kind == "CONCATENATION" and stride == 1 and len(t.shape) == 4
    if not last or maker is None or maker.kind not in _CONVOLUTIONS or t.shape[:3] != y.shape[:3]:
        return False
    graph.aliases[id(t)] = (y, start)
    t.pitch = y.shape[3]
    return True


def _may_move(graph: Graph, t: Tensor, op: Op, parts: list[Tensor], y: Tensor) -> bool:
    """Whether t is this operator's alone, made by another one, and looks the same as a part of y."""
    return (
        t.data is None
        and not t.variable
        and id(t) not in graph.aliases
        and sum(p is t for p in parts) == 1
        and (t.scale, t.zero_point) == (y.scale, y.zero_point)
        and graph.maker(t) is not None
        and _users(graph, t) == [op]
        and not _is_output(graph, t)
    )


def _place_outputs(graph: Graph, op: Op) -> None:
    x = op.inputs[1 if op.kind == "SPLIT" else 0]
    if x is None or x.data is not None or x.dtype != "int8":
        return
    if op.kind == "UNPACK":
        axis = op.options["axis"] % len(x.shape)
    else:
        axis = int(op.constant(0 if op.kind == "SPLIT" else 2).ravel()[0]) % len(x.shape)
    if not _fit(op.outputs, x, axis, op.kind == "UNPACK"):
        return
    same = all((t.scale, t.zero_point) == (x.scale, x.zero_point) for t in op.outputs)
    if math.prod(x.shape[:axis]) != 1 or not same or graph.storage(x).variable:
        return
    start = 0
    for t in op.outputs:
        graph.aliases[id(t)] = (x, start)
        start += t.size
    graph.ops.remove(op)


def _fit(parts: list[Tensor], whole: Tensor, axis: int, single: bool) -> bool:
    """Whether the parts are all of ``whole``, side by side along an axis; ``single``: without that axis."""
    around = whole.shape[:axis] + whole.shape[axis + 1 :]
    if single:
        return len(parts) == whole.shape[axis] and all(t.shape == around for t in parts)
    same = all(t.shape[:axis] + t.shape[axis + 1 :] == around and len(t.shape) == len(whole.shape) for t in parts)
    return same and sum(t.shape[axis] for t in parts) == whole.shape[axis]


def _users(graph: Graph, t: Tensor) -> list[Op]:
    """Operators that read t, or anything that lies in its memory."""
    return [op for op in graph.ops if any(i is not None and graph.storage(i) is graph.storage(t) for i in op.inputs)]


def _is_output(graph: Graph, t: Tensor) -> bool:
    return any(graph.storage(o) is graph.storage(t) for o in graph.outputs)
