"""Graph -> Blob: clean up, lower, plan, write."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import numpy.typing as npt

from whit import blob, layout, passes, program, work
from whit.errors import WhitError
from whit.graph import Edge, Graph, Tensor, Unsupported
from whit.ops import LOWER
from whit.ops.lut import chained
from whit.plan import Plan, plan
from whit.program import Step
from whit.simulate import Simulator
from whit.version import __version__


def compile_graph(graph: Graph, *, labels: list[str] | None = None) -> blob.Blob:
    """The Blob of a Graph (which is cleaned up in place), with noise as its self-test (see ``with_test``).

    Raises WhitError that names every operator that cannot run, with its layer.
    """
    _check_quantised(graph)
    try:
        _check_order(graph)
        passes.clean(graph)
        layout.arrange(graph)
        steps = merge_tables(graph, lower(graph))
        _check_edges(graph)
        _check_sources(graph, steps)
    except Unsupported as reason:
        raise WhitError(f"{graph.source}: {reason}", _HINT) from reason
    except _MISFITS as error:
        raise WhitError(f"{graph.source}: its operators do not fit together", _HINT) from error
    _check_amount(graph, steps)
    placed = plan(graph, steps)
    plan_bytes, data = _serialise(graph, steps, placed)
    meta = _meta(graph, steps, labels or [])
    without_test = blob.parse(blob.write(meta, plan_bytes, data, b"", placed.arena_bytes), graph.source)
    noise = np.random.default_rng(0).integers(-128, 128, sum(t.size for t in graph.inputs)).astype(np.int8)
    return with_test(without_test, noise, graph.source)


def with_test(made: blob.Blob, test_input: npt.NDArray[np.int8], source: str) -> blob.Blob:
    """The Blob with another self-test: ``test_input`` (int8 values of all inputs, flat) and what comes out for it.

    ``source`` is for messages. Raises WhitError where the blob cannot run.
    """
    try:
        expected = Simulator(made).run(test_input)
    except _MISFITS as error:
        raise WhitError(f"{source}: its operators do not fit together", _HINT) from error
    test = test_input.tobytes() + expected.tobytes()
    return blob.parse(blob.write(made.meta, made.plan, made.data, test, made.arena_bytes), source)


MAX_RECORDS = 10_000  # a record takes some 100 bytes of a board
MAX_DATA_BYTES = 64 << 20
MAX_NAMED = 40  # operators that a message names
_SMALLER = "use a smaller model: boards have at most 8 MB"
_HINT = "rebuild it with fixed shapes, quantised to int8; 'whit ops' lists what runs"
_MISFITS = (ArithmeticError, LookupError, TypeError, ValueError)  # what numbers of a damaged model lead to


def _check_quantised(graph: Graph) -> None:
    """One line for a float model, instead of a list of all its operators."""
    tensors = [t for op in graph.ops for t in (*op.inputs, *op.outputs) if t is not None]
    if tensors and not any(t.dtype in ("int8", "uint8", "int16") for t in tensors):
        kinds = sorted({t.dtype for t in tensors if t.dtype.startswith("float")})
        if kinds:
            raise WhitError(
                f"{graph.source}: a {kinds[-1]} model; whit runs int8",
                "'whit convert MODEL.keras --samples X.npy' quantises the Keras model that it came from",
            )


def _check_order(graph: Graph) -> None:
    """Every operator reads only what was written before it, and nothing is written twice: the passes rely on it."""
    made = {id(t) for op in graph.ops for t in op.outputs if not t.variable}
    there = {id(t) for t in graph.inputs} | set(graph.aliases)
    for op in graph.ops:
        for t in op.inputs:
            if t is not None and id(t) in made and id(t) not in there:
                raise Unsupported(f"{op.kind} (layer {op.index}) reads {t.name} before it is written")
        for t in op.outputs:
            if id(t) in there:
                raise Unsupported(f"{op.kind} (layer {op.index}) writes {t.name}, which is there already")
        there |= {id(t) for t in op.outputs if not t.variable}


def _check_sources(graph: Graph, steps: list[Step]) -> None:
    """Nothing is read that nobody has written."""
    there = {id(graph.storage(t)) for t in graph.inputs}
    for step in steps:
        for t in step.inputs:
            if id(graph.storage(t)) not in there and not graph.storage(t).variable:
                raise Unsupported(f"{step.layer} reads {t.name}, which nothing writes")
        there.add(id(graph.storage(step.output)))


def _check_amount(graph: Graph, steps: list[Step]) -> None:
    """Not more work than a board's check allows: what the host makes of a model, it also runs once."""
    total = 300 * sum(t.nbytes for t in (*graph.inputs, *graph.outputs, *_variables(graph, steps)))
    for step in steps:
        fields = step.fields(lambda _: 0, 0)
        total += work.steps([step.code, len(fields) + 4, 0, 0, *fields])
    if total > work.MOST:
        raise WhitError(
            f"{graph.source}: a run takes {total / 1e6:,.0f} million steps; boards run at most {work.MOST / 1e6:,.0f}",
            "use a smaller model",
        )


def lower(graph: Graph) -> list[Step]:
    """All steps of a Graph. Collects every operator that cannot run into one error."""
    steps: list[Step] = []
    refused = []
    stored = 0
    for op in graph.ops:
        try:
            if op.kind not in LOWER:
                raise Unsupported("")
            made = LOWER[op.kind](op)
            steps += made
            stored += sum({id(s.data): len(s.data) for s in made}.values())
            if len(steps) > MAX_RECORDS or stored > MAX_DATA_BYTES:
                raise WhitError(f"{graph.source}: its program is too long ({op.kind}, layer {op.index})", _SMALLER)
        except Unsupported as reason:
            detail = f": {reason}" if str(reason) else ""
            refused.append(f"{op.kind} (layer {op.index}{detail})")
        except _MISFITS:
            refused.append(f"{op.kind} (layer {op.index}: its inputs and options do not fit together)")
    if refused:
        what = "1 operator cannot run" if len(refused) == 1 else f"{len(refused)} operators cannot run"
        more = f" and {len(refused) - MAX_NAMED} more" if len(refused) > MAX_NAMED else ""
        raise WhitError(f"{graph.source}: {what}: {', '.join(refused[:MAX_NAMED])}{more}", _HINT)
    return steps


def merge_tables(graph: Graph, steps: list[Step]) -> list[Step]:
    """Two tables in a row, with nobody else in between, are one (QUANTIZE chains, activations after QUANTIZE)."""
    merged: list[Step] = []
    readers: dict[int, list[int]] = {}  # of the memory in which a tensor lies
    for i, step in enumerate(steps):
        for root in {id(graph.storage(x)) for x in step.inputs}:
            readers.setdefault(root, []).append(i)
    for i, step in enumerate(steps):
        before = merged[-1] if merged else None
        if step.code == program.LUT and before is not None and before.code == program.LUT:
            t = before.output
            users = [k for k in readers.get(id(graph.storage(t)), []) if k >= i]
            outer = any(graph.storage(o) is graph.storage(t) for o in graph.outputs)
            same = graph.storage(step.inputs[0]) is graph.storage(t)
            same = same and step.inputs[0].size == t.size == graph.storage(t).size
            if same and users == [i] and not outer and not t.variable:
                merged[-1] = chained(before, step)
                continue
        merged.append(step)
    return merged


def _check_edges(graph: Graph) -> None:
    for what, tensors in (("input", graph.inputs), ("output", graph.outputs)):
        if not tensors:
            raise Unsupported(f"has no {what}")
        for t in tensors:
            if t.dtype != "int8" or t.data is not None:
                raise Unsupported(f"its {what} is {t.dtype}; int8 is wanted")
            if len(t.scales) != 1 or len(t.zero_points) != 1:
                raise Unsupported(f"its {what} has no scale")
            if not t.scale_runs or t.size < 1:
                raise Unsupported(f"its {what} has a scale, zero point or shape out of range")


def _serialise(graph: Graph, steps: list[Step], placed: Plan) -> tuple[bytes, bytes]:
    """(PLAN, DATA); equal parts of DATA are stored once."""

    def at(t: Tensor) -> int:
        return placed.tensors[id(graph.storage(t))].offset + graph.offset(t)

    edges = [(program.INPUT, t) for t in graph.inputs] + [(program.OUTPUT, t) for t in graph.outputs]
    records = [blob.edge_record(code, at(t), t.size, t.scale, t.zero_point) for code, t in edges]
    data = bytearray()
    stored: dict[bytes, int] = {}

    def store(part: bytes) -> list[int]:
        if part not in stored:
            stored[part] = len(data)
            data.extend(part)
        return [stored[part], len(part)]

    for t in _variables(graph, steps):
        part = program.aligned(t.initial)
        records.append([program.STATE, 8, *store(part), at(t), t.nbytes, t.fill & 255, 0])
    for step, scratch in zip(steps, placed.scratch, strict=True):
        fields = step.fields(at, scratch)
        records.append([step.code, len(fields) + 4, *store(step.data), *fields])
    words = [word for record in records for word in record]
    return struct.pack(f"<{len(words)}I", *words), bytes(data)


def _variables(graph: Graph, steps: list[Step]) -> list[Tensor]:
    """Every tensor that keeps its bytes between runs, once."""
    found: dict[int, Tensor] = {}
    for step in steps:
        for t in (*step.inputs, step.output, *step.state):
            root = graph.storage(t)
            if root.variable:
                found[id(root)] = root
    return list(found.values())


def _meta(graph: Graph, steps: list[Step], labels: list[str]) -> dict[str, Any]:
    def info(t: Tensor, edge: Edge) -> dict[str, Any]:
        entry = {
            "name": t.name,
            "shape": list(t.shape),
            "dtype": edge.dtype,
            "scale": t.scale,
            "zero_point": t.zero_point,
        }
        return entry | ({"edge": [edge.scale, edge.zero_point]} if edge.dtype == "int16" else {})

    return {
        "name": graph.name,
        "labels": labels,
        "inputs": list(map(info, graph.inputs, graph.input_edges)),
        "outputs": list(map(info, graph.outputs, graph.output_edges)),
        "layers": [[s.layer, list(s.output.shape), s.macs] for s in steps],
        "weight_bytes": sum(s.weight_bytes for s in steps),
        "source_sha256": graph.source_sha256,
        "converter": f"whit {__version__}",
    }
