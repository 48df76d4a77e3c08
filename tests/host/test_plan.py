"""The memory plan: nothing that is still needed is overwritten, and hardly a byte is wasted."""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from whit import layout, passes
from whit.compile import lower, merge_tables
from whit.graph import Graph, Tensor
from whit.importers import tflite
from whit.plan import Plan, plan
from whit.program import LUT, Step

from tests.agreement.shared import SHARED, names, need
from tests.conftest import Tell

MOST = 1.05  # of what is alive at one time


@st.composite
def programs(draw: st.DrawFn) -> tuple[Graph, list[Step]]:
    """Steps that read any earlier tensors, parts of others among them; some in place, some with scratch or a state."""
    sizes = st.one_of(st.integers(1, 9), st.integers(1, 3000))

    def tensor(dtype: str = "int8") -> Tensor:
        return Tensor(f"t{len(known)}", (draw(sizes),), dtype)

    known: list[Tensor] = []
    known += [tensor() for _ in range(draw(st.integers(1, 2)))]
    graph = Graph("g", "g.tflite", list(known), [], [])
    states = [Tensor(f"v{i}", (draw(sizes),), draw(st.sampled_from(["int8", "int16"]))) for i in range(2)]
    for state in states:
        state.variable = True
    steps = []
    for _ in range(draw(st.integers(1, 12))):
        inputs = draw(st.lists(st.sampled_from(known[-5:]), min_size=1, max_size=3))
        same = draw(st.booleans())
        output = Tensor(f"t{len(known)}", inputs[0].shape, "int8") if same else tensor()
        step = Step(LUT, "LUT", inputs, output, lambda at, scratch: [])
        step.inplace = [inputs[0]] if same else []
        step.scratch = draw(st.sampled_from([0, 0, 5, 2048]))
        step.state = draw(st.lists(st.sampled_from(states), max_size=1))
        steps.append(step)
        known.append(output)
        if output.size > 1 and draw(st.integers(0, 3)) == 0:  # a part of it, as SPLIT leaves it
            start = draw(st.integers(0, output.size - 1))
            part = Tensor(f"t{len(known)}", (draw(st.integers(1, output.size - start)),), "int8")
            graph.aliases[id(part)] = (output, start)
            known.append(part)
    graph.outputs = draw(st.lists(st.sampled_from(known), min_size=1, max_size=2))
    graph.kept = known
    return graph, steps


class Memory:
    """The arena as names: each byte knows which tensor was written there last."""

    def __init__(self, graph: Graph, placed: Plan) -> None:
        self.graph, self.placed = graph, placed
        self.bytes = np.full(placed.arena_bytes, "", dtype="<U8")

    def place(self, t: Tensor) -> slice:
        root = self.graph.storage(t)
        start = self.placed.tensors[id(root)].offset + self.graph.offset(t)
        assert start >= 0 and start + t.nbytes <= self.placed.arena_bytes
        return slice(start, start + t.nbytes)

    def write(self, t: Tensor) -> None:
        self.bytes[self.place(t)] = self.graph.storage(t).name

    def holds(self, t: Tensor) -> None:
        assert (self.bytes[self.place(t)] == self.graph.storage(t).name).all(), f"{t.name} is gone"

    def run(self, steps: list[Step]) -> None:
        for t in self.graph.inputs:
            self.write(t)
        for step, scratch in zip(steps, self.placed.scratch, strict=True):
            self.bytes[scratch : scratch + step.scratch] = "scratch"
            assert not step.scratch or (scratch % 4 == 0 and scratch + step.scratch <= self.placed.arena_bytes)
            for t in (*step.inputs, *step.state):
                self.holds(t)
            here = self.place(step.output)
            for t in step.inputs:  # a kernel writes before it has read everything
                there = self.place(t)
                apart = there.stop <= here.start or here.stop <= there.start
                assert apart or (t in step.inplace and there == here)
            self.write(step.output)
            if step.scratch:
                self.bytes[scratch : scratch + step.scratch] = "scratch"
            for t in (step.output, *step.state):
                self.holds(t)
        for t in self.graph.outputs:
            self.holds(t)


@settings(max_examples=int(os.environ.get("WHIT_CASES", "300")), deadline=None)
@given(programs())
def test_nothing_is_overwritten_before_its_last_use(program: tuple[Graph, list[Step]]) -> None:
    graph, steps = program
    placed = plan(graph, steps)
    memory = Memory(graph, placed)
    for t in {id(v): v for step in steps for v in step.state}.values():
        memory.write(t)
    for _ in range(2):  # what is kept between runs as well
        memory.run(steps)
    assert placed.arena_bytes >= placed.bound_bytes
    for t in {id(s): s for step in steps for s in (graph.storage(step.output), *step.state)}.values():
        if t.dtype != "int8" or t.nbytes >= 1024:
            assert memory.place(t).start % 4 == 0


def alive(graph: Graph, steps: list[Step]) -> int:
    """Bytes alive at one time, counted from the steps alone; no plan takes less."""
    uses: dict[int, list[int]] = {}
    tensors: dict[int, Tensor] = {}
    everything = [(-1, t) for t in graph.inputs] + [(len(steps), t) for t in graph.outputs]
    everything += [(i, t) for i, s in enumerate(steps) for t in (*s.inputs, s.output, *s.state)]
    for i, t in everything:
        root = graph.storage(t)
        tensors[id(root)] = root
        uses.setdefault(id(root), []).extend([i, *([-1, len(steps)] if root.variable else [])])
    most = 0
    for i, step in enumerate(steps):
        now = {k for k, when in uses.items() if min(when) <= i <= max(when)}
        saved = [
            tensors[k].nbytes
            for k in {id(graph.storage(t)) for t in step.inplace}
            if k in now and max(uses[k]) == i and tensors[k].nbytes == graph.storage(step.output).nbytes
        ]
        most = max(most, sum(tensors[k].nbytes for k in now) + step.scratch - max(saved, default=0))
    return most


def planned(folder: str, name: str) -> tuple[Graph, list[Step], Plan]:
    graph = tflite.read(SHARED / folder / f"{name}.tflite")
    passes.clean(graph)
    layout.arrange(graph)
    steps = merge_tables(graph, lower(graph))
    return graph, steps, plan(graph, steps)


@pytest.mark.parametrize("folder", ["models", "models/layers"])
def test_the_arena_is_hardly_more_than_what_is_alive(folder: str, tell: Tell) -> None:
    need(names(folder)[0])
    rows, wasteful, worst = [], [], 0.0
    for name in names(folder):
        graph, steps, placed = planned(folder, name)
        bound = alive(graph, steps)
        rows.append(f"{name:32} {bound:8} B alive {placed.arena_bytes:8} B arena {placed.arena_bytes / bound:6.3f}")
        worst = max(worst, placed.arena_bytes / bound)
        if placed.arena_bytes > MOST * bound:
            wasteful.append(rows[-1])
    tell(f"arenas of {len(rows)} files in {folder}: at most {worst:.3f} of what is alive at one time")
    assert not wasteful
