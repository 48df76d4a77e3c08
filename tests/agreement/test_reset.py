"""Model.reset() of models with variables: what follows is what a fresh interpreter of the reference gives.

(The reference's own reset() does not run CALL_ONCE again, so it forgets the initial values.)
"""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, Phase, given, note, seed, settings
from whit.blob import Blob
from whit.compile import compile_graph
from whit.importers import tflite
from whit.simulate import Simulator

from tests.device.session import Session

from . import memories
from .bench import reference, to_board
from .draws import Case
from .test_operators import CASES, SEED

_RUN = """
for i, q in enumerate(data):
    m.input[i] = q - 256 if q > 127 else q
m.run()
print(b"".join(bytes(y) for y in m.outputs).hex())
"""


def test_reset() -> None:
    with Session() as session:
        session.run("import whit")

        @seed(SEED)
        @settings(
            max_examples=max(10, CASES // 10),
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(memories.memory())
        def agree(case: Case) -> None:
            note(f"WHIT_SEED={SEED}")
            _check(session, case, compile_graph(tflite.parse(case.model, "case.tflite")))

        agree()


def _check(session: Session, case: Case, blob: Blob) -> None:
    simulator = Simulator(blob)
    session.run("m = whit.load(data)", blob.content)
    for inputs in (case.inputs, case.inputs[::-1]):
        half = Case(case.model, inputs, case.text)
        for run, outputs in zip(half.runs, reference(half, len(blob.outputs)), strict=True):
            want = b"".join(np.ascontiguousarray(y).tobytes() for y in outputs)
            x = to_board(blob, run)
            assert simulator.run(x).tobytes() == want, case.text
            assert bytes.fromhex(session.run(_RUN, x.tobytes())) == want, case.text
        simulator.reset()
        session.run("m.reset()")
