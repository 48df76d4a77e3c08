"""Hundreds of thousands of predictions on a virtual board: no wrong byte, and the heap stays as it was.

`make soak N=1000000` for more of them. Every output is compared on the board with what the host's simulator, or for
a real model TensorFlow Lite Micro, says about the same input.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest
from whit.blob import Blob
from whit.board import Board
from whit.compile import compile_graph
from whit.deployment import deploy
from whit.importers import tflite
from whit.simulate import Simulator
from whit.virtual import VirtualBoard

from tests.agreement.shared import SHARED, golden, need
from tests.conftest import Tell
from tests.device import models

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no virtual board on Windows")

PREDICTIONS = int(os.environ.get("WHIT_SOAK", "100000"))
LOADS = max(PREDICTIONS // 100, 20)
_CYCLE = 10  # inputs, again and again; a model with a memory forgets after each cycle

# Runs on the board. Cases are (values, int8 input, answer of predict(), output bytes).
SOAK = """\
import gc, micropython, whit
from array import array
def free():
    gc.collect()
    return gc.mem_free()
def largest():
    gc.collect()
    low, high = 0, gc.mem_free()
    while high - low > 64:
        n = (low + high) // 2
        try:
            bytearray(n)
            low = n
        except MemoryError:
            high = n
        gc.collect()
    return low
def read(path, answers, size, out, scale, zero):
    cases = []
    with open(path, "rb") as f:
        for answer in answers:
            x = array("b", f.read(size))
            cases.append((array("f", ((q - zero) * scale for q in x)), x, answer, f.read(out)))
    return cases
def predictions(m, n, cases):
    wrong = k = 0
    while n:
        if not k:
            m.reset()
        values, _, answer, output = cases[k]
        if m.predict(values) != answer or m.output != output:
            wrong += 1
        n -= 1
        if not n % 16:
            m.scores
        if not n % 4096:
            print(".")
        k = (k + 1) % len(cases)
    return wrong
def runs(m, n, cases):
    # between resets the heap is locked: whatever allocates there raises MemoryError
    wrong = k = 0
    x = m.input
    while n:
        if not k:
            m.reset()
        _, values, _, output = cases[k]
        micropython.heap_lock()
        i = 0
        for q in values:
            x[i] = q
            i += 1
        m.run()
        if m.output != output:
            wrong += 1
        micropython.heap_unlock()
        n -= 1
        if not n % 4096:
            print(".")
        k = (k + 1) % len(cases)
    return wrong
def soak(m, n, cases, work):
    frees = array("I", (0, 0, 0))
    wrong = i = 0
    for part in (2 * len(cases), n // 2, n - n // 2):
        wrong += work(m, part, cases)
        frees[i] = free()
        i += 1
    return wrong, list(frees)
def loads(n, paths, cases):
    wrong = k = 0
    frees = array("I", (0,) * 6)
    for i in range(n + 1):
        path = paths[i % len(paths)]
        m = whit.load(path, stream=i % 3 == 2)
        wrong += predictions(m, len(cases[path]), cases[path])
        m = None
        if i in (len(paths) * 3, n // 2, n):
            frees[k] = free()
            frees[k + 1] = largest()
            k += 2
    return wrong, list(frees)
"""


@dataclass(frozen=True)
class Case:
    """A model, and inputs one after another with their outputs."""

    blob: Blob
    inputs: npt.NDArray[np.int8]
    outputs: npt.NDArray[np.int8]

    @property
    def path(self) -> str:
        return f"/{self.blob.name}.whit"

    def send(self, board: Board) -> str:
        """Brings the cases to the board; code that reads them there."""
        edge, labels = self.blob.inputs[0], self.blob.meta.get("labels")
        rows = [x.tobytes() + y.tobytes() for x, y in zip(self.inputs, self.outputs, strict=True)]
        board.put(b"".join(rows), f"{self.path}.cases")
        best = self.outputs.argmax(axis=1).tolist()
        answers = [labels[i] for i in best] if labels else best
        size, out = self.inputs.shape[1], self.outputs.shape[1]
        return f"read({self.path + '.cases'!r}, {answers}, {size}, {out}, {edge.scale!r}, {edge.zero_point})"


def _case(blob: Blob) -> Case:
    simulator = Simulator(blob)
    inputs = np.random.default_rng(3).integers(-128, 128, (_CYCLE, blob.inputs[0].size)).astype(np.int8)
    return Case(blob, inputs, np.array([simulator.run(x) for x in inputs]))


CASES = {"tiny": lambda: models.tiny(["a", "b", "c"]), "memory": models.recurrent, "all": models.everything}


@pytest.fixture(scope="module")
def board() -> Iterator[Board]:
    """A virtual board with the models of CASES, deployed."""
    with VirtualBoard() as virtual:
        for make in CASES.values():
            deploy(make(), port=virtual.port)
        with Board(virtual.port) as connected:
            yield connected


def _soak(board: Board, case: Case, work: str, count: int, options: str = "") -> str:
    """Runs it; what to tell about it."""
    board.clear()
    board.exec(SOAK)
    board.exec(f"cases = {case.send(board)}\nm = whit.load({case.path!r}{options})")
    said = board.exec(f"print(soak(m, {count}, cases, {work}))", timeout_s=300)
    wrong, frees = ast.literal_eval(said.splitlines()[-1])
    assert wrong == 0, f"{case.blob.name}: {wrong} of {count} outputs are wrong"
    start, middle, end = frees
    assert middle >= start and end >= start, f"{case.blob.name}: the heap had {frees} bytes free"
    where = " from its file" if options else ""
    return f"{count:,} {work} of {case.blob.name}{where}: 0 wrong, {start:,} B free before and {end:,} B after"


@pytest.mark.parametrize("name", list(CASES))
def test_predictions(board: Board, name: str, tell: Tell) -> None:
    tell("soak: " + _soak(board, _case(CASES[name]()), "predictions", PREDICTIONS))


@pytest.mark.parametrize("name", list(CASES))
def test_runs_allocate_nothing(board: Board, name: str, tell: Tell) -> None:
    tell("soak: " + _soak(board, _case(CASES[name]()), "runs", PREDICTIONS))


@pytest.mark.parametrize("name", ["memory", "all"])
def test_runs_from_the_file(board: Board, name: str, tell: Tell) -> None:
    tell("soak: " + _soak(board, _case(CASES[name]()), "runs", PREDICTIONS // 20, ", stream=True"))


@pytest.mark.parametrize(("name", "times"), [("gesture_basicmotions_cnn1d", 20), ("magic_wand_arduino", 100)])
def test_real_models(name: str, times: int, tell: Tell) -> None:
    path = SHARED / "models" / f"{name}.tflite"
    need(name if path.exists() else "")
    blob = compile_graph(tflite.read(path))
    inputs, outputs = golden("models", name)
    rows = np.array([x.ravel() for x in inputs[:2]])
    case = Case(blob, rows.astype(np.int8), outputs[:2].reshape(len(rows), -1).astype(np.int8))
    with VirtualBoard() as virtual:
        deploy(blob, port=virtual.port)
        with Board(virtual.port) as board:
            tell("soak: " + _soak(board, case, "runs", PREDICTIONS // times))


def test_loads_leave_nothing_behind(board: Board, tell: Tell) -> None:
    board.clear()
    board.exec(SOAK)
    cases = [_case(make()) for make in CASES.values()]
    board.exec("cases = {}")
    for case in cases:
        board.exec(f"cases[{case.path!r}] = {case.send(board)}")
    paths = [case.path for case in cases]
    said = board.exec(f"print(loads({LOADS}, {paths}, cases))", timeout_s=300)
    wrong, frees = ast.literal_eval(said.splitlines()[-1])
    assert wrong == 0
    start, piece, *later = frees
    what = f"free, and its largest piece, three times: {frees}"
    assert all(free >= start for free in later[::2]) and all(largest >= piece - 64 for largest in later[1::2]), what
    tell(f"soak: {LOADS:,} loads: 0 wrong, {start:,} B free before and after, {piece:,} B of it in one piece")
