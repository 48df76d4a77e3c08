"""The Thumb kernels on a stock MicroPython: as its inline assembler takes them, and as the code of a .mpy file."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
import pytest
from whit import program
from whit.blob import Blob
from whit.paths import device_root, mpy_root
from whit.simulate import Simulator

from . import mpyfile
from .layers import LAYERS, place, steps
from .microbit import Microbit, missing

KERNELS = {path.stem: path for path in sorted((mpy_root() / "thumb").glob("*.mpy"))}
SOURCE_BYTES = 600  # of machine code that the board can compile: numbers in its 9 KB of heap
CASES = [(kernel, i) for kernel in KERNELS for i in range(len(LAYERS.get(kernel, ())))]


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    absent = missing()
    if absent:
        assert os.environ.get("CI") != "true", f"{absent} is not installed"
        pytest.skip(f"no {absent}")


def code(kernel: str) -> bytes:
    """The machine code in a kernel's .mpy."""
    return mpyfile.parse(KERNELS[kernel].read_bytes()).outer.children[0].code


def compute(board: Microbit, make: Callable[[], Blob], call: str) -> tuple[bytes, bytes]:
    """(what the board gives, what is right) for a model whose kernel `call` runs."""
    blob = make()
    size = blob.records[0][5]
    x = np.random.default_rng(size).integers(-128, 128, size).astype(np.int8)
    for name, content in (("plan", blob.plan), ("data", blob.data), ("arena", place(blob, x.tobytes()))):
        board.put(name, content)
    board.run("x = array('I', [0, addr(plan), 0, addr(arena), 0, addr(data), 0, 0, 0, 0])\nargs = array('I', [id(x)])")
    for offset, _ in steps(blob):
        board.run(f"x[0] = {offset}\n{call}")
    (out,) = (r for r in blob.records if r[0] == program.OUTPUT)
    return board.get(f"arena[{out[4]}:{out[4] + out[5]}]"), Simulator(blob).run(x).tobytes()


@pytest.mark.parametrize("kernel, i", CASES)
def test_the_code_of_the_mpy_file(kernel: str, i: int) -> None:
    with Microbit() as board:
        board.put("code", code(kernel))
        got, want = compute(board, LAYERS[kernel][i], "assert native(code, args) == 1")
        assert got == want


@pytest.mark.parametrize("kernel, i", [case for case in CASES if len(code(case[0])) < SOURCE_BYTES])
def test_the_source_for_the_inline_assembler(kernel: str, i: int) -> None:
    with Microbit() as board:
        board.run((device_root() / "whit" / "thumb" / f"{kernel}.py").read_text())
        got, want = compute(board, LAYERS[kernel][i], "assert run(x) == 0")
        assert got == want


def test_every_kernel_has_a_layer_here() -> None:
    assert {"add", "conv", "lut", "pool"} <= KERNELS.keys() <= LAYERS.keys()
