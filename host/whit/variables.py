"""The VAR_HANDLE family: resources become tensors that live on between runs.

READ_VARIABLE is the variable's own memory where nothing assigns it before the value has been used; else a copy.
ASSIGN_VARIABLE is a copy into it. CALL_ONCE names a subgraph that assigns the initial values.
"""

from __future__ import annotations

from whit.graph import Graph, Op, Tensor, Unsupported

KINDS = ("VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE")


def resolve(graph: Graph, others: list[Graph]) -> None:
    """Replaces the family's operators in ``graph``; ``others`` are the model's further subgraphs, by index from 1."""
    if not any(op.kind in KINDS for op in graph.ops):
        return
    _drop_unread(graph)
    initial: dict[str, bytes] = {}
    for op in graph.ops:
        if op.kind == "CALL_ONCE":
            initial |= _initial_values(others, op.options["subgraph"])
    names = _handles(graph)
    variables: dict[str, Tensor] = {}
    assigned: set[str] = set()
    for op in graph.ops:
        if op.kind in ("READ_VARIABLE", "ASSIGN_VARIABLE"):
            value = op.outputs[0] if op.kind == "READ_VARIABLE" else op.tensor(1)
            name = names[id(op.tensor(0))]
            if name not in variables:
                variables[name] = Tensor(name, value.shape, value.dtype, value.scales, value.zero_points, variable=True)
                variables[name].initial = initial.get(name, b"")
            known = variables[name]
            if op.kind == "ASSIGN_VARIABLE" and name not in assigned:
                assigned.add(name)
                known.fill = value.zero_point  # what the reference begins with: that of what is assigned first
            if value.dtype != known.dtype or value.size != known.size:
                raise Unsupported(f"variable {name} with values of different types")
            if known.initial and len(known.initial) != known.nbytes:
                raise Unsupported(f"variable {name} with an initial value of another size")
    graph.ops = [_rewritten(graph, op, i, names, variables) for i, op in enumerate(graph.ops)]
    graph.ops = [op for op in graph.ops if op.kind not in ("VAR_HANDLE", "CALL_ONCE", "READ_VARIABLE")]


def _drop_unread(graph: Graph) -> None:
    """Removes variables that no output depends on: layers for training leave the state of their random numbers."""
    names = _handles(graph)
    wanted: set[int | str] = {id(t) for t in graph.outputs}  # tensors, and names of variables
    alive: set[int] = set()
    count = -1
    while len(alive) != count:  # what is read here may be assigned further down
        count = len(alive)
        for op in reversed(graph.ops):
            assigns = op.kind == "ASSIGN_VARIABLE" and names[id(op.tensor(0))] in wanted
            if id(op) not in alive and (assigns or any(id(t) in wanted for t in op.outputs)):
                alive.add(id(op))
                wanted |= {id(t) for t in op.inputs if t is not None}
                if op.kind == "READ_VARIABLE":
                    wanted.add(names[id(op.tensor(0))])
    graph.ops = [op for op in graph.ops if id(op) in alive or op.kind == "CALL_ONCE"]


def _handles(graph: Graph) -> dict[int, str]:
    return {id(op.outputs[0]): op.options["name"] for op in graph.ops if op.kind == "VAR_HANDLE"}


def _initial_values(others: list[Graph], index: int) -> dict[str, bytes]:
    if not 1 <= index <= len(others):
        raise Unsupported("an initialisation that is not there")
    graph = others[index - 1]
    names = _handles(graph)
    values = {}
    for op in graph.ops:
        if op.kind == "ASSIGN_VARIABLE":
            values[names[id(op.tensor(0))]] = op.constant(1).tobytes()
        elif op.kind != "VAR_HANDLE":
            raise Unsupported(f"an initialisation with {op.kind}")
    return values


def _rewritten(graph: Graph, op: Op, i: int, names: dict[int, str], variables: dict[str, Tensor]) -> Op:
    if op.kind == "ASSIGN_VARIABLE":
        return Op("ASSIGN_VARIABLE", op.index, [op.tensor(1)], [variables[names[id(op.tensor(0))]]])
    if op.kind != "READ_VARIABLE":
        return op
    handle, value = op.tensor(0), op.outputs[0]
    variable = variables[names[id(handle)]]
    assigned = [
        k
        for k, o in enumerate(graph.ops)
        if k > i and o.kind == "ASSIGN_VARIABLE" and names[id(o.tensor(0))] == names[id(handle)]
    ]
    # everything that is made of the value, as far as it might be the same memory, must be over before the assignment
    used = [k for k, o in enumerate(graph.ops) if any(t is value for t in o.inputs)]
    shared = {"RESHAPE", "EXPAND_DIMS", "SQUEEZE", "SPLIT", "SPLIT_V", "UNPACK", "ASSIGN_VARIABLE"}
    safe = not assigned or (max(used, default=0) < assigned[0] and all(graph.ops[k].kind not in shared for k in used))
    if safe and not any(t is value for t in graph.outputs):
        graph.aliases[id(value)] = (variable, 0)
        return op
    return Op("READ_COPY", op.index, [variable], [value])
