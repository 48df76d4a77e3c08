"""Models whose numbers do not fit together: each is refused in one line, or runs; none ends in a traceback.

WHIT_CASES and WHIT_SEED as in test_operators.py.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from whit.compile import compile_graph
from whit.errors import WhitError
from whit.graph import Graph, Tensor
from whit.importers import tflite

from . import graphs
from .bench import Refused, reference
from .builder import Net
from .draws import Case
from .test_operators import CASES, OPERATORS, SEED

Damage = Callable[[Graph, Tensor, random.Random], None]


def _shape(graph: Graph, t: Tensor, chance: random.Random) -> None:
    shape = [*t.shape, chance.choice([1, 2, 3])] if chance.random() < 0.3 else list(t.shape)
    if shape:
        shape[chance.randrange(len(shape))] = chance.choice([0, 1, 2, 7, 300])
    chance.shuffle(shape)
    t.shape = tuple(shape[: chance.choice([len(shape), len(shape) - 1, 9])])
    if t.data is not None:
        t.data = np.resize(t.data, t.shape)


def _dtype(graph: Graph, t: Tensor, chance: random.Random) -> None:
    t.dtype = chance.choice(["int8", "uint8", "int16", "int32", "float32", "bool"])


def _scale(graph: Graph, t: Tensor, chance: random.Random) -> None:
    t.scales = np.array(chance.choice([[], [0.0], [1e-30], [1e30], [float("nan")], [1.0, 2.0]]), np.float32)


def _zero(graph: Graph, t: Tensor, chance: random.Random) -> None:
    t.zero_points = np.array(chance.choice([[], [200], [-129], [1, 2]]), np.int64)


def _data(graph: Graph, t: Tensor, chance: random.Random) -> None:
    t.data = np.zeros(t.shape, np.int8) if t.data is None else None


def _number(graph: Graph, t: Tensor, chance: random.Random) -> None:
    if t.data is not None and t.data.size:
        t.data = t.data.copy()
        t.data.flat[chance.randrange(t.data.size)] = chance.choice([-100, -1, 0, 1, 3, 100])


def _option(graph: Graph, t: Tensor, chance: random.Random) -> None:
    options = chance.choice(graph.ops).options
    if options:
        name = chance.choice(list(options))
        others = {int: [-7, -1, 0, 1, 2, 5, 100], float: [0.0, -1.0, 1e30, float("nan")], str: ["SAME", "TANH", "NONE"]}
        options[name] = chance.choice(others.get(type(options[name]), [True, False]))


def _input(graph: Graph, t: Tensor, chance: random.Random) -> None:
    inputs = chance.choice(graph.ops).inputs
    if inputs:
        inputs[chance.randrange(len(inputs))] = chance.choice([None, t, t])


def _output(graph: Graph, t: Tensor, chance: random.Random) -> None:
    op = chance.choice(graph.ops)
    op.outputs = op.outputs[:-1] if len(op.outputs) > 1 else op.outputs


_DAMAGE: list[Damage] = [_shape, _shape, _dtype, _scale, _zero, _data, _number, _option, _input, _output]


def test_no_damage_ends_in_a_traceback() -> None:
    counts = {"runs": 0, "refused": 0}

    @seed(SEED)
    @settings(
        max_examples=CASES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.one_of(*OPERATORS.values(), graphs.graph()), st.integers(0, 1 << 30))
    def refuse(case: Case, start: int) -> None:
        for i in range(5):
            graph = tflite.parse(case.model, "case.tflite")
            tensors = [t for op in graph.ops for t in (*op.inputs, *op.outputs) if t is not None]
            chance = random.Random(start + i)
            for damage in chance.choices(_DAMAGE, k=chance.choice([1, 1, 2])):
                damage(graph, chance.choice(tensors), chance)
            try:
                compile_graph(graph)
                counts["runs"] += 1
            except WhitError as error:
                assert "\n" not in str(error) and str(error).startswith("case.tflite: ") and error.hint
                counts["refused"] += 1

    refuse()
    assert min(counts.values()) * 5 > CASES, counts


@pytest.mark.parametrize("kind", ["NEG", "EXP", "LOG", "SIN", "COS", "SQRT", "SQUARE", "FLOOR", "CEIL", "ROUND"])
def test_what_the_reference_has_for_floats_only_is_refused(kind: str) -> None:
    net = Net()
    x = net.tensor((1, 4), 1.0)
    y = net.op(kind, [x], net.tensor((1, 4), 1.0))
    case = Case(net.build(x, y), [np.zeros((1, 4), np.int8)], kind)
    with pytest.raises(Refused):
        reference(case, 1)
    with pytest.raises(WhitError, match=rf"1 operator cannot run: {kind} \(layer 0\)"):
        compile_graph(tflite.parse(case.model, "case.tflite"))
