"""Memory plan: where each tensor and each step's scratch lies in the one arena.

Offline, by lifetime, largest first, as in Pisarchyk and Lee, 2020, *Efficient Memory Management for Deep Neural Net
Inference* (greedy by size), tried in a few orders; an output takes over its input's memory where the kernel allows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import accumulate
from random import Random

from whit.errors import WhitError
from whit.graph import Graph, Tensor
from whit.program import Step

MORE_ORDERS = 200  # tried where the first few leave gaps
MORE_PAIRS = 20_000_000  # of buffers that are compared for it, at most
LIMIT_BYTES = 64 << 20  # far above any board; a larger plan is a damaged or hopeless model


@dataclass(eq=False)
class Buffer:
    """A piece of arena: ``size`` bytes, in use from step ``first`` to step ``last``, both included."""

    size: int
    first: int
    last: int
    align: int = 1
    offset: int = -1


@dataclass
class Plan:
    """``tensors`` maps id(tensor) to its buffer; ``scratch`` has one offset per step."""

    tensors: dict[int, Buffer]
    scratch: list[int]
    arena_bytes: int
    bound_bytes: int  # the largest sum of what is alive at one time: no plan is smaller


def plan(graph: Graph, steps: list[Step]) -> Plan:
    """Places all activations and scratch of ``steps``."""
    tensors = _buffers(graph, steps)
    scratch = [Buffer(s.scratch, i, i, 4) for i, s in enumerate(steps) if s.scratch]
    distinct = list({id(b): b for b in tensors.values()}.values()) + scratch
    if sum(b.size for b in distinct) > LIMIT_BYTES:
        total = sum(b.size for b in distinct) / 1e6
        raise WhitError(
            f"{graph.source}: its activations take {total:.0f} MB; boards have at most 8 MB",
            "use a smaller input",
        )
    bound = _bound(distinct, len(steps))
    arena = _place(distinct, bound)
    by_step = {b.first: b.offset for b in scratch}
    return Plan(tensors, [by_step.get(i, 0) for i in range(len(steps))], arena, bound)


def _bound(buffers: list[Buffer], steps: int) -> int:
    """The largest sum of what is alive at one time, from before the first step to behind the last."""
    change = [0] * (steps + 3)
    for b in buffers:
        change[b.first + 1] += b.size
        change[b.last + 2] -= b.size
    return max(accumulate(change))


def _alignment(t: Tensor) -> int:
    """Words where there is more than a byte to a value; tensors that are large or consist of words as well, for
    kernels that read words."""
    return 4 if t.dtype != "int8" or t.nbytes >= 1024 or t.nbytes % 4 == 0 else 1


def _buffers(graph: Graph, steps: list[Step]) -> dict[int, Buffer]:
    """One buffer per tensor in memory of its own; in place, several tensors share one."""
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    found: dict[int, Tensor] = {}

    def touch(t: Tensor, when: int) -> None:
        root = graph.storage(t)
        found.setdefault(id(root), root)
        first[id(root)] = min(first.get(id(root), when), when)
        last[id(root)] = max(last.get(id(root), when), when)

    for t in graph.inputs:
        touch(t, -1)
    for i, step in enumerate(steps):
        for t in (*step.inputs, step.output, *step.state):
            touch(t, i)
    for t in graph.outputs:
        touch(t, len(steps))
    for key, t in found.items():
        if t.variable:  # it lives on between the runs
            first[key], last[key] = -1, len(steps)
    buffers = {key: Buffer(t.nbytes, first[key], last[key], _alignment(t)) for key, t in found.items()}
    sharing = {id(b): [key] for key, b in buffers.items()}
    for i, step in enumerate(steps):
        out = id(graph.storage(step.output))
        for t in step.inplace:
            source = id(graph.storage(t))
            a, b = buffers[source], buffers[out]
            if a is not b and a.last == i and b.first == i and a.size == b.size and _read_alone(graph, step, t):
                a.last = b.last
                sharing[id(a)] += sharing[id(b)]
                for key in sharing[id(b)]:
                    buffers[key] = a
                break
    return buffers


def _read_alone(graph: Graph, step: Step, t: Tensor) -> bool:
    """Whether no other input lies elsewhere in t's memory, where it would be overwritten before it is read."""
    others = [u for u in step.inputs if graph.storage(u) is graph.storage(t)]
    return all((graph.offset(u), u.size) == (graph.offset(t), t.size) for u in others)


def _place(buffers: list[Buffer], bound: int) -> int:
    """Sets the offsets by the best of a few greedy orders. Returns the size of the arena."""
    orders: list[Callable[[Buffer], tuple[float, ...]]] = [
        lambda b: (-b.size, b.first),
        lambda b: (b.first, -b.size),
        lambda b: (-(b.last - b.first), -b.size),
        lambda b: (-b.size * (b.last - b.first + 1), b.first),
        lambda b: (b.last, -b.size),
    ]
    random = Random(0)
    more = min(MORE_ORDERS, MORE_PAIRS // (len(buffers) ** 2 + 1))
    orders += [lambda b: (-b.size * random.uniform(0.3, 1),)] * more
    best: tuple[int, list[int]] | None = None
    for order in orders:
        size = _greedy(sorted(buffers, key=order))
        if best is None or size < best[0]:
            best = (size, [b.offset for b in buffers])
        if best[0] == bound:
            break
    assert best is not None
    for b, offset in zip(buffers, best[1], strict=True):
        b.offset = offset
    return best[0]


def _greedy(buffers: Iterable[Buffer]) -> int:
    """Puts each buffer into the smallest gap that holds it among those already placed."""
    placed: list[Buffer] = []
    for b in buffers:
        others = sorted((o for o in placed if o.first <= b.last and b.first <= o.last), key=lambda o: o.offset)
        end, best_gap, b.offset = 0, None, -1
        for o in others:
            start = _up(end, b.align)
            gap = o.offset - start
            if gap >= b.size and (best_gap is None or gap < best_gap):
                best_gap, b.offset = gap, start
            end = max(end, o.offset + o.size)
        if b.offset < 0:
            b.offset = _up(end, b.align)
        placed.append(b)
    return max((b.offset + b.size for b in placed), default=0)


def _up(n: int, align: int) -> int:
    return n + (-n % align)
