"""Cases of VAR_HANDLE, READ_VARIABLE, ASSIGN_VARIABLE and CALL_ONCE: models that remember, over several runs."""

from __future__ import annotations

from hypothesis import strategies as st

from .builder import Net
from .draws import ZEROS, Case, Draw, inputs, int8, scales

_STEPS = ["read", "read", "assign", "assign", "relu", "max", "add", "reshape"]


@st.composite
def memory(draw: Draw) -> Case:
    """Reads and assignments in any order, with values that go on being used after the variable has changed."""
    n, scale, zero = draw(st.integers(1, 9)), draw(scales(-6, 0)), draw(ZEROS)
    shape = (1, n)
    net = Net()
    x = net.tensor(shape, scale, zero)
    names = [f"v{i}" for i in range(draw(st.integers(1, 2)))]
    handles = [net.op("VAR_HANDLE", [], net.tensor((), dtype="resource"), sharedName=name) for name in names]
    first = draw(st.booleans())
    if first:
        _initial(draw, net, names, shape, scale, zero)
    values, reads, told = [x], [], ["initial" if first else "empty"]
    steps = draw(st.lists(st.sampled_from(_STEPS), min_size=3, max_size=9))
    # each variable is assigned: one that never is has no memory in the reference, which then reads what is there
    for step in ["read", *steps, *range(len(names)), "max"]:
        t, i = draw(st.sampled_from(values[-4:])), draw(st.integers(0, len(names) - 1))
        if isinstance(step, int):
            step, i = "assign", step
        told.append(f"{step} {i}" if step in ("read", "assign") else step)
        out = () if step == "assign" else net.tensor(shape, scale, zero)
        if step == "read":
            net.op("READ_VARIABLE", [handles[i]], out)
            reads.append(out)
        elif step == "assign":
            net.op("ASSIGN_VARIABLE", [handles[i], t], ())
        elif step == "reshape":
            net.op("RESHAPE", [t, net.numbers(shape)], out, newShape=list(shape))
        elif step == "relu":
            net.op("RELU", [t], out)
        else:
            net.op("MAXIMUM" if step == "max" else "ADD", [t, draw(st.sampled_from(values))], out)
        values += [out] if step != "assign" else []
    ys = [values[-1], *([draw(st.sampled_from(reads))] if draw(st.booleans()) else [])]
    runs = [v for _ in range(2) for v in inputs(draw, shape, zero)]
    return Case(net.build(x, ys), runs, f"{told} of {n}, {len(ys)} outputs, zero {zero}")


def _initial(draw: Draw, net: Net, names: list[str], shape: tuple[int, ...], scale: float, zero: int) -> None:
    """CALL_ONCE of a subgraph that gives every variable its first value."""
    once = Net(net)
    for name in names:
        handle = once.op("VAR_HANDLE", [], once.tensor((), dtype="resource"), sharedName=name)
        value = once.tensor(shape, scale, zero, data=int8(draw, shape))
        once.op("ASSIGN_VARIABLE", [handle, value], ())
    net.op("CALL_ONCE", [], (), initSubgraphIndex=1)
