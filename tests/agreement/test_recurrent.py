"""LSTM and SVDF, which remember: TensorFlow Lite Micro's bytes in every run of a row, and again after a reset.

WHIT_CASES and WHIT_SEED as in test_operators.py.
"""

from __future__ import annotations

import json
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, note, seed, settings
from hypothesis.strategies import SearchStrategy
from tflite_micro.python.tflite_micro import runtime
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema
from whit import program
from whit.blob import Blob, edge_record, parse
from whit.compile import compile_graph
from whit.errors import WhitError
from whit.graph import Tensor
from whit.importers import tflite
from whit.simulate import Simulator

from tests.device.models import Builder
from tests.device.session import Session
from tests.emulated.runtime import Runtime
from tests.hostile.mutate import parts

from . import recurrent
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
    """Output and state after every run: the outputs alone would hide the lower ones of 16 bits."""
    slow: list[bool] = []

    @seed(SEED)
    @_every(CASES)
    @given(OPERATORS[operator])
    def agree(case: Case) -> None:
        note(f"WHIT_SEED={SEED}")
        slow.append(zlib.crc32(case.model) % 10 == 0)
        _compare(case, device, boards if slow[-1] else [])

    agree()
    assert any(slow) or CASES < 100


def test_scales_are_multiplied_in_double_precision(device: Device, boards: list[Runtime]) -> None:
    _compare(recurrent.two_precisions(), device, boards)


def _compare(case: Case, device: Device, boards: list[Runtime]) -> None:
    """In numpy and viper; where boards are given, also on these and as bytecode."""
    expected = _reference_with_states(case)
    blob = _states_as_outputs(compile_graph(tflite.parse(case.model, "case.tflite")))
    x = [np.asarray(one).ravel() for one in case.inputs]
    simulator = Simulator(blob)
    assert [simulator.run(one).tobytes() for one in x] == expected, case.text
    assert device.run(blob, x, "viper") == expected, f"viper: {case.text}"
    if boards:
        assert device.run(blob, x, "bytecode") == expected, f"bytecode: {case.text}"
    for board in boards:
        assert not board.differs(blob) or board.run(blob, x) == expected, f"{board.name}: {case.text}"


def _reference_with_states(case: Case) -> list[bytes]:
    """Output and variables of each run, one after another."""
    every = runtime.InterpreterConfig.kPreserveAllTensors
    interpreter = runtime.Interpreter.from_bytes(case.model, arena_size=1 << 20, intrepreter_config=every)
    tensors = schema.ModelT.InitFromPackedBuf(case.model, 0).subgraphs[0].tensors
    variables = [i for i, t in enumerate(tensors) if t.isVariable]
    results = []
    for x in case.inputs:
        interpreter.set_input(x, 0)
        interpreter.invoke()
        states = [interpreter.GetTensor(i, 0)["tensor_data"].tobytes() for i in variables]
        results.append(b"".join([np.array(interpreter.get_output(0)).tobytes(), *states]))
    return results


def _states_as_outputs(blob: Blob) -> Blob:
    """The same model, whose variables are outputs too, so that every form of the kernels shows them."""
    changed = parts(blob)
    described = json.loads(changed.meta)
    for r in [r for r in blob.records if r[0] == program.STATE]:
        changed.records.append(edge_record(program.OUTPUT, r[4], r[5], 1.0, 0))
        described["outputs"].append({"name": "state", "shape": [r[5]], "dtype": "int8", "scale": 1.0, "zero_point": 0})
    text = json.dumps(described).encode()
    changed.meta = text + b" " * (-len(text) % 4)
    changed.test = b""
    return parse(changed.pack())


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
