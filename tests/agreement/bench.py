"""Holds every form of the kernels against TensorFlow Lite Micro, case by case."""

from __future__ import annotations

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

Run = Callable[[Blob, list[npt.NDArray[np.int8]]], list[bytes]]


class Refused(Exception):
    """TensorFlow Lite Micro does not prepare the model."""


def reference(case: Case) -> list[Array]:
    """Its outputs."""
    try:
        interpreter = runtime.Interpreter.from_bytes(case.model, arena_size=_ARENA_BYTES)
    except RuntimeError as error:
        raise Refused from error
    outputs = []
    for x in case.inputs:
        interpreter.set_input(x, 0)
        interpreter.invoke()
        outputs.append(np.array(interpreter.get_output(0)))
    return outputs


class Bench:
    """Compares and counts; one per operator."""

    def __init__(self, device: Device, boards: list[Runtime]) -> None:
        self.device = device
        self.boards = boards
        self.ran: dict[str, int] = {}
        self.refused = 0

    def check(self, case: Case) -> None:
        """One case in every form that its size allows; a case that the reference refuses is discarded."""
        blob = compile_graph(tflite.parse(case.model, "case.tflite"))
        try:
            expected = reference(case)
        except Refused:
            self.refused += 1
            assume(False)
        x = [blob.inputs[0].to_int8(one).ravel() for one in case.inputs]
        for form, run in self._forms(blob):
            self.ran[form] = self.ran.get(form, 0) + 1
            for i, (got, want) in enumerate(zip(run(blob, x), expected, strict=True)):
                differ(f"{form}: input {i} of {case.text}", blob, got, want)

    def _forms(self, blob: Blob) -> Iterator[tuple[str, Run]]:
        simulator = Simulator(blob)
        yield "numpy", lambda _, inputs: [simulator.run(x).tobytes() for x in inputs]
        yield "viper", lambda blob, inputs: self.device.run(blob, inputs, "viper")
        work = sum(layer.macs for layer in blob.layers) + blob.arena_bytes
        if work <= _BYTECODE_WORK:
            yield "bytecode", lambda blob, inputs: self.device.run(blob, inputs, "bytecode")
        if work <= _EMULATED_WORK:
            for board in self.boards:
                yield board.arch, board.run


def differ(what: str, blob: Blob, got: bytes, want: Array) -> None:
    """Fails unless the board's bytes, as the model's own numbers, are those of the reference."""
    mine: npt.NDArray[Any] = blob.outputs[0].from_int8(np.frombuffer(got, np.int8))
    theirs = want.ravel()
    assert mine.dtype == theirs.dtype, f"{what}: {mine.dtype}, the reference has {theirs.dtype}"
    wrong = np.flatnonzero(mine != theirs)
    if len(wrong):
        i = wrong[0]
        raise AssertionError(f"{what}: {len(wrong)} of {len(mine)} differ, first at {i}: {mine[i]}, not {theirs[i]}")
