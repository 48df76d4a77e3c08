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
from whit.importers import tflite
from whit.simulate import Simulator

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
    for form in ("bytecode", "armv6m", "rv32imc"):
        assert bench.ran.get(form, 0) * 2 >= CASES, f"{form}: {bench.ran.get(form, 0)} of {CASES} cases"


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
