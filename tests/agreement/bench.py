"""Holds every form of the kernels against TensorFlow Lite Micro, case by case."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import assume
from tflite_micro.python.tflite_micro import runtime
from whit.blob import Blob
from whit.compile import compile_graph
from whit.importers import tflite
from whit.simulate import Simulator

from tests.emulated.runtime import Runtime

from .device import Device
from .draws import Array, Case

_ARENA_BYTES = 1 << 20  # of the reference
_BYTECODE_WORK = 20_000  # multiplications, and bytes of arena
_EMULATED_WORK = 6_000
# one case in so many, of those that are small enough, also runs in the slow forms
_BYTECODE_EVERY = 4
_EMULATED_EVERY = 10

Run = Callable[[Blob, list[npt.NDArray[np.int8]]], list[bytes]]


class Refused(Exception):
    """TensorFlow Lite Micro does not prepare the model."""


def reference(case: Case, outputs: int) -> list[list[Array]]:
    """Its outputs, run by run."""
    if case.expected is not None:
        return case.expected
    try:
        interpreter = runtime.Interpreter.from_bytes(case.model, arena_size=_ARENA_BYTES)
        return [invoke(interpreter, run, outputs) for run in case.runs]
    except RuntimeError as error:
        raise Refused from error


def invoke(interpreter: Any, inputs: tuple[Array, ...], outputs: int) -> list[Array]:
    """All outputs of one run of the reference."""
    for i, x in enumerate(inputs):
        interpreter.set_input(x, i)
    interpreter.invoke()
    return [np.array(interpreter.get_output(i)) for i in range(outputs)]


def to_board(blob: Blob, inputs: tuple[Array, ...]) -> npt.NDArray[np.int8]:
    """All inputs of one run as the board takes them: int8, flat, one after another."""
    return np.concatenate([info.to_int8(x).ravel() for info, x in zip(blob.inputs, inputs, strict=True)])


class Bench:
    """Compares and counts; one per operator."""

    def __init__(self, device: Device, boards: list[Runtime]) -> None:
        self.device = device
        self.boards = boards
        self.ran: dict[str, int] = {}
        self.small: dict[str, int] = {}  # cases that a slow form could run, as far as their size goes
        self.refused = 0
        self._every = False

    def check(self, case: Case) -> None:
        """One case in the forms that it is chosen for; a case that the reference refuses is discarded."""
        blob = compile_graph(tflite.parse(case.model, "case.tflite"))
        try:
            expected = reference(case, len(blob.outputs))
        except Refused:
            self.refused += 1
            assume(False)
        x = [to_board(blob, run) for run in case.runs]
        try:
            for form, run in self._forms(blob, zlib.crc32(case.model)):
                self.ran[form] = self.ran.get(form, 0) + 1
                for i, (got, want) in enumerate(zip(run(blob, x), expected, strict=True)):
                    differ(f"{form}: run {i} of {case.text}", blob, got, want)
        except BaseException:
            self._every = True  # while a failure is made smaller, every form runs
            raise

    def _forms(self, blob: Blob, chance: int) -> Iterator[tuple[str, Run]]:
        simulator = Simulator(blob)
        yield "numpy", lambda _, inputs: [simulator.run(x).tobytes() for x in inputs]
        yield "viper", lambda blob, inputs: self.device.run(blob, inputs, "viper")
        work = sum(layer.macs for layer in blob.layers) + blob.arena_bytes
        if self._chosen("bytecode", work <= _BYTECODE_WORK, chance % _BYTECODE_EVERY):
            yield "bytecode", lambda blob, inputs: self.device.run(blob, inputs, "bytecode")
        if self._chosen("emulated", work <= _EMULATED_WORK, chance % _EMULATED_EVERY):
            for board in self.boards:
                if board.differs(blob):
                    yield board.name, board.run

    def _chosen(self, form: str, small: bool, chance: int) -> bool:
        self.small[form] = self.small.get(form, 0) + small
        return small and (self._every or not chance)


def differ(what: str, blob: Blob, got: bytes, expected: list[Array]) -> None:
    """Fails unless the board's bytes, as the model's own numbers, are those of the reference."""
    values = np.frombuffer(got, np.int8)
    assert len(values) == sum(info.size for info in blob.outputs)
    for info, want in zip(blob.outputs, expected, strict=True):
        mine: npt.NDArray[Any] = info.from_int8(values[: info.size])
        values = values[info.size :]
        theirs = want.ravel()
        assert mine.dtype == theirs.dtype, f"{what}: {mine.dtype}, the reference has {theirs.dtype}"
        wrong = np.flatnonzero(mine != theirs)
        if len(wrong):
            i = wrong[0]
            count = f"{len(wrong)} of {len(mine)} differ"
            raise AssertionError(f"{what}: {info.name}: {count}, first at {i}: {mine[i]}, not {theirs[i]}")
