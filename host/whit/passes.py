"""Clean-up of a Graph before lowering. No pass changes a byte of what the model computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from whit.graph import Graph, Op, Tensor, Unsupported
from whit.ops.unary import FLOAT

Array = npt.NDArray[Any]

MAX_FOLDED = 1 << 16  # values that are worked out here: they are shapes and axes
RESHAPES = ("RESHAPE", "EXPAND_DIMS", "SQUEEZE")


def clean(graph: Graph) -> None:
    """All passes, in the order in which they help each other."""
    fold_shapes(graph)
    fold_edges(graph)
    sink_floats(graph)
    fold_islands(graph)
    alias_reshapes(graph)
    drop_unused(graph)


def fold_shapes(graph: Graph) -> None:
    """Computes what depends on shapes and constants alone (SHAPE, int32 STRIDED_SLICE, PACK ...)."""
    kept = []
    for op in graph.ops:
        fold = _FOLDS.get(op.kind)
        known = op.kind == "SHAPE" or all(t is None or t.data is not None for t in op.inputs)
        known = known and sum(t.data.size for t in op.inputs if t is not None and t.data is not None) <= MAX_FOLDED
        if fold and known and len(op.outputs) == 1 and op.outputs[0].dtype in ("int32", "int64"):
            out = op.outputs[0]
            values = np.asarray(fold(op))
            out.data = values.astype(np.int32 if out.dtype == "int32" else np.int64)
            out.shape = values.shape
        else:
            kept.append(op)
    graph.ops = kept


def strided_slice(x: Array, op: Op) -> Array:
    """STRIDED_SLICE of an array, masks included."""
    begin, end, strides = (op.constant(i).ravel() for i in (1, 2, 3))
    masks = op.options
    if masks["ellipsis_mask"] or masks["new_axis_mask"]:
        raise Unsupported("ellipsis and new axes in a slice")
    index: list[Any] = []
    for i, n in enumerate(x.shape[: len(begin)]):
        bit = 1 << i
        low = None if masks["begin_mask"] & bit else int(begin[i])
        high = None if masks["end_mask"] & bit else int(end[i])
        if not strides[i]:
            raise Unsupported("a stride of 0")
        part = slice(low, high, int(strides[i]))
        if masks["shrink_axis_mask"] & bit:
            first = part.indices(n)[0]
            if not 0 <= first < n:
                raise Unsupported("a slice outside its input")
            index.append(first)
        else:
            index.append(part)
    return np.asarray(x[tuple(index)])


_FOLDS: dict[str, Callable[[Op], Any]] = {
    "SHAPE": lambda op: np.array(op.tensor(0).shape, np.int64),
    "STRIDED_SLICE": lambda op: strided_slice(op.constant(0), op),
    "PACK": lambda op: np.stack([op.constant(i) for i in range(len(op.inputs))], op.options["axis"]),
    "CONCATENATION": lambda op: np.concatenate([op.constant(i) for i in range(len(op.inputs))], op.options["axis"]),
    "RESHAPE": lambda op: op.constant(0).reshape(op.outputs[0].shape),
    "CAST": lambda op: op.constant(0),
}


def sink_floats(graph: Graph) -> None:
    """DEQUANTIZE and then an operator that only moves values: moves int8 ones, and is dequantised after that.

    Converters leave a SPLIT in float where not every part of it is used, as at the first step of a recurrent layer.
    """
    for start in [op for op in graph.ops if op.kind == "DEQUANTIZE"]:
        source, real = start.tensor(0), start.outputs[0]
        users = list(graph.consumers(real))
        outer = any(t is real for t in graph.outputs)
        if outer or source.dtype != "int8" or len(source.scales) != 1 or [op.kind for op in users] != ["SPLIT"]:
            continue
        mover = users[0]
        parts = [Tensor(t.name, t.shape, "int8", source.scales, source.zero_points) for t in mover.outputs]
        after = [
            Op("DEQUANTIZE", mover.index, [part], [t])
            for part, t in zip(parts, mover.outputs, strict=True)
            if any(graph.consumers(t)) or any(t is o for o in graph.outputs)
        ]
        moved = Op("SPLIT", mover.index, [mover.inputs[0], source], parts, mover.options)
        at = graph.ops.index(mover)
        graph.ops[at : at + 1] = [moved, *after]
        graph.ops.remove(start)


def fold_edges(graph: Graph) -> None:
    """Takes QUANTIZE and DEQUANTIZE at the edges out of the program: the host, or ``predict``, does them.

    The device's own buffers are int8 throughout; the graph's ``input_edges`` and ``output_edges`` keep what users of
    the model see. A uint8 edge is the int8 one plus 128.
    """
    _drop_signs(graph)
    for i, t in enumerate(graph.inputs):
        chain = _chain(graph, t, forward=True)
        if t.dtype in ("float32", "int16") and chain and chain[-1].kind == "QUANTIZE":
            inner = chain[-1].outputs[0]
            if inner.dtype == "int8" and inner.size == t.size:
                edge = Tensor(t.name, t.shape, "int8", inner.scales, inner.zero_points)
                graph.kept += [edge, inner]
                graph.aliases[id(inner)] = (edge, 0)
                graph.inputs[i] = edge
                graph.ops = [op for op in graph.ops if op not in chain]
    edges: dict[int, Tensor] = {}  # by id of the output that users of the model see; it may be there twice
    for i, t in enumerate(graph.outputs):
        if id(t) in edges:
            graph.outputs[i] = edges[id(t)]
            continue
        chain = _chain(graph, t, forward=False)
        kind = {"float32": "DEQUANTIZE", "int16": "QUANTIZE"}.get(t.dtype)
        if kind and chain and chain[-1].kind == kind:
            inner = chain[-1].tensor(0)
            if inner.dtype == "int8" and inner.data is None and inner.size == t.size:
                edge = Tensor(t.name, t.shape, "int8", inner.scales, inner.zero_points)
                graph.kept += [edge, t]
                graph.aliases[id(edge)] = (inner, 0)
                graph.outputs[i] = edges[id(t)] = edge
                graph.ops = [op for op in graph.ops if op not in chain]


def _chain(graph: Graph, t: Tensor, forward: bool) -> list[Op]:
    """Operators from an edge inwards: reshapes, then the first other one; empty where others use what is between."""
    chain: list[Op] = []
    readers: dict[int, list[Op]] = {}
    makers: dict[int, Op] = {}
    for op in graph.ops:
        for i in {id(i) for i in op.inputs}:
            readers.setdefault(i, []).append(op)
        for o in op.outputs:
            makers.setdefault(id(o), op)
    while True:
        users = readers.get(id(t), [])
        if forward:
            following = users[0] if len(users) == 1 and not any(o is t for o in graph.outputs) else None
        else:
            following = makers.get(id(t)) if len(users) == len(chain[:1]) else None
        if following is None or not following.outputs:
            return []
        chain.append(following)
        if following.kind not in RESHAPES:
            return chain
        t = following.outputs[0] if forward else following.tensor(0)


def _drop_signs(graph: Graph) -> None:
    """uint8 tensors that only QUANTIZE, DEQUANTIZE and reshapes touch are int8 ones plus 128."""
    touched: dict[int, tuple[Tensor, set[str]]] = {id(t): (t, set()) for t in (*graph.inputs, *graph.outputs)}
    for op in graph.ops:
        for t in (*op.inputs, *op.outputs):
            if t is not None:
                touched.setdefault(id(t), (t, set()))[1].add(op.kind)
    for t, kinds in touched.values():
        if t.dtype == "uint8" and t.data is None and kinds <= {"QUANTIZE", "DEQUANTIZE", *RESHAPES}:
            t.dtype = "int8"
            t.zero_points = t.zero_points - 128


def fold_islands(graph: Graph) -> None:
    """DEQUANTIZE, float operators of one value, QUANTIZE: one function from int8 to int8, so one table (op FLOAT)."""
    for start in [op for op in graph.ops if op.kind == "DEQUANTIZE"]:
        chain = [start]
        while chain[-1].kind != "QUANTIZE":
            t = chain[-1].outputs[0]
            users = list(graph.consumers(t))
            if len(users) != 1 or any(t is o for o in graph.outputs):
                break
            if users[0].kind != "QUANTIZE" and (users[0].kind not in FLOAT or len(users[0].inputs) != 1):
                break
            chain.append(users[0])
        if chain[-1].kind == "QUANTIZE" and start.tensor(0).dtype == chain[-1].outputs[0].dtype == "int8":
            kinds = [op.kind for op in chain[1:-1]]
            folded = Op("FLOAT", start.index, [start.tensor(0)], chain[-1].outputs, {"kinds": kinds})
            graph.ops[graph.ops.index(chain[-1])] = folded
            graph.ops = [op for op in graph.ops if op not in chain]


def alias_reshapes(graph: Graph) -> None:
    """RESHAPE and its relatives, and QUANTIZE that changes nothing: the output is the input's memory."""
    kept = []
    for op in graph.ops:
        if op.inputs and op.kind in (*RESHAPES, "QUANTIZE"):
            source, out = op.tensor(0), op.outputs[0]
            same = op.kind != "QUANTIZE" or (source.scale == out.scale and source.zero_point == out.zero_point)
            if same and source.data is None and source.dtype == out.dtype == "int8" and source.size == out.size:
                # what others lie in is found in one step, also behind a thousand reshapes
                graph.aliases[id(out)] = (graph.storage(source), graph.offset(source))
                graph.kept.append(out)
                continue
        kept.append(op)
    graph.ops = kept


def drop_unused(graph: Graph) -> None:
    """Removes operators whose outputs nobody reads."""
    wanted = {id(graph.storage(t)) for t in graph.outputs}
    kept: list[Op] = []
    for op in reversed(graph.ops):
        if any(id(t) in wanted or t.variable for t in op.outputs):
            kept.append(op)
            wanted |= {id(graph.storage(t)) for t in op.inputs if t is not None}
    graph.ops = kept[::-1]
