"""Whole models: every output byte is TensorFlow Lite Micro's, in every form in which the kernels exist."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt
import pytest
from whit.blob import Blob
from whit.compile import compile_graph
from whit.errors import WhitError
from whit.importers import tflite
from whit.simulate import Simulator

from tests.emulated.runtime import Runtime

from .builder import Net
from .device import Device
from .shared import SHARED, golden, names, need

MODELS, LAYERS = "models", "models/layers"
CASES = [(MODELS, name) for name in names(MODELS)] + [(LAYERS, name) for name in names(LAYERS)]

BYTECODE_MACS = 3_000_000  # bytecode does a few million multiplications a second
HEAPS = {"ad01_int8": "600k"}  # its 287 KB are meant for boards with PSRAM


def compiled(folder: str, name: str) -> Blob:
    need(name)
    return compile_graph(tflite.read(SHARED / folder / f"{name}.tflite"))


def check(blob: Blob, folder: str, name: str, run: Callable[[list[npt.NDArray[np.int8]]], list[bytes]], n: int) -> None:
    """The first n golden inputs give the golden outputs, in the model's own dtype."""
    x, y = golden(folder, name)
    assert len(x) == len(y) == 20
    outputs = run([blob.inputs[0].to_int8(one).ravel() for one in x[:n]])
    assert len(outputs) == n
    for i, (got, want) in enumerate(zip(outputs, y, strict=False)):
        mine = blob.outputs[0].from_int8(np.frombuffer(got, np.int8))
        assert mine.dtype == want.dtype
        wrong = np.count_nonzero(mine != want.ravel())
        assert not wrong, f"{name}: input {i}: {wrong} of {want.size} outputs differ"


@pytest.mark.parametrize(("folder", "name"), CASES)
def test_viper_and_bytecode_in_micropython(folder: str, name: str) -> None:
    blob = compiled(folder, name)
    macs = sum(layer.macs for layer in blob.layers)
    # a fresh interpreter: each model has the heap of a board for itself
    with Device(HEAPS.get(name, "190k")) as device:
        check(blob, folder, name, lambda x: device.run(blob, x, "viper"), 20)
        check(blob, folder, name, lambda x: device.run(blob, x, "bytecode"), 20 if macs * 20 < BYTECODE_MACS else 2)


@pytest.mark.parametrize(("folder", "name"), CASES)
def test_numpy_simulator(folder: str, name: str) -> None:
    blob = compiled(folder, name)
    simulator = Simulator(blob)
    check(blob, folder, name, lambda inputs: [simulator.run(x).tobytes() for x in inputs], 20)


@pytest.mark.parametrize(("folder", "name"), CASES)
def test_machine_code_of_32_bit_boards(folder: str, name: str, boards: list[Runtime]) -> None:
    blob = compiled(folder, name)
    for board in boards:
        if board.differs(blob):
            # weights that are kept are used in the second run
            check(blob, folder, name, partial(board.run, blob), 1 if folder == MODELS and not board.expand else 2)


def test_operators_that_cannot_run_are_named_all_at_once() -> None:
    net = Net()
    x = net.tensor((1, 4), 1.0)
    t = net.op("LSH_PROJECTION", [x], net.tensor((1, 4), 1.0))
    t = net.op("RELU", [t], net.tensor((1, 4), 1.0))
    t = net.op("SKIP_GRAM", [t], net.tensor((1, 4), 1.0))
    y = net.op("SKIP_GRAM", [t], net.tensor((1, 4), 1.0))
    with pytest.raises(WhitError) as caught:
        compile_graph(tflite.parse(net.build(x, y), "odd.tflite"))
    assert str(caught.value).startswith("odd.tflite: 3 operators cannot run: ")
    named = re.findall(r"([A-Z0-9_]+) \(layer (\d+)", str(caught.value))
    assert named == [("LSH_PROJECTION", "0"), ("SKIP_GRAM", "2"), ("SKIP_GRAM", "3")]
    assert caught.value.hint and "\n" not in caught.value.hint


def test_the_shared_models_are_those_that_this_file_knows() -> None:
    need(names(MODELS)[0])
    assert (len(names(MODELS)), len(names(LAYERS))) == (13, 52)
