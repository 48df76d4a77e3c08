"""LSTM and SVDF, which remember: TensorFlow Lite Micro's bytes in every run of a row, and again after a reset.

WHIT_CASES and WHIT_SEED as in test_operators.py.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, note, seed, settings
from hypothesis.strategies import SearchStrategy
from tflite_micro.python.tflite_micro import runtime
from whit.compile import compile_graph
from whit.errors import WhitError
from whit.graph import Tensor
from whit.importers import tflite
from whit.simulate import Simulator

from tests.device.models import Builder
from tests.device.session import Session
from tests.emulated.runtime import Runtime

from . import recurrent
from .bench import Bench
from .device import Device
from .draws import Array, Case
from .test_operators import CASES, SEED

OPERATORS: dict[str, SearchStrategy[Case]] = {
    "UNIDIRECTIONAL_SEQUENCE_LSTM": recurrent.lstm(),
    "SVDF": recurrent.svdf(),
}


def _every(cases: int) -> settings:
    return settings(
        max_examples=cases,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.parametrize("operator", OPERATORS)
def test_runs_in_a_row(operator: str, device: Device, boards: list[Runtime]) -> None:
    bench = Bench(device, boards)

    @seed(SEED)
    @_every(CASES)
    @given(OPERATORS[operator])
    def agree(case: Case) -> None:
        note(f"WHIT_SEED={SEED}")
        bench.check(case)

    agree()
    print(operator, bench.ran, bench.refused)
    assert bench.ran["numpy"] == bench.ran["viper"] >= CASES
    assert bench.refused * 10 <= CASES, f"the reference refuses {bench.refused} cases"
    if CASES >= 100:  # the slow forms run a part of the cases
        assert all(bench.ran.get(form) for form in ("bytecode", "armv6m", "rv32imc")), bench.ran


@pytest.mark.parametrize("operator", OPERATORS)
def test_reset(operator: str) -> None:
    """Model.reset() between two rows of runs does what the reference's reset() does."""
    with Session() as session:
        session.run("import whit")

        @seed(SEED)
        @_every(10)
        @given(OPERATORS[operator])
        def agree(case: Case) -> None:
            note(f"WHIT_SEED={SEED}")
            expected = _reference_with_reset(case)
            blob = compile_graph(tflite.parse(case.model, "case.tflite"))
            simulator = Simulator(blob)
            session.run("m = whit.load(data)", blob.content)
            for half in expected:
                for x, want in half:
                    assert simulator.run(x.ravel()).tobytes() == want, case.text
                    got = session.run(_RUN, x.tobytes())
                    assert bytes.fromhex(got) == want, case.text
                simulator.reset()
                session.run("m.reset()")

        agree()


_RUN = """
for i, q in enumerate(data):
    m.input[i] = q - 256 if q > 127 else q
m.run()
print(bytes(m.output).hex())
"""


def _reference_with_reset(case: Case) -> list[list[tuple[Array, bytes]]]:
    """(input, output) of all inputs; then, after a reset, of the same ones backwards."""
    interpreter = runtime.Interpreter.from_bytes(case.model, arena_size=1 << 20)
    halves = []
    for inputs in (case.inputs, case.inputs[::-1]):
        half = []
        for x in inputs:
            interpreter.set_input(x, 0)
            interpreter.invoke()
            half.append((x, np.array(interpreter.get_output(0)).tobytes()))
        halves.append(half)
        interpreter.reset()
    return halves


def _lstm(change: int, t: Tensor | None, activation: str = "TANH") -> None:
    """Compiles an LSTM of 4 units; t replaces its input ``change``."""
    b = Builder("lstm", (1, 5, 3))
    inputs: list[Tensor | None] = [b.x, *(b.weights(4, 3) for _ in range(4)), *(b.weights(4, 4) for _ in range(4))]
    inputs += [None] * 3 + [b.bias(4) for _ in range(4)] + [None] * 2
    inputs += [b.variable((1, 4), 1 / 128), b.variable((1, 4), 2.0**-11, "int16"), *[None] * 4]
    inputs[change] = t if t is not None else inputs[change]
    b.blob(b.add("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, b.tensor((1, 5, 4), 1 / 128, 0), activation=activation))


def _variable(dtype: str, scale: float, zero_point: int = 0, variable: bool = True) -> Tensor:
    return Tensor("v", (1, 4), dtype, np.array([scale], np.float32), np.array([zero_point]), variable=variable)


@pytest.mark.parametrize(
    ("change", "t", "words"),
    [
        (9, Builder("", (1,)).weights(4), "peepholes"),
        (16, Builder("", (1,)).weights(4, 4), "a projection"),
        (23, Builder("", (1,)).weights(4), "layer normalisation"),
        (2, Builder("", (1,)).weights(4, 5), "weights of (4, 5) where (4, 3) are wanted"),
        (6, Builder("", (1,)).constant(np.zeros((4, 4), np.int8), [0.1] * 4), "more than one scale"),
        (14, Builder("", (1,)).bias(3), "a bias of 3 int32 values where 4 of int32 are wanted"),
        (18, _variable("int16", 0.1), "a state of int16 values"),
        (18, _variable("int8", 0.1, variable=False), "a state of int8 values; int8 variables run"),
        (19, _variable("int8", 0.1), "a state of int8 values; int16 variables run"),
        (19, _variable("int16", 0.3), "a cell scale of 0.3, which is no power of 2"),
        (19, _variable("int16", 0.5, 3), "a cell state with a zero point"),
    ],
)
def test_what_an_lstm_may_not_have(change: int, t: Tensor, words: str) -> None:
    _lstm(0, None)
    with pytest.raises(WhitError) as caught:
        _lstm(change, t)
    assert "UNIDIRECTIONAL_SEQUENCE_LSTM (layer 0" in str(caught.value) and words in str(caught.value)


def test_an_lstm_with_another_activation() -> None:
    with pytest.raises(WhitError, match="with activation RELU; only TANH runs"):
        _lstm(0, None, activation="RELU")
