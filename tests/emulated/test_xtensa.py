"""ESP32 code in qemu-xtensa: viper kernels, and what the emulated board sees."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from whit.blob import Blob
from whit.paths import device_root, mpy_root
from whit.simulate import Simulator

from tests.device import models

from .layers import LAYERS
from .machine import EmulationError
from .runtime import Runtime
from .xtensa import CPUS, Xtensa, load_assembler, missing


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    absent = missing()
    if absent:
        assert os.environ.get("CI") != "true", f"{absent} is not installed"
        pytest.skip(f"no {absent}")


@pytest.fixture(scope="module", params=CPUS)
def viper(request: pytest.FixtureRequest) -> Runtime:
    return Runtime(request.param)


def right(blob: Blob, runtime: Runtime) -> bool:
    """Whether a model gives the right bytes for some input."""
    x = np.random.default_rng(7).integers(-128, 128, blob.records[0][5]).astype(np.int8)
    return runtime.run(blob, [x]) == [Simulator(blob).run(x).tobytes()]


@pytest.mark.parametrize("kernel, i", [(kernel, i) for kernel, makes in LAYERS.items() for i in range(len(makes))])
def test_viper_kernels(kernel: str, i: int, viper: Runtime) -> None:
    assert right(LAYERS[kernel][i](), viper)


@pytest.mark.parametrize("make", [models.everything, models.recurrent])
def test_every_viper_kernel(make: Callable[[], Blob], viper: Runtime) -> None:
    assert right(make(), viper)


# --- the board


def function(board: Xtensa, folder: Path, text: str) -> Any:
    """A viper function with these instructions; a4 is the first of the ten words, a5 the second."""
    path = folder / "k.s"
    path.write_text(
        f"entry a1, 32\nl32i a2, a5, 0\nl32i a2, a2, 12\nl32i a4, a2, 0\nl32i a5, a2, 4\n{text}\nmovi a2, 1\nretw"
    )
    code = load_assembler().Assembler({}).assemble(path)
    return board.load_code("f", code)


@pytest.fixture
def board() -> Xtensa:
    if not (device_root() / "asm").exists():
        pytest.skip("an installed package has no sources of the kernels")
    return Xtensa(counts=True)


def test_it_counts(board: Xtensa, tmp_path: Path) -> None:
    f = function(board, tmp_path, "loop a5, 1f\naddi a4, a4, 1\nnop\n1: nop")
    for n in (1, 7, 100):
        board.call(f, [0, n])
        # five before the loop (and what aligns it), itself, its body, three behind it
        assert board.instructions - 2 * n in (9, 10)


@pytest.mark.parametrize("text", ["l32i a4, a4, 0", "s32i a4, a4, 0", "l8ui a4, a4, 3", "s8i a5, a4, 3"])
def test_accesses_outside_of_buffers(board: Xtensa, tmp_path: Path, text: str) -> None:
    f = function(board, tmp_path, text)
    block = board.buffer(bytes(8))
    board.call(f, [block.addr, 0])  # right
    board.call(f, [block.addr + 4, 0])
    for calls, outside in ((0, 8), (1, -4)):  # buffers lie at the end of a page, then at the start of one
        board = Xtensa()
        f = function(board, tmp_path, text)
        for _ in range(calls):
            board.call(f, [board.buffer(bytes(8)).addr, 0])
        block = board.buffer(bytes(8))
        with pytest.raises(EmulationError, match="Segmentation fault"):
            board.call(f, [block.addr + outside, 0])
            block.read()


def test_bytes_beside_a_buffer(board: Xtensa, tmp_path: Path) -> None:
    f = function(board, tmp_path, "s8i a5, a4, 0")
    for at in (-1, 5):
        block = board.buffer(bytes(5))
        try:
            board.call(f, [block.addr + at, 1])
        except EmulationError:
            board = Xtensa()
            f = function(board, tmp_path, "s8i a5, a4, 0")
            continue
        with pytest.raises(EmulationError, match="writes outside of"):
            block.read()


@pytest.mark.parametrize(
    "text", ["loop a5, 1f\nnop\n1:", "mula.aa.ll a4, a5", "rsr.acclo a4", "ldinc m0, a4", "clamps a4, a4, 7"]
)
def test_what_an_s2_lacks(tmp_path: Path, text: str) -> None:
    for arch in CPUS:
        board = Xtensa(arch)
        f = function(board, tmp_path, text)
        call = [board.buffer(bytes(16)).addr, 1]
        if arch == "xtensawin":
            board.call(f, call)
        else:
            with pytest.raises(EmulationError, match="Illegal instruction"):
                board.call(f, call)


def test_kernels_for_an_s2_need_nothing_else() -> None:
    names = [{path.stem for path in (mpy_root() / family).iterdir()} for family in ("xtensa", "xtensa-s2")]
    assert names[0] - names[1] == {"dense"} and names[1] < names[0]  # conv makes it on an S2


def test_ldinc_is_seen_by_the_next_instruction(tmp_path: Path) -> None:
    # qemu's own blocks, of several instructions, get this wrong
    board = Xtensa()
    text = "movi a6, 0\nmovi a7, 1\nwsr.acclo a6\naddi a3, a4, -4\nldinc m0, a3\n"
    text += "mula.da.ll.ldinc m0, a3, m0, a7\n" * 4 + "rsr.acclo a6\ns32i a6, a4, 0"
    block = board.buffer(bytes([1, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0, 8, 0, 0, 0, 16, 0, 0, 0]))
    board.call(function(board, tmp_path, text), [block.addr, 0])
    assert block.words()[0] == 15
